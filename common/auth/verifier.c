/* What SCRAM keeps of a password. See verifier.h. */
#include "common/auth/verifier.h"

#include <sys/random.h>

#include "common/mail/encoding.h"

enum { SALT_SIZE = 16 };

static const char *const mechanisms[DIGEST_COUNT] = {
	[DIGEST_SHA1] = "SCRAM-SHA-1",
	[DIGEST_SHA256] = "SCRAM-SHA-256",
};

bool verifier_digest(struct span mechanism, enum digest *d)
{
	for (size_t i = 0; i < DIGEST_COUNT; i++) {
		if (!span_is(mechanism, mechanisms[i]))
			continue;
		*d = (enum digest)i;
		return true;
	}
	return false;
}

const char *verifier_mechanism(enum digest d)
{
	return mechanisms[d];
}

/* --- as a word --- */

static bool read_bytes(struct span text, unsigned char *bytes, size_t max, size_t *n)
{
	struct str got = STR(128);
	bool ok = base64_decode(text, &got) && !got.over && got.n && got.n <= max;

	if (ok)
		memcpy(bytes, got.p, got.n);
	*n = ok ? got.n : 0;
	str_free(&got);
	return ok;
}

bool verifier_parse(struct span word, struct verifier *v)
{
	struct verifier got = { .iterations = 0 };
	struct span name, count, salt, stored;
	size_t stored_n, server_n;
	uint64_t iterations;

	if (!span_eat_char(&word, '{') || !span_cut(&word, '}', &name) || !verifier_digest(name, &got.digest) ||
	    !span_cut(&word, ',', &count) || !span_u64(count, VERIFIER_ITERATIONS_MAX, &iterations) || !iterations ||
	    !span_cut(&word, ',', &salt) || !read_bytes(salt, got.salt, sizeof got.salt, &got.salt_n) ||
	    !span_cut(&word, ',', &stored) || !read_bytes(stored, got.stored_key, DIGEST_MAX, &stored_n) ||
	    !read_bytes(word, got.server_key, DIGEST_MAX, &server_n) ||
	    stored_n != digest_size(got.digest) || server_n != stored_n)
		return false;
	got.iterations = (unsigned)iterations;
	*v = got;
	return true;
}

void verifier_print(const struct verifier *v, struct str *out)
{
	const struct { const unsigned char *p; size_t n; } parts[] = {
		{ v->salt, v->salt_n },
		{ v->stored_key, digest_size(v->digest) },
		{ v->server_key, digest_size(v->digest) },
	};

	str_addf(out, "{%s}%u", mechanisms[v->digest], v->iterations);
	for (size_t i = 0; i < 3; i++) {
		str_add_char(out, ',');
		base64_encode((struct span){ (const char *)parts[i].p, parts[i].n }, out);
	}
}

bool verifier_find(struct span words, enum digest d, struct verifier *v)
{
	struct span word;

	while ((word = span_word(&words)).n) {
		if (verifier_parse(word, v) && v->digest == d)
			return true;
	}
	return false;
}

/* --- of a password --- */

/* RFC 5802 3: SaltedPassword, ClientKey, StoredKey, ServerKey. */
void verifier_of(const char *password, struct verifier *v)
{
	unsigned char salted[DIGEST_MAX], client[DIGEST_MAX];
	size_t n = digest_size(v->digest);
	struct span key = { (const char *)salted, n };

	digest_slow(v->digest, span_of(password), (struct span){ (const char *)v->salt, v->salt_n },
	    v->iterations, salted);
	digest_keyed(v->digest, key, SPAN("Client Key"), client);
	digest_of(v->digest, (struct span){ (const char *)client, n }, v->stored_key);
	digest_keyed(v->digest, key, SPAN("Server Key"), v->server_key);
	explicit_bzero(salted, sizeof salted);
	explicit_bzero(client, sizeof client);
}

bool verifier_make(enum digest d, unsigned iterations, const char *password, struct verifier *v, struct err *e)
{
	*v = (struct verifier){ .digest = d, .iterations = iterations, .salt_n = SALT_SIZE };
	if (getrandom(v->salt, SALT_SIZE, 0) != SALT_SIZE)
		return err_sys(e, "cannot make a salt");
	verifier_of(password, v);
	return true;
}

/* 16 bytes of one keyed hash are the salt; the keys are others, which nobody sees. */
void verifier_fake(enum digest d, unsigned iterations, struct span key, struct span name, struct verifier *v)
{
	struct str text = STR(1024);

	*v = (struct verifier){ .digest = d, .iterations = iterations, .salt_n = SALT_SIZE };
	str_addf(&text, "%s " SPAN_FMT, mechanisms[d], SPAN_ARG(name));
	digest_keyed(d, key, str_span(&text), v->stored_key);
	memcpy(v->salt, v->stored_key, SALT_SIZE);
	str_add_text(&text, " stored");
	digest_keyed(d, key, str_span(&text), v->stored_key);
	str_add_text(&text, " server");
	digest_keyed(d, key, str_span(&text), v->server_key);
	str_free(&text);
}
