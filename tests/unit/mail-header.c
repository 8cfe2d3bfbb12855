/* Walking header fields. */
#include "common/mail/header.h"

#include "tests/unit/unit.h"

static const struct { const char *in, *name, *value, *rest; } fields[] = {
	{ "A: b\n",			"A",	"b",		"" },
	{ "A: b\r\nC: d\r\n",		"A",	"b",		"C: d\r\n" },
	{ "A:b\n\nbody",		"A",	"b",		"\nbody" },
	{ "A:\n b\n\tc\nD: e\n",	"A",	"b\n\tc",	"D: e\n" },
	{ "A : b\n",			"A",	"b",		"" },
	{ "A:",				"A",	"",		"" },
	{ "A",				"",	"",		"" },
	{ "no field\nA: b\n",		"",	"",		"A: b\n" },
	{ " folded first\nA: b\n",	"",	"",		"A: b\n" },
	{ ": b\n",			"",	"",		"" },
	{ "A: b\n \n\tc\n\n",		"A",	"b\n \n\tc",	"\n" },
	{ "From me Mon\nA: b\n",	"",	"",		"A: b\n" },
	{ "\nA: b\n",			NULL,	NULL,		"\nA: b\n" },
	{ "\r\nA: b\n",			NULL,	NULL,		"\r\nA: b\n" },
	{ "",				NULL,	NULL,		"" },
};

START_TEST(field_is_eaten)
{
	struct span in = span_of(fields[_i].in);
	struct field f;

	ck_assert_int_eq(header_next(&in, &f), fields[_i].name != NULL);
	ck_assert(span_same(in, span_of(fields[_i].rest)));
	if (fields[_i].name) {
		ck_assert(span_same(f.name, span_of(fields[_i].name)));
		ck_assert(span_same(f.value, span_of(fields[_i].value)));
	}
}
END_TEST

static const struct { const char *in; size_t length; } lengths[] = {
	{ "A: b\n\nbody",	6 },
	{ "A: b\r\n\r\nbody",	8 },
	{ "\nbody",		1 },
	{ "A: b\n",		5 },
	{ "A: b",		4 },
	{ "",			0 },
	{ "\r",			1 },
};

START_TEST(header_ends_at_the_empty_line)
{
	ck_assert_uint_eq(header_length(span_of(lengths[_i].in)), lengths[_i].length);
}
END_TEST

START_TEST(index_finds_in_order)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct span text = SPAN("Received: one\nSubject: s\nRECEIVED: two\n\nReceived: body\n");
	const struct field *f;
	struct header h;

	header_index(text, a, &h);
	ck_assert_uint_eq(h.count, 3);
	ck_assert_uint_eq(h.body_at, 40);
	ck_assert_uint_eq(h.bytes, 39);
	f = header_find(&h, "received");
	ck_assert(span_is(f->value, "one"));
	f = header_find_after(&h, "received", f);
	ck_assert(span_is(f->value, "two"));
	ck_assert_ptr_null(header_find_after(&h, "received", f));
	ck_assert_ptr_null(header_value(&h, "To").p);
	ck_assert(!h.cut);
	arena_free(a);
}
END_TEST

START_TEST(too_many_fields_are_cut)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str s = STR(1 << 20);
	struct header h;

	for (int i = 0; i < HEADER_FIELDS_MAX + 5; i++)
		str_add_text(&s, "A: b\n");
	header_index(str_span(&s), a, &h);
	ck_assert(h.cut);
	ck_assert_uint_eq(h.count, HEADER_FIELDS_MAX);
	ck_assert_uint_eq(h.bytes, s.n);
	str_free(&s);
	arena_free(a);
}
END_TEST

START_TEST(unfolding_takes_line_ends_out)
{
	struct str s = STR(100);

	header_unfold(SPAN("a\n b\r\n\tc\rd\001e"), &s);
	ck_assert_str_eq(s.p, "a b\tc d e");
	str_free(&s);
}
END_TEST

static const struct { const char *in, *out; } folds[] = {
	{ "A: b", "A: b\n" },
	{ "", "\n" },
	{ "A: 3456789 123456789 123456789 123456789 123456789 123456789 123456789 1234567 b",
	  "A: 3456789 123456789 123456789 123456789 123456789 123456789 123456789 1234567\n b\n" },
	{ "A: 3456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 b",
	  "A: 3456789 123456789 123456789 123456789 123456789 123456789 123456789\n 123456789 b\n" },
	{ "A: 3456789123456789123456789123456789123456789123456789123456789123456789123456789123 b",
	  "A:\n 3456789123456789123456789123456789123456789123456789123456789123456789123456789123\n b\n" },
};

START_TEST(folding_keeps_blanks_and_unfolding_gives_it_back)
{
	struct str s = STR(200), back = STR(200);

	header_fold(span_of(folds[_i].in), &s);
	ck_assert_str_eq(s.p, folds[_i].out);
	header_unfold(str_span(&s), &back);
	ck_assert_str_eq(back.p, folds[_i].in);
	str_free(&s);
	str_free(&back);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-header");

	tcase_add_loop_test(tc, field_is_eaten, 0, COUNT(fields));
	tcase_add_loop_test(tc, header_ends_at_the_empty_line, 0, COUNT(lengths));
	tcase_add_test(tc, index_finds_in_order);
	tcase_add_test(tc, too_many_fields_are_cut);
	tcase_add_test(tc, unfolding_takes_line_ends_out);
	tcase_add_loop_test(tc, folding_keeps_blanks_and_unfolding_gives_it_back, 0, COUNT(folds));
	return unit_end();
}
