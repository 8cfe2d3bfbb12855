/* The client's half of SASL. See sasl-client.h. */
#include "common/auth/sasl-client.h"

#include "common/auth/prep.h"
#include "common/auth/verifier.h"
#include "common/mail/encoding.h"

enum { WORDS_MAX = 4096 };

static const struct { const char *name; bool shows; enum digest digest; } mechanisms[] = {
	{ "SCRAM-SHA-256", true, DIGEST_SHA256 },
	{ "SCRAM-SHA-1", true, DIGEST_SHA1 },
	{ "PLAIN", false, 0 },
	{ "LOGIN", false, 0 },
};

static bool nonsense(struct err *e, const char *what)
{
	return err_temp(e, "4.7.0", "the server's part of the login makes no sense: %s", what);
}

/* --- the start --- */

static bool is_offered(struct span words, const char *name)
{
	struct span word;

	while ((word = span_word(&words)).n) {
		if (span_is(word, name))
			return true;
	}
	return false;
}

static bool choose(struct sasl_client *s, struct span offered, struct err *e)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
		if (!is_offered(offered, mechanisms[i].name))
			continue;
		s->mechanism = mechanisms[i].name;
		s->shows = mechanisms[i].shows;
		s->digest = mechanisms[i].digest;
		return true;
	}
	return err_temp(e, "4.7.0",
	    "the server offers no way to log in that we know, but \"" SPAN_FMT "\"",
	    SPAN_ARG(span_to(offered, 100)));
}

/* RFC 5802 5.1: a comma and the sign itself. */
static void add_name(struct str *out, const char *name)
{
	for (; *name; name++) {
		if (*name == ',')
			str_add_text(out, "=2C");
		else if (*name == '=')
			str_add_text(out, "=3D");
		else
			str_add_char(out, *name);
	}
}

/* What SASLprep does not want goes as it was written: the server decides. */
static bool keep(const char *text, char *buf)
{
	return prep(span_of(text), false, buf, SASL_CLIENT_SECRET) ||
	    span_copy(span_of(text), buf, SASL_CLIENT_SECRET);
}

bool sasl_client_begin(struct sasl_client *s, struct span offered, const char *user,
    const char *password, struct span nonce, struct err *e)
{
	*s = (struct sasl_client){ .first = STR(WORDS_MAX) };
	if (!choose(s, offered, e))
		return false;
	if (!keep(user, s->user) || !keep(password, s->password))
		return err_temp(e, "4.3.5", "its name or password is too long");
	if (s->shows) {
		str_add_text(&s->first, "n,,n=");
		add_name(&s->first, s->user);
		str_addf(&s->first, ",r=" SPAN_FMT, SPAN_ARG(nonce));
	} else if (strcmp(s->mechanism, "PLAIN") == 0) {
		str_add(&s->first, (struct span){ "", 1 });
		str_add(&s->first, (struct span){ s->user, strlen(s->user) + 1 });
		str_add_text(&s->first, s->password);
	}
	return true;
}

struct span sasl_client_initial(const struct sasl_client *s)
{
	return s->first.n ? str_span(&s->first) : (struct span){ NULL, 0 };
}

/* --- SCRAM --- */

struct challenge { struct span nonce; unsigned char salt[256]; size_t salt_n; unsigned iterations; };

/* "r=NONCE,s=SALT,i=COUNT" and extensions that may be passed over; "m=" in front would be one that may not. */
static bool parse_challenge(struct span in, struct challenge *c)
{
	struct str salt = STR(sizeof c->salt);
	struct span part;
	uint64_t n = 0;
	bool ok = span_eat(&in, "r=") && span_cut(&in, ',', &c->nonce) && span_eat(&in, "s=") &&
	    span_cut(&in, ',', &part) && base64_decode(part, &salt) && salt.n &&
	    span_eat(&in, "i=") && span_eat_u64(&in, SASL_CLIENT_ITERATIONS_MAX, &n) && n &&
	    (!in.n || *in.p == ',');

	memcpy(c->salt, salt.p, salt.n);
	c->salt_n = salt.n;
	c->iterations = (unsigned)n;
	str_free(&salt);
	return ok;
}

static struct span bytes_of(const unsigned char *p, size_t n)
{
	return (struct span){ (const char *)p, n };
}

/* RFC 5802 3: what we prove, and what it has to show for it. */
static void make_proof(struct sasl_client *s, const struct challenge *c, struct span message, unsigned char *proof)
{
	unsigned char salted[DIGEST_MAX], key[DIGEST_MAX], stored[DIGEST_MAX];
	size_t n = digest_size(s->digest);

	digest_slow(s->digest, span_of(s->password), bytes_of(c->salt, c->salt_n), c->iterations, salted);
	digest_keyed(s->digest, bytes_of(salted, n), SPAN("Client Key"), key);
	digest_of(s->digest, bytes_of(key, n), stored);
	digest_keyed(s->digest, bytes_of(stored, n), message, proof);
	for (size_t i = 0; i < n; i++)
		proof[i] ^= key[i];
	digest_keyed(s->digest, bytes_of(salted, n), SPAN("Server Key"), key);
	digest_keyed(s->digest, bytes_of(key, n), message, s->signature);
	explicit_bzero(salted, sizeof salted);
	explicit_bzero(key, sizeof key);
	explicit_bzero(stored, sizeof stored);
}

/* The nonce must begin with ours and have something of its own behind it. */
static bool is_our_nonce(const struct sasl_client *s, struct span nonce)
{
	struct span first = str_span(&s->first), ours;
	ptrdiff_t at = span_rfind(first, '=');

	ours = span_from(first, (size_t)at + 1);
	return nonce.n > ours.n && span_same(span_to(nonce, ours.n), ours);
}

static bool prove(struct sasl_client *s, struct span challenge, struct str *words, struct err *e)
{
	struct str message = STR(WORDS_MAX);
	unsigned char proof[DIGEST_MAX];
	struct challenge c;

	if (!parse_challenge(challenge, &c))
		return nonsense(e, "no nonce, salt and count");
	if (!is_our_nonce(s, c.nonce))
		return nonsense(e, "the nonce is not ours");
	str_addf(words, "c=biws,r=" SPAN_FMT, SPAN_ARG(c.nonce));
	str_add(&message, span_from(str_span(&s->first), strlen("n,,")));
	str_addf(&message, "," SPAN_FMT ",%s", SPAN_ARG(challenge), words->p);
	if (!message.over) {
		make_proof(s, &c, str_span(&message), proof);
		str_add_text(words, ",p=");
		base64_encode(bytes_of(proof, digest_size(s->digest)), words);
	}
	words->over = words->over || message.over;
	str_free(&message);
	return !words->over || nonsense(e, "it is too long");
}

static bool look_at_signature(struct sasl_client *s, struct span challenge, struct err *e)
{
	struct str got = STR(DIGEST_MAX);
	size_t n = digest_size(s->digest);

	s->shown = span_eat(&challenge, "v=") && base64_decode(challenge, &got) && got.n == n &&
	    digest_same(got.p, s->signature, n);
	str_free(&got);
	return s->shown || nonsense(e, "it does not know the password");
}

/* --- challenges --- */

bool sasl_client_answer(struct sasl_client *s, struct span challenge, struct str *words, struct err *e)
{
	unsigned step = s->step++;

	if (s->shows && step < 2)
		return step == 0 ? prove(s, challenge, words, e) : look_at_signature(s, challenge, e);
	if (strcmp(s->mechanism, "LOGIN") == 0 && step < 2) {
		str_add_text(words, step == 0 ? s->user : s->password);
		return true;
	}
	return nonsense(e, "it asks for more than there is");
}

bool sasl_client_end(struct sasl_client *s, bool said_yes, struct err *e)
{
	bool shown = s->shown || !s->shows;

	explicit_bzero(s->user, sizeof s->user);
	explicit_bzero(s->password, sizeof s->password);
	explicit_bzero(s->first.p, s->first.n);
	str_free(&s->first);
	if (said_yes && !shown)
		return err_temp(e, "4.7.0",
		    "the server let us in without having shown that it knows the password");
	return said_yes;
}
