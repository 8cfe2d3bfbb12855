/* SCRAM by the RFCs' own examples, and by those who would like to cheat. SASLprep. App passwords. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/auth/app.h"
#include "common/auth/lastuse.h"
#include "common/auth/prep.h"
#include "common/auth/scram.h"
#include "common/mail/encoding.h"
#include "tests/unit/unit.h"

/* --- the examples: RFC 5802 5, RFC 7677 3 --- */

static const struct {
	const char *mechanism, *first, *nonce, *salt, *challenge, *final, *signature;
} examples[] = {
	{ "SCRAM-SHA-1", "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
	  "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
	  "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	  "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ "SCRAM-SHA-256", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "W22ZaJ0SNY7soEsUEjb6gQ==",
	  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	  "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static const struct channel nothing;

static struct verifier pencil(int which)
{
	struct verifier v = { .iterations = 4096 };
	struct str salt = STR(64);

	ck_assert(verifier_digest(span_of(examples[which].mechanism), &v.digest));
	ck_assert(base64_decode(span_of(examples[which].salt), &salt));
	memcpy(v.salt, salt.p, salt.n);
	v.salt_n = salt.n;
	verifier_of("pencil", &v);
	str_free(&salt);
	return v;
}

START_TEST(example_is_played)
{
	struct str challenge = STR(1024), signature = STR(1024);
	struct verifier v = pencil(_i);
	struct scram_first first;
	struct err e;

	ck_assert(scram_begin(span_of(examples[_i].mechanism), span_of(examples[_i].first), &nothing, &first, &e));
	ck_assert_str_eq(first.user, "user");
	ck_assert_str_eq(first.as, "");
	scram_challenge(&first, span_of(examples[_i].nonce), &v, &challenge);
	ck_assert_str_eq(challenge.p, examples[_i].challenge);
	ck_assert(scram_finish(&first, str_span(&challenge), span_of(examples[_i].final), &nothing,
	    &v, &signature, &e));
	ck_assert_str_eq(signature.p, examples[_i].signature);
	str_free(&challenge);
	str_free(&signature);
}
END_TEST

/* Each byte of the last words counts. */
START_TEST(no_other_last_words_do)
{
	struct str signature = STR(1024);
	struct verifier v = pencil(_i);
	struct scram_first first;
	char said[256];
	struct err e;

	ck_assert(scram_begin(span_of(examples[_i].mechanism), span_of(examples[_i].first), &nothing, &first, &e));
	snprintf(said, sizeof said, "%s", examples[_i].final);
	for (size_t i = 0; said[i]; i++) {
		said[i] ^= 1;
		ck_assert_msg(!scram_finish(&first, span_of(examples[_i].challenge), span_of(said), &nothing, &v, &signature, &e),
		    "byte %zu", i);
		said[i] ^= 1;
	}
	ck_assert_uint_eq(signature.n, 0);
	v.stored_key[0] ^= 1;
	ck_assert(!scram_finish(&first, span_of(examples[_i].challenge), span_of(said), &nothing, &v, &signature, &e));
	ck_assert_str_eq(e.status, "5.7.8");
	str_free(&signature);
}
END_TEST

/* --- first words --- */

static const struct { const char *mechanism, *said; bool bound; const char *user, *as, *status; } firsts[] = {
	{ "SCRAM-SHA-256", "n,,n=ann,r=x", false, "ann", "", NULL },
	{ "SCRAM-SHA-256", "n,,n=ann,r=x", true, "ann", "", NULL },
	{ "SCRAM-SHA-256", "y,,n=ann,r=x", false, "ann", "", NULL },
	{ "SCRAM-SHA-256", "y,,n=ann,r=x", true, NULL, NULL, "5.7.8" },		/* somebody hides -PLUS from it */
	{ "SCRAM-SHA-256", "p=tls-exporter,,n=ann,r=x", true, NULL, NULL, "5.7.8" },
	{ "SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=ann,r=x", true, "ann", "", NULL },
	{ "SCRAM-SHA-1-PLUS", "p=tls-server-end-point,,n=ann,r=x", true, "ann", "", NULL },
	{ "SCRAM-SHA-256-PLUS", "p=tls-unique,,n=ann,r=x", true, NULL, NULL, "5.7.8" },
	{ "SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=ann,r=x", false, NULL, NULL, "5.7.8" },
	{ "SCRAM-SHA-256-PLUS", "n,,n=ann,r=x", true, NULL, NULL, "5.7.8" },
	{ "SCRAM-SHA-256-PLUS", "y,,n=ann,r=x", true, NULL, NULL, "5.7.8" },
	{ "SCRAM-SHA-256", "n,a=bob,n=ann,r=x", false, "ann", "bob", NULL },
	{ "SCRAM-SHA-256", "n,,n=a=2Cb=3Dc,r=x,ext=1", false, "a,b=c", "", NULL },
	{ "SCRAM-SHA-256", "n,,n=a=2cb,r=x", false, "a,b", "", NULL },
	{ "SCRAM-SHA-256", "n,,n=a=41,r=x", false, NULL, NULL, "5.5.2" },
	{ "SCRAM-SHA-256", "n,,m=ext,n=ann,r=x", false, NULL, NULL, "5.5.2" },	/* mandatory, and not known */
	{ "SCRAM-SHA-256", "n,,n=ann", false, NULL, NULL, "5.5.2" },
	{ "SCRAM-SHA-256", "n,,n=ann,r=", false, NULL, NULL, "5.5.2" },
	{ "SCRAM-SHA-256", "n,,n=,r=x", false, NULL, NULL, "5.5.2" },
	{ "SCRAM-SHA-256", "n,,n=a\nb,r=x", false, NULL, NULL, "5.5.2" },
	{ "SCRAM-SHA-256", "n,,n=ann,r=x y", false, NULL, NULL, "5.5.2" },
	{ "SCRAM-SHA-256", "n,b=x,n=ann,r=x", false, NULL, NULL, "5.5.2" },
	{ "SCRAM-SHA-256", "n,n=ann,r=x", false, NULL, NULL, "5.5.2" },
	{ "SCRAM-SHA-256", "z,,n=ann,r=x", false, NULL, NULL, "5.5.2" },
	{ "SCRAM-SHA-256", "", false, NULL, NULL, "5.5.2" },
	{ "SCRAM-SHA-512", "n,,n=ann,r=x", false, NULL, NULL, "5.5.4" },
	{ "SCRAM-MD5", "n,,n=ann,r=x", false, NULL, NULL, "5.5.4" },
};

static struct channel some_channel(void)
{
	struct channel c = { .exporter_n = CHANNEL_EXPORTER, .end_point_n = 32 };

	memset(c.exporter, 7, sizeof c.exporter);
	memset(c.end_point, 9, c.end_point_n);
	return c;
}

START_TEST(first_words_are_judged)
{
	struct channel c = firsts[_i].bound ? some_channel() : nothing;
	struct scram_first first;
	struct err e = { .kind = ERR_NONE };
	bool ok =
	    scram_begin(span_of(firsts[_i].mechanism), span_of(firsts[_i].said), &c, &first, &e);

	ck_assert_msg(ok == !firsts[_i].status, "%s: %s", firsts[_i].said, e.text);
	if (ok) {
		ck_assert_str_eq(first.user, firsts[_i].user);
		ck_assert_str_eq(first.as, firsts[_i].as);
	} else {
		ck_assert_str_eq(e.status, firsts[_i].status);
	}
}
END_TEST

START_TEST(long_first_words_fail)
{
	struct str said = STR(4096);
	struct scram_first first;
	struct err e;

	str_add_text(&said, "n,,n=ann,r=");
	while (said.n < 11 + SCRAM_NONCE_MAX)
		str_add_char(&said, 'r');
	ck_assert(scram_begin(SPAN("SCRAM-SHA-1"), str_span(&said), &nothing, &first, &e));
	str_add_char(&said, 'r');
	ck_assert(!scram_begin(SPAN("SCRAM-SHA-1"), str_span(&said), &nothing, &first, &e));
	str_free(&said);
}
END_TEST

/* --- a client of our own, for channels --- */

static void client_final(const struct scram_first *first, const char *challenge,
    struct span binding, const struct verifier *v, struct str *said)
{
	unsigned char salted[DIGEST_MAX], key[DIGEST_MAX], signature[DIGEST_MAX];
	struct str channel = STR(1024), message = STR(4096);
	struct span nonce = span_of(challenge), rest;
	size_t n = digest_size(v->digest);

	str_add(&channel, first->header);
	str_add(&channel, binding);
	span_eat(&nonce, "r=");
	rest = nonce;
	span_cut(&rest, ',', &nonce);
	str_add_text(said, "c=");
	base64_encode(str_span(&channel), said);
	str_addf(said, ",r=" SPAN_FMT, SPAN_ARG(nonce));
	str_addf(&message, SPAN_FMT ",%s,%s", SPAN_ARG(first->bare), challenge, said->p);
	digest_slow(v->digest, SPAN("pencil"), (struct span){ (const char *)v->salt, v->salt_n },
	    v->iterations, salted);
	digest_keyed(v->digest, (struct span){ (const char *)salted, n }, SPAN("Client Key"), key);
	digest_keyed(v->digest, (struct span){ (const char *)v->stored_key, n }, str_span(&message),
	    signature);
	for (size_t i = 0; i < n; i++)
		key[i] ^= signature[i];
	str_add_text(said, ",p=");
	base64_encode((struct span){ (const char *)key, n }, said);
	str_free(&channel);
	str_free(&message);
}

static const struct { const char *type, *mechanism; bool same;
} channels[] = {
	{ "tls-exporter", "SCRAM-SHA-256-PLUS", true },
	{ "tls-exporter", "SCRAM-SHA-256-PLUS", false },
	{ "tls-server-end-point", "SCRAM-SHA-1-PLUS", true },
	{ "tls-server-end-point", "SCRAM-SHA-1-PLUS", false },
};

/* Who sits between has another channel to each side. */
START_TEST(channel_must_be_the_same)
{
	struct str first_said = STR(256), challenge = STR(1024), said = STR(2048), signature = STR(256);
	struct channel ours = some_channel();
	struct span binding = strcmp(channels[_i].type, "tls-exporter") == 0 ?
	    (struct span){ (const char *)ours.exporter, ours.exporter_n } :
	    (struct span){ (const char *)ours.end_point, ours.end_point_n };
	struct verifier v = pencil(_i < 2);
	struct scram_first first;
	char seen[64];
	struct err e;

	str_addf(&first_said, "p=%s,,n=user,r=abc", channels[_i].type);
	ck_assert(scram_begin(span_of(channels[_i].mechanism), str_span(&first_said), &ours, &first, &e));
	scram_challenge(&first, SPAN("def"), &v, &challenge);
	memcpy(seen, binding.p, binding.n);
	seen[3] ^= !channels[_i].same;
	client_final(&first, challenge.p, (struct span){ seen, binding.n }, &v, &said);
	ck_assert_int_eq(scram_finish(&first, str_span(&challenge), str_span(&said), &ours, &v, &signature, &e),
	    channels[_i].same);
	str_free(&first_said);
	str_free(&challenge);
	str_free(&said);
	str_free(&signature);
}
END_TEST

/* --- verifiers --- */

static const struct { const char *word; bool good; } words[] = {
	{ "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
	  "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", true },
	{ "{scram-sha-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", true },
	{ "{SCRAM-SHA-256}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", false },
	{ "{SCRAM-SHA-1}0,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", false },
	{ "{SCRAM-SHA-1}99999999999,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", false },
	{ "{SCRAM-SHA-1}4096,,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", false },
	{ "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=", false },
	{ "{SCRAM-SHA-1}", false }, { "SCRAM-SHA-1", false }, { "", false },
};

START_TEST(verifier_reads_and_prints)
{
	struct str again = STR(VERIFIER_TEXT);
	struct verifier v;

	ck_assert_int_eq(verifier_parse(span_of(words[_i].word), &v), words[_i].good);
	if (words[_i].good) {
		verifier_print(&v, &again);
		ck_assert(span_is(str_span(&again), words[_i].word));
	}
	str_free(&again);
}
END_TEST

START_TEST(verifier_of_pencil_is_known)
{
	struct str made = STR(VERIFIER_TEXT);
	struct verifier v = pencil(1), found;

	verifier_print(&v, &made);
	ck_assert_str_eq(made.p, words[0].word);
	ck_assert(verifier_find(SPAN("$y$x$y {SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
	    "D+CSWLOshSulAsxiupA+qs2/fTE="), DIGEST_SHA1, &found));
	ck_assert(!verifier_find(SPAN("$y$x$y"), DIGEST_SHA1, &found));
	str_free(&made);
}
END_TEST

/* Nobody learns from the salt who exists: it stays, differs by name, and has the size of a real one. */
START_TEST(fake_is_stable)
{
	struct verifier a, again, b, other, real;
	struct err e;

	verifier_fake(DIGEST_SHA256, 10000, SPAN("key"), SPAN("ann@x"), &a);
	verifier_fake(DIGEST_SHA256, 10000, SPAN("key"), SPAN("ann@x"), &again);
	verifier_fake(DIGEST_SHA256, 10000, SPAN("key"), SPAN("bob@x"), &b);
	verifier_fake(DIGEST_SHA256, 10000, SPAN("yek"), SPAN("ann@x"), &other);
	ck_assert(verifier_make(DIGEST_SHA256, 10000, "pencil", &real, &e));
	ck_assert_mem_eq(&a, &again, sizeof a);
	ck_assert_mem_ne(a.salt, b.salt, a.salt_n);
	ck_assert_mem_ne(a.salt, other.salt, a.salt_n);
	ck_assert_uint_eq(a.salt_n, real.salt_n);
	ck_assert_mem_ne(a.salt, a.server_key, a.salt_n);
	ck_assert_mem_ne(a.salt, a.stored_key, a.salt_n);
}
END_TEST

START_TEST(fake_is_made_for_every_length)
{
	struct str name = STR(AUTH_NAME_MAX);
	struct verifier v, again;

	while (name.n + 1 < AUTH_NAME_MAX) {
		str_add_char(&name, 'a');
		verifier_fake(DIGEST_SHA1, 4096, SPAN("key"), str_span(&name), &v);
		verifier_fake(DIGEST_SHA1, 4096, SPAN("key"), str_span(&name), &again);
		ck_assert_mem_eq(&v, &again, sizeof v);
	}
	str_free(&name);
}
END_TEST

/* --- SASLprep: RFC 4013 3, and more --- */

static const struct { const char *in, *query, *stored; } preps[] = {
	{ "I\xc2\xadX", "IX", "IX" }, { "user", "user", "user" }, { "USER", "USER", "USER" },
	{ "\xc2\xaa", "a", "a" }, { "\xe2\x85\xa8", "IX", "IX" }, { "\x07", NULL, NULL }, { "\xd8\xa7\x31", NULL, NULL },
	{ "a b", "a b", "a b" }, { "a\xc2\xa0" "b", "a b", "a b" },
	{ "u\xcc\x88", "\xc3\xbc", "\xc3\xbc" },			/* composed */
	{ "\xff", NULL, NULL }, { "\xc3", NULL, NULL }, { "", NULL, NULL }, { "\xc2\xad", NULL, NULL },
	{ "\xc8\xa1", "\xc8\xa1", NULL },				/* U+0221: Unicode 4.0, so not to be stored */
};

START_TEST(text_is_prepared)
{
	char out[32];

	ck_assert_int_eq(prep(span_of(preps[_i].in), false, out, sizeof out), preps[_i].query != NULL);
	ck_assert_str_eq(out, preps[_i].query ? preps[_i].query : "");
	ck_assert_int_eq(prep(span_of(preps[_i].in), true, out, sizeof out), preps[_i].stored != NULL);
	ck_assert(!prep(SPAN("a\0b"), false, out, sizeof out));
	ck_assert(!prep(SPAN("0123456789"), false, out, 10));
}
END_TEST

/* --- app passwords --- */

static const struct { const char *line; unsigned rights; } apps[] = {
	{ "ann@x.test:phone:read,send:{SHA256}abc=", APP_READ | APP_SEND },
	{ "ann@x.test:old.printer-2:send:{SHA256}abc=", APP_SEND },
	{ "ann@x.test:phone:read:{SHA256}abc=", APP_READ },
	{ "ann@x.test:phone::{SHA256}abc=", 0 }, { "ann@x.test:phone:all:{SHA256}abc=", 0 },
	{ "ann@x.test:my phone:read:{SHA256}abc=", 0 }, { "ann@x.test::read:{SHA256}abc=", 0 },
	{ ":phone:read:{SHA256}abc=", 0 }, { "ann@x.test:phone:read:secret", 0 }, { "ann@x.test:phone:read", 0 },
	{ "ann@x.test:phone:read:{SHA256}abc=:more", 0 }, { "", 0 },
};

START_TEST(app_line_parses)
{
	struct app_row row;
	struct err e;

	ck_assert_int_eq(app_line_parse(span_of(apps[_i].line), &row, &e), apps[_i].rights != 0);
	if (apps[_i].rights)
		ck_assert_uint_eq(row.rights, apps[_i].rights);
}
END_TEST

START_TEST(app_secret_is_found_again)
{
	struct str a = STR(100), b = STR(100), loud = STR(100);
	char secret[APP_SECRET_MAX], other[APP_SECRET_MAX];
	struct err e;

	ck_assert(app_secret_make(secret, &e) && app_secret_make(other, &e));
	ck_assert_str_ne(secret, other);
	ck_assert_uint_eq(strlen(secret), 24);
	for (const char *c = secret; *c; c++) {
		if (*c != '-')
			str_addf(&loud, "%c ", *c >= 'a' && *c <= 'z' ? *c - 32 : *c);
	}
	ck_assert(app_secret_hash(span_of(secret), &a) && app_secret_hash(str_span(&loud), &b));
	ck_assert_str_eq(a.p, b.p);
	str_reset(&b);
	ck_assert(app_secret_hash(span_of(other), &b));
	ck_assert_str_ne(a.p, b.p);
	ck_assert(!app_secret_hash(SPAN("hunter2"), &b));
	ck_assert(!app_secret_hash(SPAN(""), &b));
	ck_assert(!app_secret_hash(SPAN("aaaa-aaaa-aaaa-aaaa-aaaaa"), &b));
	str_free(&a);
	str_free(&b);
	str_free(&loud);
}
END_TEST

START_TEST(last_use_is_kept)
{
	char path[] = "/tmp/posthorn-lastuse-XXXXXX";
	struct lastuse use = { 1000, "imapd", "192.0.2.1" }, got;
	int fd = mkstemp(path);

	unlink(path);
	lastuse_find(fd, SPAN("ann@x"), SPAN("phone"), &got);
	ck_assert_int_eq(got.when, 0);
	lastuse_note(fd, SPAN("ann@x"), SPAN("phone"), &use);
	lastuse_note(fd, SPAN("ann@x"), SPAN("laptop"), &(struct lastuse){ 1500, "msa", "2001:db8::1" });
	use.when = 1030; /* soon after, from the same place: not written again */
	lastuse_note(fd, SPAN("ann@x"), SPAN("phone"), &use);
	lastuse_find(fd, SPAN("Ann@X"), SPAN("phone"), &got);
	ck_assert_int_eq(got.when, 1000);
	ck_assert_str_eq(got.ip, "192.0.2.1");
	snprintf(use.ip, sizeof use.ip, "192.0.2.2");
	lastuse_note(fd, SPAN("ann@x"), SPAN("phone"), &use);
	lastuse_find(fd, SPAN("ann@x"), SPAN("phone"), &got);
	ck_assert_int_eq(got.when, 1030);
	ck_assert_str_eq(got.ip, "192.0.2.2");
	lastuse_find(fd, SPAN("ann@x"), SPAN("laptop"), &got);
	ck_assert_str_eq(got.daemon, "msa");
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 2 * LASTUSE_LINE);
	close(fd);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("scram");

	tcase_add_loop_test(tc, example_is_played, 0, COUNT(examples));
	tcase_add_loop_test(tc, no_other_last_words_do, 0, COUNT(examples));
	tcase_add_loop_test(tc, first_words_are_judged, 0, COUNT(firsts));
	tcase_add_test(tc, long_first_words_fail);
	tcase_add_loop_test(tc, channel_must_be_the_same, 0, COUNT(channels));
	tcase_add_loop_test(tc, verifier_reads_and_prints, 0, COUNT(words));
	tcase_add_test(tc, verifier_of_pencil_is_known);
	tcase_add_test(tc, fake_is_stable);
	tcase_add_test(tc, fake_is_made_for_every_length);
	tcase_add_loop_test(tc, text_is_prepared, 0, COUNT(preps));
	tcase_add_loop_test(tc, app_line_parses, 0, COUNT(apps));
	tcase_add_test(tc, app_secret_is_found_again);
	tcase_add_test(tc, last_use_is_kept);
	return unit_end();
}
