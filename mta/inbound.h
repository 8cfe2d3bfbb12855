/*
 * NAME
 *	inbound - what the parts of a session behind port 25 share
 * DESCRIPTION
 *	inbound.c has the process, its hooks and its clients; rcpt.c knows who a recipient
 *	is; gate.c judges the client; check.c finds out
 *	whether mail is from whom it says.
 */
#ifndef MTA_INBOUND_H
#define MTA_INBOUND_H

#include "common/keeper/role.h"
#include "common/queue/intake.h"
#include "common/queue/milters.h"
#include "mta/check.h"
#include "mta/gate.h"

struct inbound {
	struct role_self	 self;
	struct station		 station;
	struct wire		 wire;
	struct smtp_terms	 terms;
	struct intake		 intake;
	struct gate		 gate;
	struct check		 check;
	struct milters		 milters;
	uint64_t		 size;		/* that MAIL told; 0 = it did not */
	enum inbound_kind { INBOUND_ANY, INBOUND_KEPT, INBOUND_FORWARDED } kind;	/* of the recipients so far */
	int			 clerk;		/* -1 when not connected */
};

/* --- rcpt.c: the hook for RCPT, and what it asks the clerk --- */

bool inbound_rcpt(struct smtp *s, const struct smtp_rcpt *to, struct err *e);
/*
 * With forward-unverified = refuse: recipients that lead to other servers only are taken in messages of
 * their own, so that such a message can be refused as a whole. Is it, now that its text is known?
 */
bool inbound_forward(struct inbound *in, struct err *e);
/* False when it cannot be told now, too. */
bool inbound_is_our_domain(struct inbound *in, struct span domain);

#endif
