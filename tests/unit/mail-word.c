/* Encoded words (RFC 2047), charsets, MIME parameters (RFC 2045, 2231). */
#include "common/mail/charset.h"
#include "common/mail/param.h"
#include "common/mail/word.h"

#include "tests/unit/unit.h"

#define FFFD "\xef\xbf\xbd"

static const struct { const char *in, *out; } decoded[] = {
	/* RFC 2047 8 */
	{ "=?US-ASCII?Q?Keith_Moore?=",				"Keith Moore" },
	{ "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=",		"Keld J\u00f8rn Simonsen" },
	{ "=?ISO-8859-1?Q?Andr=E9?= Pirard",			"Andr\u00e9 Pirard" },
	{ "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
								"If you can read this you understand the example." },
	{ "=?ISO-8859-1?Q?Olle_J=E4rnefors?=",			"Olle J\u00e4rnefors" },
	{ "=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?=",		"Patrik F\u00e4ltstr\u00f6m" },
	{ "(=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=)",		"(\u05dd\u05d5\u05dc\u05e9 \u05df\u05d1 \u05d9\u05dc\u05d8\u05e4\u05e0)" },
	{ "(=?ISO-8859-1?Q?a?=)",				"(a)" },
	{ "(=?ISO-8859-1?Q?a?= b)",				"(a b)" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)",		"(ab)" },
	{ "(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)",		"(ab)" },
	{ "(=?ISO-8859-1?Q?a?=\n\t=?ISO-8859-1?Q?b?=)",		"(ab)" },
	{ "(=?ISO-8859-1?Q?a_b?=)",				"(a b)" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)",		"(a b)" },
	/* RFC 2231 5: a language */
	{ "=?US-ASCII*EN?Q?Keith_Moore?=",			"Keith Moore" },
	/* a character cut in two */
	{ "=?utf-8?b?zrE=?= =?utf-8?b?zg==?= =?utf-8?b?sg==?=",	"\u03b1\u03b2" },
	{ "=?UTF-8?Q?=CE?=\n =?utf-8?Q?=B1?=",			"\u03b1" },
	/* charsets that iconv has under other names */
	{ "=?ks_c_5601-1987?B?x9GxuQ==?=",			"\ud55c\uad6d" },
	{ "=?x-mac-cyrillic?Q?=80?=",				"\u0410" },
	{ "=?unicode-1-1-utf-7?Q?+A7E-?=",			"\u03b1" },
	{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=",			"\u65e5\u672c" },
	{ "=?koi8-r?q?=C1?= =?Windows-1252?q?=80?=",		"\u0430\u20ac" },
	{ "=?ISO-8859-15?q?=A4?= =?iso-8859-7?q?=E1?=",		"\u20ac\u03b1" },
	{ "=?macintosh?q?=80?= =?IBM850?q?=84?=",		"\u00c4\u00e4" },
	{ "=?windows-1251?q?=E0?= =?cp1255?q?=E0?=",		"\u0430\u05d0" },
	{ "=?gb2312?b?xOO6ww==?= =?big5?b?p0Gmbg==?=",		"\u4f60\u597d\u4f60\u597d" },
	{ "=?iso-8859-7?q?=FF?=",				FFFD },
	/* broken */
	{ "=?utf-8?q?=FF?=",					FFFD },
	{ "=?no-such-set?q?a=CE=B1?=",				"a\u03b1" },
	{ "=?utf-8?x?abc?=",					"=?utf-8?x?abc?=" },
	{ "=?utf-8?q?abc",					"=?utf-8?q?abc" },
	{ "=?utf-8?q?abc?",					"=?utf-8?q?abc?" },
	{ "=?", "=?" }, { "=?=?=?", "=?=?=?" }, { "", "" },
	{ "=??q?a?=",						"=??q?a?=" },
	{ "plain \xce\xb1 \xce x",				"plain \u03b1 " FFFD " x" },
	{ "=?utf-8?q?a=0Ab=00c?=",				"a b c" },
	{ "folded\n  twice",					"folded  twice" },
	{ "=?../../tmp/x?q?a?=",				"=?../../tmp/x?q?a?=" },
	{ "=?utf-8//IGNORE?q?a?=",				"=?utf-8//IGNORE?q?a?=" },
};

START_TEST(words_decode)
{
	struct str s = STR(1000);

	word_decode(span_of(decoded[_i].in), &s);
	ck_assert_str_eq(s.p, decoded[_i].out);
	str_free(&s);
}
END_TEST

static const char *const texts[] = {
	"", "hello", "hello  two blanks", " leading", "trailing ",
	"\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1 \u03ba\u03cc\u03c3\u03bc\u03b5, this is a long subject that needs more than one line, \u03bd\u03b1\u03b9",
	"caf\u00e9", "a =?b?= c", "one \u00e9 two \u00e8 \u00ea three",
	"an ASCII subject that is rather long and so has to be folded at some place before it becomes longer than the line may be",
	"\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e",
};

START_TEST(words_come_back)
{
	struct str coded = STR(4000), back = STR(4000);
	struct span in, line;

	word_encode(span_of(texts[_i]), 9, &coded);
	in = str_span(&coded);
	ck_assert(span_is_ascii(in));
	while (span_cut(&in, '\n', &line))
		ck_assert_uint_le(line.n, WORD_LINE);
	ck_assert_uint_le(in.n, WORD_LINE);
	word_decode(str_span(&coded), &back);
	ck_assert_str_eq(back.p, texts[_i]);
	str_free(&coded);
	str_free(&back);
}
END_TEST

static const struct { const char *in, *out; } phrases[] = {
	{ "Ann Example",	"Ann Example" },
	{ "Ann B. Example",	"\"Ann B. Example\"" },
	{ "Ann \"X\" \\",	"\"Ann \\\"X\\\" \\\\\"" },
	{ "",			"\"\"" },
	{ "J\u00f8rn",		"=?utf-8?b?SsO4cm4=?=" },
	{ "a,b",		"\"a,b\"" },
	{ "Andr\u00e9 and Bob",	"=?utf-8?q?Andr=C3=A9_and_Bob?=" },
};

START_TEST(phrases_encode)
{
	struct str s = STR(1000);

	word_encode_phrase(span_of(phrases[_i].in), 6, &s);
	ck_assert_str_eq(s.p, phrases[_i].out);
	str_free(&s);
}
END_TEST

static const struct { const char *in, *first, *name, *value, *utf8; } params[] = {
	{ "text/plain; charset=us-ascii (Plain text)",	"text/plain",	"charset",	"us-ascii",	"us-ascii" },
	{ "text/plain; charset=\"us-ascii\"",		"text/plain",	"charset",	"us-ascii",	"us-ascii" },
	{ "text/ (c) plain;CHARSET = utf-8",		"text/plain",	"charset",	"utf-8",	"utf-8" },
	/* RFC 2231 3, 4, 4.1 */
	{ "message/external-body; access-type=URL;\n URL*0=\"ftp://\";\n URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
		"message/external-body", "url",
		"ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar" },
	{ "application/x-stuff;\n title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
		"application/x-stuff", "title", "us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "This is ***fun***" },
	{ "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;\n title*1*=%2A%2A%2Afun%2A%2A%2A%20;\n title*2=\"isn't it!\"",
		"application/x-stuff", "title",
		"us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it%21",
		"This is even more ***fun*** isn't it!" },
	{ "attachment; filename*1=b; filename*0=a",	"attachment",	"filename",	"ab",		"ab" },
	{ "attachment; filename*1=b",			"attachment",	"filename",	NULL,		NULL },
	{ "attachment; filename=x; filename*=utf-8''%CE%B1", "attachment", "filename",	"utf-8''%CE%B1", "\u03b1" },
	{ "attachment; filename=\"=?utf-8?q?=CE=B1?=\"", "attachment",	"filename",	"=?utf-8?q?=CE=B1?=", "\u03b1" },
	{ "attachment; filename*=%CE%B1",		"attachment",	"filename",	"%CE%B1",	"\u03b1" },
	{ "attachment; filename=\"a\\\"b;c\"",		"attachment",	"filename",	"a\"b;c",	"a\"b;c" },
	{ "attachment; filename=\"open",		"attachment",	"filename",	"open",		"open" },
	{ "a; b; ; =c; d=1",				"a",		"d",		"1",		"1" },
	{ "a; b=\"x\" junk; d=2",			"a",		"d",		"2",		"2" },
	{ "",						"",		"d",		NULL,		NULL },
	{ ";;;",					"",		"d",		NULL,		NULL },
};

START_TEST(params_parse)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct span first;
	struct params all;
	const struct param *p;

	param_parse(span_of(params[_i].in), a, &first, &all);
	ck_assert(span_same(first, span_of(params[_i].first)));
	p = param_find(&all, params[_i].name);
	ck_assert_int_eq(p != NULL, params[_i].value != NULL);
	if (p) {
		ck_assert_msg(span_same(p->value, span_of(params[_i].value)), SPAN_FMT, SPAN_ARG(p->value));
		ck_assert(span_same(param_utf8(p, a), span_of(params[_i].utf8)));
	}
	arena_free(a);
}
END_TEST

static const struct { const char *in; bool ok; const char *mended; } utf8[] = {
	{ "a\u03b1\u65e5\U0001f600",	true,	"a\u03b1\u65e5\U0001f600" },
	{ "\xc0\x80",			false,	FFFD FFFD },
	{ "\xed\xa0\x80",		false,	FFFD FFFD FFFD },
	{ "\xf4\x90\x80\x80",		false,	FFFD FFFD FFFD FFFD },
	{ "\xe2\x82",			false,	FFFD FFFD },
	{ "\x80",			false,	FFFD },
	{ "",				true,	"" },
};

START_TEST(points_become_utf8)
{
	static const uint32_t points[] = { 'a', 0x7f, 0x80, 0x3b1, 0x7ff, 0x800, 0x65e5, 0xffff, 0x10000, 0x1f600, 0x10ffff };
	struct str s = STR(100);

	for (size_t i = 0; i < COUNT(points); i++)
		utf8_add(points[i], &s);
	ck_assert_str_eq(s.p, "a\x7f\xc2\x80\u03b1\u07ff\u0800\u65e5\uffff\U00010000\U0001f600\U0010ffff");
	str_free(&s);
}
END_TEST

START_TEST(utf8_is_checked)
{
	struct str s = STR(100);

	ck_assert_int_eq(utf8_ok(span_of(utf8[_i].in)), utf8[_i].ok);
	utf8_mend(span_of(utf8[_i].in), &s);
	ck_assert_str_eq(s.p, utf8[_i].mended);
	str_free(&s);
}
END_TEST

START_TEST(usual_charsets_open)
{
	struct str s = STR(100);

	ck_assert(charset_known(SPAN("EUC-TW")));
	charset_preload();
	ck_assert(charset_known(SPAN("KOI8-R")) && charset_known(SPAN("windows-1252")) &&
	    charset_known(SPAN("gb2312")));
	charset_to_utf8(SPAN("euc-jp"), SPAN("\xc6\xfc"), &s);
	ck_assert_str_eq(s.p, "\u65e5");
	str_free(&s);
	ck_assert(charset_known(SPAN("EUC-TW")));		/* open already */
	ck_assert(!charset_known(SPAN("TSCII")));		/* too late */
	ck_assert(!charset_known(SPAN("")) && !charset_known(SPAN("x/../y")) &&
	    !charset_known(SPAN("none-such")));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-word");

	tcase_add_loop_test(tc, words_decode, 0, COUNT(decoded));
	tcase_add_loop_test(tc, words_come_back, 0, COUNT(texts));
	tcase_add_loop_test(tc, phrases_encode, 0, COUNT(phrases));
	tcase_add_loop_test(tc, params_parse, 0, COUNT(params));
	tcase_add_test(tc, points_become_utf8);
	tcase_add_loop_test(tc, utf8_is_checked, 0, COUNT(utf8));
	tcase_add_test(tc, usual_charsets_open);
	return unit_end();
}
