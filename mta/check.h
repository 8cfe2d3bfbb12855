/*
 * NAME
 *	check - what a session behind port 25 does to know whether mail is from whom it says
 * DESCRIPTION
 *	It asks a check process (trust/check.h): about the sender when the first recipient is known
 *	to be good, about all when the text is whole. The gate gets what comes of it, the header gets
 *	Authentication-Results in the place of what strangers wrote in our name. A process that dies
 *	over a message is asked once more, another one; then all is "temperror", and the message is
 *	taken or put off, by the setting gate/temperror.
 *	Clients that the gate trusts are not checked.
 */
#ifndef MTA_CHECK_H
#define MTA_CHECK_H

#include "common/trust/check.h"
#include "mta/gate.h"

struct check {
	struct role_self	*self;
	struct gate		*gate;
	int			 channel;	/* -1 when not connected */
	bool			 asked;		/* about this sender */
	const char *row; /* of this text, for its author's domain; "" or NULL: none */
	bool			 vouched;	/* by a sealer that we trust */
	enum trust_result	 dmarc;
	enum dmarc_policy	 wanted, policy;
};

void check_begin(struct check *k, struct role_self *self, struct gate *gate);
void check_mail(struct check *k);			/* a new transaction */
void check_sender(struct check *k, const struct intake *in, struct arena *a);
/* After it the gate can judge the text. False: e is the answer. Memory from a. */
bool check_whole(struct check *k, struct intake *in, struct arena *a, struct err *e);
/* What became of the text: noted for the domain that wants reports. */
enum check_fate { CHECK_TAKEN, CHECK_QUARANTINED, CHECK_REFUSED };
void check_told(struct check *k, enum check_fate fate, struct arena *a);
void check_gone(struct check *k);			/* the client is */

#endif
