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
#include "mta/line.h"
#include "mta/myself.h"
#include "mta/crowd.h"
#include "mta/pace.h"
#include "mta/rows.h"
#include "mta/waits.h"

START_TEST(waits_come_in_order)
{
	struct waits w = { 0 };
	struct wait got;
	uint32_t last = 0;
	unsigned dice = 7;
	time_t first;
	char id[WAIT_ID];

	for (int i = 0; i < 3000; i++) {
		dice = dice * 1103515245u + 12345u;
		snprintf(id, sizeof id, "%014d", i);
		waits_add(&w, id, 1 + dice % 500);
		waits_add(&w, id, 1 + dice % 400);	/* the same one: its new time counts */
	}
	ck_assert_uint_eq(w.count, 3000);
	for (int i = 0; i < 3000; i += 3) {
		snprintf(id, sizeof id, "%014d", i);
		ck_assert(waits_has(&w, id));
		ck_assert(waits_take_id(&w, id));
		ck_assert(!waits_take_id(&w, id) && !waits_has(&w, id));
	}
	ck_assert_uint_eq(w.count, 2000);
	while (waits_take(&w, 250, &got)) {
		ck_assert(got.next >= last && got.next <= 250);
		ck_assert(!waits_has(&w, got.id));
		last = got.next;
	}
	ck_assert(w.count > 0 && waits_first(&w, &first) && first > 250);
	waits_recall(&w, 300, 7);
	last = 0;
	while (waits_take(&w, 299, &got)) {
		ck_assert(got.next == 7 || (last >= 7 && got.next > 250 && got.next >= last));
		last = got.next;
	}
	waits_add(&w, id, 300);
	waits_all_now(&w);
	for (size_t n = w.count; n; n--)
		ck_assert(waits_take(&w, 0, &got));
	ck_assert(!waits_first(&w, &first));
	waits_free(&w);
}
END_TEST

START_TEST(lots_are_queues)
{
	struct waits w = { 0 };
	struct waits_lot a = { 0 }, b = { 0 };
	struct wait got;
	char id[WAIT_ID];

	for (int i = 0; i < 3000; i++) {
		snprintf(id, sizeof id, "%014d", i);
		waits_add(&w, id, 9);			/* from the heap into the lot */
		waits_park(&w, i % 2 ? &a : &b, id, i == 4);
	}
	ck_assert_uint_eq(w.count, 0);
	ck_assert(waits_take_id(&w, "00000000000001"));		/* taken from the middle */
	ck_assert(waits_take_id(&w, "00000000000003"));
	waits_add(&w, "00000000000003", 1);			/* and elsewhere again */
	for (int want[] = { 5, 7, 9 }, i = 0; i < 3; i++) {
		ck_assert(waits_unpark(&w, &a, 2 + i));
		snprintf(id, sizeof id, "%014d", want[i]);
		ck_assert(waits_has(&w, id));
	}
	ck_assert(waits_unpark(&w, &b, 20) && waits_unpark(&w, &b, 20) && waits_unpark(&w, &b, 20));
	for (const char *const want[] = { "00000000000004", "00000000000003", "00000000000005" }, *const *at = want; at < want + 3; at++) {
		ck_assert(waits_take(&w, 3, &got));		/* who is in a hurry comes first */
		ck_assert_str_eq(got.id, *at);
	}
	while (waits_unpark(&w, &a, 1) || waits_unpark(&w, &b, 1))
		;
	ck_assert_uint_eq(w.count, 3000 - 4);
	ck_assert(!a.first && !a.last && !b.first && !b.last);
	waits_free(&w);
}
END_TEST

/* Senders a, b ... in the order they came; what is taken of them, in turn. Upper case: urgent; before a
   digit: so many rounds later. */
static const struct { const char *come, *go; } lines[] = {
	{ "abc",	"abc" },
	{ "aaaabc",	"abcaaa" },		/* the fourth of one does not come before the first of another */
	{ "aabbcc",	"abcabc" },
	{ "aaBaaC",	"BCaaaa" },
	{ "a1b",	"ba" },			/* a list waits for a single one */
	{ "a1a1bcb",	"bcaba" },		/* but not forever */
	{ "a9bbbbbb",	"bbbbbba" },
	{ "",		"" },
};

START_TEST(lines_are_fair)
{
	static const char senders[26];
	struct line l = { 0 };
	struct line_item items[20] = { 0 }, *item;
	size_t n = 0;

	for (const char *p = lines[_i].come; *p; p++) {
		unsigned later = is_digit(p[1]) ? (unsigned)(p[1] - '0') : 0;

		line_add(&l, &items[n++], &senders[to_lower(*p) - 'a'], to_lower(*p) == *p ? 0 : 3,
		    later);
		p += later > 0;
	}
	for (const char *p = lines[_i].go; *p; p++) {
		item = line_take(&l);
		ck_assert_ptr_nonnull(item);
		ck_assert_int_eq((const char *)item->who - senders + 'a', to_lower(*p));
	}
	ck_assert(!line_take(&l) && !l.count);
}
END_TEST

/* Who comes when others have been sending for long begins in their round, not in the first. */
START_TEST(a_letter_passes_the_list_of_its_sender)
{
	struct line l = { 0 };
	struct line_item list[50] = { 0 }, letters[2] = { 0 }, other = { 0 };

	for (size_t i = 0; i < 50; i++)
		line_add(&l, &list[i], &list, 0, line_later(300, 0));
	ck_assert_ptr_eq(line_take(&l), &list[0]);
	line_add(&l, &letters[0], &list, 0, line_later(1, 0));
	line_add(&l, &letters[1], &list, 0, line_later(1, 0));
	line_add(&l, &other, &other, 0, line_later(1, 0));
	ck_assert_ptr_eq(line_take(&l), &letters[0]);
	ck_assert_ptr_eq(line_take(&l), &other);
	ck_assert(line_take(&l) == &list[1] && line_take(&l) == &letters[1] && line_take(&l) == &list[2]);
}
END_TEST

START_TEST(newcomers_wait_one_round)
{
	struct line l = { 0 };
	struct line_item many[300] = { 0 }, one = { 0 }, *item;

	for (size_t i = 0; i < 300; i++)
		line_add(&l, &many[i], &many, 0, 0);
	for (int i = 0; i < 200; i++)
		line_take(&l);
	line_add(&l, &one, &one, 0, 0);
	ck_assert_ptr_eq(line_take(&l), &one);
	line_put_back(&l, &one);
	ck_assert_ptr_eq(line_take(&l), &one);
	item = line_take(&l);
	ck_assert_ptr_eq(item, &many[200]);
	ck_assert_uint_eq(l.count, 99);
	ck_assert(line_has_room(&l, &many, 0));
	line_put_back(&l, item);
	ck_assert(!line_has_room(&l, &many, 0) && line_has_room(&l, &one, 0) &&
	    line_has_room(&l, &many, 1));
	ck_assert_uint_eq(line_later(1, 0), 0);
	ck_assert_uint_eq(line_later(1, 3), 1);
	ck_assert_uint_eq(line_later(20, 0), 3);
	ck_assert_uint_eq(line_later(5000, 1), LINE_LATER_MAX);
}
END_TEST

static const struct pace_rules pacing = { .first = 2, .most = 5, .polite_for = 1000, .down_first = 60, .down_most = 600 };

/* t: took one while all it may have were at work, T: 20 of them; r: refused one; d: down; digits: the limit then. */
static const char *const paces[] = {
	"2t2t3t3t3t4T5T5",
	"2T5r2r1T4", /* refused at 5, and in the same moment at 2: half of 4, then 1, and not above 4 for a while */
	"2T5rwT5", /* w: a while is over */
	"2d1d1t2T5",
	"2r1wT5",
	"2T5dT5",
};

START_TEST(pace_follows_answers)
{
	struct pace p = { 0 };
	time_t now = 1764000000;

	for (const char *c = paces[_i]; *c; c++) {
		unsigned limit = pace_limit(&p, &pacing, now);

		if (is_digit(*c))
			ck_assert_uint_eq(limit, (unsigned)(*c - '0'));
		for (int i = 0; i < (*c == 'T' ? 20 : *c == 't'); i++)
			pace_took(&p, &pacing, pace_limit(&p, &pacing, now), now);
		if (*c == 'r')
			pace_refused(&p, limit, now);
		if (*c == 'd')
			pace_failed(&p, &pacing);
		if (*c == 'w')
			now += 1000;
	}
}
END_TEST

START_TEST(pace_is_left_alone_longer_and_longer)
{
	static const time_t waits[] = { 60, 120, 240, 480, 600, 600 };
	struct pace p = { 0 };

	for (size_t i = 0; i < COUNT(waits); i++)
		ck_assert_int_eq(pace_failed(&p, &pacing), waits[i]);
	p.fails = UINT32_MAX;
	ck_assert_int_eq(pace_failed(&p, &pacing), 600);
}
END_TEST

START_TEST(crowd_gets_what_it_takes)
{
	static struct crowd c;
	char name[16];

	ck_assert(crowd_has_room(&c, "mx.a.test", 1000) && crowd_has_room(&c, "", 1000));
	crowd_refused(&c, "mx.a.test", 1000);
	ck_assert(!crowd_has_room(&c, "mx.a.test", 1000 + CROWD_TRY_MS - 1));
	ck_assert(crowd_has_room(&c, "mx.b.test", 1000));
	ck_assert(crowd_has_room(&c, "mx.a.test", 1000 + CROWD_TRY_MS));
	crowd_tried(&c, "mx.a.test", 2000);
	crowd_tried(&c, "mx.b.test", 2000);
	ck_assert(!crowd_has_room(&c, "mx.a.test", 2000));
	c.hosts[0].resting = 1;
	ck_assert(crowd_has_room(&c, "mx.a.test", 2000));
	c.hosts[0].resting = 0;
	crowd_tried(&c, "mx.a.test", 1000 + CROWD_FOR_MS);
	ck_assert(crowd_has_room(&c, "mx.a.test", 1000 + CROWD_FOR_MS));	/* long ago */
	for (int i = 0; i < CROWD_HOSTS; i++) {
		snprintf(name, sizeof name, "mx%d.test", i);
		crowd_refused(&c, name, 5000);
	}
	ck_assert(crowd_has_room(&c, "mx.a.test", 5000) && !crowd_has_room(&c, "mx0.test", 5000));
}
END_TEST

static const struct { unsigned fails, ceiling, running, free, total; bool may; } mays[] = {
	{ 0, 0, 0, 0,  50, false },
	{ 0, 0, 0, 1,  50, true },	/* the last one is for somebody who has none */
	{ 0, 0, 1, 1,  50, false },
	{ 0, 0, 1, 2,  50, true },
	{ 0, 0, 4, 46, 50, true },
	{ 0, 0, 5, 45, 50, false },	/* as many as it may have */
	{ 0, 9, 5, 45, 50, true },	/* an admin says more */
	{ 0, 1, 1, 49, 50, false },
	{ 3, 0, 0, 26, 50, true },
	{ 3, 0, 0, 25, 50, false },	/* half of all is for those who were reached last time */
	{ 3, 0, 1, 49, 50, false },
	{ 0, 0, 0, 1,  1,  true },
	{ 3, 0, 0, 1,  1,  true },
};

START_TEST(nobody_takes_all_conversations)
{
	struct pace p = { .limit = 9, .fails = mays[_i].fails, .ceiling = mays[_i].ceiling };

	ck_assert(pace_may(&p, &pacing, mays[_i].running, mays[_i].free, mays[_i].total, 0) ==
	    mays[_i].may);
}
END_TEST

static const struct { const char *status, *answer; bool refusal; } refusals[] = {
	{ "4.3.2", "421 4.3.2 shutting down",			true },
	{ "4.7.0", "421 4.7.0 Too many connections",		true },
	{ "4.7.28", "450 4.7.28 Rate limit exceeded",		true },
	{ "4.0.0", "451 too many messages, slow down",		true },
	{ "4.4.5", "451 4.4.5 congested",			true },
	{ "4.7.1", "450 4.7.1 greylisted",			false },
	{ "4.2.2", "452 4.2.2 over quota",			false },
	{ "4.4.1", "cannot connect: too many open files",	false },	/* that is us */
	{ "5.7.1", "550 5.7.1 too many complaints",		false },
	{ "",	   "",						false },
	{ "",	   "4",						false },
};

START_TEST(too_much_is_understood)
{
	ck_assert(pace_is_refusal(refusals[_i].status, refusals[_i].answer) == refusals[_i].refusal);
}
END_TEST

START_TEST(jobs_and_results_come_over)
{
	static struct packet p;
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct job j = { .destination = "b.test", .way = way_plain, .id = "0abcdefghijklm",
		.sender = "", .envid = "E", .ret = "hdrs",
		.smtputf8 = true, .require_tls = true, .wire_bytes = 1ull << 40, .text = 0,
		.priority = -9, .prefer_family = 6, .count = JOB_RCPTS }, got;
	struct job_result r = { .unreachable = true, .by = true, .remote = "mx", .tls = "TLSv1.3",
		.ip = "::1", .extensions = 5, .count = 2,
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
	ck_assert(got.priority == -9 && got.prefer_family == 6);
	ck_assert_uint_eq(got.count, JOB_RCPTS);
	ck_assert_str_eq(got.rcpts[JOB_RCPTS - 1].original, "rfc822;x");
	job_put_result(&r, &p);
	p.at = 1;
	ck_assert(job_take_result(&p, a, &back, &e));
	ck_assert(back.unreachable && !back.dsn && back.by && back.count == 2);
	ck_assert_str_eq(back.ip, "::1");
	ck_assert_uint_eq(back.extensions, 5);
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
	{ "smtp=*:25",			"127.9.9.9",	25,	true },		/* all of 127/8 is here */
	{ "smtp=*:25",			"127.9.9.9",	26,	false },
	{ "smtp=0.0.0.0:25",		"127.0.0.1",	25,	true },
	{ "smtp=127.0.0.1:25",		"0.0.0.0",	25,	true },		/* a way to say 127.0.0.1 */
	{ "smtp=[::1]:25",		"::",		25,	true },
	{ "smtp=127.0.0.1:25",		"::ffff:127.0.0.1",	25,	true },
	{ "smtp=127.0.0.1:25",		"127.9.9.9",	25,	false },
	{ "smtp=127.0.0.2:25",		"0.0.0.0",	25,	false },
	{ "smtp=127.0.0.2:25",		"nonsense",	25,	false },
};

START_TEST(we_know_ourselves)
{
	struct conf_list list = { (const char **)&selves[_i].listen, 1 };
	struct myself me;

	myself_find(&me, &list);
	ck_assert_msg(myself_is(&me, span_of(selves[_i].ip), selves[_i].port) == selves[_i].is,
	    "%s %s", selves[_i].listen, selves[_i].ip);
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
	ck_assert(h.first == greys[_i].then.first && h.last == greys[_i].then.last &&
	    h.count == greys[_i].then.count);
	hint_print(&h, &text);
	ck_assert(hint_parse(str_span(&text), &back));
	ck_assert(h.first == back.first && h.last == back.last && h.count == back.count);
	ck_assert(!hint_is_over(SPAN("g x"), &h, &rules, h.last + 1000) &&
	    hint_is_over(SPAN("g x"), &h, &rules, h.last + 1001));
	ck_assert(!hint_is_over(SPAN("k x"), &h, &rules, h.last + 2000) &&
	    hint_is_over(SPAN("k x"), &h, &rules, h.last + 2001));
	str_free(&text);
}
END_TEST

START_TEST(what_is_no_hint_is_none)
{
	static const char *const bad[] = { "", "1", "1 2", "1 2 ", "1 2 3 ", "a 2 3", "1 -2 3",
		"1 2 99999999999999999999" };
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
	tcase_add_test(tc, lots_are_queues);
	tcase_add_loop_test(tc, lines_are_fair, 0, COUNT(lines));
	tcase_add_test(tc, newcomers_wait_one_round);
	tcase_add_test(tc, a_letter_passes_the_list_of_its_sender);
	tcase_add_loop_test(tc, pace_follows_answers, 0, COUNT(paces));
	tcase_add_test(tc, pace_is_left_alone_longer_and_longer);
	tcase_add_test(tc, crowd_gets_what_it_takes);
	tcase_add_loop_test(tc, nobody_takes_all_conversations, 0, COUNT(mays));
	tcase_add_loop_test(tc, too_much_is_understood, 0, COUNT(refusals));
	tcase_add_test(tc, jobs_and_results_come_over);
	tcase_add_loop_test(tc, we_know_ourselves, 0, COUNT(selves));
	tcase_add_loop_test(tc, hints_are_of_networks, 0, COUNT(keys));
	tcase_add_loop_test(tc, greylist_lets_pass_who_comes_again, 0, COUNT(greys));
	tcase_add_test(tc, what_is_no_hint_is_none);
	tcase_add_test(tc, full_disk_leaves_whole_rows);
	return unit_end();
}
