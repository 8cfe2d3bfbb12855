/* Lines of the mail log, as we write them and as others pass them on. */
#include "tests/unit/unit.h"

#include "common/mail/logline.h"

static const struct {
	const char *line;		/* NULL below: none of ours */
	int64_t us;
	const char *when, *program, *id, *verb, *key, *value;
} lines[] = {
	{ "2026-11-24T04:12:07.123Z mta-sched[12]: 0q8f3k2m1x9a7b sent to=<b@c.test> host=mx answer=\"250 \\\"ok\\\" \\\\\"",
	  1795493527123000, "2026-11-24T04:12:07.123Z", "mta-sched", "0q8f3k2m1x9a7b", "sent", "answer", "250 \"ok\" \\" },
	{ "2026-11-24T04:12:07.123Z mta-sched[12]: 0q8f3k2m1x9a7b sent to=<b@c.test> host=mx answer=\"x\"", 1795493527123000,
	  "2026-11-24T04:12:07.123Z", "mta-sched", "0q8f3k2m1x9a7b", "sent", "to", "<b@c.test>" },
	{ "2026-11-24T05:12:07+01:00 host msa[1]: 0q8f3k2m1x9a7b received peer=::1 from=<>", 1795493527000000,
	  "2026-11-24T05:12:07+01:00", "msa", "0q8f3k2m1x9a7b", "received", "from", "<>" },
	{ "Nov 24 04:12:07 host mda-pick[99]: 0q8f3k2m1x9a7b held why=x", 0, "Nov 24 04:12:07 host", "mda-pick",
	  "0q8f3k2m1x9a7b", "held", "why", "x" },
	{ "mda-pick[99]: - login-failed login=\"a b\"...", 0, "", "mda-pick", "-", "login-failed", "login", "a b..." },
	{ "x m[1]: - wish and=what why=\"cut in the mid", 0, "x", "m", "-", "wish", "why", "cut in the mid" },
	{ "x m[1]: - removed stray words why=done", 0, "x", "m", "-", "removed", "why", "done" },
	{ "x m[1]: - removed", 0, "x", "m", "-", "removed", NULL, NULL },
	{ "x [1]: - removed", 0, NULL },
	{ "x m[1]: 0q8f3k2m1x9a7 removed", 0, NULL },
	{ "x m[1]: 0q8f3k2m1x9a7bc removed", 0, NULL },
	{ "x m[1]: 0Q8f3k2m1x9a7b removed", 0, NULL },
	{ "x m[1]: ready", 0, NULL },
	{ "x m[1] - removed", 0, NULL },
	{ "x m[1]: - removed=1", 0, NULL },
	{ "", 0, NULL },
};

START_TEST(line_is_read)
{
	struct logline got;
	struct str value = STR(1000);
	bool ok = logline_parse(span_of(lines[_i].line), &got);

	ck_assert_msg(ok == (lines[_i].when != NULL), "%s", lines[_i].line);
	if (!ok)
		return;
	ck_assert_int_eq(got.us, lines[_i].us);
	ck_assert_msg(span_same(got.when, span_of(lines[_i].when)), "when " SPAN_FMT, SPAN_ARG(got.when));
	ck_assert_msg(span_same(got.program, span_of(lines[_i].program)), "program " SPAN_FMT,
	    SPAN_ARG(got.program));
	ck_assert_msg(span_same(got.id, span_of(lines[_i].id)), "id " SPAN_FMT, SPAN_ARG(got.id));
	ck_assert_msg(span_same(got.verb, span_of(lines[_i].verb)), "verb " SPAN_FMT, SPAN_ARG(got.verb));
	if (lines[_i].key) {
		ck_assert(logline_get(got.fields, lines[_i].key, &value));
		ck_assert_str_eq(value.p, lines[_i].value);
	}
	ck_assert(!logline_get(got.fields, "nothing", &value));
	str_free(&value);
}
END_TEST

START_TEST(addresses_lose_their_brackets)
{
	ck_assert(span_same(logline_address(SPAN("<a@b>")), SPAN("a@b")));
	ck_assert(span_same(logline_address(SPAN("<>")), SPAN("")));
	ck_assert(span_same(logline_address(SPAN("<a@b")), SPAN("<a@b")));
	ck_assert(span_same(logline_address(SPAN("<")), SPAN("<")));
	ck_assert(span_same(logline_address(SPAN("")), SPAN("")));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-logline");

	tcase_add_loop_test(tc, line_is_read, 0, COUNT(lines));
	tcase_add_test(tc, addresses_lose_their_brackets);
	return unit_end();
}
