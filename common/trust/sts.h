/*
 * NAME
 *	sts - how a domain wants its mail to come: MTA-STS, RFC 8461
 * DESCRIPTION
 *	The TXT record at _mta-sts.DOMAIN says that there is a policy, and which; the policy is a text
 *	at https://mta-sts.DOMAIN/.well-known/mta-sts.txt. What was fetched once is kept: an entry, which
 *	is a text that a person can read too, an "id:", "fetched:" and so on a line, an empty line, the
 *	policy. sts_next() and sts_learn() are all that decides about it. Pure.
 */
#ifndef COMMON_TRUST_STS_H
#define COMMON_TRUST_STS_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/trust/dns.h"

enum {
	STS_POLICY_MAX	= 64000,	/* bytes; RFC 8461 3.3 */
	STS_MX_MAX	= 100,
	STS_ID		= 33,		/* 32 characters */
	STS_AGE_MAX	= 31557600,	/* seconds, RFC 8461 3.2: a year */
	STS_ENTRY_MAX	= 32768,
	STS_RETRY_S	= 300,		/* a fetch that failed is tried again after this: RFC 8461 3.3 */
	STS_REFRESH_S	= 86400,	/* fetched anew, though the id is the same: RFC 8461 10.2 */
	STS_UNUSED_S	= 30 * 86400,	/* then it is no longer refreshed, and runs out */
};

/* --- the record --- */

/* "v=STSv1; id=20160831085700Z;" False: none that can be used, which is as if there was none. */
bool sts_record_parse(struct span text, char id[STS_ID]);
bool sts_record_find(const struct dns_answer *txt, char id[STS_ID]);

/* --- the policy --- */

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

struct sts_policy {
	enum sts_mode	 mode;
	uint32_t	 max_age;	/* seconds */
	size_t		 count;
	const char	*mx[STS_MX_MAX];	/* "mx.example.org", "*.example.org"; clean names */
};

const char *sts_mode_name(enum sts_mode mode);
/* Memory from a. PERM says what is wrong with it. */
bool sts_policy_parse(struct span text, struct arena *a, struct sts_policy *out, struct err *e);
/* As we would have written it, a field a line, LF at the end of each. */
void sts_policy_print(const struct sts_policy *p, struct str *out);
/* RFC 8461 4.1. The pattern that has this host (a clean name), or NULL. */
const char *sts_policy_has(const struct sts_policy *p, const char *host);

/* --- what is known of a domain --- */

struct sts_entry {
	char			 id[STS_ID];	/* of the record when the policy was fetched; "" */
	int64_t			 fetched;	/* seconds since the epoch; 0: there is no policy */
	int64_t			 tried;		/* the last fetch, good or bad */
	int64_t			 used;		/* by a message, to the day */
	const char		*trouble;	/* of the last fetch; "" */
	struct sts_policy	 policy;
};

/* Memory from a. False: no such text; what it says is of no use. */
bool sts_entry_parse(struct span text, struct arena *a, struct sts_entry *out);
/* The file of that domain. False: none that can be read; directory may be -1. */
bool sts_entry_read(int directory, const char *domain, struct arena *a, struct sts_entry *out);
void sts_entry_print(const struct sts_entry *s, struct str *out);
/* Is there a policy that counts at this time? */
bool sts_entry_counts(const struct sts_entry *s, int64_t now);

enum sts_step { STS_GO_WITHOUT, STS_GO_WITH, STS_FETCH };
/* id: of the record, "" when there is none or DNS does not say: then what we have goes on to count. RFC 8461 5.1 */
enum sts_step sts_next(const struct sts_entry *s, const char *id, int64_t now);
/* A fetch came to an end: policy, or NULL and why not. The old policy stays in that case. RFC 8461 3.3 */
void sts_learn(struct sts_entry *s, const char *id, const struct sts_policy *policy,
    const char *trouble, int64_t now);
/* Is it time to fetch the policy anew, without a message at hand? */
bool sts_is_stale(const struct sts_entry *s, int64_t now);

/* A domain whose policy can be asked for: a clean name of two labels or more, short enough for "mta-sts." and a file. */
bool sts_domain(struct span text, char domain[DNS_NAME]);

#endif
