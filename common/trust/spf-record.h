/*
 * NAME
 *	spf-record - what a domain publishes about who may send for it
 * DESCRIPTION
 *	RFC 7208 4.6, 5, 6 and 12: "v=spf1 a mx/24 include:example.net -all". Pure: the
 *	terms point into the text. A mistake anywhere makes the whole record
 *	worthless (4.6), so all of it is read before any of it is obeyed.
 */
#ifndef COMMON_TRUST_SPF_RECORD_H
#define COMMON_TRUST_SPF_RECORD_H

#include "common/base/err.h"
#include "common/net/address.h"
#include "common/trust/result.h"

enum {
	SPF_TERMS_MAX = 512
}; /* a record of the largest answer (64 KiB) could hold more; none needs it */

enum spf_mechanism { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS };

struct spf_term {
	struct span		text;		/* as published, for explanations */
	enum spf_mechanism	mechanism;
	enum trust_result result; /* of its qualifier: + PASS, - FAIL, ~ SOFTFAIL, ? NEUTRAL */
	struct span		target;		/* macro string; empty: the domain itself */
	struct address		ip;		/* of ip4, ip6 */
	unsigned		bits4, bits6;
};

struct spf_record {
	struct spf_term	terms[SPF_TERMS_MAX];
	size_t		count;
	struct span	redirect, explain;	/* macro strings; empty: not there */
};

/* Is this the text of an SPF record? "v=spf1" alone or before a blank. RFC 7208 4.5 */
bool spf_is_record(struct span text);
/* PERM with a sentence that names the term. */
bool spf_record_parse(struct span text, struct spf_record *out, struct err *e);

#define SPF_TERM_FMT	"%.*s"
#define SPF_TERM_ARG(t)	(int)((t)->text.n < 80 ? (t)->text.n : 80), (t)->text.p

#endif
