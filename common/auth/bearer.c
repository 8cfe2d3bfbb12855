/* What a client says with a token. See bearer.h. */
#include "common/auth/bearer.h"

enum { SEPARATOR = 1 };			/* RFC 7628 3.1: kvsep */

/* RFC 6750 2.1. */
static bool is_token_char(char c)
{
	return is_alnum(c) || (c && strchr("-._~+/=", c));
}

static bool take_token(struct span value, struct bearer *b)
{
	if (!span_eat(&value, "Bearer "))
		return false;
	while (span_eat_char(&value, ' '))
		;
	b->token = span_while(&value, is_token_char);
	return b->token.n && !value.n;
}

static bool take_user(struct span name, struct bearer *b)
{
	for (size_t i = 0; i < name.n; i++) {
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return false;
	}
	return span_copy(name, b->user, sizeof b->user);
}

/* RFC 5801 4: "=2C" is a comma, "=3D" the sign itself. */
static bool take_authzid(struct span name, struct bearer *b)
{
	size_t n = 0;
	char out[AUTH_NAME_MAX];

	while (name.n && n < sizeof out) {
		if (*name.p != '=')
			out[n++] = *span_take(&name, 1).p;
		else if (span_eat(&name, "=2C"))
			out[n++] = ',';
		else if (span_eat(&name, "=3D"))
			out[n++] = '=';
		else
			return false;
	}
	return !name.n && take_user((struct span){ out, n }, b);
}

/* gs2-header of a mechanism without channel binding. */
static bool eat_header(struct span *in, struct bearer *b)
{
	struct span as;

	if ((!span_eat_char(in, 'n') && !span_eat_char(in, 'y')) || !span_eat_char(in, ',') ||
	    !span_cut(in, ',', &as))
		return false;
	return !as.n || (span_eat(&as, "a=") && take_authzid(as, b));
}

/* Pairs "key=value" with a separator behind each, and one more at the end. */
static bool eat_pairs(struct span in, bool with_user, struct bearer *b)
{
	struct span key, value = { "", 0 };
	bool ends = false;

	while (span_cut(&in, SEPARATOR, &value) && !(ends = !value.n)) {
		if (!span_cut(&value, '=', &key))
			return false;
		if (span_is(key, "auth") && (b->token.n || !take_token(value, b)))
			return false;
		if (with_user && span_is(key, "user") && (*b->user || !take_user(value, b)))
			return false;
	}
	return ends && !in.n && b->token.n;
}

bool bearer_parse(struct span mechanism, struct span said, struct bearer *b, struct err *e)
{
	struct bearer got = { .token = { "", 0 } };
	bool old = span_is(mechanism, "XOAUTH2"), ok;

	if (old)
		ok = eat_pairs(said, true, &got) && *got.user;
	else
		ok = eat_header(&said, &got) && span_eat_char(&said, SEPARATOR) &&
		    eat_pairs(said, false, &got);
	if (!ok)
		return err_perm(e, "5.5.2", "the response is not well formed: %s",
		    old ? "no user and token" : "RFC 7628 3.1");
	*b = got;
	return true;
}
