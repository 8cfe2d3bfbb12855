/*
 * NAME
 *	mda-pick - carry messages from the local station into mailboxes
 * DESCRIPTION
 *	The one reader of QUEUE/local. Wakes up when sched puts something there, and looks at the
 *	whole station now and then in case a wake-up was missed. Asks the clerk who is behind
 *	each recipient, deliver processes to put the text into Maildirs, makes new messages
 *	of what is forwarded, bounces what can not be, and tries again later what can.
 * FILES
 *	QUEUE/local/new, QUEUE/local/made, QUEUE/hold/new, QUEUE/in/own/new; see posthorn-queue(7)
 *	RUN/full/LOGIN		mailboxes that were full lately; see posthorn-clerk(8)
 */
#include "mda/pick.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/directory/full.h"
#include "common/os/log.h"
#include "common/os/watch.h"

enum {
	SCAN_S		= 60,		/* the slow scan behind the wake-ups */
	SWEEP_SCANS	= 60,		/* every so many scans the station is swept */
};

/* --- messages we know of --- */

static struct message **slot_of(struct pick *p, const char *id)
{
	struct message **at = &p->known[span_hash(span_of(id)) & (p->slots - 1)];

	while (*at && strcmp((*at)->id, id) != 0)
		at = &(*at)->next_known;
	return at;
}

static void grow(struct pick *p)
{
	struct message **old = p->known;
	size_t n = p->slots;

	p->slots = n ? 2 * n : 256;
	p->known = mem_get(p->slots * sizeof *p->known);
	for (size_t i = 0; i < n; i++) {
		for (struct message *m = old[i], *next; m; m = next) {
			next = m->next_known;
			m->next_known = NULL;
			*slot_of(p, m->id) = m;
		}
	}
	free(old);
}

struct message *pick_find(struct pick *p, const char *id)
{
	return p->slots ? *slot_of(p, id) : NULL;
}

static void make_ready(struct pick *p, struct message *m)
{
	m->is_ready = true;
	m->next_ready = NULL;
	*p->ready_end = m;
	p->ready_end = &m->next_ready;
}

static struct { struct pick *pick; } only;	/* there is one; timers know only their message */

static void time_came(void *arg)
{
	struct message *m = arg;

	m->timer = NULL;
	make_ready(only.pick, m);
	pick_more(only.pick);
}

void pick_now(struct pick *p, struct message *m)
{
	loop_cancel(m->timer);
	m->timer = NULL;
	if (!m->is_ready)
		make_ready(p, m);
}

void pick_later(struct pick *p, struct message *m, time_t when)
{
	time_t wait = when - clock_wall();

	if (wait > 86400)
		wait = 86400;
	m->timer = loop_at(p->loop, clock_in(wait > 0 ? (int)wait : 0), time_came, m);
}

static void write_again(void *arg)
{
	struct message *m = arg;

	m->timer = NULL;
	message_finish_again(only.pick, m);
	pick_more(only.pick);
}

void pick_finish_later(struct pick *p, struct message *m)
{
	m->timer = loop_at(p->loop, clock_in(WRITE_AGAIN_S), write_again, m);
}

void pick_forget(struct pick *p, struct message *m)
{
	*slot_of(p, m->id) = m->next_known;
	p->count--;
	free(m);
}

void pick_more(struct pick *p)
{
	while (p->ready && p->at_work < AT_WORK_MAX) {
		struct message *m = p->ready;

		p->ready = m->next_ready;
		if (!p->ready)
			p->ready_end = &p->ready;
		m->is_ready = false;
		message_begin(p, m);
	}
}

void pick_base(const struct pick *p, const struct envelope *env, const struct rcpt *r, char *base, size_t size)
{
	snprintf(base, size, "%lld.%s.r%u.%.100s", (long long)env->arrived, env->id, r->number,
	    p->self.conf.host_name);
	for (char *c = base; *c; c++) {
		if (*c == '/' || *c == ':' || *c == ',')
			*c = '_';
	}
}

const char *pick_folder(const struct pick *p, const struct envelope *env)
{
	return env->junk ? p->self.conf.mda_junk_folder : "";
}

static struct message *meet(struct pick *p, const char *id)
{
	struct message *m, **at;

	if (p->count >= p->slots)
		grow(p);
	at = slot_of(p, id);
	if (*at)
		return NULL;
	m = mem_get(sizeof *m);
	snprintf(m->id, sizeof m->id, "%s", id);
	m->text = -1;
	*at = m;
	p->count++;
	return m;
}

/* --- the station --- */

static void stirred_name(void *arg, int which, const char *name)
{
	struct pick *p = arg;
	char id[ID_SIZE];
	struct message *m;

	if (which == p->watch_ask)
		wishes_heard(p, name);
	if (which != p->watch_new || !queue_id_of(name, id))
		return;
	m = meet(p, id);
	if (m)
		make_ready(p, m);
}

/* Found by looking: it may have been here, and been worked on, before we came. */
static bool found(void *arg, const char *id)
{
	struct pick *p = arg;
	struct message *m = meet(p, id);
	time_t next, now = clock_wall();

	if (!m)
		return true;
	m->again = true;
	next = queue_next_try(&p->local, id);
	/* what is too far off was written by a wrong clock, or is a release: it is read */
	if (next > now && next <= now + plan_longest(&p->plan))
		pick_later(p, m, next);
	else
		make_ready(p, m);
	return true;
}

static void look_at_all(struct pick *p)
{
	struct err e;

	if (!queue_each(&p->local, found, p, &e))
		log_error("%s", e.text);
	wishes_look(p);
	pick_more(p);
}

static void stirred(void *arg, unsigned ready)
{
	struct pick *p = arg;

	(void)ready;
	if (watch_each(p->watch, stirred_name, p))
		pick_more(p);
	else
		look_at_all(p);
}

void pick_look_at_clock(struct pick *p)
{
	if (plan_clock(&p->plan, clock_wall(), (time_t)(clock_ms() / 1000)) == PLAN_FORWARD)
		log_warn("the clock went forward by minutes or more: no message is given up within a day from now");
}

static void sweep(const struct pick *p)
{
	const struct station *way[] = { &p->hold, &p->own, &p->local };

	queue_sweep(&p->local, clock_wall());
	made_sweep(p->made, way, sizeof way / sizeof *way, clock_wall());
	full_sweep(p->full, clock_wall());
}

static void scan_time(void *arg)
{
	static unsigned turns;
	struct pick *p = arg;

	pick_look_at_clock(p);
	/* what came just before a jump of the clock looks old after it */
	if (turns++ % SWEEP_SCANS == 0 && clock_wall() >= p->plan.doubt_until)
		sweep(p);
	look_at_all(p);
	loop_at(p->loop, clock_in(SCAN_S), scan_time, p);
}

/* What is done again is recognised; what is known already need not be. */
static void end(const struct pick *p)
{
	for (size_t i = 0; i < p->slots; i++) {
		for (struct message *m = p->known[i]; m; m = m->next_known)
			message_note(p, m);
	}
	exit(0);
}

/* Our keeper says nothing unasked: it is gone. */
static void keeper_stirred(void *arg, unsigned ready)
{
	(void)ready;
	end(arg);
}

static void told_to_end(void *arg, int signo)
{
	(void)signo;
	end(arg);
}

/* --- the start --- */

static void open_station(struct pick *p, int queue, const char *name, struct station *st)
{
	struct err e;

	if (!station_open(queue, name, st, &e)) {
		log_error("%s", e.text);
		exit(1);
	}
	st->reserve = p->self.conf.disk_reserve;
}

static void open_made(struct pick *p)
{
	struct err e;

	p->made = made_open(&p->local, &e);
	if (p->made < 0) {
		log_error("%s", e.text);
		exit(1);
	}
}

static void open_stations(struct pick *p)
{
	struct err e;
	int queue = queue_open(p->self.conf.queue_directory, &e);

	if (queue < 0) {
		log_error("%s", e.text);
		exit(1);
	}
	open_station(p, queue, "local", &p->local);
	open_station(p, queue, "hold", &p->hold);
	open_station(p, queue, "in/own", &p->own);
	open_made(p);
	close(queue);
	p->ask = wish_open(&p->local);
	if (!station_lock(&p->local)) {
		log_error("another mda reads %s/local", p->self.conf.queue_directory);
		exit(1);
	}
}

static int watch_fd(struct pick *p, int dir)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", dir);
	return watch_add(p->watch, path, false);
}

static void open_watch(struct pick *p)
{
	p->watch = watch_open();
	p->watch_new = p->watch < 0 ? -1 : watch_fd(p, p->local.fresh);
	p->watch_ask = p->watch < 0 || p->ask < 0 ? -1 : watch_fd(p, p->ask);
	if (p->watch_new < 0)
		log_warn("cannot watch the queue, looking every %d seconds: %s", SCAN_S,
		    strerror(errno));
	else
		loop_add(p->loop, p->watch, LOOP_READ, stirred, p);
}

static void set_up(struct pick *p)
{
	const struct conf *c = &p->self.conf;

	plan_init(&p->plan, c->mta_retry.words, c->mta_retry.count, (time_t)c->mta_give_up,
	    (time_t)c->mta_warn_after);
	p->bounce = (struct bounce){ .own = &p->own,
		.made = p->made,
		.our_name = c->host_name,
		.postmaster = c->postmaster,
		.give_up = (time_t)c->mta_give_up };
	p->clerk = -1;
	snprintf(p->full, sizeof p->full, "%s/full", c->run_directory);
	p->ready_end = &p->ready;
	p->waiting_end = &p->waiting;
	only.pick = p;
	p->loop = loop_new();
}

int main(int argc, char **argv)
{
	static struct pick p;

	role_begin(&p.self, ROLE_PICK, argc, argv);
	open_stations(&p);
	role_jail(&p.self);
	set_up(&p);
	open_watch(&p);
	loop_add(p.loop, p.self.keeper, LOOP_READ, keeper_stirred, &p);
	loop_on_signal(p.loop, SIGTERM, told_to_end, &p);
	scan_time(&p);
	loop_run(p.loop);
	return 0;
}
