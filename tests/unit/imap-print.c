/* What goes out: strings, ENVELOPE, BODYSTRUCTURE, partial texts. */
#include "imapd/imap.h"
#include "imapd/structure.h"
#include "tests/unit/unit.h"

/* A stream that keeps what is written. */
struct kept { struct stream stream; struct str text; };

static bool keep(struct stream *s, struct span bytes, ms_t until, struct err *e)
{
	struct kept *k = (struct kept *)s;

	(void)until, (void)e;
	str_add(&k->text, bytes);
	return true;
}

static struct kept kept;
static struct out *o;
static struct arena *a;

static void set_up(void)
{
	kept = (struct kept){ .stream = { .write = keep }, .text = STR(4 << 20) };
	o = out_new(&kept.stream);
	a = arena_new(16 << 20, NULL, NULL);
}

static void tear_down(void)
{
	out_free(o);
	arena_free(a);
	str_free(&kept.text);
}

static const char *written(void)
{
	out_flush(o, MS_NEVER, NULL);
	return kept.text.p;
}

static const struct { struct span in; const char *out; } strings[] = {
	{ { "a", 1 }, "\"a\"" }, { { "", 0 }, "\"\"" }, { { NULL, 0 }, "NIL" },
	{ { "a\"b\\", 4 }, "\"a\\\"b\\\\\"" }, { { "a\r\nb", 4 }, "{4}\r\na\r\nb" },
	{ { "\xc3\xbc", 2 }, "{2}\r\n\xc3\xbc" }, { { "a\0b", 3 }, "{3}\r\na b" },
};

START_TEST(string_prints)
{
	print_nstring(o, strings[_i].in);
	ck_assert_str_eq(written(), strings[_i].out);
}
END_TEST

static const struct { const char *header, *out; } envelopes[] = {
	{ "", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)" },
	/* RFC 3501 7.4.2's own example, in part */
	{ "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\n"
	  "From: Terry Gray <gray@cac.washington.edu>\n"
	  "Subject: IMAP4rev1 WG mtg summary and minutes\n"
	  "To: imap@cac.washington.edu\n"
	  "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\n"
	  "Message-Id: <B27397-0100000@cac.washington.edu>\n",
	  "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\""
	  " ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\"))"
	  " ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\"))"
	  " ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\"))"
	  " ((NIL NIL \"imap\" \"cac.washington.edu\"))"
	  " ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\"))"
	  " NIL NIL \"<B27397-0100000@cac.washington.edu>\")" },
	{ "To: friends: a@x.test, b@x.test;\n",
	  "(NIL NIL NIL NIL NIL ((NIL NIL \"friends\" NIL)(NIL NIL \"a\" \"x.test\")(NIL NIL \"b\" \"x.test\")"
	  "(NIL NIL NIL NIL)) NIL NIL NIL NIL)" },
};

START_TEST(envelope_prints)
{
	print_envelope(o, span_of(envelopes[_i].header), a);
	ck_assert_str_eq(written(), envelopes[_i].out);
}
END_TEST

static const struct { const char *text, *out; bool extended; } structures[] = {
	{ "\nhi\n", "(\"text\" \"plain\" NIL NIL NIL \"7BIT\" 4 1)", false },
	{ "Content-Type: IMAGE/PNG; name*=utf-8''%41\nContent-MD5: xx\nContent-Language: en, de\n\nx",
	  "(\"IMAGE\" \"PNG\" (\"name*\" \"utf-8''%41\") NIL NIL \"7BIT\" 1 \"xx\" NIL (\"en\" \"de\") NIL)", true },
	{ "Content-Type: multipart/mixed; boundary=b\n\nnothing\n",
	  "((\"text\" \"plain\" NIL NIL NIL \"7BIT\" 0 0) \"mixed\")", false },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--\n",
	  "((\"text\" \"plain\" NIL NIL NIL \"7BIT\" 3 0)(\"text\" \"html\" NIL NIL NIL \"7BIT\" 3 0) \"mixed\")", false },
};

START_TEST(structure_prints)
{
	struct span text = span_of(structures[_i].text);
	struct mime m;

	mime_parse(text, a, &m);
	print_structure(o, &m, text, structures[_i].extended, a);
	ck_assert_str_eq(written(), structures[_i].out);
}
END_TEST

/* Every from and count of a text with all kinds of lines, in any order, against the plain way. */
START_TEST(every_part_of_a_text_prints)
{
	const char *lf = "one\n\ntwo\n\n\nend", *crlf = "one\r\n\r\ntwo\r\n\r\n\r\nend";
	size_t all = strlen(crlf);
	struct message m = { .text = span_of(lf) };

	for (size_t step = 0; step < (all + 3) * (all + 3); step++) {
		size_t from = step * 7 % (all + 3), count = 1 + step / (all + 3);
		struct span want = span_to(span_from(span_of(crlf), from), count);
		struct str line = STR(100);

		str_addf(&line, want.n ? "{%zu}\r\n" : "\"\"", want.n);
		str_add(&line, want);
		print_text_part(&m, o, m.text, from, count);
		ck_assert_str_eq(written(), line.p);
		str_reset(&kept.text);
		str_free(&line);
	}
	print_text(o, m.text);
	ck_assert_uint_eq(wire_length(m.text), all);
	ck_assert_str_eq(written() + strlen("{20}\r\n"), crlf);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("imap-print");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, string_prints, 0, COUNT(strings));
	tcase_add_loop_test(tc, envelope_prints, 0, COUNT(envelopes));
	tcase_add_loop_test(tc, structure_prints, 0, COUNT(structures));
	tcase_add_test(tc, every_part_of_a_text_prints);
	return unit_end();
}
