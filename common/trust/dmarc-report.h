/*
 * NAME
 *	dmarc-report - what a domain's owner is told about mail in the domain's name
 * DESCRIPTION
 *	RFC 9990. Each message that was judged by a policy leaves one row: a line of words that sorts,
 *	so that equal rows can be counted. A day later the rows of one policy domain become one
 *	XML document. What strangers chose is cut and tamed when a row is printed. Pure.
 */
#ifndef COMMON_TRUST_DMARC_REPORT_H
#define COMMON_TRUST_DMARC_REPORT_H

#include "common/base/arena.h"
#include "common/base/str.h"
#include "common/trust/dmarc-record.h"
#include "common/trust/result.h"

enum {
	DMARC_ROW_MAX	= 4096,		/* bytes of one line */
	DMARC_ROW_DKIM	= 10,		/* signatures in it */
};

struct dmarc_row {
	const char		*policy_domain;	/* whose record it was: reports go by this */
	const char		*disposition;	/* "none" "pass" "quarantine" "reject" */
	const char		*reason;	/* "local_policy" "policy_test_mode"; "" */
	const char		*ip;
	const char		*author, *envelope_from;	/* domains */
	bool			 dkim_aligned, spf_aligned;
	enum trust_result	 spf;
	struct { const char *domain, *selector; enum trust_result result; } dkim[DMARC_ROW_DKIM];
	size_t			 dkim_count;
};

/* Appends one line without its end; the policy domain comes first. */
void dmarc_row_print(const struct dmarc_row *r, struct str *out);
/* Memory from a. False: no such line. */
bool dmarc_row_parse(struct span line, struct arena *a, struct dmarc_row *out);

struct dmarc_report {
	const char			*organization, *email;	/* whose report it is */
	const char			*id;
	int64_t begin, end; /* seconds since the epoch; end is the last one */
	const char			*policy_domain;
	const struct dmarc_record	*record;
};

/* The document in three parts. */
void dmarc_report_begin(const struct dmarc_report *r, struct str *xml);
void dmarc_report_row(const struct dmarc_row *r, uint64_t count, struct str *xml);
void dmarc_report_end(struct str *xml);

#endif
