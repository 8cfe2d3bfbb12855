/*
 * NAME
 *	dkim-signature - what a DKIM-Signature field says
 * DESCRIPTION
 *	RFC 6376 3.5 with RFC 8301 and 8463. A signature that can not be used is told with the
 *	result it comes to: TRUST_NEUTRAL for one that is written badly, TRUST_PERMERROR for one
 *	that is written well and is of no use (RFC 8601 2.7.1). Pure.
 */
#ifndef COMMON_TRUST_DKIM_SIGNATURE_H
#define COMMON_TRUST_DKIM_SIGNATURE_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/trust/canon.h"
#include "common/trust/key.h"
#include "common/trust/result.h"

enum {
	DKIM_FIELD_MAX	= 65536,	/* bytes of one field; real ones have 2000 */
	DKIM_NAMES_MAX	= 1000,		/* names in h=; real ones have 40 */
};

struct dkim_signature {
	enum key_kind	kind;		/* of a= */
	struct span	algorithm;	/* a= as written */
	struct span	domain, selector;	/* d= s= */
	struct span	identity;	/* i=, decoded; "@domain" where it is not given */
	struct span	names;		/* h=: a list for tag_word() */
	struct span	signature, body_hash;	/* b= bh=, decoded */
	struct span	written;	/* b= as written, without blanks */
	struct span	raw;		/* where the value of b= stands in the field */
	enum canon	header, body;	/* c= */
	bool		has_length;
	uint64_t	length;		/* l= */
	uint64_t	signed_at, expires;	/* t= x=; 0: not given */
};

/* ARC's fields are written alike (RFC 8617 4.1): without v=, and with another meaning of i=. A seal has no h= and bh=. */
enum dkim_flavour { DKIM_PLAIN, DKIM_ARC_MESSAGE, DKIM_ARC_SEAL };

/*
 * value: of the field, folded. Memory from a. TRUST_NONE: it can be used. Else why: PERM
 * 5.7.7, and of out what was read so far (empty where it was not).
 */
enum trust_result dkim_signature_parse(struct span value, enum dkim_flavour flavour,
    struct arena *a, struct dkim_signature *out, struct err *why);

/* Is it in its time? TRUST_NONE, or why not. skew_s: how wrong clocks may be. */
enum trust_result dkim_signature_timely(const struct dkim_signature *s, uint64_t now, unsigned skew_s, struct err *why);

/* May the identity speak for the domain: the same, or (unless strict) below it? */
bool dkim_identity_ok(struct span identity, struct span domain, bool strict);

#endif
