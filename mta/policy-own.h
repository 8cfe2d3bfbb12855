/*
 * NAME
 *	policy-own - what the parts of policy share
 */
#ifndef MTA_POLICY_OWN_H
#define MTA_POLICY_OWN_H

#include "mta/policy.h"

struct finding {
	struct carrier		*c;
	const struct job	*j;
	const struct server	*s;
	struct arena		*a;
	struct tls_policy	*out;
};

/* One more name that the certificate may have. */
void policy_expect(struct tls_want *want, const char *name);
/* For a report; false. */
bool policy_refuse(struct finding *f, enum policy_source source, enum tlsrpt_result result, struct err *e);

/* What the server's TLSA records ask for; RFC 7672 2.2. False: it must not be used. */
bool policy_dane(struct finding *f, enum dane *is, struct err *e);
/* They must be there. */
bool policy_dane_only(struct finding *f, struct err *e);

#endif
