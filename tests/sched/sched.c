/*
 * Plays the world around a real mta-sched (world.h):
 *
 *	sched MTA-SCHED
 *
 * Prints what is not as it should be.
 */
#include <string.h>
#include <sys/stat.h>

#include "tests/sched/world.h"

/* --- the cases --- */

static void routes(void)
{
	char id[ID_SIZE];

	start();
	put("in/sub", "ann@here.test", "bob@here.test", 0, id);
	EXPECT(.local = 1);
	put("in/net", "ann@away.test", "bob@here.test ok@b.test ok@c.test eve@here.test", 0, id);
	EXPECT(.local = 2);
	CHECK(jobs == 2 && rcpts_seen == 2, "%u jobs, %u recipients", jobs, rcpts_seen);
	stop(SIGTERM);
	clean();
}

static void bounces(void)
{
	char id[ID_SIZE];

	start();
	put("in/sub", "ann@here.test", "ok@b.test never@b.test never@c.test", 0, id);
	EXPECT(.local = 1);
	CHECK(local_has("never@b.test") && local_has("never@c.test") && local_has("550 5.1.1 no such user"), "report");
	CHECK(!local_has("ok@b.test"), "report");
	CHECK(local_has("multipart/report") && local_has("Action: failed") && local_has("Subject: hello"), "report");
	clean();
	put("in/sub", "ann@here.test", "never@b.test-", 0, id);	/* NOTIFY=NEVER */
	EXPECT(.local = 0);
	put("in/sub", "ann@here.test", "ok@b.test!", 0, id); /* NOTIFY=SUCCESS, no DSN there */
	EXPECT(.local = 1);
	CHECK(local_has("Action: relayed"), "report");
	clean();
	put("in/sub", "never@b.test", "never@c.test", 0,
	    id); /* the bounce fails: to the postmaster */
	EXPECT(.local = 1);
	clean();
	put("in/own", "", "postmaster@b.test never@b.test", 0, id);
	EXPECT(.local = 1);
	stop(SIGTERM);
	clean();
}

static void defers(void)
{
	char id[ID_SIZE];

	start();
	put("in/sub", "ann@here.test", "later@b.test", 0, id);
	put("in/sub", "ann@here.test", "once@c.test ok@c.test", 0, id);
	EXPECT(.out = 1);
	CHECK(rcpts_seen >= 4, "%u recipients", rcpts_seen);
	clean();
	stop(SIGTERM);
	start();
	put("in/sub", "ann@here.test", "later@b.test", 1000, id);	/* older than give-up */
	EXPECT(.local = 1);
	CHECK(local_has("451 4.2.0 not now"), "report");
	clean();
	put("in/sub", "ann@here.test", "later@b.test", 60, id);	/* older than warn-after */
	EXPECT(.out = 1, .local = 1);
	CHECK(local_has("Action: delayed"), "report");
	wish(id, WISH_DELETE);
	EXPECT(.local = 1);
	stop(SIGTERM);
	clean();
}

static void survives(void)
{
	char id[ID_SIZE];
	int status;

	start();
	put("in/sub", "ann@here.test", "die@b.test", 0, id);
	for (int i = 0; i < 300 && !jobs; i++)
		step(10);
	EXPECT(.out = 1);
	put("in/sub", "ann@here.test", "away@c.test", 0, id);
	put("in/sub", "ann@here.test", "ok@c.test", 0,
	    id); /* not tried while c.test is down, then it is */
	EXPECT(.out = 2);
	CHECK(waitpid(pid, &status, WNOHANG) == 0, "it ended");
	stop(SIGKILL);
	put("in/sub", "ann@here.test", "bob@here.test", 0, id);	/* comes while nobody is there */
	start();
	EXPECT(.out = 2, .local = 1);
	stop(SIGTERM);
	clean();
	clerk_is_away = true;
	start();
	put("in/sub", "ann@here.test", "bob@here.test", 0, id);
	for (int i = 0; i < 3000 && !asked; i++)
		step(10);
	EXPECT(.in = 1);
	stop(SIGTERM);
	clerk_is_away = false;
	start();
	EXPECT(.local = 1);
	stop(SIGTERM);
	clean();
}

/* Jobs carry what the clerk knows of the way there, for that sender and that domain, after so many tries. */
static void tells_the_way(void)
{
	char id[ID_SIZE];

	start();
	seen_ways[0] = '\0';
	ways_asked = 0;
	put("in/sub", "ann@here.test", "ok@Hub1.test ok@hub1.test ok@hub2.test ok@plain.test", 0,
	    id);
	EXPECT(.out = 0);
	CHECK(strstr(seen_ways, "hub.test:587 via=hub.test:587 login=isp\n"), "%s", seen_ways);
	CHECK(strstr(seen_ways, "hub.test:587 tls=encrypt via=hub.test:587 login=isp\n"), "%s",
	    seen_ways);
	CHECK(strstr(seen_ways, "plain.test \n"), "%s", seen_ways);
	CHECK(ways_asked == 1, "asked %u times", ways_asked);
	seen_ways[0] = '\0';
	put("in/net", "bulk@here.test", "ok@plain.test", 0, id);	/* a stranger who writes that name */
	EXPECT(.out = 0);
	CHECK(strcmp(seen_ways, "plain.test \n") == 0, "%s", seen_ways);
	seen_ways[0] = '\0';
	put("in/sub", "bulk@here.test", "ok@plain.test", 0, id);
	EXPECT(.out = 0);
	CHECK(strcmp(seen_ways, "bulk.test via=bulk.test helo=bulk.test\n") == 0, "%s", seen_ways);
	seen_ways[0] = '\0';
	put("in/sub", "ann@here.test", "later@patient.test", 0, id);
	for (int i = 0; i < 300 && !*seen_ways; i++)
		step(10);
	EXPECT(.out = 1);
	wish(id, WISH_RETRY);
	for (int i = 0; i < 300 && !strstr(seen_ways, "hub.test"); i++)
		step(10);
	CHECK(strcmp(seen_ways, "patient.test \nhub.test via=hub.test\n") == 0, "%s", seen_ways);
	wish(id, WISH_DELETE);
	EXPECT(.out = 0);
	seen_ways[0] = '\0';
	put("in/sub", "ann@here.test", "later@soon.test", 0, id);	/* a minute elsewhere */
	for (int i = 0; i < 1000 && strcmp(seen_ways, "soon.test \nsoon.test \n") != 0; i++)
		step(10);
	CHECK(strcmp(seen_ways, "soon.test \nsoon.test \n") == 0, "%s", seen_ways);
	wish(id, WISH_DELETE);
	EXPECT(.out = 0);
	stop(SIGTERM);
	clean();
}

static void fulfils_wishes(void)
{
	char id[ID_SIZE];
	unsigned before;

	start();
	put("in/sub", "ann@here.test", "later@b.test", 0, id);
	EXPECT(.out = 1);
	before = jobs;
	wish(id, WISH_RETRY);
	for (int i = 0; i < 50 && jobs == before; i++)
		step(10);
	CHECK(jobs > before, "%u jobs", jobs);
	wish(WISH_ALL, WISH_RETRY);
	wish(id, WISH_HOLD);
	EXPECT(.hold = 1);
	clean();
	put("in/sub", "ann@here.test", "later@b.test", 0, id);
	EXPECT(.out = 1);
	wish(id, WISH_BOUNCE);
	EXPECT(.local = 1);
	CHECK(local_has("gave this message up"), "report");
	stop(SIGTERM);
	clean();
}

/* Who took it in had doubts: nobody sees it before a person did. */
static void marked_goes_on_hold(void)
{
	struct envelope env;
	struct station st;
	char id[ID_SIZE];
	struct err e;

	start();
	hold_mark = "ann@here.test is over messages-per-day";
	put("in/sub", "ann@here.test", "bob@here.test ok@b.test", 0, id);
	hold_mark = "";
	EXPECT(.hold = 1);
	CHECK(jobs == 0, "%u jobs", jobs);
	st = station("hold");
	CHECK(queue_read_envelope(&st, id, arena, &env, &e), "%s", e.text);
	CHECK(strcmp(env.hold, "ann@here.test is over messages-per-day") == 0, "%s", env.hold);
	station_close(&st);
	arena_reset(arena);
	stop(SIGTERM);
	clean();
}

static void damaged_goes_on_hold(void)
{
	struct station st = station("in/sub");
	char id[ID_SIZE], name[ID_SIZE + 2];
	int fd;

	put("in/sub", "ann@here.test", "bob@here.test", 0, id);
	snprintf(name, sizeof name, "%s.e", id);
	fd = openat(st.fresh, name, O_WRONLY);
	CHECK(pwrite(fd, "x", 1, 30) == 1, "write");
	close(fd);
	station_close(&st);
	start();
	EXPECT(.hold = 1);
	stop(SIGTERM);
	clean();
}

static unsigned accepts;

static void count_accepted(const char *address)
{
	accepts += strcmp(address, "ok@b.test") == 0;
}

static void out_may_be_written(mode_t mode)
{
	struct station out = station("out");

	if (fchmod(out.tmp, mode) < 0)
		die("out/tmp");
	station_close(&out);
}

/* What became of it can not be written for a while: who was served is not served again. */
static void remembers_through_trouble(void)
{
	char id[ID_SIZE];

	accepted = count_accepted;
	accepts = 0;
	start();
	out_may_be_written(0500);
	put("in/sub", "ann@here.test", "ok@b.test once@c.test", 0, id);
	for (int i = 0; i < 300 && (!accepts || !once_seen); i++)
		step(10);
	EXPECT(.out = 1);
	for (int i = 0; i < 30; i++)
		step(10);
	out_may_be_written(0700);
	EXPECT(.out = 0);
	CHECK(accepts == 1, "ok@b.test got it %u times", accepts);
	stop(SIGTERM);
	accepted = NULL;
	clean();
}

/* Told to end before the writing is tried again: it is, once more. */
static void remembers_to_the_end(void)
{
	char id[ID_SIZE];

	accepted = count_accepted;
	accepts = 0;
	start();
	out_may_be_written(0500);
	put("in/sub", "ann@here.test", "ok@b.test once@c.test", 0, id);
	for (int i = 0; i < 300 && (!accepts || !once_seen); i++)
		step(10);
	for (int i = 0; i < 30; i++)
		step(10);
	out_may_be_written(0700);
	stop(SIGTERM);
	start();
	EXPECT(.out = 0);
	CHECK(accepts == 1, "ok@b.test got it %u times", accepts);
	stop(SIGTERM);
	accepted = NULL;
	clean();
}

static void many_pass(void)
{
	char id[ID_SIZE];

	start();
	for (int i = 0; i < 200; i++)
		put("in/sub", "ann@here.test", i % 2 ? "ok@b.test" : "bob@here.test ok@c.test", 0,
		    id);
	EXPECT(.local = 100);
	CHECK(jobs == 200, "%u jobs", jobs);
	CHECK(spawned <= 4, "%u send processes for two destinations", spawned);
	stop(SIGTERM);
	clean();
}

/* A list of 400 and then one message of another: more than a line holds, and the one is among the first. */
static void list_delays_nobody(void)
{
	char id[ID_SIZE];

	start();
	senders_rest = true;
	for (int i = 0; i < 400; i++)
		put("in/sub", "list@here.test", "ok@b.test ok@b.test", 0, id);
	put("in/sub", "ann@here.test", "ok@b.test", 0, id);
	EXPECT(.out = 401);
	senders_rest = false;
	EXPECT(.out = 0);
	CHECK(jobs == 401 && rcpts_seen == 801, "%u jobs, %u recipients", jobs, rcpts_seen);
	CHECK(memchr(order, 'a', 8) != NULL, "%.40s", order);
	CHECK(spawned <= 2, "%u send processes for one destination", spawned);
	stop(SIGTERM);
	clean();
}

/* The times of the envelopes are far off, as a clock that went back leaves them: all is tried at the start. */
static void clock_went_back(const char *id)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = time(NULL) + 90 * 86400 } };
	struct station out = station("out");
	char name[ID_SIZE + 2];
	struct envelope env;
	struct err e;

	CHECK(queue_read_envelope(&out, id, arena, &env, &e), "%s", e.text);
	env.rcpts[0].next = times[1].tv_sec;
	CHECK(queue_write_envelope(&out, &env, &e), "%s", e.text);
	snprintf(name, sizeof name, "%s.e", id);
	CHECK(utimensat(out.fresh, name, times, 0) == 0, "%s", name);
	station_close(&out);
}

/* The same for a list that goes to many domains, each of which has a line of its own. */
static void domains_delay_nobody(void)
{
	char id[ID_SIZE], rcpts[64];

	start();
	senders_rest = true;
	for (int i = 0; i < 60; i++) {
		snprintf(rcpts, sizeof rcpts, "ok@l%d.test ok@m%d.test", i, i);
		put("in/sub", "list@here.test", rcpts, 0, id);
	}
	put("in/sub", "ann@here.test", "ok@single.test", 0, id);
	EXPECT(.out = 61);
	senders_rest = false;
	EXPECT(.out = 0);
	CHECK(jobs == 121, "%u jobs", jobs);
	CHECK(memchr(order, 'a', 8) != NULL, "%.40s", order);
	stop(SIGTERM);
	clean();
}

static struct { char address[32]; unsigned times; } got[60];

static void got_it(const char *address)
{
	size_t i = 0;

	while (*got[i].address && strcmp(got[i].address, address) != 0)
		i++;
	snprintf(got[i].address, sizeof got[i].address, "%s", address);
	got[i].times++;
}

/* Has sched heard all results, and given each process its next job? */
static bool all_have_work(void)
{
	struct pollfd p[SENDERS];
	int n = 0;

	for (int i = 0; i < SENDERS; i++) {
		if (senders[i] >= 0)
			p[n++] = (struct pollfd){ .fd = senders[i], .events = POLLIN };
	}
	return n == 4 && poll(p, (nfds_t)n, 0) == n;	/* send-max */
}

/* Killed in the midst of a large list, all of which is written once a second only: nobody gets it twice. */
static void list_is_known_when_killed(void)
{
	struct str rcpts = STR(4000);
	char id[ID_SIZE];

	memset(got, 0, sizeof got);
	accepted = got_it;
	for (int i = 0; i < 60; i++)
		str_addf(&rcpts, "ok@l%d.test ", i);
	start();
	put("in/sub", "list@here.test", rcpts.p, 0, id);
	for (int i = 0; i < 3000 && jobs < 20; i++)
		step(10);
	senders_rest = true;
	for (int i = 0; i < 3000 && !all_have_work(); i++)
		step(10);
	CHECK(jobs >= 20 && all_have_work(), "%u jobs", jobs);
	stop(SIGKILL);
	senders_rest = false;
	start();
	EXPECT(.out = 0);
	for (int i = 0; i < 60; i++)
		CHECK(got[i].times == 1, "%s got it %u times", got[i].address, got[i].times);
	stop(SIGTERM);
	accepted = NULL;
	str_free(&rcpts);
	clean();
}

/* What was learned before a restart is known after it. */
static void dead_stay_dead(void)
{
	char id[ID_SIZE], other[ID_SIZE];

	configure(root, "1m");
	start();
	put("in/sub", "ann@here.test", "away@c.test", 0, id);
	for (int i = 0; i < 300 && !jobs; i++)
		step(10);
	EXPECT(.out = 1);
	put("in/sub", "ann@here.test", "ok@c.test", 0, other);
	EXPECT(.out = 2);
	stop(SIGTERM);
	CHECK(jobs == 1, "%u jobs", jobs);
	start();
	put("in/sub", "ann@here.test", "ok@c.test", 0, id);
	put("in/sub", "ann@here.test", "ok@d.test", 0, id);
	EXPECT(.out = 3);
	CHECK(jobs == 2, "%u jobs", jobs);
	wish(other, WISH_RETRY);		/* a person knows better */
	EXPECT(.out = 2);
	stop(SIGTERM);
	clean();
}

static void times_far_off_are_wrong(void)
{
	char id[ID_SIZE];

	start();
	put("in/sub", "ann@here.test", "later@e.test", 0, id);
	EXPECT(.out = 1);
	for (int i = 0; i < 300 && jobs < 1; i++)
		step(10);
	step(50);
	stop(SIGTERM);
	clock_went_back(id);
	start();
	for (int i = 0; i < 300 && jobs < 2; i++)
		step(10);
	CHECK(jobs == 2, "%u jobs", jobs);
	stop(SIGTERM);
	clean();
}

/* One conversation too many costs no message its try. */
static void too_many_is_no_failure(void)
{
	char id[ID_SIZE];

	start();
	senders_rest = true;
	for (int i = 0; i < 6; i++)
		put("in/sub", "ann@here.test", "busy@f.test", 0, id);
	EXPECT(.out = 6);
	senders_rest = false;
	EXPECT(.out = 0);
	CHECK(jobs == 7, "%u jobs", jobs);
	stop(SIGTERM);
	clean();
}

static void damaged_memory_is_thrown_away(void)
{
	char id[ID_SIZE];
	int fd = open("out/destinations.db", O_WRONLY | O_CREAT | O_TRUNC, 0640);

	CHECK(write(fd, "this is no table", 16) == 16, "write");
	close(fd);
	start();
	put("in/sub", "ann@here.test", "ok@c.test", 0, id);
	EXPECT(.out = 0, .local = 0);
	stop(SIGTERM);
	clean();
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	world_begin(argv[1], "/tmp");
	routes();
	bounces();
	defers();
	survives();
	tells_the_way();
	fulfils_wishes();
	damaged_goes_on_hold();
	marked_goes_on_hold();
	remembers_through_trouble();
	remembers_to_the_end();
	many_pass();
	list_delays_nobody();
	domains_delay_nobody();
	list_is_known_when_killed();
	dead_stay_dead();
	times_far_off_are_wrong();
	too_many_is_no_failure();
	damaged_memory_is_thrown_away();
	return world_end();
}
