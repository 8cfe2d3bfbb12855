/* Messages in out/: from due to finished. See sched.h. */
#include "mta/sched.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/mail/maillog.h"
#include "common/os/dice.h"
#include "common/os/log.h"

enum {
	TROUBLE_S	= 5,	/* when a report or a state could not be written */
	NOTED_AT_ONCE	= 50,	/* recipients */
	NOTE_MS		= 1000,
	TASK_BYTES	= 48 << 10,	/* of recipients in one packet */
};

struct arena *message_arena(struct sched *s)
{
	struct arena *a = s->spare;

	s->spare = NULL;
	return a ? a : arena_new(MESSAGE_MEMORY, NULL, NULL);
}

static struct message **place_of(struct sched *s, const char *id)
{
	struct message **at;

	for (at = &s->active[span_hash(span_of(id)) % ACTIVE_BUCKETS]; *at; at = &(*at)->same) {
		if (strcmp((*at)->env.id, id) == 0)
			break;
	}
	return at;
}

struct message *message_find(struct sched *s, const char *id)
{
	return *place_of(s, id);
}

struct message *message_adopt(struct sched *s, struct arena *a, const struct envelope *env)
{
	struct message *m = mem_get(sizeof *m);

	m->arena = a;
	m->env = *env;
	*place_of(s, env->id) = m;
	s->active_n++;
	m->origin = origin_get(s, env);
	m->origin->active++;
	return m;
}

static void forget(struct sched *s, struct message *m)
{
	*place_of(s, m->env.id) = m->same;
	s->active_n--;
	origin_finished(s, m->origin);
	if (s->active_n == ACTIVE_MAX / 2)
		message_arm(s);		/* who waited for room */
	arena_free(m->arena);
	free(m);
}

void message_quarantine(struct sched *s, const struct station *from, const char *id, const struct err *why)
{
	struct err e;

	if (queue_gather(from, &s->hold, id, &e))
		maillog_held(id, why->text);
	else
		maillog_trouble(id, "putting on hold", &e);
}

/* --- finishing --- */

static bool hold(struct sched *s, struct message *m, const char *why)
{
	struct err e;

	if ((m->changed && !queue_write_envelope(&s->out, &m->env, &e))
	    || !queue_gather(&s->out, &s->hold, m->env.id, &e)) {
		maillog_trouble(m->env.id, "putting on hold", &e);
		return false;
	}
	bounce_noted(&s->bounce, &m->env);
	maillog_held(m->env.id, why);
	return true;
}

static bool remove_message(struct sched *s, struct message *m, const char *why)
{
	struct err e;

	if (!queue_remove(&s->out, m->env.id, &e)) {
		maillog_trouble(m->env.id, "removing", &e);
		return false;
	}
	bounce_noted(&s->bounce, &m->env);
	maillog_removed(m->env.id, why);
	return true;
}

/* False: a report could not be written, all stays as it is for a while. */
static bool report(struct sched *s, struct message *m, bool *held, struct err *e)
{
	time_t now = clock_wall();
	bool failed = envelope_failed(&m->env), late = plan_warn(&s->plan, &m->env, now), ok = true;
	int text;

	if (!failed && !late)
		return true;
	text = queue_open_text(&s->out, m->env.id, e);
	if (text < 0)
		return false;
	m->changed = true;
	if (failed)
		ok = bounce_failed(&s->bounce, &m->env, text, now, held, e);
	if (ok && late)
		ok = bounce_delayed(&s->bounce, &m->env, text, now, e);
	close(text);
	return ok;
}

/* Was anybody served? Then what is known must not be forgotten, or it is done again. */
static bool knows_much(const struct message *m)
{
	return envelope_waiting(&m->env) < m->env.rcpt_count;
}

static bool wait_again(struct sched *s, struct message *m)
{
	time_t next = m->astray ? clock_wall() + TROUBLE_S : plan_first(&m->env);
	struct err e;

	if (m->changed && !queue_write_envelope(&s->out, &m->env, &e)) {
		maillog_trouble(m->env.id, "noting what became of it", &e);
		if (knows_much(m))
			return false;
		next = clock_wall() + TROUBLE_S;
	} else {
		bounce_noted(&s->bounce, &m->env);
	}
	if (m->no_room && next <= clock_wall())
		dests_park(s, m->env.id, m->no_room, m->hurry);
	else
		waits_add(&s->waits, m->env.id, next);
	return true;
}

/* False: something could not be written. */
static bool conclude(struct sched *s, struct message *m)
{
	bool held = false;
	struct err e;

	if (m->lost || m->wish == WISH_DELETE)
		return remove_message(s, m, m->lost ? "its text is gone" : "deleted");
	if (m->wish == WISH_HOLD)
		return hold(s, m, "asked for");
	if (m->wish == WISH_BOUNCE) {
		wish_bounce(&m->env);
		m->changed = true;
	}
	if (!report(s, m, &held, &e)) {
		maillog_trouble(m->env.id, "telling the sender", &e);
		return false;
	}
	if (held)
		return hold(s, m, "it failed, and nobody could be told");
	return envelope_waiting(&m->env) ? wait_again(s, m) : remove_message(s, m, "done");
}

static void finish_troubled(void *arg)
{
	struct sched *s = arg;
	struct message *m = s->troubled;

	s->trouble_timer = NULL;
	s->troubled = NULL;
	for (struct message *next; m; m = next) {
		next = m->next;
		message_finish(s, m);
	}
}

/* It stays in memory with all that is known of it: only the writing is done again. */
static void finish_later(struct sched *s, struct message *m)
{
	m->next = s->troubled;
	s->troubled = m;
	if (!s->trouble_timer)
		s->trouble_timer = loop_at(s->loop, clock_in(TROUBLE_S), finish_troubled, s);
}

void message_finish(struct sched *s, struct message *m)
{
	enum wish wish = m->wish;
	char id[ID_SIZE];

	memcpy(id, m->env.id, sizeof id);
	if (!conclude(s, m)) {
		finish_later(s, m);
		return;
	}
	forget(s, m);
	message_arm(s);
	if (wish)
		wish_done(s->ask, id, wish);
}

static void note(struct sched *s, struct message *m)
{
	struct err e;

	m->noted = clock_ms();
	if (!queue_write_envelope(&s->out, &m->env, &e)) {
		maillog_trouble(m->env.id, "noting what became of it", &e);
		return;
	}
	m->changed = false;
	bounce_noted(&s->bounce, &m->env);
}

void message_note_all(struct sched *s)
{
	for (size_t i = 0; i < ACTIVE_BUCKETS; i++) {
		for (struct message *m = s->active[i]; m; m = m->same) {
			if (m->changed && !m->lost)
				note(s, m);
		}
	}
}

static void time_to_note(void *arg)
{
	struct sched *s = arg;

	s->note_timer = NULL;
	message_note_all(s);
}

/* Who has it must not get it again, whatever becomes of us. */
static void note_done(struct sched *s, const struct message *m, const struct task *t)
{
	unsigned numbers[JOB_RCPTS];
	size_t count = 0;
	struct err e;

	for (size_t i = 0; i < t->count; i++) {
		const struct rcpt *r = &m->env.rcpts[t->rcpts[i]];

		if (r->state == RCPT_DONE)
			numbers[count++] = r->number;
	}
	if (count && !queue_note_done(&s->out, m->env.id, numbers, count, &e))
		maillog_trouble(m->env.id, "noting what became of it", &e);
}

/*
 * Others of this message are still under way: what is known already is noted at once. A large list would
 * be written for each of its destinations, all of it: once a second is enough then, and in between it is
 * added who has it.
 */
static void note_soon(struct sched *s, struct message *m, const struct task *t)
{
	if (!m->changed || m->lost)
		return;
	if (m->env.rcpt_count <= NOTED_AT_ONCE || clock_ms() - m->noted >= NOTE_MS) {
		note(s, m);
		return;
	}
	note_done(s, m, t);
	if (!s->note_timer)
		s->note_timer = loop_at(s->loop, clock_ms() + NOTE_MS, time_to_note, s);
}

/* --- what became of a job --- */

static void relayed(struct sched *s, struct message *m, struct rcpt *r)
{
	struct err e;
	int text;

	text = queue_open_text(&s->out, m->env.id, &e);
	if (!bounce_relayed(&s->bounce, &m->env, r, text, clock_wall(), &e))
		maillog_trouble(m->env.id, "telling the sender", &e);
	fd_close(&text);
}

static void sent(struct sched *s, struct message *m, struct rcpt *r, const struct job_result *res)
{
	r->state = RCPT_DONE;
	maillog_sent(m->env.id, span_of(r->address), r->remote, res->tls,
	    (int)(clock_wall() - m->env.arrived), span_of(r->answer));
	if (bounce_tells_relayed(&m->env, r, res->dsn, res->by))
		relayed(s, m, r);
}

static void deferred(const struct plan *plan, struct message *m, struct rcpt *r,
    const struct plan_try *try, const struct err *why)
{
	time_t now = clock_wall();

	r->next = plan_next(plan, &m->env, try, now, (uint32_t)dice_roll());
	if (r->next) {
		maillog_deferred(m->env.id, span_of(r->address), r->remote, r->next - now, why);
		return;
	}
	r->state = RCPT_FAILED;
	maillog_expired(m->env.id, span_of(r->address), (int)(now - m->env.arrived), why);
}

/* Thousands of recipients hear the same; it is kept once. */
static const char *keep(struct message *m, enum kept what, struct span text)
{
	if (!m->kept[what] || !span_same(span_of(m->kept[what]), text))
		m->kept[what] = arena_text(m->arena, text);
	return m->kept[what];
}

static void settle(struct sched *s, struct message *m, struct rcpt *r, const struct plan *plan,
    const struct job_result_rcpt *got, const struct job_result *res)
{
	struct plan_try try;
	struct err why;

	/* Control characters and length were the other side's; err knows how to tame both. */
	err_temp(&why, got->status, "%s", got->answer);
	why.kind = got->kind;
	try = (struct plan_try){ ++r->tries, r->next,
		plan_class(res->unreachable, why.status, why.text) };
	r->next = 0;
	r->status = keep(m, KEPT_STATUS, span_of(why.status));
	r->answer = keep(m, KEPT_ANSWER, span_of(why.text));
	r->remote = keep(m, KEPT_REMOTE, span_to(span_of(res->remote), ROUTE_NAME));
	m->changed = true;
	if (got->kind == ERR_NONE) {
		sent(s, m, r, res);
	} else if (got->kind == ERR_TEMP) {
		deferred(plan, m, r, &try, &why);
	} else {
		r->state = RCPT_FAILED;
		maillog_failed(m->env.id, span_of(r->address), r->remote, &why);
	}
}

void message_task_done(struct sched *s, struct task *t, const struct job_result *res)
{
	struct message *m = t->msg;
	struct plan plan;

	due_look_at_clock(s);		/* it may have jumped while they were under way */
	plan = s->plan;
	plan_own(&plan, span_of(t->retry));
	for (size_t i = 0; i < t->count; i++) {
		/* One result for all of them, where it never came to a conversation. */
		const struct job_result_rcpt *got = &res->rcpts[i < res->count ? i : 0];

		settle(s, m, &m->env.rcpts[t->rcpts[i]], &plan, got, res);
	}
	if (--m->jobs == 0)
		message_finish(s, m);
	else
		note_soon(s, m, t);
}

/* --- starting --- */

/* Not even tried. */
static void give_up(struct message *m, struct rcpt *r, const struct err *why)
{
	r->state = RCPT_FAILED;
	r->next = 0;
	r->status = arena_text(m->arena, span_of(why->status));
	r->answer = arena_text(m->arena, span_of(why->text));
	r->remote = "";
	m->changed = true;
	maillog_failed(m->env.id, span_of(r->address), "", why);
}

struct making { struct task *task; const char *name; unsigned connections; struct making *next; };

static bool is_for(const struct making *k, const struct heading *to)
{
	return strcmp(k->name, to->name) == 0 && strcmp(k->task->words, to->words) == 0
	    && strcmp(k->task->retry, to->retry) == 0;
}

/* The job of this message to that destination that has room. */
static struct task *task_for(struct message *m, struct making **all, const struct heading *to)
{
	struct making *k;

	for (k = *all; k; k = k->next) {
		if (k->task->count < JOB_RCPTS && k->task->bytes < TASK_BYTES && is_for(k, to))
			return k->task;
	}
	k = arena_get(m->arena, sizeof *k);
	k->name = to->name;
	k->connections = to->connections;
	k->task = arena_get(m->arena, sizeof *k->task);
	k->task->destination = to->destination;
	k->task->words = to->words;
	k->task->retry = to->retry;
	k->task->msg = m;
	k->next = *all;
	*all = k;
	return k->task;
}

/* Most have one; a list of many domains would be all room otherwise. */
static void add_rcpt(struct task *t, size_t at)
{
	uint32_t *more;

	if (t->count == t->room) {
		t->room = t->room ? t->room * 2 : 1;
		more = arena_array(t->msg->arena, t->room, sizeof *more);
		if (t->count)
			memcpy(more, t->rcpts, t->count * sizeof *more);
		t->rcpts = more;
	}
	t->rcpts[t->count++] = (uint32_t)at;
}

void message_make_tasks(struct sched *s, struct message *m)
{
	static const struct job_result nowhere = { .remote = "", .tls = "", .ip = "", .count = 1,
		.rcpts = { { ERR_PERM, "5.1.3", "an address without a domain goes nowhere from here" } } };
	struct making *all = NULL;
	time_t now = clock_wall();
	struct ways_found *ways;
	struct heading to;
	struct err late;
	size_t count;

	if (!ways_find(s, m, now, &ways, &count, &late)) {
		maillog_trouble(m->env.id, "finding its way", &late);
		m->astray = true;
		message_finish(s, m);
		return;
	}
	for (size_t i = 0; i < m->env.rcpt_count; i++) {
		struct rcpt *r = &m->env.rcpts[i];
		struct task *t;

		if (r->state != RCPT_WAITING || !plan_due(&s->plan, &m->env, r, now))
			continue;
		if (plan_too_late(&m->env, now, &late)) {
			give_up(m, r, &late);
			continue;
		}
		if (!ways_head(s, m, r, ways, count, &to)) {
			settle(s, m, r, &s->plan, &nowhere.rcpts[0], &nowhere);
			continue;
		}
		t = task_for(m, &all, &to);
		add_rcpt(t, i);
		t->bytes += strlen(r->address) + strlen(r->original) + 24;
	}
	m->jobs = 1;		/* ours, so that the message lives until all are queued */
	for (; all; all = all->next) {
		m->jobs++;
		if (dests_queue(s, all->task, all->name, all->connections))
			continue;
		m->jobs--;
		m->no_room = all->name;
	}
	if (--m->jobs == 0)
		message_finish(s, m);
}
