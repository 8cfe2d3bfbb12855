/* The scheduler's heap, what goes between it and a send process, and who we are. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mta/hints.h"
#include "mta/job.h"
#include "mta/myself.h"
#include "mta/rows.h"
#include "mta/waits.h"

START_TEST(waits_come_in_order)
{
	struct waits w = { 0 };
	struct wait got;
	uint32_t last = 0;
	unsigned dice = 7;
	char id[16];

	for (int i = 0; i < 1000; i++) {
		dice = dice * 1103515245u + 12345u;
		snprintf(id, sizeof id, "%014d", i);
		waits_add(&w, id, 1 + dice % 500);
	}
	for (int i = 0; i < 1000; i += 3) {
		snprintf(id, sizeof id, "%014d", i);
		ck_assert(waits_take_id(&w, id));
		ck_assert(!waits_take_id(&w, id));
	}
	ck_assert_uint_eq(w.count, 666);
	while (waits_take(&w, 250, &got)) {
		ck_assert(got.next >= last && got.next <= 250);
		last = got.next;
	}
	ck_assert(w.count > 0 && waits_first(&w)->next > 250);
	waits_all_now(&w);
	for (size_t n = w.count; n; n--)
		ck_assert(waits_take(&w, 0, &got));
	ck_assert_ptr_null(waits_first(&w));
	free(w.heap);
}
END_TEST

START_TEST(jobs_and_results_come_over)
{
	static struct packet p;
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct job j = { .destination = "b.test", .way = way_plain, .id = "0abcdefghijklm",
		.sender = "", .envid = "E", .ret = "hdrs",
		.smtputf8 = true, .require_tls = true, .wire_bytes = 1ull << 40, .text = 0, .count = JOB_RCPTS }, got;
	struct job_result r = { .unreachable = true, .remote = "mx", .tls = "TLSv1.3", .count = 2,
		.rcpts = { { ERR_NONE, "2.0.0", "250 ok" }, { ERR_PERM, "5.1.1", "550 no" } } }, back;
	struct err e;

	for (int i = 0; i < JOB_RCPTS; i++)
		j.rcpts[i] = (struct job_rcpt){ "x@b.test", "rfc822;x", 6 };
	j.way.tls = WAY_VERIFY;
	j.way.via = "hub.test:26";
	j.way.names = "hub.test,.b.test";
	job_put(&j, &p);
	p.at = 1;
	ck_assert_msg(job_take(&p, a, &got, &e), "%s", e.text);
	ck_assert_str_eq(got.destination, "b.test");
	ck_assert_int_eq(got.way.tls, WAY_VERIFY);
	ck_assert_str_eq(got.way.via, "hub.test:26");
	ck_assert_str_eq(got.way.names, "hub.test,.b.test");
	ck_assert_uint_eq(got.wire_bytes, 1ull << 40);
	ck_assert(got.smtputf8 && !got.body8bit && got.require_tls);
	ck_assert_uint_eq(got.count, JOB_RCPTS);
	ck_assert_str_eq(got.rcpts[JOB_RCPTS - 1].original, "rfc822;x");
	job_put_result(&r, &p);
	p.at = 1;
	ck_assert(job_take_result(&p, a, &back, &e));
	ck_assert(back.unreachable && !back.dsn && back.count == 2);
	ck_assert_int_eq(back.rcpts[1].kind, ERR_PERM);
	ck_assert_str_eq(back.rcpts[1].answer, "550 no");
	p.at = 1;
	p.n -= 3;
	ck_assert(!job_take_result(&p, a, &back, &e));
	p.verb = 'X';
	ck_assert(!job_take(&p, a, &got, &e));
	arena_free(a);
}
END_TEST

static const struct { const char *listen, *ip; unsigned port; bool is; } selves[] = {
	{ "smtp=127.0.0.2:25",		"127.0.0.2",	25,	true },
	{ "smtp=127.0.0.2:25",		"127.0.0.3",	25,	false },
	{ "smtp=127.0.0.2:25",		"127.0.0.2",	26,	false },
	{ "smtps=127.0.0.2:465:tls",	"127.0.0.2",	465,	true },
	{ "smtp=[::1]:25",		"::1",		25,	true },
	{ "smtp=*:25",			"127.0.0.1",	25,	true },
	{ "smtp=*:25",			"192.0.2.1",	25,	false },
	{ "smtp=127.0.0.2:25",		"nonsense",	25,	false },
};

START_TEST(we_know_ourselves)
{
	struct conf_list list = { (const char **)&selves[_i].listen, 1 };
	struct myself me;

	myself_find(&me, &list);
	ck_assert_msg(myself_is(&me, span_of(selves[_i].ip), selves[_i].port) == selves[_i].is, "%s %s",
	    selves[_i].listen, selves[_i].ip);
}
END_TEST

/* --- what is remembered of clients --- */

static const struct { const char *ip, *known, *grey; } keys[] = {
	{ "192.0.2.77", "k 192.0.2.0", "g 192.0.2.0 ann@example.org bob@example.net" },
	{ "::ffff:192.0.2.77", "k 192.0.2.0", "g 192.0.2.0 ann@example.org bob@example.net" },
	{ "2001:db8:1:2:3::4", "k 2001:db8:1:2::", "g 2001:db8:1:2:: ann@example.org bob@example.net" },
	{ "unknown", NULL, NULL }, { "", NULL, NULL },
};

START_TEST(hints_are_of_networks)
{
	struct str known = STR(HINT_KEY), grey = STR(HINT_KEY);

	ck_assert(hint_key_known(span_of(keys[_i].ip), &known) == (keys[_i].known != NULL));
	ck_assert(hint_key_grey(span_of(keys[_i].ip), SPAN("Ann@Example.ORG"), SPAN("bob@example.net"), &grey) == (keys[_i].grey != NULL));
	if (keys[_i].known) {
		ck_assert_str_eq(known.p, keys[_i].known);
		ck_assert_str_eq(grey.p, keys[_i].grey);
	}
	str_free(&known);
	str_free(&grey);
}
END_TEST

/* Delay 60, window 1000: what was remembered, and what the greylist makes of it. */
static const struct { struct hint was; int64_t now; enum gate_grey grey; unsigned left_s; struct hint then; } greys[] = {
	{ { 0, 0, 0 }, 5000, GATE_GREY_WAIT, 60, { 5000, 5000, 1 } },
	{ { 5000, 5000, 1 }, 5001, GATE_GREY_WAIT, 59, { 5000, 5001, 2 } },
	{ { 5000, 5001, 2 }, 5059, GATE_GREY_WAIT, 1, { 5000, 5059, 3 } },
	{ { 5000, 5001, 2 }, 5060, GATE_GREY_PASSED, 0, { 5000, 5060, 3 } },
	{ { 5000, 5060, 3 }, 6060, GATE_GREY_PASSED, 0, { 5000, 6060, 4 } },
	{ { 5000, 5060, 3 }, 6061, GATE_GREY_WAIT, 60, { 6061, 6061, 1 } },
	{ { 5000, 5060, 3 }, 4000, GATE_GREY_WAIT, 60, { 4000, 4000, 1 } },	/* the clock went back */
};

START_TEST(greylist_lets_pass_who_comes_again)
{
	const struct hint_rules rules = { 60, 1000, 2000 };
	struct hint h = greys[_i].was, back;
	struct str text = STR(100);
	unsigned left_s;

	ck_assert_int_eq(hint_greylist(&h, &rules, greys[_i].now, &left_s), greys[_i].grey);
	ck_assert_uint_eq(left_s, greys[_i].left_s);
	ck_assert(h.first == greys[_i].then.first && h.last == greys[_i].then.last && h.count == greys[_i].then.count);
	hint_print(&h, &text);
	ck_assert(hint_parse(str_span(&text), &back));
	ck_assert(h.first == back.first && h.last == back.last && h.count == back.count);
	ck_assert(!hint_is_over(SPAN("g x"), &h, &rules, h.last + 1000) && hint_is_over(SPAN("g x"), &h, &rules, h.last + 1001));
	ck_assert(!hint_is_over(SPAN("k x"), &h, &rules, h.last + 2000) && hint_is_over(SPAN("k x"), &h, &rules, h.last + 2001));
	str_free(&text);
}
END_TEST

START_TEST(what_is_no_hint_is_none)
{
	static const char *const bad[] = { "", "1", "1 2", "1 2 ", "1 2 3 ", "a 2 3", "1 -2 3", "1 2 99999999999999999999" };
	struct hint h;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!hint_parse(span_of(bad[i]), &h), "%s", bad[i]);
}
END_TEST

/* Where half a row found room, none is left: the next one would go on behind it. */
START_TEST(full_disk_leaves_whole_rows)
{
	char path[] = "/tmp/rows.XXXXXX";
	struct rlimit room = { 10, 10 };
	struct stat st;
	struct err e;
	int dir;

	ck_assert_ptr_nonnull(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert(rows_add(dir, "dmarc", SPAN("a.test"), 86400, &e));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &room), 0);
	ck_assert(!rows_add(dir, "dmarc", SPAN("b.test"), 86400, &e));
	ck_assert(strstr(e.text, "dmarc.1970-01-02"));
	ck_assert(fstatat(dir, "dmarc.1970-01-02", &st, 0) == 0 && st.st_size == 7);
	unlinkat(dir, "dmarc.1970-01-02", 0);
	close(dir);
	rmdir(path);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mta");

	tcase_add_test(tc, waits_come_in_order);
	tcase_add_test(tc, jobs_and_results_come_over);
	tcase_add_loop_test(tc, we_know_ourselves, 0, COUNT(selves));
	tcase_add_loop_test(tc, hints_are_of_networks, 0, COUNT(keys));
	tcase_add_loop_test(tc, greylist_lets_pass_who_comes_again, 0, COUNT(greys));
	tcase_add_test(tc, what_is_no_hint_is_none);
	tcase_add_test(tc, full_disk_leaves_whole_rows);
	return unit_end();
}
