/* Senders that lead back. */
#include "common/mail/srs.h"

#include <stdio.h>

#include "tests/unit/unit.h"

enum { DAY = 86400, NOW = 1795660800, VALID = 21 * DAY };	/* 2026-11-26 */

static const struct srs_keys ours = { { { 1, 2 } }, 1 }, theirs = { { { 3, 4 } }, 1 };
static const struct srs_keys after = { { { 5, 6 }, { 1, 2 } }, 2 };	/* ours, a rotation later */

/* Through b.test and back. */
static const struct { const char *sender, *there; } cases[] = {
	{ "ann@a.test", "SRS0=?=JP=a.test=ann@b.test" },
	{ "Ann+Lists@A.test", "SRS0=?=JP=A.test=Ann+Lists@b.test" },
	{ "a=b=c@a.test", "SRS0=?=JP=a.test=a=b=c@b.test" },
	{ "\"an n\"@a.test", "\"SRS0=?=JP=a.test=an n\"@b.test" },
	{ "\"a@\\\"b\"@a.test", "\"SRS0=?=JP=a.test=a@\\\"b\"@b.test" },
	{ "ann@[192.0.2.1]", "\"SRS0=?=JP=[192.0.2.1]=ann\"@b.test" },
	{ "\u03b1@\u03b2.test", "SRS0=?=JP=\u03b2.test=\u03b1@b.test" },
	{ "SRS0=abcd=GO=x.test=eve@a.test", "SRS1=?=a.test==abcd=GO=x.test=eve@b.test" },
	{ "srs0+abcd=GO=x.test=eve@a.test", "SRS1=?=a.test=+abcd=GO=x.test=eve@b.test" },
	{ "SRS0@a.test", "SRS0=?=JP=a.test=SRS0@b.test" },
};

static void go(const struct srs_keys *keys, const char *sender, struct str *out)
{
	ck_assert_msg(srs_forward(keys, span_of(sender), SPAN("b.test"), NOW, out), "%s", sender);
	ck_assert(srs_is(str_span(out)));
}

/* As the table has it, but for the hash. */
static bool looks_like(struct span got, struct span want)
{
	struct span head;

	return span_cut(&want, '?', &head) && span_same(span_to(got, head.n), head) &&
	    got.n > head.n + 6 && span_same(span_from(got, head.n + 6), want);
}

START_TEST(there_and_back)
{
	struct str there = STR(SRS_ADDRESS_MAX), back = STR(SRS_ADDRESS_MAX);
	struct err e = { 0 };
	const char *want = strncmp(cases[_i].sender, "srs0", 4) == 0 ?
	    "SRS0+abcd=GO=x.test=eve@a.test" :
	    cases[_i].sender;

	go(&ours, cases[_i].sender, &there);
	ck_assert_msg(looks_like(str_span(&there), span_of(cases[_i].there)), "%s", there.p);
	ck_assert_msg(srs_back(&ours, str_span(&there), NOW, VALID, &back, &e), "%s: %s", there.p, e.text);
	ck_assert_str_eq(back.p, want);
	str_reset(&back);
	ck_assert(srs_back(&after, str_span(&there), NOW, VALID, &back, &e));
	ck_assert(!srs_back(&theirs, str_span(&there), NOW, VALID, &back, &e) &&
	    strcmp(e.status, "5.1.1") == 0);
	str_free(&there);
	str_free(&back);
}
END_TEST

/* SRS1 of somebody else: the first hop stays, however many come after it. */
START_TEST(two_hops_are_enough)
{
	struct str first = STR(SRS_ADDRESS_MAX), second = STR(SRS_ADDRESS_MAX), third = STR(SRS_ADDRESS_MAX);
	struct str back = STR(SRS_ADDRESS_MAX);

	ck_assert(srs_forward(&theirs, SPAN("ann@a.test"), SPAN("first.test"), NOW, &first));
	ck_assert(srs_forward(&after, str_span(&first), SPAN("second.test"), NOW, &second));
	ck_assert(srs_forward(&ours, str_span(&second), SPAN("third.test"), NOW, &third));
	ck_assert(srs_back(&ours, str_span(&third), NOW + 1000 * DAY, VALID, &back, NULL));
	ck_assert_str_eq(back.p, first.p);
	str_reset(&back);
	ck_assert(srs_back(&theirs, str_span(&first), NOW, VALID, &back, NULL));
	ck_assert_str_eq(back.p, "ann@a.test");
	str_free(&first);
	str_free(&second);
	str_free(&third);
	str_free(&back);
}
END_TEST

START_TEST(age_counts)
{
	static const struct { int64_t later; bool ok; } ages[] = {
		{ 0, true }, { -1, true }, { -2, false }, { 21, true }, { 22, false }, { 500, false }, { 1024, true },
	};
	struct str there = STR(SRS_ADDRESS_MAX), back = STR(SRS_ADDRESS_MAX);
	struct err e;

	go(&ours, "ann@a.test", &there);
	for (int i = 0; i < COUNT(ages); i++) {
		str_reset(&back);
		ck_assert_msg(srs_back(&ours, str_span(&there), NOW + ages[i].later * DAY, VALID, &back, &e) == ages[i].ok,
		    "%lld days", (long long)ages[i].later);
	}
	ck_assert(!srs_back(&ours, str_span(&there), NOW + 30 * DAY, VALID, &back, &e));
	ck_assert_msg(strstr(e.text, "30 days ago, and reports are taken for 21") != NULL, "%s", e.text);
	str_free(&there);
	str_free(&back);
}
END_TEST

/* Every byte but its case is under the hash. */
START_TEST(forgeries_are_seen)
{
	struct str there = STR(SRS_ADDRESS_MAX), back = STR(SRS_ADDRESS_MAX);
	char text[100];

	go(&ours, "ann@a.test", &there);
	for (size_t i = 5; i < there.n && there.p[i] != '@'; i++) {
		snprintf(text, sizeof text, "%s", there.p);
		text[i] = text[i] == 'q' ? 'r' : 'q';
		ck_assert_msg(!srs_back(&ours, span_of(text), NOW, VALID, &back, NULL) || span_is(str_span(&there), text),
		    "%s", text);
		str_reset(&back);
	}
	for (size_t i = 0; i <= there.n; i++)
		text[i] = to_lower(there.p[i]);
	ck_assert(srs_back(&ours, span_of(text), NOW, VALID, &back, NULL));
	ck_assert_str_eq(back.p, "ann@a.test");
	str_free(&there);
	str_free(&back);
}
END_TEST

START_TEST(others_are_none)
{
	static const char *const no[] = {
		"", "@", "ann@b.test", "SRS0=@b.test", "SRS0==@b.test", "SRS0====@b.test", "SRS1=@b.test", "SRS1=x=@b.test",
		"SRS0=ABCDEF=GO=a.test=ann@b.test", "\"SRS0=\"@b.test", "SRS2=a=b=c@b.test", "SRS0",
	};
	static const struct srs_keys none;
	struct str out = STR(SRS_ADDRESS_MAX);
	char text[600];
	struct err e;

	for (int i = 0; i < COUNT(no); i++)
		ck_assert_msg(!srs_back(&ours, span_of(no[i]), NOW, VALID, &out, &e) && e.kind == ERR_PERM, "%s", no[i]);
	ck_assert(!srs_is(SPAN("SRS0")) && !srs_is(SPAN("SRS2=x@b.test")) &&
	    srs_is(SPAN("\"srs1-x y\"@b.test")));
	ck_assert(!srs_forward(&none, SPAN("ann@a.test"), SPAN("b.test"), NOW, &out));
	ck_assert(!srs_forward(&ours, SPAN("ann"), SPAN("b.test"), NOW, &out));
	ck_assert(!srs_forward(&ours, SPAN("SRS1=only@a.test"), SPAN("b.test"), NOW, &out));
	snprintf(text, sizeof text, "%0250d@a.test", 7);
	ck_assert(!srs_forward(&ours, span_of(text), SPAN("b.test"), NOW, &out));
	ck_assert_uint_eq(out.n, 0);
	str_free(&out);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-srs");

	tcase_add_loop_test(tc, there_and_back, 0, COUNT(cases));
	tcase_add_test(tc, two_hops_are_enough);
	tcase_add_test(tc, age_counts);
	tcase_add_test(tc, forgeries_are_seen);
	tcase_add_test(tc, others_are_none);
	return unit_end();
}
