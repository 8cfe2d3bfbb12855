/*
 * NAME
 *	mta-sched - carries each message of the queue to its next station
 * DESCRIPTION
 *	mta(8). This file opens everything, goes to jail, and waits.
 */
#include "mta/sched.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/os/history.h"
#include "common/os/log.h"
#include "common/os/watch.h"

enum {
	SCAN_S		= 300,		/* the slow scan behind the watch */
	SWEEP_AFTER_S	= 60,		/* first after the start, */
	SWEEP_S		= 86400,	/* then once a day */
	REPORT_PATIENCE_S = 10,		/* for our keeper */
	GOODBYE_S	= 20,		/* for running jobs when we are told to end */
};

static const char *const in_names[INS] = { "in/sub", "in/net", "in/own" };

/* --- before the jail --- */

static void need(bool ok, const struct err *e)
{
	if (ok)
		return;
	log_error("cannot start: %s", e->text);
	exit(EX_TEMPFAIL);
}

static int must_watch(struct sched *s, const char *below, bool moved)
{
	struct err e = { 0 };
	char path[4096];
	int wd;

	snprintf(path, sizeof path, "%s/%s", s->self.conf.queue_directory, below);
	wd = moved ? watch_add_moved(s->watch, path) : watch_add(s->watch, path, false);
	need(wd >= 0 || err_sys(&e, "cannot watch %s", path), &e);
	return wd;
}

static void open_queue(struct sched *s)
{
	char path[32];
	struct err e = { 0 };
	int queue = queue_open(s->self.conf.queue_directory, &e);

	need(queue >= 0, &e);
	for (int i = 0; i < INS; i++)
		need(station_open(queue, in_names[i], &s->in[i], &e), &e);
	need(station_open(queue, "out", &s->out, &e), &e);
	need(station_open(queue, "local", &s->local, &e), &e);
	need(station_open(queue, "hold", &s->hold, &e), &e);
	s->made = made_open(&s->out, &e);
	need(s->made >= 0, &e);
	close(queue);
	s->ask = wish_open(&s->out);
	need(s->ask >= 0 || err_sys(&e, "cannot open out/ask"), &e);
	need(station_lock(&s->out) || err_temp(&e, "4.3.0", "another mta-sched has this queue"), &e);
	s->watch = watch_open();
	need(s->watch >= 0 || err_sys(&e, "cannot watch the queue"), &e);
	for (int i = 0; i < INS; i++) {
		snprintf(path, sizeof path, "%s/new", in_names[i]);
		s->watch_in[i] = must_watch(s, path, true);
	}
	s->watch_ask = must_watch(s, "out/ask", false);
}

static void set_up(struct sched *s)
{
	const struct conf *c = &s->self.conf;

	plan_init(&s->plan, c->mta_retry.words, c->mta_retry.count, (time_t)c->mta_give_up,
	    (time_t)c->mta_warn_after);
	plan_waits(&s->plan, PLAN_UNREACHABLE, c->mta_retry_unreachable.words,
	    c->mta_retry_unreachable.count);
	plan_waits(&s->plan, PLAN_GREYLISTED, c->mta_retry_greylisted.words,
	    c->mta_retry_greylisted.count);
	s->bounce = (struct bounce){ .own = &s->in[INS - 1],
		.made = s->made,
		.our_name = c->host_name,
		.postmaster = c->postmaster,
		.give_up = (time_t)c->mta_give_up };
	s->clerk = s->sign = -1;
	s->loop = loop_new();
	s->dests = dests_new(s);
	s->ways = ways_new();
	s->origins = origins_new();
}

/* --- what happens now and then --- */

void sched_wish(struct sched *s, const char *name)
{
	char id[ID_SIZE];
	enum wish wish;

	if (span_starts(span_of(name), DESTINATIONS_WISH))
		dests_wish(s, name);
	else if (wish_parse(name, id, &wish) && message_wish(s, id, wish))
		wish_done(s->ask, id, wish);
}

void sched_look_for_wishes(struct sched *s)
{
	int fd = openat(s->ask, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		sched_wish(s, entry->d_name);
	if (d)
		closedir(d);
}

static void scan(void *arg)
{
	struct sched *s = arg;

	arrive_scan(s);
	sched_look_for_wishes(s);
	loop_at(s->loop, clock_in(SCAN_S), scan, s);
}

static void sweep(void *arg)
{
	struct sched *s = arg;
	const struct station *way[] = { &s->hold, &s->in[INS - 1], &s->out };
	time_t now = clock_wall();
	char history[4096];

	loop_at(s->loop, clock_in(SWEEP_S), sweep, s);
	due_look_at_clock(s);
	if (now < s->plan.doubt_until)
		return; /* what came just before a jump of the clock looks old after it */
	for (int i = 0; i < INS; i++)
		queue_sweep(&s->in[i], now);
	queue_sweep(&s->out, now);
	queue_sweep(&s->hold, now);
	made_sweep(s->made, way, sizeof way / sizeof *way, now);
	snprintf(history, sizeof history, "%s/history", s->self.conf.queue_directory);
	history_sweep(history, s->self.conf.history, now);
	dests_sift(s);
}

/* How often the report process has something to look for: days that are over, policies that are old. 0: never. */
static uint64_t report_every_s(const struct conf *c)
{
	uint64_t dmarc = c->gate_dmarc_reports, tls = c->mta_tls_reports;

	if (!dmarc && !tls)
		return c->mta_sts ? 3600 : 0;
	return !tls || (dmarc && dmarc < tls) ? dmarc : tls;
}

/* Mostly there is nothing to do, and it ends at once. */
static void report(void *arg)
{
	struct sched *s = arg;
	struct err e;

	packet_begin(&s->packet, 'P');
	if (!role_ask(&s->self, &s->packet, REPORT_PATIENCE_S, &e) && e.kind == ERR_PERM)
		log_error("cannot start the report process: %s", e.text);
	loop_at(s->loop, clock_in((int)report_every_s(&s->self.conf)), report, s);
}

/* --- the end --- */

static void stop(void *arg)
{
	struct sched *s = arg;

	loop_stop(s->loop);
}

/* Jobs that run are waited for: what they did must be noted, or it is done twice. */
static void end(struct sched *s)
{
	if (s->ending)
		return;
	s->ending = true;
	if (dests_running(s))
		loop_at(s->loop, clock_in(GOODBYE_S), stop, s);
	else
		loop_stop(s->loop);
}

static void told_to_end(void *arg, int signo)
{
	(void)signo;
	end(arg);
}

static struct loop_io *keeper_io;

static void keeper_gone(void *arg, unsigned ready)
{
	(void)ready;
	loop_remove(keeper_io);
	end(arg);
}

int main(int argc, char **argv)
{
	static struct sched s;

	role_begin(&s.self, ROLE_SCHED, argc, argv);
	open_queue(&s);
	set_up(&s);
	loop_on_signal(s.loop, SIGTERM, told_to_end, &s);
	keeper_io = loop_add(s.loop, s.self.keeper, LOOP_READ, keeper_gone, &s);
	role_jail(&s.self);
	dests_begin(&s);
	arrive_settle(&s);
	load_begin(&s);
	sched_look_for_wishes(&s);
	arrive_start(&s);
	loop_at(s.loop, clock_in(SCAN_S), scan, &s);
	loop_at(s.loop, clock_in(SWEEP_AFTER_S), sweep, &s);
	if (report_every_s(&s.self.conf))
		loop_at(s.loop, clock_in((int)report_every_s(&s.self.conf)), report, &s);
	loop_run(s.loop);
	message_note_all(&s);
	dests_end(&s);
	return 0;
}
