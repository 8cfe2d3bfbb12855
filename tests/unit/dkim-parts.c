/* The parts of DKIM: tags, canonical forms, signatures and records as written, keys. */
#include "common/trust/canon.h"
#include "common/trust/dkim-record.h"
#include "common/trust/dkim-signature.h"
#include "common/trust/key.h"
#include "common/trust/tags.h"

#include "tests/unit/unit.h"

/* --- tag lists --- */

static const struct { const char *in, *name, *value; int count; } tag_lists[] = {
	{ "v=1; a=b",			"a",	"b",		2 },
	{ " v = 1 ;a=b;",		"v",	"1",		2 },
	{ "a=b\n\tc",			"a",	"b\n\tc",	1 },
	{ "a=",				"a",	"",		1 },
	{ "a=b=c",			"a",	"b=c",		1 },
	{ "a_1=x; A_1=y",		"A_1",	"y",		2 },
	{ "a=b;; c=d ;",		"c",	"d",		2 },
	{ "",				"a",	NULL,		0 },
	{ "a=\xc3\xa4",			"a",	"\xc3\xa4",	1 },
	{ "a=b; a=c",			NULL,	NULL,		-1 },
	{ "a",				NULL,	NULL,		-1 },
	{ "=b",				NULL,	NULL,		-1 },
	{ "1a=b",			NULL,	NULL,		-1 },
	{ "a b=c",			NULL,	NULL,		-1 },
	{ "a=\x01",			NULL,	NULL,		-1 },
	{ "a=\x7f",			NULL,	NULL,		-1 },
};

START_TEST(tags_are_read)
{
	struct tags t;
	struct err e;
	bool ok = tags_parse(span_of(tag_lists[_i].in), &t, &e);
	struct span value;

	ck_assert_msg(ok == (tag_lists[_i].count >= 0), "%s", tag_lists[_i].in);
	if (!ok)
		return;
	ck_assert_int_eq((int)t.count, tag_lists[_i].count);
	value = tags_value(&t, tag_lists[_i].name);
	ck_assert(!value.p == !tag_lists[_i].value);
	ck_assert(!value.p || span_same(value, span_of(tag_lists[_i].value)));
}
END_TEST

START_TEST(tags_have_a_limit)
{
	struct str text = STR(10000);
	struct tags t;
	struct err e;

	for (int i = 0; i < TAGS_MAX; i++)
		str_addf(&text, "t%d=x;", i);
	ck_assert(tags_parse(str_span(&text), &t, &e));
	str_add_text(&text, "more=x");
	ck_assert(!tags_parse(str_span(&text), &t, &e));
	str_free(&text);
}
END_TEST

/* --- canonical forms --- */

static const struct { const char *in, *simple, *relaxed; } header_forms[] = {
	{ "A: X\n",			"A: X\r\n",			"a:X\r\n" },
	{ "B : Y\t\n\tZ  \n",		"B : Y\t\r\n\tZ  \r\n",		"b:Y Z\r\n" },	/* RFC 6376 3.4.5 */
	{ "SubJect:a",			"SubJect:a\r\n",		"subject:a\r\n" },
	{ "A:\n",			"A:\r\n",			"a:\r\n" },
	{ "A: \n \n\tb \t c\n",		"A: \r\n \r\n\tb \t c\r\n",	"a:b c\r\n" },
	{ "A: b:c \n",			"A: b:c \r\n",			"a:b:c\r\n" },
	{ "A: b\r\n c\r\n",		"A: b\r\n c\r\n",		"a:b c\r\n" },
};

START_TEST(fields_become_canonical)
{
	struct str out = STR(1000);

	canon_field(CANON_SIMPLE, span_of(header_forms[_i].in), &out);
	ck_assert_str_eq(out.p, header_forms[_i].simple);
	str_reset(&out);
	canon_field(CANON_RELAXED, span_of(header_forms[_i].in), &out);
	ck_assert_str_eq(out.p, header_forms[_i].relaxed);
	str_free(&out);
}
END_TEST

static const struct { const char *in, *simple, *relaxed; } body_forms[] = {
	{ "",				"\r\n",				"" },
	{ "\n",				"\r\n",				"" },
	{ "\n\n\n",			"\r\n",				"" },
	{ " C \nD \t E\n\n\n",		" C \r\nD \t E\r\n",		" C\r\nD E\r\n" },	/* RFC 6376 3.4.5 */
	{ "a",				"a\r\n",			"a\r\n" },
	{ "a\n",			"a\r\n",			"a\r\n" },
	{ "\na",			"\r\na\r\n",			"\r\na\r\n" },
	{ " \n",			" \r\n",			"" },
	{ "a\n \t\n\n",			"a\r\n \t\r\n",			"a\r\n" },
	{ "a\n\n\nb\n",			"a\r\n\r\n\r\nb\r\n",		"a\r\n\r\n\r\nb\r\n" },
	{ "\ta  b\t\tc \td\n",		"\ta  b\t\tc \td\r\n",		" a b c d\r\n" },
	{ "a ",				"a \r\n",			"a\r\n" },
	{ " a",				" a\r\n",			" a\r\n" },
	{ "one two three four five six  seven \n", "one two three four five six  seven \r\n",
	  "one two three four five six seven\r\n" },
	{ "0123456789abcde f0123456789abcd  e\n", "0123456789abcde f0123456789abcd  e\r\n",
	  "0123456789abcde f0123456789abcd e\r\n" },
	{ "0123456789abcdef \n0123456789abcde \tf \n\n", "0123456789abcdef \r\n0123456789abcde \tf \r\n",
	  "0123456789abcdef\r\n0123456789abcde f\r\n" },
};

static void collect(void *arg, struct span canonical)
{
	str_add(arg, canonical);
}

static void ck_body(enum canon how, struct span in, size_t piece, const char *want)
{
	struct str out = STR(100000);
	static struct canon_body b;

	canon_body_begin(&b, how, collect, &out);
	while (in.n)
		canon_body_feed(&b, span_take(&in, piece));
	canon_body_end(&b);
	ck_assert_str_eq(out.p, want);
	str_free(&out);
}

/* Fed byte by byte, no block is ever whole. */
static void ck_blocks(enum canon how, struct span in)
{
	struct str bytes = STR(100000);
	static struct canon_body b;

	canon_body_begin(&b, how, collect, &bytes);
	for (struct span rest = in; rest.n;)
		canon_body_feed(&b, span_take(&rest, 1));
	canon_body_end(&b);
	ck_body(how, in, in.n, bytes.p);
	ck_body(how, in, 200, bytes.p);
	str_free(&bytes);
}

static const char *const odd_bytes[] = {
	"\n", "\n\n\n", " \n", "\t", " \t \tx", "\n \n", " ", "  ", "\n\tx", "\r\n", "\xff \n", "\n.\n",
};

/* Each at each place of a block, inside and at the end, and in texts larger than a piece. */
START_TEST(blocks_become_canonical_as_bytes_do)
{
	struct str in = STR(100000);

	for (size_t at = 0; at <= 130; at++) {
		str_reset(&in);
		for (size_t i = 0; i < at; i++)
			str_add_char(&in, 'a');
		while (in.n < (at % 8 ? 500 : 40000)) {
			str_add_text(&in, odd_bytes[_i]);
			ck_blocks(CANON_SIMPLE, str_span(&in));
			ck_blocks(CANON_RELAXED, str_span(&in));
			str_addf(&in, "%*s", (int)in.n / 3, "b\nc d");
		}
	}
	str_free(&in);
}
END_TEST

START_TEST(bodies_become_canonical_in_any_pieces)
{
	struct span in = span_of(body_forms[_i].in);

	for (size_t piece = 1; piece <= in.n + 1; piece++) {
		ck_body(CANON_SIMPLE, in, piece, body_forms[_i].simple);
		ck_body(CANON_RELAXED, in, piece, body_forms[_i].relaxed);
	}
}
END_TEST

START_TEST(many_empty_lines_cost_no_memory)
{
	static struct canon_body b;
	struct str out = STR(100000);

	canon_body_begin(&b, CANON_RELAXED, collect, &out);
	canon_body_feed(&b, SPAN("a"));
	for (int i = 0; i < 20000; i++)
		canon_body_feed(&b, SPAN("\n"));
	ck_assert_uint_eq(out.n, 0);
	canon_body_feed(&b, SPAN("b"));
	canon_body_end(&b);
	ck_assert_uint_eq(out.n, 1 + 2 * 20000 + 1 + 2);
	str_free(&out);
}
END_TEST

/* --- signatures and records as written --- */

#define BH	"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
#define SIG(change)	"v=1; a=rsa-sha256; d=example.com; s=x; h=from:to; " BH "; b=AAAA" change

static const struct { const char *in; enum trust_result result; const char *identity; } signatures[] = {
	{ SIG(""),						TRUST_NONE,	"@example.com" },
	{ SIG("; i=joe@sub.Example.com"),			TRUST_NONE,	"joe@sub.Example.com" },
	{ SIG("; i=joe=3Dx@example.com"),			TRUST_NONE,	"joe=x@example.com" },
	{ SIG("; i=joe@ex\n ample.com"),			TRUST_NONE,	"joe@example.com" },
	{ SIG("; c=relaxed"),					TRUST_NONE,	"@example.com" },
	{ SIG("; c=relaxed/simple; q=dns/txt"),			TRUST_NONE,	"@example.com" },
	{ SIG("; l=0; t=1; x=2; z=From:x|To:y; foo=bar"),	TRUST_NONE,	"@example.com" },
	{ SIG("; q=dns/other:dns/txt"),				TRUST_NONE,	"@example.com" },
	{ SIG("; l=9999999999999999999999999999999999"),	TRUST_NONE,	"@example.com" },
	{ SIG("; i=joe@badexample.com"),			TRUST_NEUTRAL,	NULL },
	{ SIG("; i=joe@com"),					TRUST_NEUTRAL,	NULL },
	{ SIG("; i=joe"),					TRUST_NEUTRAL,	NULL },
	{ SIG("; c=nofws"),					TRUST_NEUTRAL,	NULL },
	{ SIG("; q=dns/other"),					TRUST_NEUTRAL,	NULL },
	{ SIG("; t=2; x=1"),					TRUST_NEUTRAL,	NULL },
	{ SIG("; t=-2"),					TRUST_NEUTRAL,	NULL },
	{ SIG("; l=1 2"),					TRUST_NEUTRAL,	NULL },
	{ SIG("; d=example.com"),				TRUST_NEUTRAL,	NULL },
	{ SIG("?"),						TRUST_NEUTRAL,	NULL },
	{ SIG("; x"),						TRUST_NEUTRAL,	NULL },
	{ "v=2; a=rsa-sha256; d=e.com; s=x; h=from; " BH "; b=AAAA",	TRUST_NEUTRAL,	NULL },
	{ "a=rsa-sha256; d=e.com; s=x; h=from; " BH "; b=AAAA",		TRUST_NEUTRAL,	NULL },
	{ "v=1; a=rsa-sha1; d=e.com; s=x; h=from; " BH "; b=AAAA",	TRUST_PERMERROR, NULL },
	{ "v=1; a=rsa-md5; d=e.com; s=x; h=from; " BH "; b=AAAA",	TRUST_NEUTRAL,	NULL },
	{ "v=1; d=e.com; s=x; h=from; " BH "; b=AAAA",			TRUST_NEUTRAL,	NULL },
	{ "v=1; a=rsa-sha256; s=x; h=from; " BH "; b=AAAA",		TRUST_NEUTRAL,	NULL },
	{ "v=1; a=rsa-sha256; d=e.com; h=from; " BH "; b=AAAA",		TRUST_NEUTRAL,	NULL },
	{ "v=1; a=rsa-sha256; d=e..com; s=x; h=from; " BH "; b=AAAA",	TRUST_NEUTRAL,	NULL },
	{ "v=1; a=rsa-sha256; d=e.com; s=x/y; h=from; " BH "; b=AAAA",	TRUST_NEUTRAL,	NULL },
	{ "v=1; a=rsa-sha256; d=e.com; s=x; h=to:subject; " BH "; b=AAAA", TRUST_PERMERROR, NULL },
	{ "v=1; a=rsa-sha256; d=e.com; s=x; h=from::to; " BH "; b=AAAA", TRUST_NEUTRAL,	NULL },
	{ "v=1; a=rsa-sha256; d=e.com; s=x; h=; " BH "; b=AAAA",	TRUST_NEUTRAL,	NULL },
	{ "v=1; a=rsa-sha256; d=e.com; s=x; h=from; b=AAAA",		TRUST_NEUTRAL,	NULL },
	{ "v=1; a=rsa-sha256; d=e.com; s=x; h=from; bh=AAAA; b=AAAA",	TRUST_NEUTRAL,	NULL },
	{ "v=1; a=rsa-sha256; d=e.com; s=x; h=from; " BH "; b=",	TRUST_NEUTRAL,	NULL },
	{ "",								TRUST_NEUTRAL,	NULL },
};

START_TEST(signature_is_read)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct dkim_signature s;
	struct err e = { 0 };
	enum trust_result r =
	    dkim_signature_parse(span_of(signatures[_i].in), DKIM_PLAIN, a, &s, &e);

	ck_assert_msg(r == signatures[_i].result, "%s: %s (%s)", signatures[_i].in,
	    trust_result_name(r), e.text);
	if (r == TRUST_NONE)
		ck_assert(span_same(s.identity, span_of(signatures[_i].identity)));
	else
		ck_assert(e.kind == ERR_PERM && e.text[0]);
	arena_free(a);
}
END_TEST

static const struct { uint64_t t, x; enum trust_result result; } times[] = {
	{ 0, 0, TRUST_NONE }, { 100000, 0, TRUST_NONE }, { 100500, 0, TRUST_NONE }, { 102000, 0, TRUST_POLICY },
	{ 0, 100001, TRUST_NONE }, { 0, 99500, TRUST_NONE }, { 0, 98000, TRUST_FAIL }, { 1, 2, TRUST_FAIL },
	{ UINT64_MAX, 0, TRUST_POLICY }, { 0, UINT64_MAX, TRUST_NONE },
};

START_TEST(signature_has_its_time)
{
	struct dkim_signature s = { .signed_at = times[_i].t, .expires = times[_i].x };

	ck_assert_int_eq((int)dkim_signature_timely(&s, 100000, 1000, NULL), (int)times[_i].result);
}
END_TEST

static const struct { const char *in; bool ok; enum key_kind kind; bool revoked, testing, strict; } records[] = {
	{ "v=DKIM1; k=rsa; p=AAAA",		true,	KEY_RSA,	false, false, false },
	{ "p=AAAA",				true,	KEY_RSA,	false, false, false },
	{ "p=A A\tA\n A",			true,	KEY_RSA,	false, false, false },
	{ "p=AAA",				true,	KEY_RSA,	false, false, false },
	{ "v=DKIM1; k=ed25519; p=AAAA; n=a note",	true,	KEY_ED25519,	false, false, false },
	{ "v=DKIM1; p=",			true,	KEY_RSA,	true,  false, false },
	{ "v=DKIM1; t=y:s; p=AAAA",		true,	KEY_RSA,	false, true,  true },
	{ "v=DKIM1; t=x : s; p=AAAA",		true,	KEY_RSA,	false, false, true },
	{ "v=DKIM1; h=sha1:sha256; s=tlsrpt:email; p=AAAA;", true, KEY_RSA, false, false, false },
	{ "v=DKIM1; s=*; p=AAAA",		true,	KEY_RSA,	false, false, false },
	{ "k=rsa; v=DKIM1; p=AAAA",		false,	0, 0, 0, 0 },
	{ "v=DKIM2; p=AAAA",			false,	0, 0, 0, 0 },
	{ "v=spf1 -all",			false,	0, 0, 0, 0 },
	{ "v=DKIM1; k=dsa; p=AAAA",		false,	0, 0, 0, 0 },
	{ "v=DKIM1; h=sha1; p=AAAA",		false,	0, 0, 0, 0 },
	{ "v=DKIM1; s=tlsrpt; p=AAAA",		false,	0, 0, 0, 0 },
	{ "v=DKIM1; k=rsa",			false,	0, 0, 0, 0 },
	{ "v=DKIM1; p=????",			false,	0, 0, 0, 0 },
	{ "v=DKIM1; p=AAAAA",			false,	0, 0, 0, 0 },
	{ "",					false,	0, 0, 0, 0 },
};

START_TEST(record_is_read)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct dkim_record r;
	struct err e = { 0 };
	bool ok = dkim_record_parse(span_of(records[_i].in), a, &r, &e);

	ck_assert_msg(ok == records[_i].ok, "%s: %s", records[_i].in, e.text);
	if (ok) {
		ck_assert(r.kind == records[_i].kind && r.revoked == records[_i].revoked);
		ck_assert(r.testing == records[_i].testing && r.strict == records[_i].strict);
	} else {
		ck_assert(e.kind == ERR_PERM && e.text[0]);
	}
	arena_free(a);
}
END_TEST

/* --- keys --- */

START_TEST(keys_go_through_pem)
{
	struct err e;

	for (int kind = 0; kind < KEY_KINDS; kind++) {
		struct key *k = key_make((enum key_kind)kind, 1024, &e), *again, *pub;
		struct str pem = STR(KEY_PEM_MAX), bytes = STR(KEY_DER_MAX), sig = STR(KEY_SIGNATURE_MAX);
		unsigned char digest[KEY_DIGEST] = { 1, 2, 3 };

		ck_assert(k && key_print_private(k, &pem) && key_print_public(k, &bytes));
		again = key_private(str_span(&pem), &e);
		pub = key_public((enum key_kind)kind, str_span(&bytes), &e);
		ck_assert(again && pub && key_kind(again) == (enum key_kind)kind &&
		    key_bits(pub) == key_bits(k));
		ck_assert(key_sign(again, digest, &sig, &e) && key_verify(pub, digest, str_span(&sig)));
		digest[0]++;
		ck_assert(!key_verify(pub, digest, str_span(&sig)));
		ck_assert(!key_verify(pub, digest, span_to(str_span(&sig), sig.n - 1)));
		key_free(k);
		key_free(again);
		key_free(pub);
		str_free(&pem);
		str_free(&bytes);
		str_free(&sig);
	}
	ck_assert(!key_private(SPAN("no key"), &e) && e.kind == ERR_PERM);
	ck_assert(!key_make(KEY_RSA, 512, &e) && !key_make(KEY_RSA, 16384, &e));
}
END_TEST

static void der_number(struct str *out, size_t bytes)
{
	str_addf(out, "\x02\x82%c", (int)(bytes >> 8));
	if (!(bytes >> 8))
		str_add_char(out, '\0');
	str_add_char(out, (char)(bytes & 255));
	for (size_t i = 0; i < bytes; i++)
		str_add_char(out, 0x55);
}

/* RSAPublicKey with a modulus of that many bytes. */
static void der_key(struct str *out, size_t bytes)
{
	struct str in = STR(10000);

	der_number(&in, bytes);
	str_add(&in, SPAN("\x02\x03\x01\x00\x01"));
	str_add(out, SPAN("\x30\x82"));
	str_add_char(out, (char)(in.n >> 8));
	str_add_char(out, (char)(in.n & 255));
	str_add(out, str_span(&in));
	str_free(&in);
}

START_TEST(huge_keys_are_refused)
{
	static const struct {
		size_t bytes;
		bool ok;
	} sizes[] = { { 512, true }, { 1024, true }, { 1025, false }, { 2048, false } };

	for (int i = 0; i < COUNT(sizes); i++) {
		struct str der = STR(10000);
		struct key *k;
		struct err e;

		der_key(&der, sizes[i].bytes);
		k = key_public(KEY_RSA, str_span(&der), &e);
		ck_assert_msg((k != NULL) == sizes[i].ok, "%zu", sizes[i].bytes);
		key_free(k);
		str_free(&der);
	}
	ck_assert(!key_public(KEY_ED25519, SPAN("31 bytes are too few for a key."), NULL));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("dkim-parts");

	tcase_add_loop_test(tc, tags_are_read, 0, COUNT(tag_lists));
	tcase_add_test(tc, tags_have_a_limit);
	tcase_add_loop_test(tc, fields_become_canonical, 0, COUNT(header_forms));
	tcase_add_loop_test(tc, blocks_become_canonical_as_bytes_do, 0, COUNT(odd_bytes));
	tcase_add_loop_test(tc, bodies_become_canonical_in_any_pieces, 0, COUNT(body_forms));
	tcase_add_test(tc, many_empty_lines_cost_no_memory);
	tcase_add_loop_test(tc, signature_is_read, 0, COUNT(signatures));
	tcase_add_loop_test(tc, signature_has_its_time, 0, COUNT(times));
	tcase_add_loop_test(tc, record_is_read, 0, COUNT(records));
	tcase_add_test(tc, keys_go_through_pem);
	tcase_add_test(tc, huge_keys_are_refused);
	return unit_end();
}
