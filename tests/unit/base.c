/* base: spans, strings, errors, arenas. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/base/tame.h"

/* Every byte value, at each place of eight, beside each other value. */
START_TEST(bytes_are_counted)
{
	char text[20];

	for (int c = 0; c < 256; c++) {
		for (int other = 0; other < 256; other++) {
			size_t n = (size_t)(c + other) % sizeof text, at = (size_t)other % (n + 1);

			memset(text, other, sizeof text);
			ck_assert_uint_eq(span_count((struct span){ text, n }, (char)c), c == other ? n : 0);
			if (at < n)
				text[at] = (char)c;
			ck_assert_uint_eq(span_count((struct span){ text, n }, (char)c),
			    c == other ? n : (size_t)(at < n));
		}
	}
}
END_TEST

static const struct { const char *in; uint64_t max; bool ok; uint64_t v; const char *left; } numbers[] = {
	{ "0", 10, true, 0, "" },
	{ "10x", 10, true, 10, "x" },
	{ "11", 10, false, 0, "11" },
	{ "", 10, false, 0, "" },
	{ "-1", 10, false, 0, "-1" },
	{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX, "" },
	{ "18446744073709551616", UINT64_MAX, false, 0, "18446744073709551616" },
	{ "99999999999999999999999999", UINT64_MAX, false, 0, "99999999999999999999999999" },
	{ "7", 5, false, 0, "7" },
	{ "000000000000000000000007", 7, true, 7, "" },
};

START_TEST(numbers_are_eaten)
{
	struct span in = span_of(numbers[_i].in);
	uint64_t v = 0;

	ck_assert_int_eq(span_eat_u64(&in, numbers[_i].max, &v), numbers[_i].ok);
	ck_assert_uint_eq(v, numbers[_i].v);
	ck_assert(span_same(in, span_of(numbers[_i].left)));
}
END_TEST

static const struct { const char *in; bool ok; uint64_t seconds; } times[] = {
	{ "90", true, 90 }, { "5m", true, 300 }, { "1H30m", true, 5400 }, { "2w1d", true, 15 * 86400 },
	{ "", false, 0 }, { "0", false, 0 }, { "m", false, 0 }, { "5x", false, 0 }, { "5m x", false, 0 }, { "367d", true, 367 * 86400 },
	{ "99999999999s", false, 0 },
};

START_TEST(times_are_read)
{
	uint64_t seconds = 0;

	ck_assert_int_eq(span_time(span_of(times[_i].in), &seconds), times[_i].ok);
	ck_assert(!times[_i].ok || seconds == times[_i].seconds);
}
END_TEST

START_TEST(spans_eat_or_stay)
{
	struct span in = SPAN("Mail From:<a>"), head;

	ck_assert(!span_eat(&in, "RCPT"));
	ck_assert(span_same(in, SPAN("Mail From:<a>")));
	ck_assert(span_eat(&in, "MAIL "));
	ck_assert(span_cut(&in, ':', &head) && span_is(head, "from"));
	ck_assert(!span_cut(&in, ':', &head) && span_is(in, "<a>"));
	ck_assert_int_eq(span_find(in, '>'), 2);
	ck_assert(span_same(span_trim(SPAN(" \t a b\r\n")), SPAN("a b")));
	in = SPAN("  two words ");
	ck_assert(span_is(span_word(&in), "two") && span_is(span_word(&in), "words"));
	ck_assert_uint_eq(span_word(&in).n, 0);
	ck_assert_int_lt(span_order(SPAN("a"), SPAN("ab")), 0);
	ck_assert_int_lt(span_order(SPAN(""), SPAN("a")), 0);
	ck_assert_int_gt(span_order(SPAN("b"), SPAN("ab")), 0);
}
END_TEST

START_TEST(copies_refuse_nul_and_length)
{
	char buf[4];

	ck_assert(span_copy(SPAN("abc"), buf, sizeof buf));
	ck_assert_str_eq(buf, "abc");
	ck_assert(!span_copy(SPAN("abcd"), buf, sizeof buf));
	ck_assert_str_eq(buf, "");
	ck_assert(!span_copy(SPAN("a\0b"), buf, sizeof buf));
	ck_assert(span_copy_lower(SPAN("A[Z"), buf, sizeof buf));
	ck_assert_str_eq(buf, "a[z");
	ck_assert(!span_copy_lower(SPAN("ABCD"), buf, sizeof buf));
	ck_assert_str_eq(buf, "");
}
END_TEST

static const struct { const char *in, *out; } wild[] = {
	{ "plain \xc3\xa4 text", "plain \xc3\xa4 text" },
	{ "a\nb\x1b[31m\x7f", "a?b?[31m?" },
	{ "\xc2\x9b" "31m\xc2\xa0.", "?31m\xc2\xa0." },
	{ "cut \xc2", "cut \xc2" },
	{ "", "" },
};

START_TEST(strangers_words_are_tamed)
{
	char text[40];

	snprintf(text, sizeof text, "%s", wild[_i].in);
	text[tame(text, strlen(text))] = '\0';
	ck_assert_str_eq(text, wild[_i].out);
}
END_TEST

START_TEST(a_str_keeps_its_ceiling)
{
	struct str s = STR(5);

	ck_assert_str_eq(s.p, "");
	str_add(&s, SPAN("abc"));
	str_addf(&s, "%d", 45);
	ck_assert_str_eq(s.p, "abc45");
	ck_assert(!s.over);
	str_add_char(&s, 'x');
	ck_assert(s.over);
	ck_assert_str_eq(s.p, "abc45");
	str_cut(&s, 2);
	str_add_text(&s, "z");		/* over stays until the reset */
	ck_assert_str_eq(s.p, "ab");
	str_reset(&s);
	str_add_text(&s, "z");
	ck_assert_str_eq(s.p, "z");
	str_free(&s);
	ck_assert_str_eq(s.p, "");
}
END_TEST

START_TEST(a_span_falls_to_pieces)
{
	struct span in = SPAN("a,,bc"), piece;

	ck_assert(span_piece(&in, ',', &piece) && span_is(piece, "a"));
	ck_assert(span_piece(&in, ',', &piece) && piece.n == 0);
	ck_assert(span_piece(&in, ',', &piece) && span_is(piece, "bc"));
	ck_assert(!span_piece(&in, ',', &piece) && span_is(piece, "bc"));
	in = SPAN("a,");		/* what ends with one has nothing behind it */
	ck_assert(span_piece(&in, ',', &piece) && span_is(piece, "a"));
	ck_assert(!span_piece(&in, ',', &piece));
}
END_TEST

START_TEST(hexadecimal_digits_have_values)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	for (int c = -128; c < 128; c++) {
		const char *at = c ? strchr(digits, c) : NULL;
		int n = at ? (int)(at - digits) : -1;

		ck_assert_int_eq(hex_value((char)c), n < 16 ? n : n - 6);
	}
}
END_TEST

START_TEST(a_str_takes_text_in_lower_case)
{
	struct str s = STR(8);

	str_add_lower(&s, SPAN("aZ[@\xc3\x89"));
	ck_assert_str_eq(s.p, "az[@\xc3\x89");
	str_add_lower(&s, SPAN("ABC"));
	ck_assert(s.over);
	ck_assert_str_eq(s.p, "az[@\xc3\x89");
	str_free(&s);
}
END_TEST

START_TEST(an_error_is_a_tame_sentence)
{
	struct err e = { 0 };

	errno = ENOSPC;
	ck_assert(!err_sys(&e, "cannot flush %s", "a\r\nb"));
	ck_assert_str_eq(e.status, "4.3.1");
	ck_assert(!err_while(&e, "delivering %s", "3kf9"));
	ck_assert_str_eq(e.text, "delivering 3kf9: cannot flush a??b: No space left on device");
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert(!err_perm(&e, "5.1.1", "nobody"));
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert(!err_perm(NULL, "5.1.1", "nobody"));
}
END_TEST

static void note(void *arg)
{
	(*(int *)arg)++;
	exit(0);
}

START_TEST(an_arena_resets)
{
	struct arena *a = arena_new(100000, NULL, NULL);
	char *big;

	for (int i = 0; i < 100; i++)
		ck_assert_str_eq(arena_printf(a, "%d", i), arena_printf(a, "%d", i));
	big = arena_get(a, 50000);
	ck_assert_int_eq(big[0] | big[49999], 0);
	ck_assert_uint_gt(arena_used(a), 50000);
	arena_reset(a);
	ck_assert_uint_eq(arena_used(a), 0);
	ck_assert_str_eq(arena_text(a, SPAN("again")), "again");
	arena_free(a);
}
END_TEST

START_TEST(an_arena_has_a_way_out)
{
	int noted = 0;
	struct arena *a = arena_new(100, note, &noted);

	arena_get(a, 101);
	ck_abort_msg("went on past the ceiling");
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("base");

	tcase_add_loop_test(tc, numbers_are_eaten, 0, COUNT(numbers));
	tcase_add_loop_test(tc, times_are_read, 0, COUNT(times));
	tcase_add_test(tc, spans_eat_or_stay);
	tcase_add_test(tc, a_span_falls_to_pieces);
	tcase_add_test(tc, bytes_are_counted);
	tcase_add_test(tc, copies_refuse_nul_and_length);
	tcase_add_loop_test(tc, strangers_words_are_tamed, 0, COUNT(wild));
	tcase_add_test(tc, a_str_keeps_its_ceiling);
	tcase_add_test(tc, hexadecimal_digits_have_values);
	tcase_add_test(tc, a_str_takes_text_in_lower_case);
	tcase_add_test(tc, an_error_is_a_tame_sentence);
	tcase_add_test(tc, an_arena_resets);
	tcase_add_exit_test(tc, an_arena_has_a_way_out, 0);
	return unit_end();
}
