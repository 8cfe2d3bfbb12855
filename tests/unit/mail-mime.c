/* MIME structure. */
#include "common/mail/mime.h"

#include <stdio.h>
#include <time.h>

#include "tests/unit/unit.h"

#define MP(b)	"Content-Type: multipart/mixed; boundary=" b "\n\n"

/* Printed as type/subtype=body, children in brackets; LFs in bodies as "$". */
static const struct { const char *in, *out; } shapes[] = {
	{ "Subject: x\n\nhello\n",			"text/plain=hello$" },
	{ "\nhello",					"text/plain=hello" },
	{ "",						"text/plain=" },
	{ "A: b",					"text/plain=" },
	{ MP("b") "pre\n--b\n\none\n--b\nContent-Type: text/html\n\n<two>\n\n--b--\nepi\n",
		"multipart/mixed[text/plain=one text/html=<two>$]" },
	{ MP("\"b c\"") "--b c  \n\none\n--b c--",	"multipart/mixed[text/plain=one]" },
	{ MP("b") "--b\n\n--b\n\n\n--b--\n",		"multipart/mixed[text/plain= text/plain=]" },
	{ MP("b") "--b\nA: b\n--b--\n",			"multipart/mixed[text/plain=]" },
	{ MP("b") "--b\n\nno end",			"multipart/mixed[text/plain=no end]" },
	{ MP("b") "--b",				"multipart/mixed[text/plain=]" },
	{ MP("b") "no part\n",				"multipart/mixed[]" },
	{ MP("b") "--bx\n--b-\n --b\n--b x\n-b\n",	"multipart/mixed[]" },
	{ "Content-Type: multipart/mixed\n\n--\n\nx\n",	"multipart/mixed=--$$x$" },
	/* nested; the outer delimiter ends the inner parts */
	{ MP("o") "--o\n" MP("i") "--i\n\none\n--i--\nepi\n--o\n\ntwo\n--o--\n",
		"multipart/mixed[multipart/mixed[text/plain=one] text/plain=two]" },
	{ MP("o") "--o\n" MP("i") "--i\n\none\n--o\n\ntwo\n--o--\n",
		"multipart/mixed[multipart/mixed[text/plain=one] text/plain=two]" },
	{ MP("b") "--b\n" MP("bb") "--bb\n\none\n--bb--\n--b--\n", "multipart/mixed[multipart/mixed[text/plain=one]]" },
	/* after the close delimiter the same boundary means nothing */
	{ MP("b") "--b\n\none\n--b--\n--b\n\ntwo\n",	"multipart/mixed[text/plain=one]" },
	/* messages inside */
	{ "Content-Type: message/rfc822\n\nSubject: in\n\nhello\n", "message/rfc822[text/plain=hello$]" },
	{ MP("b") "--b\nContent-Type: message/rfc822\n\nSubject: in\n" MP("i") "--i\n\ndeep\n--i--\n\n--b\n\nlast\n--b--\n",
		"multipart/mixed[message/rfc822[multipart/mixed[text/plain=deep]] text/plain=last]" },
	{ "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nAAAA\n", "message/rfc822=AAAA$" },
	{ "Content-Type: message/global\n\nA: b\n\nx",	"message/global[text/plain=x]" },
	{ "Content-Type: message/partial\n\nA: b\n\nx",	"message/partial=A: b$$x" },
	/* RFC 2046 5.1.5 */
	{ "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\nx\n--b\nContent-Type: text/html\n\ny\n--b--",
		"multipart/digest[message/rfc822[text/plain=x] text/html=y]" },
	/* odd types: RFC 2045 5.2 */
	{ "Content-Type: nonsense\n\nx",		"text/plain=x" },
	{ "Content-Type: /\n\nx",			"text/plain=x" },
	{ "Content-Type: TEXT / Html ; charset=x\n\nx",	"TEXT/Html=x" },
	{ "Content-Type: text/html\nContent-Type: text/css\n\nx", "text/html=x" },
};

static void print(const struct mime *m, int i, struct span text, struct str *s)
{
	const struct mime_part *p = &m->parts[i];
	struct span body = span_to(span_from(text, p->body.at), p->body.bytes);

	str_addf(s, SPAN_FMT "/" SPAN_FMT "%s", SPAN_ARG(p->type), SPAN_ARG(p->subtype),
	    p->kind == MIME_LEAF ? "=" : "[");
	for (size_t k = 0; p->kind == MIME_LEAF && k < body.n; k++)
		str_add_char(s, body.p[k] == '\n' ? '$' : body.p[k]);
	for (int c = p->child; c >= 0; c = m->parts[c].next) {
		print(m, c, text, s);
		str_add_text(s, m->parts[c].next >= 0 ? " " : "");
	}
	str_add_text(s, p->kind == MIME_LEAF ? "" : "]");
}

static size_t count_lines(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

static void ck_part(const struct mime_part *p, struct span text)
{
	struct span header = span_from(text, p->header.at), body = span_from(text, p->body.at);

	ck_assert_uint_le(p->body.at + p->body.bytes, text.n);
	ck_assert_uint_eq(p->header.at + p->header.bytes, p->body.at);
	ck_assert_uint_eq(count_lines(span_to(header, p->header.bytes)), p->header.lines);
	ck_assert_uint_eq(count_lines(span_to(body, p->body.bytes)), p->body.lines);
}

START_TEST(shape_is_found)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct span text = span_of(shapes[_i].in);
	struct str s = STR(1000);
	struct mime m;

	mime_parse(text, a, &m);
	print(&m, 0, text, &s);
	ck_assert_str_eq(s.p, shapes[_i].out);
	for (size_t i = 0; i < m.count; i++)
		ck_part(&m.parts[i], text);
	ck_assert(!m.cut);
	str_free(&s);
	arena_free(a);
}
END_TEST

/* The example of RFC 9051 6.4.5.1, with the numbers it gives to the parts. */
static const char rfc9051[] =
	MP("a")
	"--a\nContent-Type: text/plain\n\n1\n"
	"--a\nContent-Type: application/octet-stream\n\n2\n"
	"--a\nContent-Type: message/rfc822\n\n" MP("b") "--b\n\n3.1\n--b\nContent-Type: application/octet-stream\n\n3.2\n--b--\n"
	"--a\nContent-Type: multipart/mixed; boundary=c\n\n"
		"--c\nContent-Type: image/gif\n\n4.1\n"
		"--c\nContent-Type: message/rfc822\n\nSubject: s\n" MP("d")
			"--d\n\n4.2.1\n"
			"--d\nContent-Type: multipart/alternative; boundary=e\n\n"
				"--e\n\n4.2.2.1\n--e\nContent-Type: text/richtext\n\n4.2.2.2\n--e--\n"
			"--d--\n"
		"--c--\n"
	"--a--\n";

static const struct { unsigned n[5]; size_t count; const char *body; } numbers[] = {
	{ { 1 },		1, "1" },
	{ { 2 },		1, "2" },
	{ { 3, 1 },		2, "3.1" },
	{ { 3, 2 },		2, "3.2" },
	{ { 4, 1 },		2, "4.1" },
	{ { 4, 2, 1 },		3, "4.2.1" },
	{ { 4, 2, 2, 1 },	4, "4.2.2.1" },
	{ { 4, 2, 2, 2 },	4, "4.2.2.2" },
	{ { 5 },		1, NULL },
	{ { 0 },		1, NULL },
	{ { 1, 1 },		2, NULL },
	{ { 3, 3 },		2, NULL },
	{ { 4, 2, 2, 2, 1 },	5, NULL },
	{ { 4000000000u },	1, NULL },
};

START_TEST(numbers_find_parts)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	const struct mime_part *p;
	struct mime m;

	mime_parse(span_of(rfc9051), a, &m);
	p = mime_find(&m, numbers[_i].n, numbers[_i].count);
	ck_assert_int_eq(p != NULL, numbers[_i].body != NULL);
	if (p)
		ck_assert(span_same((struct span){ rfc9051 + p->body.at, p->body.bytes },
		    span_of(numbers[_i].body)));
	arena_free(a);
}
END_TEST

START_TEST(messages_inside_are_found)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct mime m;

	mime_parse(span_of(rfc9051), a, &m);
	ck_assert_ptr_eq(mime_find(&m, NULL, 0), &m.parts[0]);
	ck_assert(span_is(mime_inside(&m, mime_find(&m, (unsigned[]){ 3 }, 1))->type, "multipart"));
	ck_assert_ptr_null(mime_inside(&m, mime_find(&m, (unsigned[]){ 1 }, 1)));
	mime_parse(SPAN("A: b\n\nx"), a, &m);
	ck_assert_ptr_eq(mime_find(&m, (unsigned[]){ 1 }, 1), &m.parts[0]);
	ck_assert_ptr_null(mime_find(&m, (unsigned[]){ 2 }, 1));
	mime_parse(SPAN("Content-Type: message/rfc822\n\nA: b\n\nx"), a, &m);
	ck_assert_ptr_eq(mime_find(&m, (unsigned[]){ 1 }, 1), &m.parts[0]);
	ck_assert_ptr_eq(mime_find(&m, (unsigned[]){ 1, 1 }, 2), &m.parts[1]);
	arena_free(a);
}
END_TEST

START_TEST(fields_are_kept)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct mime m;
	const struct mime_part *p;

	mime_parse(SPAN("Content-Type: image/png; name=\"x.png\"\nContent-ID: <a@b>\nContent-Description: a\n picture\n"
	    "Content-Transfer-Encoding: BASE64 (yes)\nContent-Disposition: attachment; filename=x.png\n"
	    "Content-Language: en, de\nContent-Location: http://a.test/\nContent-MD5: xyz\n\nAAAA\n"), a, &m);
	p = &m.parts[0];
	ck_assert(span_is(p->id, "<a@b>") && span_is(p->description, "a\n picture") &&
	    span_is(p->encoding, "base64"));
	ck_assert(span_is(p->disposition, "attachment") && span_is(p->language, "en, de") &&
	    span_is(p->md5, "xyz"));
	ck_assert(span_is(p->location, "http://a.test/") &&
	    span_is(param_find(&p->params, "name")->value, "x.png"));
	ck_assert(span_is(param_find(&p->disposition_params, "filename")->value, "x.png"));
	ck_assert_uint_eq(mime_crlf(p->body), 6);
	mime_parse(SPAN("A: b\n\nx"), a, &m);
	ck_assert_ptr_null(m.parts[0].id.p);
	ck_assert_ptr_null(m.parts[0].encoding.p);
	arena_free(a);
}
END_TEST

/* SAFETY, class 9: what an attacker sends so that the reader drowns. %s repeated until the text is large. */
static const struct { const char *front, *again; bool cut; } bombs[] = {
	{ MP("b"),	"--b\n",						true },
	{ MP("b"),	"--b\nA: b\n\n\n",					true },
	{ "",		"Content-Type: message/rfc822\n\n",			true },
	{ "",		MP("b") "--b\n",					true },
	{ MP("b"),	"--\n",							false },
	{ MP("b"),	"--b x\n",						false },
	{ "Content-Type: multipart/mixed", "; boundary=b; a=\"b\"",		false },
	{ "Content-Type: multipart/mixed", "; b*0=c; c*1*=d; b*1=e",		false },
	{ "",		"Content-Type: text/plain; a=b\n",			false },
	{ "",		"Content-Type: text/plain; a=(((((\n (\"\\\n",		false },
	{ MP("b"),	"--b\nContent-Type: text/plain; a*0=\"\\x\"; a*1=y\n",	true },
	{ MP("b"),	"--b\nContent-Type: message/rfc822\n\n",		true },
	{ MP("b"),	"--b\n" MP("b") "--b\nContent-Type: message/rfc822\n\n", true },
};

START_TEST(bombs_are_survived)
{
	struct arena *a = arena_new(256 << 20, NULL, NULL);
	struct str s = STR(10 << 20);
	clock_t begun;
	struct mime m;

	str_add_text(&s, bombs[_i].front);
	while (s.n + 200 < s.max)
		str_add_text(&s, bombs[_i].again);
	begun = clock();
	mime_parse(str_span(&s), a, &m);
	ck_assert_msg(clock() - begun < 10 * CLOCKS_PER_SEC, "%ld",
	    (long)(clock() - begun)); /* sanitizers included */
	ck_assert_uint_le(m.count, MIME_PARTS_MAX);
	ck_assert_uint_lt(arena_used(a), 64 << 20);
	ck_assert_int_eq(m.cut, bombs[_i].cut);
	for (size_t i = 0; i < m.count; i++)
		ck_assert_uint_lt(m.parts[i].depth, MIME_DEPTH_MAX);
	if (getenv("VERBOSE"))
		fprintf(stderr, "bomb %d: %ld us, %zu parts, %zu bytes\n", _i,
		    (long)(clock() - begun), m.count, arena_used(a));
	str_free(&s);
	arena_free(a);
}
END_TEST

START_TEST(long_boundary_is_opaque)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str s = STR(4000);
	struct mime m;

	str_addf(&s, "Content-Type: multipart/mixed; boundary=%0300d\n\n--%0300d\n\nx\n", 0, 0);
	mime_parse(str_span(&s), a, &m);
	ck_assert(m.cut && m.count == 1 && m.parts[0].kind == MIME_LEAF);
	str_free(&s);
	arena_free(a);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-mime");

	tcase_add_loop_test(tc, shape_is_found, 0, COUNT(shapes));
	tcase_add_loop_test(tc, numbers_find_parts, 0, COUNT(numbers));
	tcase_add_test(tc, messages_inside_are_found);
	tcase_add_test(tc, fields_are_kept);
	tcase_add_loop_test(tc, bombs_are_survived, 0, COUNT(bombs));
	tcase_add_test(tc, long_boundary_is_opaque);
	return unit_end();
}
