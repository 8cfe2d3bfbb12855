/*
 * NAME
 *	spf-macro - the macro strings of SPF
 * DESCRIPTION
 *	RFC 7208 7: "%{ir}.%{v}._spf.%{d2}". Pure but for %{p}, which the caller finds out.
 *	A local part beyond ASCII has no place in a DNS name: RFC 8616 4 has a term that
 *	wants it (%{s}, %{l}) match nothing.
 */
#ifndef COMMON_TRUST_SPF_MACRO_H
#define COMMON_TRUST_SPF_MACRO_H

#include <time.h>

#include "common/base/err.h"
#include "common/base/str.h"
#include "common/net/address.h"

struct spf_macro_facts {
	struct address	 ip;
	const char	*helo;
	struct span	 local, sender_domain;	/* of <sender> */
	const char	*domain;		/* <domain>, where we are in the chain of records */
	const char	*receiver;		/* %{r}: who asks */
	time_t		 now;
	/* %{p}: "unknown" where there is none. Asked for only when it is needed. */
	const char	*(*reverse)(void *arg);
	void		*arg;
};

/* Well made? explain: in the text of an explanation, which may hold blanks, and %{c}, %{r}, %{t}. */
bool spf_macro_valid(struct span s, bool explain, struct err *e);
/* Valid, and such that it can become a domain name: it ends in a label that is not all digits, or a macro. */
bool spf_macro_domain(struct span s, struct err *e);
/* Does it want the local part? */
bool spf_macro_wants_local(struct span s);
/* s must be valid; out takes what it can hold (over tells). */
void spf_macro_expand(struct span s, const struct spf_macro_facts *f, struct str *out);
/* Expanded, and shortened from the left to the 253 bytes of a name. RFC 7208 7.3 */
void spf_macro_name(struct span s, const struct spf_macro_facts *f, struct str *out);

#endif
