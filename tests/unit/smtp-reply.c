/* Replies: ours printed, theirs read. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "common/smtp/reply.h"

static const struct { unsigned code; const char *status, *text, *wire; } says[] = {
	{ 250, "2.0.0", "fine", "250 2.0.0 fine\r\n" },
	{ 220, "", "mx ESMTP", "220 mx ESMTP\r\n" },
	{ 334, "", "", "334 \r\n" },
	{ 250, "", "a\nb\nc", "250-a\r\n250-b\r\n250 c\r\n" },
	{ 214, "2.0.0", "a\nb", "214-2.0.0 a\r\n214 2.0.0 b\r\n" },
	{ 550, "5.1.1", "no\rsuch\x01user\x7f", "550 5.1.1 no such user \r\n" },
	{ 0, "", "", "" },
};

START_TEST(reply_prints)
{
	struct reply r = reply_say(says[_i].code, says[_i].status, "%s", says[_i].text);
	struct str out = STR(1000);

	reply_print(&r, &out);
	ck_assert_str_eq(out.p, says[_i].wire);
	str_free(&out);
}
END_TEST

static const struct { enum err_kind kind; const char *status; unsigned code; } refusals[] = {
	{ ERR_TEMP, "4.3.1", 452 }, { ERR_TEMP, "4.3.0", 451 }, { ERR_TEMP, "4.2.2", 452 }, { ERR_TEMP, "4.5.3", 452 },
	{ ERR_TEMP, "4.2.1", 450 }, { ERR_TEMP, "4.7.0", 454 }, { ERR_TEMP, "4.7.1", 450 }, { ERR_TEMP, "4.4.2", 451 },
	{ ERR_PERM, "5.1.1", 550 }, { ERR_PERM, "5.1.3", 501 }, { ERR_PERM, "5.1.10", 550 }, { ERR_PERM, "5.3.4", 552 },
	{ ERR_PERM, "5.6.0", 554 }, { ERR_PERM, "5.7.1", 550 }, { ERR_PERM, "5.7.8", 535 }, { ERR_PERM, "5.4.6", 554 },
	/* a status and a kind that do not agree: the kind counts */
	{ ERR_TEMP, "5.1.1", 451 }, { ERR_PERM, "4.3.1", 554 }, { ERR_TEMP, "", 451 }, { ERR_PERM, "", 554 },
};

START_TEST(refusals_have_codes)
{
	struct err e = { .kind = refusals[_i].kind, .text = "why" };
	struct reply r;

	snprintf(e.status, sizeof e.status, "%s", refusals[_i].status);
	r = reply_refuse(&e);
	ck_assert_uint_eq(r.code, refusals[_i].code);
	ck_assert_str_eq(r.text, "why");
}
END_TEST

/* Lines parted by '|'. fails: at which line (from 1) it is nonsense, 0 never. */
static const struct { const char *in; int fails; unsigned code; const char *status, *text; enum err_kind kind; } answers[] = {
	{ "250 ok", 0, 250, "2.0.0", "ok", ERR_NONE },
	{ "250", 0, 250, "2.0.0", "", ERR_NONE },
	{ "250 ", 0, 250, "2.0.0", "", ERR_NONE },
	{ "250 2.1.5 ok", 0, 250, "2.1.5", "ok", ERR_NONE },
	{ "354 go", 0, 354, "3.0.0", "go", ERR_NONE },
	{ "550 5.1.1 no such user", 0, 550, "5.1.1", "no such user", ERR_PERM },
	{ "550-5.1.1 no such user|550 5.1.1 go away", 0, 550, "5.1.1", "no such user go away", ERR_PERM },
	{ "450-one|450-two|450 three", 0, 450, "4.0.0", "one two three", ERR_TEMP },
	{ "550 4.1.1 odd", 0, 550, "5.0.0", "4.1.1 odd", ERR_PERM },	/* class and code disagree */
	{ "550 5.1.1111 x", 0, 550, "5.0.0", "5.1.1111 x", ERR_PERM },
	{ "550 5.1.1x y", 0, 550, "5.0.0", "5.1.1x y", ERR_PERM },
	{ "550 a\tb\x01" "c", 0, 550, "5.0.0", "a b c", ERR_PERM },
	{ "220 a\xc2\x9b" "2J\xc3\xa9", 0, 220, "2.0.0", "a?2J\xc3\xa9", ERR_NONE },	/* C1: people see it on a terminal */
	{ "250-a|251 b", 2, 0, NULL, NULL, ERR_NONE },
	{ "", 1, 0, NULL, NULL, ERR_NONE },
	{ "25", 1, 0, NULL, NULL, ERR_NONE },
	{ "2500 x", 1, 0, NULL, NULL, ERR_NONE },
	{ "250x", 1, 0, NULL, NULL, ERR_NONE },
	{ "150 x", 1, 0, NULL, NULL, ERR_NONE },
	{ "650 x", 1, 0, NULL, NULL, ERR_NONE },
	{ "hello", 1, 0, NULL, NULL, ERR_NONE },
	{ " 250 x", 1, 0, NULL, NULL, ERR_NONE },
	{ "+25 x", 1, 0, NULL, NULL, ERR_NONE },
};

START_TEST(answer_reads)
{
	struct span rest = span_of(answers[_i].in), line;
	struct answer a = { .code = 0 };
	struct err e = { .kind = ERR_NONE };
	bool more = true, last = false;
	int n = 0;

	while (!last) {
		line = rest;
		last = !span_cut(&rest, '|', &line);
		n++;
		if (answers[_i].fails == n) {
			ck_assert(!answer_line(&a, line, &more, &e));
			ck_assert(e.kind == ERR_TEMP && strcmp(e.status, "4.5.0") == 0);
			return;
		}
		ck_assert_msg(answer_line(&a, line, &more, &e), "%s", answers[_i].in);
		ck_assert(more == !last);
	}
	ck_assert_uint_eq(a.code, answers[_i].code);
	ck_assert_str_eq(a.status, answers[_i].status);
	ck_assert_str_eq(a.text, answers[_i].text);
	ck_assert(answer_kind(&a) == answers[_i].kind);
	ck_assert(!answer_to_err(&a, &e));
	ck_assert(e.kind != ERR_NONE);
}
END_TEST

START_TEST(answer_has_limits)
{
	char line[REPLY_LINE_MAX];
	struct answer a = { .code = 0 };
	struct err e;
	bool more;

	memset(line, 'x', sizeof line);
	memcpy(line, "250-", 4);
	for (int i = 0; i < REPLY_LINES_MAX; i++)
		ck_assert(answer_line(&a, (struct span){ line, sizeof line }, &more, &e));
	ck_assert(strlen(a.text) == sizeof a.text - 1);
	ck_assert(!answer_line(&a, SPAN("250-one more"), &more, &e));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("smtp-reply");

	tcase_add_loop_test(tc, reply_prints, 0, COUNT(says));
	tcase_add_loop_test(tc, refusals_have_codes, 0, COUNT(refusals));
	tcase_add_loop_test(tc, answer_reads, 0, COUNT(answers));
	tcase_add_test(tc, answer_has_limits);
	return unit_end();
}
