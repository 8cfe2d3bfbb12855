/*
 * What DKIM costs: CPU microseconds to verify and to sign a message of 4 KiB, 100 KiB and 10 MiB, and
 * the same as a ratio to what OpenSSL needs for the hash and the signature alone on the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/mem.h"
#include "common/mail/encoding.h"
#include "common/trust/dkim.h"

enum { PIECE = 65536, NOW = 1700000000 };

static struct str record = STR(2000);

static void ask(void *arg, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out)
{
	struct str rdata = STR(2000);
	struct span in = str_span(&record);

	(void)arg, (void)name, (void)type;
	while (in.n) {
		struct span part = span_take(&in, 250);

		str_add_char(&rdata, (char)part.n);
		str_add(&rdata, part);
	}
	*out = (struct dns_answer){ .found = DNS_YES, .why = "", .count = 1, .records = arena_array(a, 1, sizeof *out->records) };
	out->records[0] = arena_copy(a, str_span(&rdata));
	str_free(&rdata);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void sign(const struct key *k, struct span text, struct str *out)
{
	struct dkim_signer who = { "bench.test", "s", k };
	struct dkim_sign *s = dkim_sign_new();
	struct err e;

	while (text.n)
		dkim_sign_feed(s, span_take(&text, PIECE));
	if (!dkim_sign_end(s, &who, 1, NOW, 0, out, &e))
		abort();
	dkim_sign_free(s);
}

static void verify(struct span text)
{
	struct dkim_verify *v = dkim_verify_new(NOW);
	struct trust_dns dns = { ask, NULL };
	struct dkim_verdict got;

	while (text.n)
		dkim_verify_feed(v, span_take(&text, PIECE));
	dkim_verify_end(v, &dns, &got);
	if (got.count != 1 || got.results[0].result != TRUST_PASS)
		abort();
	dkim_verify_free(v);
}

/* The hash and the signature, and nothing else. */
static void bare(const struct key *k, const struct key *pub, struct span text, struct span sig, bool signing)
{
	unsigned char digest[KEY_DIGEST];
	struct str out = STR(KEY_SIGNATURE_MAX);
	struct key_hash *h = key_hash_new();

	key_hash_add(h, text);
	key_hash_end(h, digest);
	if (signing)
		key_sign(k, digest, &out, NULL);
	else
		key_verify(pub, digest, sig);
	key_hash_free(h);
	str_free(&out);
}

static void row(const struct key *k, const struct key *pub, size_t bytes, int times)
{
	struct str text = STR(16 << 20), mail = STR(16 << 20), top = STR(10000), sig = STR(KEY_SIGNATURE_MAX);
	unsigned char zero[KEY_DIGEST] = { 0 };
	double us[4], at;

	str_add_text(&text, "From: a@bench.test\nTo: b@bench.test\nSubject: bench\nDate: x\nMessage-ID: <x>\n\n");
	while (text.n < bytes)
		str_add_text(&text, "Lines of text, as people write them, with a blank here and there,  and 72 more.\n");
	sign(k, str_span(&text), &mail);
	str_add(&mail, str_span(&text));
	key_sign(k, zero, &sig, NULL);
	for (int what = 0; what < 4; what++) {
		at = now_us();
		for (int i = 0; i < times; i++) {
			str_reset(&top);
			if (what == 0)
				verify(str_span(&mail));
			else if (what == 1)
				sign(k, str_span(&text), &top);
			else
				bare(k, pub, str_span(&text), str_span(&sig), what == 3);
		}
		us[what] = (now_us() - at) / times;
	}
	printf("%9zu bytes  verify %8.0f us (bare %8.0f, ratio %.2f)  sign %8.0f us (bare %8.0f, ratio %.2f)\n", bytes,
	    us[0], us[2], us[0] / us[2], us[1], us[3], us[1] / us[3]);
	str_free(&text);
	str_free(&mail);
	str_free(&top);
	str_free(&sig);
}

int main(void)
{
	struct str der = STR(KEY_DER_MAX);
	struct key *k, *pub;
	struct err e;

	if (!key_prepare(&e) || !(k = key_make(KEY_RSA, 2048, &e)) || !key_print_public(k, &der))
		return EXIT_FAILURE;
	pub = key_public(KEY_RSA, str_span(&der), &e);
	str_add_text(&record, "v=DKIM1; p=");
	base64_encode(str_span(&der), &record);
	row(k, pub, 4096, 500);
	row(k, pub, 100 << 10, 200);
	row(k, pub, 10 << 20, 10);
	key_free(k);
	key_free(pub);
	str_free(&der);
	str_free(&record);
	return EXIT_SUCCESS;
}
