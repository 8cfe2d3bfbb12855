/*
 * NAME
 *	tlsrpt - what came of TLS with a server
 * DESCRIPTION
 *	common/trust/tlsrpt.h has the rows, mta-hints keeps them for the report of the day. Called
 *	once for each connection that came to a point where TLS could have begun, and for each server
 *	that was left out because of a policy; with what RFC 8460 4.4 wants to know.
 */
#ifndef MTA_TLSRPT_H
#define MTA_TLSRPT_H

#include "mta/policy.h"

struct tls_attempt {
	const struct job	*job;
	const struct tls_policy	*policy;
	enum tlsrpt_result	 result;
	const char		*why;		/* failure-reason-code: a sentence, or "" */
	const char *mx, *ip,
	    *from; /* receiving host, receiving and sending address; "" not connected */
};

void tlsrpt_note(struct carrier *c, const struct tls_attempt *t);
/* The destination's MTA-STS policy could not be had. RFC 8460 4.3.2.2 */
void tlsrpt_note_fetch(struct carrier *c, const char *domain, enum tlsrpt_result result,
    const char *why);

#endif
