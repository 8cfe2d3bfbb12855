/* base64 and quoted-printable. */
#include "common/mail/encoding.h"

#include "tests/unit/unit.h"

/* RFC 4648 10 */
static const struct { const char *plain, *coded; } pairs[] = {
	{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
};

START_TEST(base64_goes_both_ways)
{
	struct str s = STR(100);

	base64_encode(span_of(pairs[_i].plain), &s);
	ck_assert_str_eq(s.p, pairs[_i].coded);
	str_reset(&s);
	ck_assert(base64_decode(span_of(pairs[_i].coded), &s));
	ck_assert_str_eq(s.p, pairs[_i].plain);
	str_free(&s);
}
END_TEST

static const char *const not_base64[] = {
	"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm 9", "Zm9v=", "Zm9-", "=m9v",
	"Zm9v=m9vZm9v", "Zm9vZg==Zm9v", "Zm9vZm9\xfeZm9v",
};

START_TEST(strict_base64_refuses)
{
	struct str s = STR(100);

	str_add_text(&s, "kept");
	ck_assert(!base64_decode(span_of(not_base64[_i]), &s));
	ck_assert_str_eq(s.p, "kept");
	str_free(&s);
}
END_TEST

static const struct { enum encoding kind; const char *in, *out; } lenient[] = {
	{ ENCODING_BASE64,	"Zm9v\nYmFy\n",			"foobar" },
	{ ENCODING_BASE64,	"Zm9v!Y m\tFy",			"foobar" },
	{ ENCODING_BASE64,	"Zg==Zg==",			"f" },
	{ ENCODING_BASE64,	"Zm8",				"fo" },
	{ ENCODING_BASE64,	"=Zm9v",			"foo" },
	{ ENCODING_BASE64,	"Z",				"" },
	{ ENCODING_QP,		"a=3Db=\nc",			"a=bc" },
	{ ENCODING_QP,		"a=3db= \t\r\nc",		"a=bc" },
	{ ENCODING_QP,		"trail  \nnext",		"trail\nnext" },
	{ ENCODING_QP,		"in  ner",			"in  ner" },
	{ ENCODING_QP,		"=ZZ=4",			"=ZZ=4" },
	{ ENCODING_QP,		"=",				"" },
	{ ENCODING_QP,		"==41",				"=A" },
	{ ENCODING_QP,		"Now's the time =\nfor all folk to come=\n to the aid of their country.",
								"Now's the time for all folk to come to the aid of their country." },
	{ ENCODING_NONE,	"a=3D b",			"a=3D b" },
};

/* Whole, and in pieces of each size, gives the same. */
START_TEST(decoder_works_in_pieces)
{
	for (size_t step = 1; step < 20; step++) {
		struct decoder d = { .kind = lenient[_i].kind };
		struct span in = span_of(lenient[_i].in);
		struct str s = STR(200);

		while (in.n)
			decoder_feed(&d, span_take(&in, step), &s);
		decoder_end(&d, &s);
		ck_assert_str_eq(s.p, lenient[_i].out);
		str_free(&s);
	}
}
END_TEST

static const char *const texts[] = {
	"", "short\n", "no line end", "blank at end \nnext\t\n", "caf\u00e9 = \u03b1\n", ".\n..\nFrom me\n",
	"a line that is so long that it must be broken at least once, because it has more than seventy-six characters in it\n",
	"\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\n\n\n",
};

static void ck_lines(struct span in)
{
	struct span line;

	while (span_cut(&in, '\n', &line))
		ck_assert_uint_le(line.n, 76);
	ck_assert_uint_le(in.n, 76);
}

START_TEST(texts_come_back)
{
	struct str coded = STR(2000), back = STR(2000);
	struct decoder qp = { .kind = ENCODING_QP }, b64 = { .kind = ENCODING_BASE64 };
	struct base64_encoder e = { 0 };

	qp_encode(span_of(texts[_i]), &coded);
	ck_lines(str_span(&coded));
	decoder_feed(&qp, str_span(&coded), &back);
	decoder_end(&qp, &back);
	ck_assert_str_eq(back.p, texts[_i]);
	str_reset(&coded);
	str_reset(&back);
	for (struct span in = span_of(texts[_i]); in.n;)
		base64_feed(&e, span_take(&in, 7), &coded);
	base64_end(&e, &coded);
	ck_lines(str_span(&coded));
	decoder_feed(&b64, str_span(&coded), &back);
	decoder_end(&b64, &back);
	ck_assert_str_eq(back.p, texts[_i]);
	str_free(&coded);
	str_free(&back);
}
END_TEST

START_TEST(names_are_known)
{
	ck_assert_int_eq(encoding_of(SPAN(" BASE64 ")), ENCODING_BASE64);
	ck_assert_int_eq(encoding_of(SPAN("quoted-printable")), ENCODING_QP);
	ck_assert_int_eq(encoding_of(SPAN("7bit")), ENCODING_NONE);
	ck_assert_int_eq(encoding_of((struct span){ 0 }), ENCODING_NONE);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-encoding");

	tcase_add_loop_test(tc, base64_goes_both_ways, 0, COUNT(pairs));
	tcase_add_loop_test(tc, strict_base64_refuses, 0, COUNT(not_base64));
	tcase_add_loop_test(tc, decoder_works_in_pieces, 0, COUNT(lenient));
	tcase_add_loop_test(tc, texts_come_back, 0, COUNT(texts));
	tcase_add_test(tc, names_are_known);
	return unit_end();
}
