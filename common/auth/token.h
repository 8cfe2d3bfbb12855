/*
 * NAME
 *	token - is this token good, and whose is it
 * DESCRIPTION
 *	A token that is a JWT (RFC 7519) is checked against the keys of its issuer (JWKS, RFC 7517), any
 *	other by asking the issuer (RFC 7662), whose answer is read here too. What it claims must hold: time,
 *	issuer, audience, scope. Which algorithms there are the key says and our list, never the token
 *	alone: RS256, PS256, ES256, EdDSA. Pure; the clock is an argument.
 */
#ifndef COMMON_AUTH_TOKEN_H
#define COMMON_AUTH_TOKEN_H

#include "common/auth/record.h"
#include "common/base/err.h"
#include "common/base/str.h"

enum {
	TOKEN_LEEWAY_S = 60,
	TOKEN_KEYS_MAX = 100
}; /* clocks differ; an issuer has a handful of keys */

/* What a token must have; "" is anything. */
struct token_terms {
	const char		*issuer, *audience;
	const char *const	*scopes;		/* all of them */
	size_t			 scope_count;
	const char		*user_claim;		/* "email" */
	int64_t			 now;
};

enum token_verdict { TOKEN_GOOD, TOKEN_BAD, TOKEN_TOO_NARROW };	/* the last: a scope is missing */

bool token_is_jwt(struct span token);		/* three words with dots between */
enum token_verdict token_check_jwt(struct span token, struct span jwks, const struct token_terms *t,
    char user[AUTH_NAME_MAX], struct err *e);
/* The answer of an introspection endpoint, RFC 7662 2.2. */
enum token_verdict token_check_answer(struct span json, const struct token_terms *t, char user[AUTH_NAME_MAX],
    struct err *e);
/* What the client hears: RFC 7628 3.2.2, or for XOAUTH2 what that has in its place. */
void token_error(struct span mechanism, enum token_verdict v, const struct token_terms *t,
    const char *configuration_url, struct str *json);

#endif
