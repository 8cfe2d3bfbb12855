/*
 * NAME
 *	authres - Authentication-Results: what the checks came to, for who reads the message
 * DESCRIPTION
 *	RFC 8601. authres_print() makes the value of our field; authres_claims() finds those
 *	that a stranger wrote in our name, which must go before ours stands there (5). Pure.
 */
#ifndef COMMON_TRUST_AUTHRES_H
#define COMMON_TRUST_AUTHRES_H

#include "common/mail/edit.h"
#include "common/trust/arc.h"
#include "common/trust/dmarc.h"
#include "common/trust/spf.h"

struct authres {
	const char			*us;		/* authserv-id: our host name */
	const struct spf_facts		*who;
	const struct spf_verdict	*spf;
	const struct dkim_verdict	*dkim;
	const struct arc		*arc;
	const struct dmarc_verdict	*dmarc;
	const char			*author;	/* domain of From; "" */
	enum trust_result		 iprev;
};

/* Behind the colon, folded, without the last line end. */
void authres_print(const struct authres *r, struct str *out);
/* Does the value say that it was written by us? One that can not be read might (RFC 8601 5). */
bool authres_claims(struct span value, const char *us);

/*
 * RFC 8601 5: the fields that a stranger wrote in our name go, before something of ours stands there or
 * somebody believes them.
 */
void authres_remove(struct edit *d, const char *us);

/* Does the address have a name that leads back to it? RFC 8601 3: PASS, FAIL, PERMERROR (no name), TEMPERROR. */
enum trust_result iprev_check(const struct address *ip, const struct trust_dns *dns, struct arena *a);

#endif
