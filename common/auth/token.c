/* Tokens and their claims. See token.h. */
#include "common/auth/token.h"

#include <jansson.h>

#include "common/auth/signature.h"

static enum token_verdict bad(struct err *e, const char *why)
{
	err_perm(e, "5.7.8", "the token is no good: %s", why);
	return TOKEN_BAD;
}

static json_t *parse(struct span text)
{
	json_t *j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}

static struct span text_of(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return json_is_string(v) ? (struct span){ json_string_value(v), json_string_length(v) } : (struct span){ "", 0 };
}

/* --- claims --- */

/* A number of seconds; a fraction is cut off. False: not there. */
static bool time_of(const json_t *claims, const char *key, double *when)
{
	const json_t *v = json_object_get(claims, key);

	*when = json_is_number(v) ? json_number_value(v) : 0;
	return json_is_number(v);
}

/* A string, or an array of them (RFC 7519 4.1.3). */
static bool names(const json_t *v, struct span want)
{
	if (json_is_string(v))
		return span_same((struct span){ json_string_value(v), json_string_length(v) }, want);
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (json_is_string(json_array_get(v, i)) && names(json_array_get(v, i), want))
			return true;
	}
	return false;
}

/* "scope", words with blanks between (RFC 8693 4.2), or "scp", which some issuers have, words too or an array. */
static bool has_scope(const json_t *claims, const char *want)
{
	static const char *const keys[] = { "scope", "scp" };

	for (size_t i = 0; i < 2; i++) {
		struct span words = text_of(claims, keys[i]), word;

		while ((word = span_word(&words)).n) {
			if (span_same(word, span_of(want)))
				return true;
		}
		if (json_is_array(json_object_get(claims, keys[i])) &&
		    names(json_object_get(claims, keys[i]), span_of(want)))
			return true;
	}
	return false;
}

/* OpenID Connect Core 5.1: true; some issuers write it as a string, and some leave it out. */
static bool may_be_verified(const json_t *said)
{
	return !said || json_is_true(said) ||
	    (json_is_string(said) && strcmp(json_string_value(said), "true") == 0);
}

static enum token_verdict take_user(const json_t *claims, const struct token_terms *t, char user[AUTH_NAME_MAX],
    struct err *e)
{
	struct span name = text_of(claims, t->user_claim);

	for (size_t i = 0; i < name.n; i++) {
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return bad(e, "no name can have control characters");
	}
	if (!name.n || !span_copy(name, user, AUTH_NAME_MAX))
		return bad(e, "it names no user");
	if (strcmp(t->user_claim, "email") == 0 &&
	    !may_be_verified(json_object_get(claims, "email_verified")))
		return bad(e, "its address is not verified");
	return TOKEN_GOOD;
}

static enum token_verdict judge(const json_t *claims, const struct token_terms *t, bool must_end,
    char user[AUTH_NAME_MAX], struct err *e)
{
	double when;
	bool ends = time_of(claims, "exp", &when);

	if ((must_end && !ends) || (ends && when <= (double)(t->now - TOKEN_LEEWAY_S)))
		return bad(e, ends ? "it has expired" : "it does not say when it expires");
	if (time_of(claims, "nbf", &when) && when > (double)(t->now + TOKEN_LEEWAY_S))
		return bad(e, "its time has not come");
	if (*t->issuer && !span_same(text_of(claims, "iss"), span_of(t->issuer)))
		return bad(e, "another issuer");
	if (*t->audience && !names(json_object_get(claims, "aud"), span_of(t->audience)))
		return bad(e, "it is meant for somebody else");
	for (size_t i = 0; i < t->scope_count; i++) {
		if (has_scope(claims, t->scopes[i]))
			continue;
		err_perm(e, "5.7.8", "the token does not have the scope %.100s", t->scopes[i]);
		return TOKEN_TOO_NARROW;
	}
	return take_user(claims, t, user, e);
}

/* --- JWT --- */

struct jwt { struct span header, claims, signature, signed_part; };

static bool split(struct span token, struct jwt *j)
{
	struct span all = token;

	if (!span_cut(&token, '.', &j->header) || !span_cut(&token, '.', &j->claims) ||
	    span_has(token, '.'))
		return false;
	j->signature = token;
	j->signed_part = span_to(all, all.n - token.n - 1);
	return j->header.n && j->claims.n && j->signature.n;
}

bool token_is_jwt(struct span token)
{
	struct jwt j;

	return split(token, &j);
}

static bool may_be(const json_t *key, struct span kid, struct span alg)
{
	struct span use = text_of(key, "use"), only = text_of(key, "alg");

	return (!kid.n || span_same(text_of(key, "kid"), kid)) &&
	    (!use.n || span_same(use, SPAN("sig"))) && (!only.n || span_same(only, alg));
}

static bool is_signed(const struct jwt *j, const json_t *header, const json_t *keys)
{
	struct span kid = text_of(header, "kid"), alg = text_of(header, "alg");
	struct str signature = STR(AUTH_MESSAGE_MAX);
	bool good = false, ok = signature_decode(j->signature, &signature);

	for (size_t i = 0; ok && !good && i < json_array_size(keys) && i < TOKEN_KEYS_MAX; i++) {
		const json_t *key = json_array_get(keys, i);

		if (json_is_object(key) && may_be(key, kid, alg))
			good = signature_is_good(alg, key, j->signed_part, str_span(&signature));
	}
	str_free(&signature);
	return good;
}

static json_t *decode(struct span part)
{
	struct str text = STR(AUTH_MESSAGE_MAX);
	json_t *j = signature_decode(part, &text) ? parse(str_span(&text)) : NULL;

	if (text.cap)
		explicit_bzero(text.p, text.cap);
	str_free(&text);
	return j;
}

/* "crit" names what must be understood, and we understand none of it (RFC 7515 4.1.11). */
static enum token_verdict check(const struct jwt *j, const json_t *header, const json_t *claims,
    const json_t *jwks, const struct token_terms *t, char user[AUTH_NAME_MAX], struct err *e)
{
	if (!json_is_array(json_object_get(jwks, "keys"))) {
		err_temp(e, "4.7.0", "the file of keys is no JWKS (RFC 7517)");
		return TOKEN_BAD;
	}
	if (!header || !claims || json_object_get(header, "crit"))
		return bad(e, "it is not well formed, or needs what we do not know");
	if (!is_signed(j, header, json_object_get(jwks, "keys")))
		return bad(e, "none of our issuer's keys has signed it");
	return judge(claims, t, true, user, e);
}

enum token_verdict token_check_jwt(struct span token, struct span jwks, const struct token_terms *t,
    char user[AUTH_NAME_MAX], struct err *e)
{
	json_t *header, *claims, *keys;
	enum token_verdict v;
	struct jwt j;

	if (!split(token, &j))
		return bad(e, "it is no JWT");
	header = decode(j.header);
	claims = decode(j.claims);
	keys = parse(jwks);
	v = check(&j, header, claims, keys, t, user, e);
	json_decref(header);
	json_decref(claims);
	json_decref(keys);
	return v;
}

/* --- RFC 7662 --- */

enum token_verdict token_check_answer(struct span json, const struct token_terms *t, char user[AUTH_NAME_MAX],
    struct err *e)
{
	json_t *answer = parse(json);
	enum token_verdict v;

	if (!answer) {
		err_temp(e, "4.7.0", "the introspection endpoint answered no JSON object");
		return TOKEN_BAD;
	}
	v = json_is_true(json_object_get(answer, "active")) ? judge(answer, t, false, user, e) :
	    bad(e, "its issuer says that it is not active");
	json_decref(answer);
	return v;
}

/* --- what the client hears --- */

void token_error(struct span mechanism, enum token_verdict v, const struct token_terms *t,
    const char *configuration_url, struct str *out)
{
	bool old = span_is(mechanism, "XOAUTH2");
	struct str scopes = STR(300);
	json_t *j = json_object();
	char *text;

	for (size_t i = 0; i < t->scope_count; i++)
		str_addf(&scopes, "%s%s", i ? " " : "", t->scopes[i]);
	json_object_set_new(j, "status", json_string(old ? (v == TOKEN_TOO_NARROW ? "403" : "401") :
	    v == TOKEN_TOO_NARROW ? "insufficient_scope" : "invalid_token"));
	if (old)
		json_object_set_new(j, "schemes", json_string("bearer"));
	if (scopes.n)
		json_object_set_new(j, "scope", json_string(scopes.p));
	if (!old && *configuration_url)
		json_object_set_new(j, "openid-configuration", json_string(configuration_url));
	text = json_dumps(j, JSON_COMPACT);
	str_add_text(out, text ? text : "{\"status\":\"invalid_token\"}");
	free(text);
	json_decref(j);
	str_free(&scopes);
}
