/*
 * NAME
 *	myself - is that address us?
 * DESCRIPTION
 *	A message that we would send to ourselves goes round for ever (5.4.6). We are what
 *	listens: a listener on one address is that address, one on all ("*") is each
 *	address of this machine, all of 127.0.0.0/8 among them; and only on its port.
 *	0.0.0.0 and :: are other names of 127.0.0.1 and ::1 to who connects there.
 */
#ifndef MTA_MYSELF_H
#define MTA_MYSELF_H

#include "common/conf/conf.h"
#include "common/net/address.h"

enum { MYSELF_MAX = 64 };

struct myself {
	struct { struct address ip; unsigned port; bool all; } at[MYSELF_MAX];	/* all: whatever loops back */
	size_t count;
};

void myself_find(struct myself *m, const struct conf_list *listen);	/* asks the kernel: before the jail */
bool myself_is(const struct myself *m, struct span ip, unsigned port);

#endif
