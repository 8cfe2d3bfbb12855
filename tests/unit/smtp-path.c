/* Paths: what is eaten, what is refused, and the one canonical form. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "common/smtp/path.h"

static const struct {
	const char *in, *text, *left, *status;
	enum path_kind kind;
	bool utf8;
} cases[] = {
	/* in				canonical		left		error */
	{ "<ann@example.org>",		"ann@example.org",	"",		NULL },
	{ "<ann@example.org> SIZE=9",	"ann@example.org",	" SIZE=9",	NULL },
	{ "<ann@Example.ORG>",		"ann@example.org",	"",		NULL },
	{ "<Ann@example.org>",		"Ann@example.org",	"",		NULL },
	{ "<>",				"",			"",		NULL },
	{ "<>",				NULL,			NULL,		"5.1.3", PATH_FORWARD },
	{ "<postmaster>",		"postmaster",		"",		NULL, PATH_FORWARD },
	{ "<PostMaster>x",		"PostMaster",		"x",		NULL, PATH_FORWARD },
	{ "<postmaster>",		NULL,			NULL,		"5.1.3" },
	{ "<postmasters>",		NULL,			NULL,		"5.1.3", PATH_FORWARD },
	{ "<postmaster@x.org>",		"postmaster@x.org",	"",		NULL, PATH_FORWARD },
	{ "<a.b+box@[192.0.2.1]>",	"a.b+box@[192.0.2.1]",	"",		NULL },
	{ "<a@[IPv6:2001:db8::1]>",	"a@[IPv6:2001:db8::1]",	"",		NULL },
	{ "<a@[2001:db8::1]>",		NULL,			NULL,		"5.1.3" },
	{ "<a@[192.0.2.256]>",		NULL,			NULL,		"5.1.3" },
	{ "<a@[]>",			NULL,			NULL,		"5.1.3" },
	{ "<a@[192.0.2.1>",		NULL,			NULL,		"5.1.3" },
	{ "<a@[x400:foo]>",		NULL,			NULL,		"5.1.3" },
	{ "<!#$%&'*+-/=?^_`{|}~@x.org>", "!#$%&'*+-/=?^_`{|}~@x.org", "",	NULL },
	{ "<\"ann\"@x.org>",		"ann@x.org",		"",		NULL },
	{ "<\"a\\nn\"@x.org>",		"ann@x.org",		"",		NULL },
	{ "<\"a b\"@x.org>",		"\"a b\"@x.org",	"",		NULL },
	{ "<\"a\\ b\"@x.org>",		"\"a b\"@x.org",	"",		NULL },
	{ "<\"a\\\"b\\\\\"@x.org>",	"\"a\\\"b\\\\\"@x.org",	"",		NULL },
	{ "<\"a@b\"@x.org>",		"\"a@b\"@x.org",	"",		NULL },
	{ "<\"a>b\"@x.org>",		"\"a>b\"@x.org",	"",		NULL },
	{ "<\"a..b\"@x.org>",		"\"a..b\"@x.org",	"",		NULL },
	{ "<\".\"@x.org>",		"\".\"@x.org",		"",		NULL },
	{ "<\"\"@x.org>",		"\"\"@x.org",		"",		NULL },
	{ "<\"a\"b@x.org>",		NULL,			NULL,		"5.1.3" },
	{ "<\"a@x.org>",		NULL,			NULL,		"5.1.3" },
	{ "<\"a\\",			NULL,			NULL,		"5.1.3" },
	{ "<\"a\\\"@x.org>",		NULL,			NULL,		"5.1.3" },
	{ "<\"a\tb\"@x.org>",		NULL,			NULL,		"5.1.3" },
	{ "<\"a\\\x01\"@x.org>",	NULL,			NULL,		"5.1.3" },
	{ "<@one.org:ann@x.org>",	"ann@x.org",		"",		NULL },
	{ "<@one.org,@two.org:ann@x.org>", "ann@x.org",		"",		NULL },
	{ "<@one.org>",			NULL,			NULL,		"5.1.3" },
	{ "<@one.org,two.org:ann@x.org>", NULL,			NULL,		"5.1.3" },
	{ "<@one.org:>",		NULL,			NULL,		"5.1.3" },
	{ "ann@example.org",		NULL,			NULL,		"5.5.2" },
	{ "",				NULL,			NULL,		"5.5.2" },
	{ "<",				NULL,			NULL,		"5.1.3" },
	{ "<ann>",			NULL,			NULL,		"5.1.3" },
	{ "<ann@>",			NULL,			NULL,		"5.1.3" },
	{ "<ann@example.org",		NULL,			NULL,		"5.1.3" },
	{ "<@example.org>",		NULL,			NULL,		"5.1.3" },
	{ "<ann@example.org.>",		NULL,			NULL,		"5.1.3" },
	{ "<ann@.example.org>",		NULL,			NULL,		"5.1.3" },
	{ "<ann@example..org>",		NULL,			NULL,		"5.1.3" },
	{ "<ann@-example.org>",		NULL,			NULL,		"5.1.3" },
	{ "<ann@example-.org>",		NULL,			NULL,		"5.1.3" },
	{ "<ann@mail_1.example.org>",	"ann@mail_1.example.org", "",		NULL },
	{ "<ann@localhost>",		"ann@localhost",	"",		NULL },
	{ "<.ann@x.org>",		NULL,			NULL,		"5.1.3" },
	{ "<ann.@x.org>",		NULL,			NULL,		"5.1.3" },
	{ "<a..n@x.org>",		NULL,			NULL,		"5.1.3" },
	{ "<a b@x.org>",		NULL,			NULL,		"5.1.3" },
	{ "<a@b@x.org>",		NULL,			NULL,		"5.1.3" },
	{ "<ann@x.org >",		NULL,			NULL,		"5.1.3" },
	{ "< ann@x.org>",		NULL,			NULL,		"5.1.3" },
	{ "<ann@x.org,bob@x.org>",	NULL,			NULL,		"5.1.3" },
	{ "<jürgen@x.org>",		NULL,			NULL,		"5.6.7" },
	{ "<ann@grüße.example>",	NULL,			NULL,		"5.6.7" },
	{ "<jürgen@GRüße.Example>",	"jürgen@grüße.example",	"",		NULL, PATH_REVERSE, true },
	{ "<\"jürgen\"@x.org>",		"jürgen@x.org",		"",		NULL, PATH_REVERSE, true },
	{ "<\"jür gen\"@x.org>",	"\"jür gen\"@x.org",	"",		NULL, PATH_REVERSE, true },
	{ "<j\xfcrgen@x.org>",		NULL,			NULL,		"5.1.3", PATH_REVERSE, true },
	{ "<a\xc0\x80@x.org>",		NULL,			NULL,		"5.1.3", PATH_REVERSE, true },
};

START_TEST(path_parses)
{
	struct span in = span_of(cases[_i].in), was = in;
	struct path got;
	struct str text = STR(PATH_TEXT_MAX);
	struct err e;
	bool ok = path_parse(&in, cases[_i].kind, cases[_i].utf8, &got, &e);

	ck_assert_msg(ok == !cases[_i].status, "%s", cases[_i].in);
	if (ok) {
		path_print(&got, &text);
		ck_assert_str_eq(text.p, cases[_i].text);
		ck_assert(span_same(in, span_of(cases[_i].left)));
	} else {
		ck_assert_str_eq(e.status, cases[_i].status);
		ck_assert_ptr_eq(in.p, was.p);		/* failure eats nothing */
		ck_assert_uint_eq(in.n, was.n);
	}
	str_free(&text);
}
END_TEST

static const struct { const char *text; bool utf8, ok; } addresses[] = {
	{ "ann@example.org", false, true }, { "\"a b\"@example.org", false, true }, { "ann@[192.0.2.1]", false, true },
	{ "", false, false }, { "ann", false, false }, { "ann@example.org>", false, false },
	{ "<ann@example.org>", false, false }, { "@x.org:ann@example.org", false, false },
	{ "ann@example.org ", false, false }, { "jürgen@example.org", false, false },
	{ "jürgen@example.org", true, true },
};

START_TEST(path_knows_addresses)
{
	ck_assert(path_is_address(span_of(addresses[_i].text), addresses[_i].utf8) == addresses[_i].ok);
}
END_TEST

/* Lengths around the limits, which no line above reaches. */
START_TEST(path_limits_lengths)
{
	char text[700] = "<";
	struct path got;
	struct err e;

	for (size_t n = 1; n < 300; n++) {
		struct span in;

		memset(text + 1, 'a', n);
		snprintf(text + 1 + n, sizeof text - 1 - n, "@x.org>");
		in = span_of(text);
		ck_assert(path_parse(&in, PATH_REVERSE, false, &got, &e) == (n <= PATH_LOCAL_MAX));
		snprintf(text + 1, sizeof text - 1, "a@%.*s.org>", (int)n,
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
		in = span_of(text);
		ck_assert(path_parse(&in, PATH_REVERSE, false, &got, &e) == (n <= 63));
	}
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("smtp-path");

	tcase_add_loop_test(tc, path_parses, 0, COUNT(cases));
	tcase_add_loop_test(tc, path_knows_addresses, 0, COUNT(addresses));
	tcase_add_test(tc, path_limits_lengths);
	return unit_end();
}
