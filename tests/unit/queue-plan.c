/* When and where: retries, warnings, routes, and who hears of a failure. */
#include "tests/unit/unit.h"

#include "common/queue/bounce.h"
#include "common/queue/plan.h"
#include "common/queue/route.h"

static const char *const words[] = { "5m", "rubbish", "1h", "1h30m", "90", "" };

static const struct { time_t age; unsigned tries; uint32_t dice; time_t next; } nexts[] = {
	/* age	tries	dice	after */
	{ 0,	1,	0,	300 },
	{ 0,	1,	29,	329 },		/* spread by a tenth at most */
	{ 0,	1,	30,	300 },
	{ 300,	2,	0,	3600 },
	{ 4000,	3,	0,	5400 },
	{ 9300,	4,	0,	90 },
	{ 20000, 99,	0,	90 },		/* the last repeats */
	{ 10,	9,	0,	300 },		/* by hand, nine times in ten seconds */
	{ 4000,	99,	0,	5400 },
	{ 4000,	0,	0,	300 },
	{ 99950, 4,	0,	50 },		/* a last try when the time is up */
	{ 100000, 4,	0,	-1 },		/* then never */
	{ 200000, 4,	0,	-1 },
	{ -9000, 4,	0,	90 },		/* it comes from the future */
	{ -9000, 900,	0,	90 },
	{ -9000, 1200,	0,	-1 },		/* and has been tried for 100,000 seconds */
};

START_TEST(retries_follow_the_plan)
{
	const struct envelope env = { .arrived = 1764000000 };
	const time_t now = env.arrived + nexts[_i].age;
	time_t next;
	struct plan p;

	plan_init(&p, words, COUNT(words), 100000, 0);
	ck_assert_uint_eq(p.waits[PLAN_LATER].count, 4);
	next = plan_next(&p, &env, &(struct plan_try){ .tries = nexts[_i].tries, .planned = now - 5 }, now, nexts[_i].dice);
	ck_assert_int_eq(next, nexts[_i].next < 0 ? 0 : now + nexts[_i].next);
}
END_TEST

/* Held, wanted by a time: RFC 4865, RFC 2852. Times count from the arrival. */
static const struct { time_t release, by, now, next; enum deliver_mode mode; bool late, warn; } wanted[] = {
	/* release by	now	next */
	{ 0,	0,	0,	300 },
	{ 90000, 0,	90000,	90300 },
	{ 90000, 0,	189990,	190000 },		/* the days to give up count from the release */
	{ 90000, 0,	190000,	0 },
	{ 0,	200,	0,	200,	DELIVER_OR_RETURN },
	{ 0,	200,	199,	200,	DELIVER_OR_RETURN },
	{ 0,	200,	200,	0,	DELIVER_OR_RETURN, true },
	{ 0,	200000,	99990,	100000,	DELIVER_OR_RETURN },
	{ 0,	200,	0,	200,	DELIVER_OR_NOTIFY },
	{ 0,	200,	200,	500,	DELIVER_OR_NOTIFY, false, true },
	{ 0,	-10,	0,	300,	DELIVER_OR_NOTIFY, false, true },	/* late when it came */
	{ 0,	-10,	100000,	0,	DELIVER_OR_NOTIFY, false, true },
};

START_TEST(sender_says_when)
{
	const time_t arrived = 1764000000, now = arrived + wanted[_i].now;
	struct rcpt r = { .state = RCPT_WAITING };
	struct envelope env = { .arrived = arrived, .release = wanted[_i].release ? arrived + wanted[_i].release : 0,
		.by_mode = wanted[_i].mode, .by = arrived + wanted[_i].by, .rcpts = &r, .rcpt_count = 1 };
	struct plan p;
	struct err e;

	plan_init(&p, words, COUNT(words), 100000, 0);
	ck_assert_int_eq(plan_next(&p, &env, &(struct plan_try){ .tries = 1, .planned = now }, now, 0),
	    wanted[_i].next ? arrived + wanted[_i].next : 0);
	ck_assert(plan_too_late(&env, now, &e) == wanted[_i].late);
	ck_assert(!wanted[_i].late || strcmp(e.status, "5.4.7") == 0);
	ck_assert(plan_warn(&p, &env, now) == wanted[_i].warn);
	env.warned = now;
	ck_assert(!plan_warn(&p, &env, now + 1));
	env.warned = env.by - 1;		/* of a delay, before the time had come */
	ck_assert(plan_warn(&p, &env, now) == wanted[_i].warn);
}
END_TEST

START_TEST(warning_comes_once)
{
	struct rcpt r[] = { { .state = RCPT_WAITING, .next = 70 },
		{ .state = RCPT_WAITING, .next = 50 } };
	struct envelope env = { .arrived = 1000, .rcpts = r, .rcpt_count = 2 };
	struct plan p;

	plan_init(&p, NULL, 0, 100000, 600);
	ck_assert_int_eq(p.waits[PLAN_LATER].s[0], 3600);
	ck_assert(!plan_warn(&p, &env, 1599));
	ck_assert(plan_warn(&p, &env, 1600));
	ck_assert_int_eq(plan_first(&env), 50);
	r[1].state = RCPT_DONE;
	ck_assert_int_eq(plan_first(&env), 70);
	r[0].state = RCPT_FAILED;
	ck_assert_int_eq(plan_first(&env), 0);
	r[0].state = RCPT_TOLD;
	ck_assert_int_eq(plan_first(&env), -1);
	ck_assert(!plan_warn(&p, &env, 1600));
	r[0].state = RCPT_WAITING;
	env.warned = 1600;
	ck_assert(!plan_warn(&p, &env, 5000));
}
END_TEST

static const struct { bool unreachable; const char *status, *answer; enum plan_class class; } classes[] = {
	{ true,  "4.4.1", "cannot connect",				PLAN_UNREACHABLE },
	{ true,  "4.7.1", "450 4.7.1 greylisted",			PLAN_UNREACHABLE },
	{ false, "4.7.1", "450 4.7.1 come again",			PLAN_GREYLISTED },
	{ false, "4.2.0", "450 4.2.0 <a@b>: Recipient refused",		PLAN_GREYLISTED },
	{ false, "4.7.0", "451 4.7.0 later",				PLAN_GREYLISTED },
	{ false, "4.0.0", "421 you are Greylisted for 300 s",		PLAN_GREYLISTED },
	{ false, "4.0.0", "451 gray list",				PLAN_GREYLISTED },
	{ false, "4.7.1", "421 4.7.1 too many",				PLAN_LATER },
	{ false, "4.2.2", "452 4.2.2 over quota",			PLAN_LATER },
	{ false, "4.3.0", "451 4.3.0 trouble",				PLAN_LATER },
	{ false, "",	  "",						PLAN_LATER },
};

START_TEST(failures_have_a_class)
{
	ck_assert_int_eq(plan_class(classes[_i].unreachable, classes[_i].status, classes[_i].answer), classes[_i].class);
}
END_TEST

static const struct { enum plan_class class; unsigned tries; time_t wait; } class_waits[] = {
	{ PLAN_LATER,		1, 300 },
	{ PLAN_UNREACHABLE,	1, 60 },
	{ PLAN_UNREACHABLE,	2, 7200 },
	{ PLAN_UNREACHABLE,	9, 7200 },
	{ PLAN_GREYLISTED,	1, 90 },
	{ PLAN_GREYLISTED,	2, 240 },
	{ PLAN_GREYLISTED,	3, 5400 },	/* shorter than 6000 */
	{ PLAN_GREYLISTED,	4, 90 },	/* it is no greylist: as any other */
};

START_TEST(each_class_has_its_waits)
{
	static const char *const unreachable[] = { "1m", "2h" }, *const greylisted[] = { "90s", "4m", "100m" };
	const struct envelope env = { .arrived = 1764000000 };
	const time_t old = env.arrived + 20000;		/* enough for all of these tries */
	const struct plan_try try = { .tries = class_waits[_i].tries,
		.class = class_waits[_i].class };
	struct plan p;

	plan_init(&p, words, COUNT(words), 100000, 0);
	ck_assert_int_eq(plan_longest(&p), 5400 + 539);
	ck_assert_int_eq(plan_next(&p, &env, &(struct plan_try){ 1, 0, PLAN_GREYLISTED }, env.arrived, 0), env.arrived + 300);
	plan_waits(&p, PLAN_UNREACHABLE, unreachable, COUNT(unreachable));
	plan_waits(&p, PLAN_GREYLISTED, greylisted, COUNT(greylisted));
	ck_assert_int_eq(plan_next(&p, &env, &try, old, 0), old + class_waits[_i].wait);
	ck_assert_int_eq(plan_longest(&p), 7200 + 719);
}
END_TEST

static const struct { const char *waits; enum plan_class class; unsigned tries; time_t wait; } owns[] = {
	{ "2m,10m",	PLAN_LATER,		1, 120 },
	{ "2m,10m",	PLAN_LATER,		5, 600 },
	{ "2m,10m",	PLAN_UNREACHABLE,	1, 120 },
	{ "2m,10m",	PLAN_GREYLISTED,	1, 90 },
	{ "1d",		PLAN_LATER,		1, 7200 },	/* the longest of all others: plan_longest() counts on it */
	{ "",		PLAN_LATER,		1, 300 },
	{ "",		PLAN_UNREACHABLE,	1, 60 },
};

START_TEST(a_destination_has_waits_of_its_own)
{
	static const char *const unreachable[] = { "1m", "2h" }, *const greylisted[] = { "90s" };
	const struct envelope env = { .arrived = 1764000000 };
	const struct plan_try try = { .tries = owns[_i].tries, .class = owns[_i].class };
	struct plan p;

	plan_init(&p, words, COUNT(words), 100000, 0);
	plan_waits(&p, PLAN_UNREACHABLE, unreachable, COUNT(unreachable));
	plan_waits(&p, PLAN_GREYLISTED, greylisted, COUNT(greylisted));
	plan_own(&p, span_of(owns[_i].waits));
	ck_assert_int_eq(plan_next(&p, &env, &try, env.arrived + 20000, 0), env.arrived + 20000 + owns[_i].wait);
}
END_TEST

/* The host was off, or the clock was set, when the time was up: there is one more try. */
static const struct { time_t planned, now, doubt, next; } aways[] = {
	{ 99990,  99995,  0,	   100000 },	/* the last try is at the end */
	{ 100000, 100005, 0,	   0 },		/* and that was it */
	{ 100000, 103600, 0,	   0 },
	{ 100000, 103601, 0,	   103901 },	/* an hour late: we were not there */
	{ 5000,	  900000, 0,	   900300 },
	{ 0,	  900000, 0,	   900300 },	/* first try, and days old */
	{ 900300, 900301, 0,	   0 },
	{ 900300, 900301, 986400,  900601 },	/* not in the day after the clock went forward */
	{ 986400, 986400, 986400,  0 },
};

START_TEST(days_without_tries_do_not_count)
{
	const struct envelope env = { .arrived = 1764000000 };
	const time_t a = env.arrived, next = aways[_i].next;
	struct plan_try try = { .tries = 1,
		.planned = aways[_i].planned ? a + aways[_i].planned : 0 };
	struct plan p;

	plan_init(&p, words, COUNT(words), 100000, 0);
	p.doubt_until = aways[_i].doubt ? a + aways[_i].doubt : 0;
	ck_assert_int_eq(plan_next(&p, &env, &try, a + aways[_i].now, 0), next ? a + next : 0);
}
END_TEST

static const struct { time_t next, release, now; bool due; } dues[] = {
	{ 0,	 0,	1000, true },
	{ 1000,	 0,	1000, true },
	{ 1001,	 0,	1000, false },
	{ 6939,	 0,	1000, false },		/* the longest wait, spread by a tenth */
	{ 6940,	 0,	1000, true },		/* no plan says that: the clock went back */
	{ 900000, 0,	1000, true },
	{ 900000, 900000, 1000, false },	/* but a sender may: RFC 4865 */
	{ 900000, 500,	1000, true },
};

START_TEST(no_try_is_farther_than_the_longest_wait)
{
	const struct envelope env = { .arrived = 1, .release = dues[_i].release };
	const struct rcpt r = { .next = dues[_i].next };
	struct plan p;

	plan_init(&p, words, COUNT(words), 100000, 0);
	ck_assert(plan_due(&p, &env, &r, dues[_i].now) == dues[_i].due);
}
END_TEST

START_TEST(steps_of_the_clock_are_seen)
{
	static const struct { time_t wall, monotonic; enum plan_step step; bool doubt; } looks[] = {
		{ 1764000000, 50,	PLAN_STEADY,	false },
		{ 1764000060, 110,	PLAN_STEADY,	false },
		{ 1764000420, 171,	PLAN_STEADY,	false },	/* 299 s: it is slewed, or we were slow */
		{ 1764000780, 231,	PLAN_FORWARD,	true },
		{ 1764000840, 291,	PLAN_STEADY,	true },
		{ 1763000000, 351,	PLAN_BACK,	false },
		{ 1763000060, 411,	PLAN_STEADY,	false },
		{ 1766000060, 411,	PLAN_FORWARD,	true },
	};
	struct rcpt r = { .state = RCPT_WAITING };
	struct envelope env = { .arrived = 1700000000, .rcpts = &r, .rcpt_count = 1 };
	struct plan p;

	plan_init(&p, words, COUNT(words), 100000, 600);
	for (size_t i = 0; i < COUNT(looks); i++) {
		ck_assert_int_eq(plan_clock(&p, looks[i].wall, looks[i].monotonic), looks[i].step);
		ck_assert(looks[i].doubt == (p.doubt_until > looks[i].wall));
		ck_assert(plan_warn(&p, &env, looks[i].wall) ==
		    !looks[i].doubt); /* nobody is worried by it */
	}
}
END_TEST

static const struct { const char *address, *name; } routes[] = {
	{ "bob@Beta.TEST",	"beta.test" },
	{ "\"a@b\"@beta.test",	"beta.test" },
	{ "bob@[192.0.2.1]",	"[192.0.2.1]" },
	{ "bob",		NULL },
	{ "bob@",		NULL },
};

START_TEST(destination_is_found)
{
	char name[ROUTE_NAME];
	bool ok = route_destination(span_of(routes[_i].address), name);

	ck_assert_int_eq(ok, routes[_i].name != NULL);
	if (ok)
		ck_assert_str_eq(name, routes[_i].name);
}
END_TEST

static const struct { const char *sender, *to, *original; unsigned notify; enum bounce_to whom; } tellings[] = {
	{ "ann@a.test",	"bob@b.test",	"",	0,				BOUNCE_SENDER },
	{ "ann@a.test",	"bob@b.test",	"",	NOTIFY_FAILURE | NOTIFY_DELAY,	BOUNCE_SENDER },
	{ "ann@a.test",	"bob@b.test",	"",	NOTIFY_SUCCESS,			BOUNCE_NOBODY },
	{ "ann@a.test",	"bob@b.test",	"",	NOTIFY_NEVER,			BOUNCE_NOBODY },
	{ "ann@a.test",	"postmaster@b.test",	"",	0,				BOUNCE_SENDER },
	{ "",		"ann@a.test",	"",	0,				BOUNCE_POSTMASTER },
	{ "",		"ann@a.test",	"",	NOTIFY_NEVER,			BOUNCE_NOBODY },
	{ "",		"root@a.test",	"",	0,				BOUNCE_HOLD },
	{ "",		"Postmaster@a.test",	"",	0,				BOUNCE_HOLD },
	{ "",		"postmaster",	"",	0,				BOUNCE_HOLD },
	/* whoever is postmaster somewhere else */
	{ "",		"x@b.test",	"rfc822;root@a.test",		0,	BOUNCE_HOLD },
	{ "",		"x@b.test",	"rfc822;postmaster@a.test",	0,	BOUNCE_HOLD },
	{ "",		"x@b.test",	"rfc822;post+6Daster@a.test",	0,	BOUNCE_HOLD },
	{ "",		"x@b.test",	"rfc822;ann@a.test",		0,	BOUNCE_POSTMASTER },
	{ "ann@a.test",	"x@b.test",	"rfc822;root@a.test",		0,	BOUNCE_SENDER },
};

START_TEST(bounces_never_bounce)
{
	struct envelope env = { .sender = tellings[_i].sender };
	struct rcpt r = { .address = tellings[_i].to,
		.original = tellings[_i].original,
		.notify = tellings[_i].notify };

	ck_assert_int_eq(bounce_whom(&env, &r, "root@a.test"), tellings[_i].whom);
}
END_TEST

START_TEST(ours_is_local)
{
	ck_assert_int_eq(route_of(DIR_LOCAL), ROUTE_LOCAL);
	ck_assert_int_eq(route_of(DIR_UNKNOWN), ROUTE_LOCAL);
	ck_assert_int_eq(route_of(DIR_RELAY), ROUTE_OUT);
	ck_assert_int_eq(route_of(DIR_ELSEWHERE), ROUTE_OUT);
}
END_TEST

static const struct { const char *header; bool bulk; } headers[] = {
	{ "From: ann@a.test\nSubject: s\n", false }, { "", false }, { "Precedence: first-class\n", false },
	{ "Auto-Submitted: no\n", false }, { "Auto-Submitted: auto-replied\n", true }, { "Precedence:  Bulk \n", true },
	{ "Precedence: list\n", true }, { "Subject: s\nlist-id: <l.a.test>\n", true }, { "Subject: List-Id: x\n\nList-Id: x\n", false },
};

START_TEST(programs_hear_of_no_delay)
{
	ck_assert(bounce_is_bulk(span_of(headers[_i].header)) == headers[_i].bulk);
}
END_TEST

static const struct { unsigned notify; enum deliver_mode mode; bool trace, dsn, by, told; } handed_on[] = {
	{ 0, DELIVER_ANY, false, false, false, false },
	{ NOTIFY_SUCCESS, DELIVER_ANY, false, false, false, true },
	{ NOTIFY_SUCCESS | NOTIFY_FAILURE, DELIVER_ANY, false, true, false, false },
	{ NOTIFY_FAILURE, DELIVER_ANY, false, false, false, false },
	{ 0, DELIVER_OR_NOTIFY, false, true, false, true },
	{ 0, DELIVER_OR_NOTIFY, false, true, true, false },
	{ NOTIFY_FAILURE, DELIVER_OR_NOTIFY, false, true, false, true },
	{ NOTIFY_NEVER, DELIVER_OR_NOTIFY, true, false, false, false },
	{ 0, DELIVER_OR_NOTIFY, true, true, true, true },
	{ 0, DELIVER_OR_RETURN, true, true, true, true },
	{ 0, DELIVER_OR_RETURN, false, true, true, false },
};

START_TEST(handing_on_is_told)
{
	struct envelope env = { .sender = "ann@a.test",
		.by_mode = handed_on[_i].mode,
		.by_trace = handed_on[_i].trace };
	struct rcpt r = { .address = "b@b.test", .notify = handed_on[_i].notify };

	ck_assert(bounce_tells_relayed(&env, &r, handed_on[_i].dsn, handed_on[_i].by) ==
	    handed_on[_i].told);
	env.sender = "";
	ck_assert(!bounce_tells_relayed(&env, &r, handed_on[_i].dsn, handed_on[_i].by));
	env = (struct envelope){ .sender = "ann@a.test", .by_mode = DELIVER_OR_NOTIFY, .by = 100, .warned = 101 };
	r.notify = 0;
	ck_assert(!bounce_tells_relayed(&env, &r, true, false)); /* he knows that it is late */
	env.warned = 99; /* told of a delay, not of that */
	ck_assert(bounce_tells_relayed(&env, &r, true, false));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("queue-plan");

	tcase_add_loop_test(tc, retries_follow_the_plan, 0, COUNT(nexts));
	tcase_add_loop_test(tc, sender_says_when, 0, COUNT(wanted));
	tcase_add_loop_test(tc, failures_have_a_class, 0, COUNT(classes));
	tcase_add_loop_test(tc, each_class_has_its_waits, 0, COUNT(class_waits));
	tcase_add_loop_test(tc, a_destination_has_waits_of_its_own, 0, COUNT(owns));
	tcase_add_loop_test(tc, days_without_tries_do_not_count, 0, COUNT(aways));
	tcase_add_loop_test(tc, no_try_is_farther_than_the_longest_wait, 0, COUNT(dues));
	tcase_add_test(tc, steps_of_the_clock_are_seen);
	tcase_add_test(tc, warning_comes_once);
	tcase_add_loop_test(tc, destination_is_found, 0, COUNT(routes));
	tcase_add_loop_test(tc, programs_hear_of_no_delay, 0, COUNT(headers));
	tcase_add_loop_test(tc, handing_on_is_told, 0, COUNT(handed_on));
	tcase_add_loop_test(tc, bounces_never_bounce, 0, COUNT(tellings));
	tcase_add_test(tc, ours_is_local);
	return unit_end();
}
