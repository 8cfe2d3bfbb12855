/*
 * NAME
 *	sts - a destination's MTA-STS policy: remembered, or fetched
 * DESCRIPTION
 *	Asks the resolver for the record, mta-hints for what is remembered, and where it must be a fetch
 *	process for the policy (RFC 8461 5.1). trust/sts.h decides. Whatever fails, an answer comes:
 *	the policy that counts, or none.
 */
#ifndef MTA_STS_H
#define MTA_STS_H

#include "common/keeper/role.h"
#include "common/trust/sts.h"
#include "common/trust/tlsrpt.h"

/* Channels of the process; those that are -1 are opened. */
struct sts_asker { struct role_self *self; int *resolver, *hints; };

struct sts_found {
	bool			 counts;
	struct sts_policy	 policy;	/* where counts; memory from a */
	enum tlsrpt_result failed; /* a fetch did, just now; TLSRPT_SUCCESS: none did */
	const char		*trouble;	/* why */
};

/* domain: of sts_domain(). */
void sts_find(struct sts_asker *s, const char *domain, struct arena *a, struct sts_found *out);
/* Fetch it anew, whatever the record says; what we have stays where that fails. RFC 8461 10.2. */
void sts_refresh(struct sts_asker *s, const char *domain, struct sts_entry *entry, struct arena *a);

#endif
