/*
 * NAME
 *	stage - a send process of our own, for a rehearsal
 * DESCRIPTION
 *	A real mta-send in its jail and as its user. We are its keeper: it gets a resolver and fetch
 *	processes of our own, and no memory of what mail met before.
 */
#ifndef MTA_STAGE_H
#define MTA_STAGE_H

#include "common/admin/dns.h"
#include "common/io/packet.h"

enum { STAGE_FETCHERS = 8 };

struct stage {
	const struct conf *conf;
	bool		 verbose;		/* logs go to our standard error */
	struct servant	 send, fetchers[STAGE_FETCHERS];
	size_t		 count;
	struct admin_dns dns;
};

/* conf and verbose are set. When it is open, close it. */
bool stage_open(struct stage *s, struct err *e);
void stage_close(struct stage *s);
/* Its next packet for us, p; requests to its keeper are answered meanwhile. False: it ended, or time did. */
bool stage_next(struct stage *s, struct packet *p, ms_t until, struct err *e);

#endif
