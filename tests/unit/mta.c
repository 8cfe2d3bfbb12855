/* The scheduler's heap, what goes between it and a send process, and who we are. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "mta/job.h"
#include "mta/myself.h"
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
	struct job j = { .destination = "b.test", .id = "0abcdefghijklm", .sender = "", .envid = "E", .ret = "hdrs",
		.smtputf8 = true, .require_tls = true, .wire_bytes = 1ull << 40, .text = 0, .count = JOB_RCPTS }, got;
	struct job_result r = { .unreachable = true, .remote = "mx", .tls = "TLSv1.3", .count = 2,
		.rcpts = { { ERR_NONE, "2.0.0", "250 ok" }, { ERR_PERM, "5.1.1", "550 no" } } }, back;
	struct err e;

	for (int i = 0; i < JOB_RCPTS; i++)
		j.rcpts[i] = (struct job_rcpt){ "x@b.test", "rfc822;x", 6 };
	job_put(&j, &p);
	p.at = 1;
	ck_assert_msg(job_take(&p, a, &got, &e), "%s", e.text);
	ck_assert_str_eq(got.destination, "b.test");
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

int main(void)
{
	TCase *tc = unit_begin("mta");

	tcase_add_test(tc, waits_come_in_order);
	tcase_add_test(tc, jobs_and_results_come_over);
	tcase_add_loop_test(tc, we_know_ourselves, 0, COUNT(selves));
	return unit_end();
}
