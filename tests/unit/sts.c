/* MTA-STS: records, policies, and what is done with what is known. */
#include "common/trust/sts.h"
#include "tests/unit/unit.h"

static const struct { const char *text, *id; } records[] = {
	{ "v=STSv1; id=20160831085700Z;", "20160831085700Z" },
	{ "v=STSv1;id=1", "1" },
	{ "v=STSv1; id=a ; x-y.z=v:/ ;", "a" },
	{ "v=STSv1; x=1; id=12345678901234567890123456789012", "12345678901234567890123456789012" },
	{ "v=STSv1; id=123456789012345678901234567890123", NULL },
	{ "v=STSv1; id=", NULL },
	{ "v=STSv1; id=a-b", NULL },
	{ "v=STSv1;", NULL },
	{ "v=STSv1", NULL },
	{ "v=stsv1; id=1", NULL },
	{ "v=STSv1; ID=1", NULL },
	{ "v=STSv1; id=1; id=2", NULL },
	{ "v=STSv1; id=1; ; x=1", NULL },
	{ "v=STSv1; id=1; x", NULL },
	{ "v=STSv1; id=1; x=", NULL },
	{ "v=STSv1; id=1; x=a=b", NULL },
	{ "v=STSv1; id=1; -x=a", NULL },
	{ "v=STSv2; id=1", NULL },
	{ " v=STSv1; id=1", "1" },
	{ "", NULL },
};

START_TEST(record_is_read)
{
	char id[STS_ID];
	bool ok = sts_record_parse(span_of(records[_i].text), id);

	ck_assert_msg(ok == !!records[_i].id, "%s", records[_i].text);
	if (ok)
		ck_assert_str_eq(id, records[_i].id);
}
END_TEST

static struct dns_answer txt(struct span *records_, size_t count)
{
	return (struct dns_answer){ .found = DNS_YES, .why = "", .records = records_, .count = count };
}

START_TEST(only_one_record_counts)
{
	struct span good = SPAN("\x0dv=STSv1; id=1"), other = SPAN("\x03" "abc"), parts = SPAN("\x08v=STSv1;\x05 id=2");
	struct span same[] = { good, parts }, mixed[] = { other, parts };
	struct dns_answer two = txt(same, 2), one = txt(mixed, 2), none = txt(&other, 1);
	char id[STS_ID];

	ck_assert(!sts_record_find(&two, id));
	ck_assert_str_eq(id, "");
	ck_assert(sts_record_find(&one, id));
	ck_assert_str_eq(id, "2");
	ck_assert(!sts_record_find(&none, id));
	one.found = DNS_FAILED;
	ck_assert(!sts_record_find(&one, id));
}
END_TEST

#define HEAD "version: STSv1\n"
#define TAIL "max_age: 604800\n"

static const struct { const char *text; int mx; enum sts_mode mode; unsigned max_age; const char *why; } policies[] = {
	{ "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\n"
	  "max_age: 604800\r\n", 3, STS_ENFORCE, 604800, NULL },
	{ HEAD "mode: testing\nmx: A.Example.\n" TAIL, 1, STS_TESTING, 604800, NULL },
	{ HEAD "mode: none\n" TAIL, 0, STS_NONE, 604800, NULL },
	{ HEAD "mode:enforce \nmx:a.test\nnew_one: x\nmax_age:\t1", 1, STS_ENFORCE, 1, NULL },
	{ HEAD "version: 9\nmode: none\nmode: enforce\nmax_age: 5\nmax_age: x\n", 0, STS_NONE, 5, NULL },
	{ HEAD "mode: none\nmax_age: 9999999999\n", 0, STS_NONE, STS_AGE_MAX, NULL },
	{ HEAD "mode: enforce\n" TAIL, 0, 0, 0, "no mx" },
	{ "mode: none\n" TAIL, 0, 0, 0, "no version" },
	{ HEAD TAIL, 0, 0, 0, "no mode" },
	{ HEAD "mode: none\n", 0, 0, 0, "no max_age" },
	{ "version: STSv2\nmode: none\n" TAIL, 0, 0, 0, "STSv1" },
	{ HEAD "mode: Enforce\nmx: a.test\n" TAIL, 0, 0, 0, "no mode" },
	{ HEAD "mode: none\nmax_age: -1\n", 0, 0, 0, "no max_age" },
	{ HEAD "mode: none\nmax_age: 12345678901\n", 0, 0, 0, "no max_age" },
	{ HEAD "mode: enforce\nmx: *.*.test\n" TAIL, 0, 0, 0, "no mx" },
	{ HEAD "mode: enforce\nmx: a.*.test\n" TAIL, 0, 0, 0, "no mx" },
	{ HEAD "mode: enforce\nmx: *\n" TAIL, 0, 0, 0, "no mx" },
	{ HEAD "mode: enforce\nmx:\n" TAIL, 0, 0, 0, "no mx" },
	{ HEAD "mode: enforce\nmx: a b\n" TAIL, 0, 0, 0, "no mx" },
	{ "<html>", 0, 0, 0, "no field" },
	{ "", 0, 0, 0, "no version" },
};

START_TEST(policy_is_read)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct sts_policy p;
	struct err e = { 0 };
	bool ok = sts_policy_parse(span_of(policies[_i].text), a, &p, &e);

	ck_assert_msg(ok == !policies[_i].why, "%s: %s", policies[_i].text, e.text);
	if (ok) {
		ck_assert_int_eq((int)p.count, policies[_i].mx);
		ck_assert_int_eq(p.mode, policies[_i].mode);
		ck_assert_uint_eq(p.max_age, policies[_i].max_age);
	} else {
		ck_assert_msg(strstr(e.text, policies[_i].why) && e.kind == ERR_PERM, "%s", e.text);
	}
	arena_free(a);
}
END_TEST

START_TEST(policy_has_an_end)
{
	struct arena *a = arena_new(8 << 20, NULL, NULL);
	struct str text = STR(1 << 20);
	struct sts_policy p;
	struct err e;

	str_add_text(&text, HEAD "mode: enforce\n" TAIL);
	for (int i = 0; i < STS_MX_MAX; i++)
		str_addf(&text, "mx: mx%d.test\n", i);
	ck_assert(sts_policy_parse(str_span(&text), a, &p, &e));
	str_add_text(&text, "mx: more.test\n");
	ck_assert(!sts_policy_parse(str_span(&text), a, &p, &e) && strstr(e.text, "more than 100"));
	while (text.n <= STS_POLICY_MAX)
		str_add_char(&text, '\n');
	ck_assert(!sts_policy_parse(str_span(&text), a, &p, &e) && strstr(e.text, "bytes"));
	str_free(&text);
	arena_free(a);
}
END_TEST

/* RFC 8461 4.1 */
static const struct { const char *host; const char *has; } hosts[] = {
	{ "mail.example.com", "mail.example.com" },
	{ "a.example.net", "*.example.net" },
	{ "a.b.example.net", NULL },
	{ "example.net", NULL },
	{ ".example.net", NULL },
	{ "mail.example.co", NULL },
	{ "xmail.example.com", NULL },
	{ "net", NULL },
	{ "", NULL },
};

START_TEST(hosts_match)
{
	const struct sts_policy p = { .count = 2, .mx = { "mail.example.com", "*.example.net" } };
	const char *got = sts_policy_has(&p, hosts[_i].host);

	ck_assert_msg(!got == !hosts[_i].has && (!got || strcmp(got, hosts[_i].has) == 0), "%s: %s",
	    hosts[_i].host, got);
}
END_TEST

enum { NOW = 1800000000, DAY = 86400 };

/* Entries as text, what the record says now, and what follows. */
static const struct { const char *fetched, *tried, *id, *max_age; const char *now_id; enum sts_step step; } steps[] = {
	{ "0", "0", "", NULL, "", STS_GO_WITHOUT },
	{ "0", "0", "", NULL, "a", STS_FETCH },
	{ "0", "1799999701", "", NULL, "a", STS_GO_WITHOUT },	/* 299 seconds ago */
	{ "0", "1799999700", "", NULL, "a", STS_FETCH },
	{ "0", "1800000500", "", NULL, "a", STS_FETCH },		/* in the future */
	{ "1799999000", "1799999000", "a", "86400", "a", STS_GO_WITH },
	{ "1799999000", "1799999000", "a", "86400", "", STS_GO_WITH },	/* the record is gone */
	{ "1799999000", "1799999000", "a", "86400", "b", STS_FETCH },
	{ "1799999000", "1799999990", "a", "86400", "b", STS_GO_WITH },	/* that failed just now */
	{ "1799999000", "1799999000", "a", "1000", "a", STS_FETCH },	/* over */
	{ "1799999000", "1799999000", "a", "1000", "", STS_GO_WITHOUT },
	{ "1799999000", "1799999990", "a", "1000", "a", STS_GO_WITHOUT },
	{ "1800999000", "1799999000", "a", "31557600", "", STS_GO_WITHOUT },	/* a clock that was wrong */
};

static void entry_text(int i, struct str *out)
{
	str_addf(out, "id: %s\nfetched: %s\ntried: %s\nused: 0\n\n", steps[i].id, steps[i].fetched,
	    steps[i].tried);
	if (steps[i].max_age)
		str_addf(out, "version: STSv1\nmode: enforce\nmx: a.test\nmax_age: %s\n",
		    steps[i].max_age);
}

START_TEST(next_step_is_right)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct sts_entry s = { .trouble = "" };
	struct str text = STR(4096);

	entry_text(_i, &text);
	if (strcmp(steps[_i].tried, "0"))
		ck_assert(sts_entry_parse(str_span(&text), a, &s));
	ck_assert_int_eq(sts_next(&s, steps[_i].now_id, NOW), steps[_i].step);
	str_free(&text);
	arena_free(a);
}
END_TEST

START_TEST(entry_survives_printing)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct sts_policy p = { .mode = STS_ENFORCE, .max_age = 100 * DAY, .count = 1, .mx = { "*.a.test" } };
	struct sts_entry s = { .trouble = "" }, back;
	struct str text = STR(4096);

	sts_learn(&s, "x", NULL, "no \n answer", NOW);
	ck_assert(!sts_entry_counts(&s, NOW));
	sts_entry_print(&s, &text);
	ck_assert(sts_entry_parse(str_span(&text), a, &back));
	ck_assert_str_eq(back.trouble, "no ? answer");
	ck_assert_int_eq(back.fetched, 0);
	sts_learn(&s, "x", &p, NULL, NOW);
	s.used = NOW;
	str_reset(&text);
	sts_entry_print(&s, &text);
	ck_assert(sts_entry_parse(str_span(&text), a, &back));
	ck_assert_str_eq(back.id, "x");
	ck_assert_str_eq(back.trouble, "");
	ck_assert_str_eq(back.policy.mx[0], "*.a.test");
	ck_assert_int_eq(back.policy.mode, STS_ENFORCE);
	/* a fetch that fails keeps what is there */
	sts_learn(&back, "y", NULL, "late", NOW + 10);
	ck_assert(sts_entry_counts(&back, NOW + 10) && strcmp(back.id, "x") == 0);
	ck_assert_str_eq(back.trouble, "late");
	/* daily, as long as somebody uses it */
	ck_assert(!sts_is_stale(&s, NOW + DAY - 1) && sts_is_stale(&s, NOW + DAY));
	ck_assert(sts_is_stale(&s, NOW + 29 * DAY) && !sts_is_stale(&s, NOW + 30 * DAY) &&
	    !sts_is_stale(&s, NOW + 101 * DAY));
	str_free(&text);
	arena_free(a);
}
END_TEST

static const struct { const char *text, *is; } domains[] = {
	{ "Example.ORG", "example.org" }, { "org", NULL }, { "../x.test", NULL }, { "a..test", NULL }, { "[127.0.0.1]", NULL },
	{ "", NULL }, { "a/b.test", NULL },
};

START_TEST(domain_is_one)
{
	char domain[DNS_NAME];
	bool ok = sts_domain(span_of(domains[_i].text), domain);

	ck_assert_msg(ok == !!domains[_i].is && (!ok || strcmp(domain, domains[_i].is) == 0), "%s",
	    domains[_i].text);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("sts");

	tcase_add_loop_test(tc, record_is_read, 0, COUNT(records));
	tcase_add_test(tc, only_one_record_counts);
	tcase_add_loop_test(tc, policy_is_read, 0, COUNT(policies));
	tcase_add_test(tc, policy_has_an_end);
	tcase_add_loop_test(tc, hosts_match, 0, COUNT(hosts));
	tcase_add_loop_test(tc, next_step_is_right, 0, COUNT(steps));
	tcase_add_test(tc, entry_survives_printing);
	tcase_add_loop_test(tc, domain_is_one, 0, COUNT(domains));
	return unit_end();
}
