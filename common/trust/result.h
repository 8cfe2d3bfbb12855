/*
 * NAME
 *	result - what a check of a message can come to
 * DESCRIPTION
 *	One set of words for SPF (RFC 7208 2.6), DKIM, DMARC, iprev and auth (RFC 8601 2.7),
 *	as Authentication-Results writes them. Not each check can come to each result.
 */
#ifndef COMMON_TRUST_RESULT_H
#define COMMON_TRUST_RESULT_H

#include "common/base/str.h"

enum trust_result {
	TRUST_NONE,			/* nothing to check, or not checked */
	TRUST_NEUTRAL,
	TRUST_PASS,
	TRUST_FAIL,
	TRUST_SOFTFAIL,
	TRUST_POLICY,			/* it would pass, but we do not accept such */
	TRUST_TEMPERROR,		/* may be known later */
	TRUST_PERMERROR,		/* what was published or signed makes no sense */
	TRUST_RESULTS
};

const char *trust_result_name(enum trust_result r);	/* "none" "neutral" "pass" ... */
/* ' reason="the body was changed"' of RFC 8601 2.2; nothing for no words. They may be a stranger's. */
void trust_reason_print(const char *words, struct str *out);

#endif
