/* Changing a header: what may be changed is, and nothing else; no value becomes two fields. */
#include "common/mail/edit.h"

#include "tests/unit/unit.h"

enum { INSERT, CHANGE, DELETE, REMOVE };

#define OURS "Received: us\n\tid 1\n"

static const struct {
	const char	*theirs;
	int		 what;
	unsigned	 n;
	const char	*name, *value;
	const char	*want;		/* NULL: refused */
} edits[] = {
	/* places: our own line is number 0 */
	{ "A: 1\nB: 2\n", INSERT, 0, "X", " y", "X: y\n" OURS "A: 1\nB: 2\n" },
	{ "A: 1\nB: 2\n", INSERT, 1, "X", " y", OURS "X: y\nA: 1\nB: 2\n" },
	{ "A: 1\nB: 2\n", INSERT, 2, "X", " y", OURS "A: 1\nX: y\nB: 2\n" },
	{ "A: 1\nB: 2\n", INSERT, 99, "X", " y", OURS "A: 1\nB: 2\nX: y\n" },
	{ "", INSERT, 99, "X", " y", OURS "X: y\n" },
	{ "A: 1\nno field\nB: 2\n", INSERT, 99, "X", " y", OURS "A: 1\nX: y\nno field\nB: 2\n" },
	{ "text\nmore\n", INSERT, 99, "X", " y", OURS "X: y\ntext\nmore\n" },
	{ "A: 1", INSERT, 99, "X", "y", OURS "A: 1\nX:y\n" },
	/* the nth of a name, in any case; ours does not count */
	{ "A: 1\na: 2\nB: 3\n", CHANGE, 1, "A", " x", OURS "A: x\na: 2\nB: 3\n" },
	{ "A: 1\na: 2\nB: 3\n", CHANGE, 2, "A", " x", OURS "A: 1\nA: x\nB: 3\n" },
	{ "A: 1\n", CHANGE, 2, "A", " x", OURS "A: 1\nA: x\n" },
	{ "Received: them\n", CHANGE, 1, "Received", " x", OURS "Received: x\n" },
	{ "A: 1\n b\n\tc\nB: 3\n", CHANGE, 1, "A", " x", OURS "A: x\nB: 3\n" },
	{ "A: 1\na: 2\nB: 3\n", DELETE, 1, "A", "", OURS "a: 2\nB: 3\n" },
	{ "A: 1\na: 2\nB: 3\n", DELETE, 2, "a", "", OURS "A: 1\nB: 3\n" },
	{ "A: 1\nB: 3\n", DELETE, 2, "A", "", OURS "A: 1\nB: 3\n" },
	{ "A: 1\n", DELETE, 1, "Received", "", OURS "A: 1\n" },
	{ "A: 1\nno\nB: 2\n", DELETE, 1, "B", "", OURS "A: 1\nno\nB: 2\n" },
	{ "A: 1\na:\n 2\nB: 3\nA: 4\n", REMOVE, 3, "A", "", OURS "B: 3\n" },
	{ "A: 1\nno\nA: 2\n", REMOVE, 2, "A", "", OURS "no\n" },
	{ "Received: x\n", REMOVE, 1, "received", "", OURS },
	{ "B: 3\n", REMOVE, 0, "A", "", OURS "B: 3\n" },
	/* one value is one field */
	{ "", INSERT, 1, "X", " a\n b", OURS "X: a\n b\n" },
	{ "", INSERT, 1, "X", " a\r\n\tb\r\n", OURS "X: a\n\tb\n" },
	{ "", INSERT, 1, "X", " a\nY: b", OURS "X: a\n\tY: b\n" },
	{ "", INSERT, 1, "X", " a\n\nbody", OURS "X: a\n\tbody\n" },
	{ "", INSERT, 1, "X", " a\n \n\t\nb", OURS "X: a\n\tb\n" },
	{ "", INSERT, 1, "X", " a\rb\x01" "c\x7f", OURS "X: a\n\tb c \n" },
	{ "", INSERT, 1, "X", "", OURS "X:\n" },
	{ "", INSERT, 1, "X", "\n", OURS "X:\n" },
	{ "", INSERT, 1, "X", " gr\xc3\xbc\xc3\x9f", OURS "X: gr\xc3\xbc\xc3\x9f\n" },
	/* no such name */
	{ "", INSERT, 1, "", " a", NULL },
	{ "", INSERT, 1, "X:", " a", NULL },
	{ "", INSERT, 1, "X Y", " a", NULL },
	{ "", INSERT, 1, "X\nY", " a", NULL },
	{ "A: 1\n", CHANGE, 1, "\xc3\xbc", " a", NULL },
};

static bool run(struct edit *d, int i, struct err *e)
{
	struct span name = span_of(edits[i].name), value = span_of(edits[i].value);

	if (edits[i].what == INSERT)
		return edit_insert(d, edits[i].n, name, value, e);
	if (edits[i].what == CHANGE)
		return edit_change(d, name, edits[i].n, value, e);
	if (edits[i].what == DELETE)
		edit_delete(d, name, edits[i].n);
	else
		ck_assert_uint_eq(edit_remove(d, name, NULL, NULL), edits[i].n);
	return true;
}

START_TEST(header_is_edited)
{
	struct edit d;
	struct err e;
	bool same;

	edit_init(&d, SPAN(OURS), span_of(edits[_i].theirs));
	ck_assert_int_eq(run(&d, _i, &e), edits[_i].want != NULL);
	if (edits[_i].want)
		ck_assert_str_eq(d.text.p, edits[_i].want);
	same = span_starts(str_span(&d.text), OURS) &&
	    span_same(span_from(str_span(&d.text), sizeof OURS - 1), span_of(edits[_i].theirs));
	ck_assert(same || d.changes == 1 || edits[_i].what == REMOVE);
	ck_assert(!same || !d.changes);
	ck_assert(memcmp(d.text.p + d.ours_at, OURS, d.ours_n) == 0);
	edit_free(&d);
	edit_free(&d);
}
END_TEST

START_TEST(edits_see_each_other)
{
	struct edit d;
	struct field f;
	size_t at = 0;
	struct err e;

	edit_init(&d, SPAN(OURS), SPAN("A: 1\nA: 2\n"));
	ck_assert(edit_insert(&d, 0, SPAN("Top"), SPAN(" 1"), &e));
	ck_assert(edit_insert(&d, 0, SPAN("Top"), SPAN(" 2"), &e));
	ck_assert(edit_delete(&d, SPAN("A"), 1));
	ck_assert(edit_change(&d, SPAN("A"), 1, SPAN(" 3"), &e));
	ck_assert(edit_insert(&d, 3, SPAN("Under"), SPAN(" us"), &e));
	ck_assert_str_eq(d.text.p, "Top: 2\nTop: 1\n" OURS "Under: us\nA: 3\n");
	ck_assert_uint_eq(d.changes, 5);
	for (int i = 0; i < 4; i++)
		ck_assert(edit_next(&d, &at, &f) && !span_is(f.name, "Received"));
	ck_assert(!edit_next(&d, &at, &f));
	ck_assert_uint_eq(at, d.text.n);
	edit_free(&d);
}
END_TEST

static bool says_mx(void *arg, struct span value)
{
	return span_starts(value, arg);
}

START_TEST(some_of_a_name_are_removed)
{
	struct edit d;

	edit_init(&d, SPAN(OURS), SPAN("AR: mx.test; x\nAR: other; y\nAR:\n mx.test\n"));
	ck_assert_uint_eq(edit_remove(&d, SPAN("ar"), says_mx, (void *)"mx.test"), 2);
	ck_assert_str_eq(d.text.p, OURS "AR: other; y\n");
	edit_free(&d);
	edit_init(&d, SPAN(OURS), SPAN("AR: 1\nB: 2\nAR: 3\n")); /* what is ours, in the middle */
	ck_assert(edit_insert(&d, 0, SPAN("AR"), SPAN(" top"), NULL));
	ck_assert_uint_eq(edit_remove(&d, SPAN("ar"), NULL, NULL), 3);
	ck_assert_str_eq(d.text.p, OURS "B: 2\n");
	ck_assert(edit_change(&d, SPAN("B"), 1, SPAN(" 4"), NULL));
	ck_assert_str_eq(d.text.p, OURS "B: 4\n");
	ck_assert_uint_eq(edit_remove(&d, SPAN("Received"), NULL, NULL), 0);
	edit_free(&d);
}
END_TEST

/* 998 bytes in a line are the most; a header has an end too. */
START_TEST(lines_and_headers_have_limits)
{
	struct str value = STR(1 << 22);
	struct edit d;
	struct err e;

	edit_init(&d, SPAN(OURS), SPAN("A: 1\n"));
	while (value.n < EDIT_LINE_MAX - 2)
		str_add_char(&value, 'x');
	ck_assert(edit_append(&d, SPAN("X"), str_span(&value), &e));
	str_add_char(&value, 'x');
	ck_assert(!edit_append(&d, SPAN("X"), str_span(&value), &e));
	ck_assert_str_eq(e.status, "5.6.0");
	ck_assert_uint_eq(d.changes, 1);
	while (value.n < HEADER_BYTES_MAX)
		str_add_text(&value, "\n xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	ck_assert(!edit_append(&d, SPAN("X"), str_span(&value), &e));
	ck_assert_str_eq(e.status, "5.3.4");
	str_cut(&value, HEADER_BYTES_MAX / 2);
	str_cut(&value, 0);
	while (value.n < HEADER_BYTES_MAX / 2)
		str_add_text(&value, "\n xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	ck_assert(edit_append(&d, SPAN("X"), str_span(&value), &e));
	ck_assert(edit_append(&d, SPAN("X"), str_span(&value), &e));
	ck_assert(!edit_append(&d, SPAN("X"), str_span(&value), &e));
	ck_assert_str_eq(e.status, "5.3.4");
	str_free(&value);
	edit_free(&d);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-edit");

	tcase_add_loop_test(tc, header_is_edited, 0, COUNT(edits));
	tcase_add_test(tc, edits_see_each_other);
	tcase_add_test(tc, some_of_a_name_are_removed);
	tcase_add_test(tc, lines_and_headers_have_limits);
	return unit_end();
}
