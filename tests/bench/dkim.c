/*
 * What DKIM costs us, for tests/bench/dkim: bench-dkim KEY.pem MESSAGE SIGNED
 * Prints CPU microseconds to verify and to sign the message, whose lines end in LF, and what of that
 * is OpenSSL's, which hashes the canonical body and the header, found ready, and verifies or signs.
 * Each is the median of its rounds. Then the DNS record of the key. The message with our signature
 * goes to SIGNED, with CRLF, for others. The signer's key was used before, as in a worker that goes
 * on and on; a verifier meets each key anew, as bytes, so for OpenSSL to take them is bare cost, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/mem.h"
#include "common/trust/canon.h"
#include "common/trust/dkim-record.h"
#include "common/trust/dkim.h"

enum {
	PIECE		= 65536,
	WHATS		= 4,		/* verify, sign, and what of them is bare */
	NOW		= 1700000000,
	MESSAGE_MAX	= 64 << 20,
	ROUNDS_LEAST	= 31,
	ROUNDS_BYTES	= 40 << 20,	/* and small ones as often as make so much */
};

/* mail: with our signature on top; body: the canonical form of its body. */
struct message { struct str text, mail, sig, body; };

static struct str record = STR(2000);

static void ask(void *arg, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out)
{
	struct str rdata = STR(2000);
	struct span in = str_span(&record);

	(void)arg, (void)name, (void)type;
	while (in.n) {
		struct span part = span_take(&in, 250);

		str_add_char(&rdata, (char)part.n);
		str_add(&rdata, part);
	}
	*out = (struct dns_answer){ .found = DNS_YES, .why = "", .count = 1 };
	out->records = arena_array(a, 1, sizeof *out->records);
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

/* Up to the empty line. */
static struct span header_of(const struct str *mail)
{
	struct span rest = str_span(mail), line;

	while (span_cut(&rest, '\n', &line) && line.n)
		continue;
	return span_to(str_span(mail), (size_t)(rest.p - mail->p) - 1);
}

/* The hashes and the signature, and nothing else. */
static void bare(const struct key *k, struct span der, const struct message *m, bool signing)
{
	unsigned char digest[KEY_DIGEST];
	struct str out = STR(KEY_SIGNATURE_MAX);
	struct key_hash *h = key_hash_new();
	struct key *pub;
	struct err e;

	key_hash_add(h, str_span(&m->body));
	key_hash_end(h, digest);
	key_hash_reset(h);
	key_hash_add(h, header_of(&m->mail));
	key_hash_end(h, digest);
	if (signing) {
		key_sign(k, digest, &out, NULL);
	} else {
		pub = key_public(key_kind(k), der, &e);
		key_verify(pub, digest, str_span(&m->sig));
		key_free(pub);
	}
	key_hash_free(h);
	str_free(&out);
}

static double once(int what, const struct key *k, struct span der, const struct message *m,
    struct str *top)
{
	double at = now_us();

	str_reset(top);
	if (what == 0)
		verify(str_span(&m->mail));
	else if (what == 1)
		sign(k, str_span(&m->text), top);
	else
		bare(k, der, m, what == 3);
	return now_us() - at;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* In turns, so that what else this machine does meets all of them. */
static void measure(const struct key *k, struct span der, const struct message *m)
{
	size_t rounds = ROUNDS_LEAST + ROUNDS_BYTES / m->text.n;
	struct str top = STR(10000);
	double *us[WHATS];

	for (int what = 0; what < WHATS; what++)
		us[what] = mem_more(NULL, rounds, sizeof *us[what]);
	for (size_t i = 0; i < rounds; i++) {
		for (int what = 0; what < WHATS; what++)
			us[what][i] = once(what, k, der, m, &top);
	}
	for (int what = 0; what < WHATS; what++) {
		qsort(us[what], rounds, sizeof *us[what], by_size);
		printf("%.1f%c", us[what][rounds / 2], what + 1 < WHATS ? ' ' : '\n');
		free(us[what]);
	}
	str_free(&top);
}

static void read_file(const char *path, struct str *out)
{
	char buf[PIECE];
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		abort();
	while ((n = fread(buf, 1, sizeof buf, f)) > 0)
		str_add(out, (struct span){ buf, n });
	fclose(f);
}

static void write_mail(const char *path, struct span text)
{
	FILE *f = fopen(path, "w");
	struct span line;

	if (!f)
		abort();
	while (span_cut(&text, '\n', &line))
		fprintf(f, SPAN_FMT "\r\n", SPAN_ARG(line));
	fclose(f);
}

static void collect(void *arg, struct span canonical)
{
	str_add(arg, canonical);
}

static void prepare(const struct key *k, struct message *m)
{
	static struct canon_body canon;
	unsigned char zero[KEY_DIGEST] = { 0 };
	struct span body = span_from(str_span(&m->text), header_of(&m->text).n + 1);

	sign(k, str_span(&m->text), &m->mail);
	str_add(&m->mail, str_span(&m->text));
	key_sign(k, zero, &m->sig, NULL);
	canon_body_begin(&canon, CANON_RELAXED, collect, &m->body);
	canon_body_feed(&canon, body);
	canon_body_end(&canon);
}

int main(int argc, char **argv)
{
	struct message m = { .text = STR(MESSAGE_MAX), .mail = STR(MESSAGE_MAX),
		.sig = STR(KEY_SIGNATURE_MAX), .body = STR(MESSAGE_MAX) };
	struct str der = STR(KEY_DER_MAX), pem = STR(KEY_PEM_MAX);
	struct key *k;
	struct err e;

	if (argc != 4)
		return EXIT_FAILURE;
	read_file(argv[1], &pem);
	read_file(argv[2], &m.text);
	if (!key_prepare(&e) || !(k = key_private(str_span(&pem), &e)) ||
	    !key_print_public(k, &der))
		return EXIT_FAILURE;
	dkim_record_print(key_kind(k), str_span(&der), &record);
	prepare(k, &m);
	measure(k, str_span(&der), &m);
	write_mail(argv[3], str_span(&m.mail));
	printf("%s\n", record.p);
	key_free(k);
	str_free(&der), str_free(&pem), str_free(&record);
	str_free(&m.text), str_free(&m.mail), str_free(&m.sig), str_free(&m.body);
	return EXIT_SUCCESS;
}
