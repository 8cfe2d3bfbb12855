/* Who a header says that a message is from, and whether that may go out. */
#include "common/mail/author.h"
#include "tests/unit/unit.h"

/* The sender here is ann@a.test, who also has sales@a.test; a.test is ours, and so is b.test. */
static bool may(void *arg, const char *address, struct err *e)
{
	(void)arg;
	if (span_is(span_of(address), "ann@a.test") || span_is(span_of(address), "sales@a.test"))
		return true;
	if (span_starts(span_of(address), "later@"))
		return err_temp(e, "4.3.0", "the clerk is away");
	return err_perm(e, "5.7.1", "ann may not send as %s", address);
}

static bool is_ours(void *arg, const char *address, bool *ours, struct err *e)
{
	(void)arg;
	(void)e;
	*ours = span_ends(span_of(address), "@a.test") || span_ends(span_of(address), "@b.test");
	return true;
}

/* strict and loose: NULL fine, "+" fine with a Sender added, else the status. */
static const struct { const char *header, *strict, *loose; } cases[] = {
	{ "From: ann@a.test\n", NULL, NULL },
	{ "From: Ann <ANN@A.test>\n", NULL, NULL },
	{ "From: \"boss@b.test\" <ann@a.test> (boss@b.test)\n", NULL, NULL },
	{ "From: sales@a.test\nSender: ann@a.test\n", NULL, NULL },
	{ "From: ann@a.test, sales@a.test\n", "+", "+" },
	{ "From: ann@a.test, sales@a.test\nSender: ann@a.test\n", NULL, NULL },
	{ "From: us: ann@a.test, sales@a.test;\nSender: ann@a.test\n", NULL, NULL },
	{ "From: boss@b.test\n", "5.7.1", "+" },
	{ "From: ann@a.test, boss@b.test\n", "5.7.1", "+" },
	{ "From: boss@b.test, ann@a.test\nSender: ann@a.test\n", "5.7.1", NULL },
	{ "From: ann@a.test\nSender: boss@b.test\n", "5.7.1", "+" },
	{ "From: later@b.test\n", "4.3.0", "4.3.0" },
	{ "From: ann@a.test\nSender: later@b.test\n", "4.3.0", "4.3.0" },
	{ "Subject: x\n", "5.6.0", "5.6.0" },
	{ "From:\n", "5.6.0", "5.6.0" },
	{ "From: ann\n", "5.6.0", "5.6.0" },
	{ "From: nobody:;\n", "5.6.0", "5.6.0" },
	{ "From: ann@a.test\nFrom: boss@b.test\n", "5.6.0", "5.6.0" },
	{ "From: ann@a.test\nSender: ann@a.test\nSender: ann@a.test\n", "5.6.0", "5.6.0" },
	{ "From: ann@a.test\nSender: ann@a.test, sales@a.test\n", "5.6.0", "5.6.0" },
	{ "From: boss@b.test <ann@a.test>\n", "5.6.0", "5.6.0" },
	{ "From: <ann@a.test> <boss@b.test>\n", "5.7.1", "+" },
	{ "From: <boss@b.test:ann@a.test>\n", "5.6.0", "5.6.0" },
	{ "From: <@boss.b.test:ann@a.test>\n", "5.6.0", "5.6.0" },
	{ "Resent-From: ann@a.test\nFrom: friend@far.test\n", NULL, NULL },
	{ "Resent-From: ann@a.test\nFrom: boss@b.test\n", "5.7.1", "5.7.1" },
	{ "Resent-From: boss@b.test\nFrom: ann@a.test\n", "5.7.1", "5.7.1" },
	{ "Resent-From: ann@a.test\nFrom: friend@far.test\nSender: boss@b.test\n", "5.7.1", "5.7.1" },
	{ "Resent-From: ann@a.test\nFrom: friend@far.test\nSender: ann@a.test\n", NULL, NULL },
	{ "Resent-From: ann@a.test\nResent-Sender: boss@b.test\nFrom: friend@far.test\n", "5.7.1", "5.7.1" },
	{ "Resent-From: ann@a.test\nResent-From: boss@b.test\nFrom: friend@far.test\nSender: x@far.test\n", NULL, NULL },
	{ "Resent-From: friend@far.test\nX: y\nResent-From: ann@a.test\nFrom: friend@far.test\n", "5.7.1", "5.7.1" },
	{ "Resent-To: x@far.test\nFrom: friend@far.test\n", "5.7.1", "+" },
};

static void try(const char *header, bool on_behalf, const char *want)
{
	struct author_ask ask = { may, is_ours, NULL };
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct err e = { 0 };
	struct author x;
	struct header h;
	bool add = false, ok;

	header_index(span_of(header), a, &h);
	ok = author_read(&h, a, &x, &e) && author_check(&x, &ask, on_behalf, &add, &e);
	ck_assert_msg(ok == (!want || *want == '+'), "%s: %s", header, e.text);
	if (ok)
		ck_assert_msg(add == !!want, "%s", header);
	else
		ck_assert_msg(strcmp(e.status, want) == 0, "%s: %s %s", header, e.status, e.text);
	arena_free(a);
}

START_TEST(authors_are_checked)
{
	try(cases[_i].header, false, cases[_i].strict);
	try(cases[_i].header, true, cases[_i].loose);
}
END_TEST

START_TEST(refusal_says_what_to_do)
{
	struct author_ask ask = { may, is_ours, NULL };
	const char *boss[] = { "boss@b.test" };
	struct author x = { .from = { boss, 1 } };
	struct err e;
	bool add;

	ck_assert(!author_check(&x, &ask, false, &add, &e));
	ck_assert_str_eq(e.text,
	    "ann may not send as boss@b.test, who stands in From; choose an own address "
	    "as sender in the mail program, or have the postmaster allow it");
}
END_TEST

START_TEST(many_mailboxes_are_refused)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str s = STR(1 << 16);
	struct author x;
	struct header h;
	struct err e;

	str_add_text(&s, "From: ann@a.test");
	for (int i = 0; i < AUTHOR_MAX; i++)
		str_add_text(&s, ", ann@a.test");
	str_add_char(&s, '\n');
	header_index(str_span(&s), a, &h);
	ck_assert(!author_read(&h, a, &x, &e));
	ck_assert_str_eq(e.status, "5.6.0");
	str_free(&s);
	arena_free(a);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-author");

	tcase_add_loop_test(tc, authors_are_checked, 0, COUNT(cases));
	tcase_add_test(tc, refusal_says_what_to_do);
	tcase_add_test(tc, many_mailboxes_are_refused);
	return unit_end();
}
