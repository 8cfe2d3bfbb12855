/* A message inside of one of ours. */
#include "common/mail/charset.h"
#include "common/mail/header.h"
#include "common/mail/mime.h"
#include "common/mail/wrap.h"

#include "tests/unit/unit.h"

static const struct { const char *header; bool utf8, junk; const char *has[4], *lacks, *type; } cases[] = {
	{ "Received: by one\nFrom: Ann Other <ann@a.test>\nSubject: hello\n\tyou\nMessage-ID: <m@a.test>\nDelivered-To: x@y.test\n", false, false,
	  { "\nFrom: \"Ann Other via b.test\" <team@b.test>\nReply-To: Ann Other <ann@a.test>\nTo: <team@b.test>\nSubject: Fwd: hello\n\tyou\n",
	    "Received: by one\nDelivered-To: x@y.test\nDate: Fri, 21 Nov 1997 13:55:06 +0000\n", "\nReferences: <m@a.test>\n",
	    "says that it is from\n\n    Ann Other <ann@a.test>\n" }, "global", "rfc822" },
	{ "From: =?utf-8?q?J=C3=BCrgen?= <j@a.test>\nReply-To: list@a.test\n", false, true,
	  { "From: =?utf-8?q?J=C3=BCrgen?=\n \"via b.test\" <team@b.test>\nReply-To: list@a.test\n", "\nSubject: Fwd: a message\n", "\nIt looks like junk to us. So we do not" },
	  "Nothing proves", "rfc822" },
	/* what looks like an encoded word brings no author of its own */
	{ "From: \"=? <boss@bank.test>, x\" <evil@a.test>\n", false, false,
	  { "From: =?utf-8?b?PT8gPGJvc3NAYmFuay50ZXN0PiwgeCB2aWEgYi50ZXN0?= <team@b.test>\nReply-To:" }, "From: =? <", "rfc822" },
	{ "From: evil@a.test (=?, boss@bank.test,)\n", false, false,
	  { "From: =?utf-8?b?PT8sIGJvc3NAYmFuay50ZXN0LCB2aWEgYi50ZXN0?= <team@b.test>\nReply-To:" }, "From: =?,", "rfc822" },
	{ "From: \u03b1 <\u03b1@\u03b2.test>\nSubject: \u03b1\n", true, false, { "Reply-To: \u03b1 <\u03b1@\u03b2.test>\n", "Subject: Fwd: \u03b1\n" }, "text/html", "global" },
	{ "From: \u03b1 <x@b.test>\nSubject: \u03b1\n", false, false, { "From: \"via b.test\" <team@b.test>\nTo:", "Subject: Fwd: a message\n", "from\n\n    nobody\n" }, "Reply-To", "rfc822" },
	{ "", false, false, { "\nFrom: \"via b.test\" <team@b.test>\nTo:" }, "Reply-To", "rfc822" },
};

START_TEST(wrapped_as_it_is)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str s = STR(1 << 20), inside = STR(4000);
	const struct wrap w = { "team@b.test", "<w@b.test>", span_of(cases[_i].header), 880120506,
		0, cases[_i].utf8, cases[_i].junk, cases[_i].utf8, 7 };
	struct mime m;

	str_addf(&inside, "%s\nbody without end", cases[_i].header);
	wrap_begin(&w, a, &s);
	str_add(&s, str_span(&inside));
	wrap_end(&w, &s);
	for (int i = 0; i < COUNT(cases[_i].has) && cases[_i].has[i]; i++)
		ck_assert_msg(strstr(s.p, cases[_i].has[i]) != NULL, "wanted %s in %s",
		    cases[_i].has[i], s.p);
	ck_assert_msg(!strstr(s.p, cases[_i].lacks), "%s", s.p);
	mime_parse(str_span(&s), a, &m);
	ck_assert(span_is(m.parts[0].subtype, "mixed"));
	ck_assert(span_is(mime_find(&m, (unsigned[]){ 1 }, 1)->subtype, "plain"));
	ck_assert(span_is(mime_find(&m, (unsigned[]){ 2 }, 1)->subtype, cases[_i].type));
	ck_assert(strstr(s.p, "\n\n") < strstr(s.p, "--=_inside_0000000000000007"));
	ck_assert(strstr(s.p, inside.p) != NULL);
	str_free(&s);
	str_free(&inside);
	arena_free(a);
}
END_TEST

/* RFC 5321 4.5.3.1.6: a line has its limit, an author that comes in many lines has none. */
START_TEST(lines_end)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str s = STR(1 << 20), header = STR(4000);
	struct span rest, line;

	str_add_text(&header, "From: \u03b1\u03b2");
	for (int i = 0; i < 60; i++)
		str_add_text(&header, " a\n \u03b3\u03b4\u03b5 much too long name");
	str_add_text(&header, " <x@a.test>\n\nbody\n");
	wrap_begin(&(struct wrap){ "team@b.test", "<w@b.test>", str_span(&header), 880120506, 0, true, false, true, 7 }, a, &s);
	ck_assert(utf8_ok(str_span(&s)));
	for (rest = str_span(&s); span_cut(&rest, '\n', &line); )
		ck_assert_uint_le(line.n, 998);
	str_free(&s);
	str_free(&header);
	arena_free(a);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-wrap");

	tcase_add_loop_test(tc, wrapped_as_it_is, 0, COUNT(cases));
	tcase_add_test(tc, lines_end);
	return unit_end();
}
