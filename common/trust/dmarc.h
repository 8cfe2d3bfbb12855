/*
 * NAME
 *	dmarc - is the author's domain the one that SPF or DKIM vouches for?
 * DESCRIPTION
 *	RFC 9989: the author domain of From (4.3), the DNS tree walk (4.10), policy discovery and
 *	alignment, t=y. Names are A-labels in lower case (net/idna.h). What a stranger sends
 *	can cost no more than DMARC_WALKS walks of eight questions.
 * DIAGNOSTICS
 *	NONE no record, or nothing to look for; PASS; FAIL; TEMPERROR the DNS could not tell
 *	(unless what it could tell is enough for PASS); PERMERROR several author domains, or none that is one.
 */
#ifndef COMMON_TRUST_DMARC_H
#define COMMON_TRUST_DMARC_H

#include "common/mail/header.h"
#include "common/trust/dmarc-record.h"
#include "common/trust/dns.h"
#include "common/trust/result.h"

enum {
	DMARC_WALK_MAX = 8, /* RFC 9989 4.10: questions of one walk */
	DMARC_WALKS = 12, /* domains whose organization is looked for, for one message */
};

/*
 * The domain of the one author, "" when no address stands there. PERM with a sentence: more than one can
 * be seen in it, several From fields or domains, or what is no domain; or it may hide behind too many fields.
 */
bool dmarc_author(const struct header *h, struct arena *a, const char **domain, struct err *e);

/* A domain that something vouched for. */
struct dmarc_vouch { const char *domain; enum trust_result result; };

struct dmarc_facts {
	const char			*author;	/* domain of From */
	struct dmarc_vouch		 spf;		/* domain "": none */
	const struct dmarc_vouch	*dkim;
	size_t				 dkim_count;
};

struct dmarc_verdict {
	enum trust_result	result;
	const char		*why;
	const char		*organization;	/* of the author; "" when there is no record */
	const char		*published_at;	/* the domain whose record counts, "" without */
	struct dmarc_record	record;
	enum dmarc_policy wanted; /* of p, sp, np: the one that is about this message */
	enum dmarc_policy	policy;		/* the same, milder where t=y only tests it */
	bool			spf_aligned, dkim_aligned;
};

/* Memory from a. */
void dmarc_check(const struct dmarc_facts *f, const struct trust_dns *dns, struct arena *a,
    struct dmarc_verdict *out);
/* The organization that a domain (A-labels, lower case) belongs to, as far as DNS tells: RFC 9989 4.10.2. */
const char *dmarc_organization(const char *domain, const struct trust_dns *dns, struct arena *a);
/* 'dmarc=fail (p=reject) reason="..." header.from=example.org' for Authentication-Results, without "dmarc=". */
void dmarc_print(const struct dmarc_verdict *v, const char *author, struct str *out);

#endif
