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
	{ 4000,	4,	0,	90 },
	{ 4000,	99,	0,	90 },		/* the last repeats */
	{ 4000,	0,	0,	300 },
	{ 99950, 4,	0,	50 },		/* a last try when the time is up */
	{ 100000, 4,	0,	-1 },		/* then never */
	{ 200000, 4,	0,	-1 },
};

START_TEST(retries_follow_the_plan)
{
	const struct envelope env = { .arrived = 1764000000 };
	const time_t now = env.arrived + nexts[_i].age;
	time_t next;
	struct plan p;

	plan_init(&p, words, COUNT(words), 100000, 0);
	ck_assert_uint_eq(p.count, 4);
	next = plan_next(&p, &env, now, nexts[_i].tries, nexts[_i].dice);
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
	ck_assert_int_eq(plan_next(&p, &env, now, 1, 0), wanted[_i].next ? arrived + wanted[_i].next : 0);
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
	struct rcpt r[] = { { .state = RCPT_WAITING, .next = 70 }, { .state = RCPT_WAITING, .next = 50 } };
	struct envelope env = { .arrived = 1000, .rcpts = r, .rcpt_count = 2 };
	struct plan p;

	plan_init(&p, NULL, 0, 100000, 600);
	ck_assert_int_eq(p.waits[0], 3600);
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

static const struct { const char *address, *relay, *name; } routes[] = {
	{ "bob@Beta.TEST",	"",		"beta.test" },
	{ "\"a@b\"@beta.test",	"",		"beta.test" },
	{ "bob@[192.0.2.1]",	"",		"[192.0.2.1]" },
	{ "bob@beta.test",	"hub:2525",	"hub:2525" },
	{ "bob",		"hub",		"hub" },
	{ "bob",		"",		NULL },
	{ "bob@",		"",		NULL },
};

START_TEST(destination_is_found)
{
	char name[ROUTE_NAME];
	bool ok = route_destination(span_of(routes[_i].address), routes[_i].relay, name);

	ck_assert_int_eq(ok, routes[_i].name != NULL);
	if (ok)
		ck_assert_str_eq(name, routes[_i].name);
}
END_TEST

static const struct { const char *setting, *host; unsigned port; } relays[] = {
	{ "hub.example",	"hub.example",	25 },
	{ "hub.example:587",	"hub.example",	587 },
	{ "192.0.2.1:2525",	"192.0.2.1",	2525 },
	{ "[192.0.2.1]:2525",	"192.0.2.1",	2525 },
	{ "[2001:db8::1]",	"2001:db8::1",	25 },
	{ "[2001:db8::1]:26",	"2001:db8::1",	26 },
	{ "hub:",		NULL,		0 },
	{ "hub:0",		NULL,		0 },
	{ "hub:65536",		NULL,		0 },
	{ ":25",		NULL,		0 },
	{ "",			NULL,		0 },
};

START_TEST(relay_host_is_read)
{
	char host[ROUTE_NAME];
	unsigned port = 25;
	bool ok = route_relay(span_of(relays[_i].setting), host, &port);

	ck_assert_int_eq(ok, relays[_i].host != NULL);
	if (ok) {
		ck_assert_str_eq(host, relays[_i].host);
		ck_assert_uint_eq(port, relays[_i].port);
	}
}
END_TEST

static const struct { const char *sender, *to; unsigned notify; enum bounce_to whom; } tellings[] = {
	{ "ann@a.test",	"bob@b.test",		0,				BOUNCE_SENDER },
	{ "ann@a.test",	"bob@b.test",		NOTIFY_FAILURE | NOTIFY_DELAY,	BOUNCE_SENDER },
	{ "ann@a.test",	"bob@b.test",		NOTIFY_SUCCESS,			BOUNCE_NOBODY },
	{ "ann@a.test",	"bob@b.test",		NOTIFY_NEVER,			BOUNCE_NOBODY },
	{ "ann@a.test",	"postmaster@b.test",	0,				BOUNCE_SENDER },
	{ "",		"ann@a.test",		0,				BOUNCE_POSTMASTER },
	{ "",		"ann@a.test",		NOTIFY_NEVER,			BOUNCE_NOBODY },
	{ "",		"root@a.test",		0,				BOUNCE_HOLD },
	{ "",		"Postmaster@a.test",	0,				BOUNCE_HOLD },
	{ "",		"postmaster",		0,				BOUNCE_HOLD },
};

START_TEST(bounces_never_bounce)
{
	struct envelope env = { .sender = tellings[_i].sender };
	struct rcpt r = { .address = tellings[_i].to, .notify = tellings[_i].notify };

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

int main(void)
{
	TCase *tc = unit_begin("queue-plan");

	tcase_add_loop_test(tc, retries_follow_the_plan, 0, COUNT(nexts));
	tcase_add_loop_test(tc, sender_says_when, 0, COUNT(wanted));
	tcase_add_test(tc, warning_comes_once);
	tcase_add_loop_test(tc, destination_is_found, 0, COUNT(routes));
	tcase_add_loop_test(tc, relay_host_is_read, 0, COUNT(relays));
	tcase_add_loop_test(tc, bounces_never_bounce, 0, COUNT(tellings));
	tcase_add_test(tc, ours_is_local);
	return unit_end();
}
