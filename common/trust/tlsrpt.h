/*
 * NAME
 *	tlsrpt - how TLS went with a domain's servers, for the domain's owner: RFC 8460
 * DESCRIPTION
 *	Each connection to another server leaves a row: a line of words, the domain first, so that the
 *	rows of a domain stand together when a day is sorted. A day later they become sums, one for
 *	each policy, with a detail for each way to fail, and these a JSON document (tlsrpt-json.c, which
 *	also reads those of others). Sums are bounded: what has no room any more is only counted. Pure.
 */
#ifndef COMMON_TRUST_TLSRPT_H
#define COMMON_TRUST_TLSRPT_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/trust/dns.h"

/* --- the record: RFC 8460 3 --- */

enum { TLSRPT_RUA_MAX = 2048 };

/* "v=TLSRPTv1; rua=mailto:a@b.test,https://c.test/x". False: none that can be used. rua points into text. */
bool tlsrpt_record_parse(struct span text, struct span *rua);
/* The text goes into out, where rua points to. */
bool tlsrpt_record_find(const struct dns_answer *txt, struct str *out, struct span *rua);
/* Eat one URI of rua, without blanks around it. */
bool tlsrpt_eat_uri(struct span *rua, struct span *uri);
/* "mailto:a%40b.test?x=y" -> "a@b.test". Memory from a; NULL: another kind of URI. */
const char *tlsrpt_mailto(struct span uri, struct arena *a);
/* "https://c.test:8443/x?y" -> "c.test", 8443 (or what port was before), "/x?y". */
bool tlsrpt_https(struct span uri, struct arena *a, const char **host, unsigned *port,
    const char **path);

/* --- rows --- */

enum tlsrpt_policy { TLSRPT_NO_POLICY, TLSRPT_STS, TLSRPT_TLSA };	/* RFC 8460 4.2 */

enum tlsrpt_result {			/* RFC 8460 4.3 */
	TLSRPT_SUCCESS,
	TLSRPT_NO_STARTTLS, TLSRPT_HOST_MISMATCH, TLSRPT_EXPIRED, TLSRPT_NOT_TRUSTED,
	TLSRPT_VALIDATION, TLSRPT_TLSA_INVALID, TLSRPT_DNSSEC_INVALID, TLSRPT_DANE_REQUIRED,
	TLSRPT_STS_FETCH, TLSRPT_STS_INVALID, TLSRPT_STS_WEBPKI,
	TLSRPT_RESULTS
};

const char *tlsrpt_result_name(enum tlsrpt_result r); /* "starttls-not-supported"; "" for success */

enum { TLSRPT_ROW_MAX = 6000, TLSRPT_STRING_MAX = 3000 };

/* Texts are never NULL; "" for what is not known. */
struct tlsrpt_row {
	const char		*domain;	/* of the recipients */
	uint64_t		 count;		/* sessions that were all the same */
	enum tlsrpt_policy	 policy;
	const char		*policy_domain;	/* the domain, or the MX host whose TLSA records it were (RFC 8460 1.1) */
	const char		*policy_string;	/* lines: the policy as it was published */
	enum tlsrpt_result	 result;
	/* of a failure */
	const char		*mx, *ip, *source, *helo;	/* theirs, and our address */
	const char		*reason;	/* a few words of ours */
};

/* Appends one line without its end. */
void tlsrpt_row_print(const struct tlsrpt_row *r, struct str *out);
/* Memory from a. */
bool tlsrpt_row_parse(struct span line, struct arena *a, struct tlsrpt_row *out);
/* The same row, but its count, which is cut out: what to look for when two are to be one. */
bool tlsrpt_row_count(struct span line, struct span *domain, uint64_t *count, struct span *rest);

/* --- sums --- */

enum { TLSRPT_SUMS_MAX = 100, TLSRPT_DETAILS_MAX = 1000, TLSRPT_MX_MAX = 100, TLSRPT_TEXT = 255,
	TLSRPT_READ_MAX = 8 << 20 };

struct tlsrpt_detail {
	struct tlsrpt_detail	*next;
	const char *result, *mx, *ip, *source, *helo, *reason,
	    *more; /* more: additional-information */
	uint64_t		 count;
};

struct tlsrpt_sum {
	const char		*policy, *domain;	/* "sts", "example.org" */
	const char		*string;		/* lines */
	const char		*mx[TLSRPT_MX_MAX];
	size_t			 mx_count;
	uint64_t		 good, bad;
	struct tlsrpt_detail	*details, **end;
};

struct tlsrpt_report {
	const char		*organization, *contact, *id;
	int64_t			 begin, end;		/* end: the last second */
	struct tlsrpt_sum	*sums[TLSRPT_SUMS_MAX];
	size_t			 count, details;	/* details of all sums */
	struct arena		*arena;
};

struct tlsrpt_report *tlsrpt_new(struct arena *a);
void tlsrpt_add(struct tlsrpt_report *r, const struct tlsrpt_row *row);	/* copies what it keeps */

/* The document of RFC 8460 4.4, as I-JSON (RFC 7493). False: out has no room. */
bool tlsrpt_print(const struct tlsrpt_report *r, struct str *out);
/* Somebody else's. Memory from a; texts are cut and tamed. PERM when it is no report. */
bool tlsrpt_read(struct span json, struct arena *a, struct tlsrpt_report **out, struct err *e);

#endif
