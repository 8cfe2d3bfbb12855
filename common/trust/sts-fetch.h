/*
 * NAME
 *	sts-fetch - where a domain's MTA-STS policy is, and what a web server's answer says of it
 * DESCRIPTION
 *	RFC 8461 3.3, with the words of RFC 8460 4.3.2.2 for what goes wrong. Pure.
 */
#ifndef COMMON_TRUST_STS_FETCH_H
#define COMMON_TRUST_STS_FETCH_H

#include "common/net/fetch.h"
#include "common/trust/sts.h"
#include "common/trust/tlsrpt.h"

/* Without addresses, which are looked up first. Memory from a. */
struct fetch_job sts_fetch_job(const char *domain, unsigned port, struct arena *a);
/* TLSRPT_SUCCESS: out is the policy. Else *trouble is a sentence. Memory from a. */
enum tlsrpt_result sts_fetch_read(const struct fetch_result *r, struct arena *a,
    struct sts_policy *out, const char **trouble);

#endif
