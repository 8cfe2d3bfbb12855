/*
 * First byte: what the rest is. A client's words with a token, a JWT against a key, an issuer's answer in HTTP,
 * an URL. Nobody is let in without a signature, and names are whole.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "common/auth/bearer.h"
#include "common/auth/introspect.h"
#include "common/auth/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct token_terms terms = { .issuer = "", .audience = "", .user_claim = "email", .now = 1700000000 };

/* Of RFC 8037 A.2; nobody here has the other half. */
#define KEY	"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"

static void hear_bearer(struct span said)
{
	static const char *const mechanisms[] = { "XOAUTH2", "OAUTHBEARER" };
	struct bearer b;
	struct err e;

	for (size_t i = 0; i < 2; i++) {
		if (bearer_parse(span_of(mechanisms[i]), said, &b, &e))
			assert(b.token.n && b.token.p > said.p &&
			    b.token.p + b.token.n < said.p + said.n + 1);
		else
			assert(e.kind == ERR_PERM && e.text[0]);
	}
}

static void hear_http(struct span all)
{
	struct str body = STR(INTROSPECT_REPLY_MAX);
	char user[AUTH_NAME_MAX] = "";
	unsigned code;
	struct err e;

	if (introspect_reply_parse(all, &code, &body) &&
	    token_check_answer(str_span(&body), &terms, user, &e) == TOKEN_GOOD)
		assert(user[0] && memchr(user, '\0', sizeof user));
	str_free(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, keys;
	struct introspect_url url;
	char user[AUTH_NAME_MAX];
	struct err e;

	switch (n ? *span_take(&in, 1).p : '-') {
	case 'B':
		hear_bearer(in);
		break;
	case 'H':
		hear_http(in);
		break;
	case 'U':
		if (introspect_url_parse(in, &url))
			assert(url.host[0] && url.port[0] && url.path[0] == '/');
		break;
	case 'J':
		assert(token_check_jwt(in, SPAN(KEY), &terms, user, &e) != TOKEN_GOOD);
		break;
	default:
		if (span_cut(&in, '\n', &keys)) /* keys of a stranger's: only not to fall over */
			token_check_jwt(in, keys, &terms, user, &e);
	}
	return 0;
}
