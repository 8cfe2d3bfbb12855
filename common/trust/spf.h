/*
 * NAME
 *	spf - may this address send for that domain?
 * DESCRIPTION
 *	RFC 7208 whole: check_host() for MAIL FROM (2.4) or, with the null sender, for
 *	HELO (2.3). Names must be in A-labels (net/idna.h). What a stranger publishes can
 *	cost no more than the limits of 4.6.4: ten terms that ask, two answers without data,
 *	ten names of one MX or PTR answer, and the time until.
 * DIAGNOSTICS
 *	NONE no record, or nothing that could have one; NEUTRAL, PASS, FAIL, SOFTFAIL what the
 *	record says; TEMPERROR the DNS did not answer, or too late; PERMERROR the record is
 *	wrong or passes a limit. why is a sentence about it in each case.
 */
#ifndef COMMON_TRUST_SPF_H
#define COMMON_TRUST_SPF_H

#include "common/net/address.h"
#include "common/os/clock.h"
#include "common/trust/dns.h"
#include "common/trust/result.h"

enum {
	SPF_LOOKUPS_MAX	= 10,		/* RFC 7208 4.6.4 */
	SPF_VOIDS_MAX	= 2,		/* likewise */
	SPF_NAMES_MAX	= 10,		/* likewise: of one MX or PTR answer */
	SPF_EXPLAIN_MAX	= 500,		/* of a reply, after the macros */
};

struct spf_facts {
	struct address	 ip;
	const char	*helo;		/* as said; "" when nothing was */
	const char *sender; /* MAIL FROM, canonical; "" = null: HELO is checked, as postmaster */
	const char	*receiver;	/* our name, for explanations */
	time_t		 now;
	ms_t		 until;		/* then it is TEMPERROR */
	/* Each step as a sentence, for people who ask why; or NULL. depth: includes and redirects so far. */
	void		(*step)(void *arg, unsigned depth, const char *sentence);
	void		*arg;
};

struct spf_verdict {
	enum trust_result result;
	const char	*domain;	/* whose record was asked for */
	const char	*why;		/* "-all of example.org", "two many ..." */
	const char
	    *explanation; /* FAIL: what the domain wants the sender to be told, tamed; else "" */
	unsigned	 lookups, voids;
};

/* Memory from a, also all DNS answers: at most some 100 of up to 64 KiB. */
void spf_check(const struct spf_facts *facts, const struct trust_dns *dns, struct arena *a,
    struct spf_verdict *out);
/*
 * A domain in A-labels, a sender with its domain in them: what spf_facts wants (RFC 8616). What
 * cannot be turned stays as it is, and will have no record.
 */
const char *spf_ascii_name(struct span name, struct arena *a);
const char *spf_ascii_sender(const char *sender, struct arena *a);

/* The value of the field Received-SPF, behind its colon: folded, without the last line end. RFC 7208 9.1 */
void spf_print_received(const struct spf_facts *facts, const struct spf_verdict *v, struct str *out);

#endif
