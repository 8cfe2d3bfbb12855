/* Destinations: who waits for each, whose turn it is, what is learned. See dest.h. */
#include "mta/dest.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/mail/report.h"

enum {
	ANSWER_MEMORY	= 1 << 20,
	STREAK		= 20,		/* jobs over one connection while other destinations wait */
	OTHERS_EACH	= 4,		/* turns, then one is for those who are not quick */
	SWEEP_EACH	= 4096,		/* new destinations, then those with nothing to do go */
	DOWN_FIRST_S	= 60,
	POLITE_S	= 6 * 3600,
};

static time_t shortest(time_t a, time_t b)
{
	return a < b ? a : b;
}

static struct pace_rules rules_of(const struct sched *s)
{
	const struct conf *c = &s->self.conf;
	const struct plan_waits *later = &s->plan.waits[PLAN_LATER], *far = &s->plan.waits[PLAN_UNREACHABLE];

	if (!far->count)
		far = later;
	return (struct pace_rules){ .first = (unsigned)c->mta_send_first,
		.most = (unsigned)c->mta_send_per_destination,
		.polite_for = POLITE_S,
		.down_first = shortest(DOWN_FIRST_S, later->s[0]),
		.down_most = shortest((time_t)c->mta_unreachable_max, far->s[far->count - 1]) };
}

struct dests *dests_new(struct sched *s)
{
	struct dests *all = mem_get(sizeof *all);

	for (int r = 0; r < ROWS; r++)
		all->rows[r].end = &all->rows[r].first;
	all->sweep_at = SWEEP_EACH;
	all->rules = rules_of(s);
	all->arena = arena_new(ANSWER_MEMORY, NULL, NULL);
	return all;
}

bool dests_running(const struct sched *s)
{
	return s->dests->running > 0;
}

/* --- destinations --- */

static struct dest **place_of(struct dests *all, const char *name)
{
	struct dest **at;

	for (at = &all->buckets[span_hash(span_of(name)) % DEST_BUCKETS]; *at; at = &(*at)->same) {
		if (strcmp((*at)->name, name) == 0)
			break;
	}
	return at;
}

static struct dest *dest_get(struct sched *s, const char *name)
{
	struct dests *all = s->dests;
	struct dest **at = place_of(all, name), *d = *at;
	size_t n = strlen(name) + 1;

	if (d)
		return d;
	d = mem_get(sizeof *d + n);
	memcpy(d->name, name, n);
	*at = d;
	all->count++;
	dest_recall(all, d);
	return d;
}

/* Where the line has room again, those who wait on disk for it are due. */
static void let_in(struct sched *s, struct dest *d)
{
	time_t now = clock_wall();
	size_t room = d->line.count < LINE_MAX / 2 ? LINE_MAX - d->line.count : 0;

	if (d->down_until > clock_ms())
		room = SIZE_MAX;	/* they hear that it is down */
	if (!d->parked.first || !room)
		return;
	while (room && waits_unpark(&s->waits, &d->parked, now))
		room--;
	message_arm(s);
}

static bool in_use(const struct dests *all, const struct dest *d)
{
	if (d->line.first || d->running || d->in_row[QUICK] || d->in_row[OTHERS] || d->parked.first)
		return true;
	for (const struct sender *x = all->senders; x; x = x->next) {
		if (x->dest == d)
			return true;
	}
	return false;
}

void dests_sweep(struct sched *s)
{
	struct dests *all = s->dests;

	for (size_t i = 0; i < DEST_BUCKETS; i++) {
		struct dest **at = &all->buckets[i], *d;

		while ((d = *at)) {
			dest_write_down(all, d);
			let_in(s, d); /* also drops those of its lot that a person took out */
			if (in_use(all, d)) {
				at = &d->same;
				continue;
			}
			*at = d->same;
			all->count--;
			free(d);
		}
	}
}

/* Only where nobody has one of them in hand: a message that ends may have made new ones. */
static void sweep_now_and_then(struct sched *s)
{
	struct dests *all = s->dests;

	if (all->count < all->sweep_at)
		return;
	dests_sweep(s);
	all->sweep_at = all->count + SWEEP_EACH;
}

/* --- whose turn it is --- */

static bool is_full(const struct dest *d)
{
	return d->most && d->running >= d->most;
}

static void append(struct row *row, struct dest *d, int r)
{
	d->in_row[r] = true;
	d->turn[r] = NULL;
	*row->end = d;
	row->end = &d->turn[r];
}

/* Whoever has jobs and may have another conversation stands in a row, and goes to its end after each start. */
static void line_up(struct sched *s, struct dest *d)
{
	struct dests *all = s->dests;
	const struct line_item *first = d->line.first;
	int r;

	if (!first || is_full(d) ||
	    d->running >= pace_limit(&d->known.pace, &all->rules, clock_wall()))
		return;
	r = first->later && first->priority <= 0 ? OTHERS : QUICK;
	if (!d->in_row[r])
		append(&all->rows[r], d, r);
}

static struct dest *leave_row(struct row *row, int r)
{
	struct dest *d = row->first;

	row->first = d->turn[r];
	if (!row->first)
		row->end = &row->first;
	d->in_row[r] = false;
	return d;
}

static bool nobody_waits(const struct dests *all)
{
	return !all->rows[QUICK].first && !all->rows[OTHERS].first;
}

static void same_for_all(struct sched *s, struct task *t, const char *status, const char *why)
{
	const struct job_result r = { .remote = "", .tls = "", .ip = "", .count = 1, .rcpts = { { ERR_TEMP, status, why } } };

	message_task_done(s, t, &r);
}

/* Where d could not be reached lately, nobody asks for this one. */
static void not_tried(struct sched *s, const struct dest *d, struct task *t)
{
	const char *why = d->known.why;
	const struct job_result r = { .unreachable = true, .remote = report_is_reply(why) ? d->known.host : "", .tls = "", .ip = "",
		.count = 1, .rcpts = { { ERR_TEMP, d->known.status, why } } };

	message_task_done(s, t, &r);
}

static struct task *take_task(struct sched *s, struct dest *d)
{
	struct task *t = (struct task *)line_take(&d->line);

	let_in(s, d);
	return t;
}

static bool may_start(struct sched *s, const struct dest *d)
{
	unsigned total = (unsigned)s->self.conf.mta_send_max;
	unsigned free = total > s->dests->running ? total - (unsigned)s->dests->running : 0;

	return !s->ending && d->line.first && !is_full(d) && crew_has_room(s, d) &&
	    pace_may(&d->known.pace, &s->dests->rules, d->running, free, total, clock_wall());
}

static void start(struct sched *s, struct sender *x, struct dest *d)
{
	struct task *t = take_task(s, d);
	struct err e;

	if (!crew_give(s, x, t, &e))
		same_for_all(s, t, e.status, e.text);
}

void dest_next(struct sched *s, struct sender *x)
{
	struct dest *d = x->dest;

	if ((x->streak < STREAK || nobody_waits(s->dests)) && may_start(s, d))
		start(s, x, d);
	line_up(s, d);
}

/* The row whose turn it is. */
static int next_row(const struct dests *all)
{
	if (!all->rows[OTHERS].first)
		return QUICK;
	return all->rows[QUICK].first && all->turns % OTHERS_EACH ? QUICK : OTHERS;
}

/* False: there is no process for whom it may have one. */
static bool one_turn(struct sched *s, int r, struct row *held)
{
	struct row *row = &s->dests->rows[r];
	struct dest *d = row->first;
	bool may = may_start(s, d);
	struct sender *x = may ? crew_get(s, d) : NULL;

	if (may && !x)
		return false;
	leave_row(row, r);
	if (may) {
		s->dests->turns++;
		start(s, x, d);
		line_up(s, d);
	} else if (d->line.first) {
		append(held, d, r);
	}
	return true;
}

/* Those who may not start now keep their places in front. */
static void put_back(struct row *row, struct row *held)
{
	if (!held->first)
		return;
	*held->end = row->first;
	if (!row->first)
		row->end = held->end;
	row->first = held->first;
}

void dests_pump(struct sched *s)
{
	struct row held[ROWS] = { 0 };
	struct dests *all = s->dests;

	for (int r = 0; r < ROWS; r++)
		held[r].end = &held[r].first;
	while (!s->ending && !nobody_waits(all) && all->running < s->self.conf.mta_send_max) {
		int r = next_row(all);

		if (!one_turn(s, r, &held[r]))
			break;
	}
	for (int r = 0; r < ROWS; r++)
		put_back(&all->rows[r], &held[r]);
	sweep_now_and_then(s);
	crew_watch(s);
}

/* --- what is learned --- */

/* The others that wait for an unreachable destination go back to the queue untried. */
static void give_back(struct sched *s, struct dest *d)
{
	struct task *t;

	while ((t = (struct task *)line_take(&d->line)))
		not_tried(s, d, t);
	let_in(s, d);
}

static void note_failure(struct dest *d, const struct job_result_rcpt *got)
{
	struct err why;

	err_temp(&why, got->status, "%s", got->answer);		/* tamed: it may be the other side's words */
	snprintf(d->known.status, sizeof d->known.status, "%s", why.status);
	span_copy(span_to(span_of(why.text), sizeof d->known.why - 1), d->known.why, sizeof d->known.why);
}

static void note_host(struct destination *k, const char *host)
{
	span_copy(span_to(span_of(host), sizeof k->host - 1), k->host, sizeof k->host);
}

static void mark_down(struct sched *s, struct dest *d, const struct job_result *r)
{
	time_t now = clock_wall(), wait = pace_failed(&d->known.pace, &s->dests->rules);

	note_failure(d, &r->rcpts[0]);
	if (*r->remote)
		note_host(&d->known, r->remote);
	d->known.failed++;
	d->known.failed_at = now;
	d->known.dead_until = now + wait;
	d->down_until = clock_in((int)wait);
	give_back(s, d);
}

static void note_server(struct dest *d, const struct job_result *r, time_t now)
{
	struct destination *k = &d->known;

	k->taken++;
	k->taken_at = now;
	k->dead_until = 0;
	d->down_until = 0;
	k->extensions = r->extensions;
	k->family = !*r->ip ? 0 : span_has(span_of(r->ip), ':') ? 6 : 4;
	note_host(k, r->remote);
	span_copy(span_to(span_of(r->ip), sizeof k->ip - 1), k->ip, sizeof k->ip);
	span_copy(span_to(span_of(r->tls), sizeof k->tls - 1), k->tls, sizeof k->tls);
}

static const struct job_result_rcpt *refusal(const struct job_result *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->rcpts[i].kind == ERR_TEMP &&
		    pace_is_refusal(r->rcpts[i].status, r->rcpts[i].answer))
			return &r->rcpts[i];
	}
	return NULL;
}

static void note_conversation(struct sched *s, struct dest *d, const struct job_result *r,
    const struct job_result_rcpt *too_much, time_t now)
{
	note_server(d, r, now);
	pace_took(&d->known.pace, &s->dests->rules, d->running + 1, now);
	if (!too_much)
		return;
	note_failure(d, too_much);
	pace_refused(&d->known.pace, d->running + 1, now);
}

/*
 * One conversation too many was refused, while others go on, with this domain or another of
 * that server: no fault of the message, which is first in line again.
 */
static bool once_more(struct sched *s, struct dest *d, struct task *t, const struct job_result *r,
    const struct job_result_rcpt *too_much, time_t now)
{
	bool crowded;

	if (!r->unreachable || !too_much)
		return false;
	crowded = *r->remote && crew_refused(s->dests, r->remote);
	if (!crowded && !d->running)
		return false;
	note_failure(d, too_much);
	if (*r->remote)
		note_host(&d->known, r->remote);
	if (d->running)
		pace_refused(&d->known.pace, d->running + 1, now);
	line_put_back(&d->line, &t->item);
	return true;
}

/* What our rules forbid one message (TLS that is a must) may be allowed to another: nobody is down by that. */
static bool by_our_rules(const struct job_result_rcpt *got)
{
	return strncmp(got->status, "4.7.", 4) == 0 && !report_is_reply(got->answer);
}

static bool is_down(const struct job_result *r)
{
	return r->unreachable && r->count && r->rcpts[0].kind == ERR_TEMP &&
	    !by_our_rules(&r->rcpts[0]);
}

void dest_task_back(struct sched *s, struct dest *d, struct task *t, const struct job_result *r)
{
	const struct job_result_rcpt *too_much = refusal(r);
	time_t now = clock_wall();
	bool again = once_more(s, d, t, r, too_much, now);

	if (!d->known.first)
		d->known.first = now;
	d->known.used = now;
	if (!again)
		message_task_done(s, t, r);
	if (!again && is_down(r))
		mark_down(s, d, r);
	else if (*r->ip && !r->unreachable)	/* a greeting that refuses for good is no conversation */
		note_conversation(s, d, r, too_much, now);
	dest_learned(s, d);
	line_up(s, d);
}

/* --- for the rest of sched --- */

bool dests_queue(struct sched *s, struct task *t, const char *name, unsigned connections)
{
	const struct message *m = t->msg;
	struct dest *d = dest_get(s, name);

	if (d->down_until > clock_ms()) {
		not_tried(s, d, t);
		return true;
	}
	if (!line_has_room(&d->line, m->origin, m->env.priority))
		return false;
	t->dest = d;
	d->most = connections;
	line_add(&d->line, &t->item, m->origin, m->env.priority,
	    line_later(m->env.rcpt_count, m->env.rcpts[t->rcpts[0]].tries));
	line_up(s, d);
	return true;
}

void dests_park(struct sched *s, const char *id, const char *name, bool hurry)
{
	struct dest *d = dest_get(s, name);

	waits_park(&s->waits, &d->parked, id, hurry);
	let_in(s, d);		/* it may have got room since */
}

void dests_forgive(struct sched *s)
{
	s->dests->forgiven = clock_wall();
	for (size_t i = 0; i < DEST_BUCKETS; i++) {
		for (struct dest *d = s->dests->buckets[i]; d; d = d->same)
			d->down_until = 0;
	}
}
