/* One message in the local station, from its envelope to the end. See pick.h. */
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/directory/directory.h"
#include "common/directory/full.h"
#include "common/mail/maillog.h"
#include "common/os/clock.h"
#include "common/os/dice.h"
#include "common/os/fd.h"
#include "common/os/log.h"
#include "mda/job.h"
#include "mda/pick.h"

/* --- taking it up and putting it down --- */

static struct arena *take_memory(struct pick *p)
{
	return p->spares ? p->spare[--p->spares] : arena_new(MESSAGE_MEMORY, NULL, NULL);
}

static void put_down(struct pick *p, struct message *m)
{
	fd_close(&m->text);
	arena_reset(m->memory);
	p->spare[p->spares++] = m->memory;
	m->memory = NULL;
	m->at_work = m->urgent = false;
	m->wish = WISH_NONE;
	m->again = true;
	p->at_work--;
}

/* What was made because of it stands in its envelope now, or that is gone. */
static void noted(const struct pick *p, struct message *m)
{
	if (m->text < 0)
		return;
	forward_noted(p, m);
	bounce_noted(&p->bounce, &m->env);
}

static bool hold(struct pick *p, struct message *m, const char *why)
{
	struct err e;

	/* what is done already is noted first, or it would be done again when it is released */
	if ((m->text >= 0 && !queue_write_envelope(&p->local, &m->env, &e)) ||
	    !queue_gather(&p->local, &p->hold, m->id, &e)) {
		maillog_trouble(m->id, "putting on hold", &e);
		return false;
	}
	noted(p, m);
	put_down(p, m);
	maillog_held(m->id, why);
	pick_forget(p, m);
	return true;
}

static bool leave(struct pick *p, struct message *m, const char *why)
{
	struct err e;

	if (!queue_remove(&p->local, m->id, &e)) {
		maillog_trouble(m->id, "removing", &e);
		return false;
	}
	noted(p, m);
	put_down(p, m);
	maillog_removed(m->id, why);
	pick_forget(p, m);
	return true;
}

/* The earliest of those who wait. */
static time_t next_try(const struct envelope *env)
{
	time_t next = 0;

	for (size_t i = 0; i < env->rcpt_count; i++) {
		const struct rcpt *r = &env->rcpts[i];

		if (r->state == RCPT_WAITING && (!next || r->next < next))
			next = r->next;
	}
	return next;
}

static bool stay(struct pick *p, struct message *m)
{
	time_t next = next_try(&m->env);
	struct err e;

	if (!queue_write_envelope(&p->local, &m->env, &e)) {
		maillog_trouble(m->id, "noting what became of it", &e);
		return false;
	}
	noted(p, m);
	put_down(p, m);
	pick_later(p, m, next);
	return true;
}

/* --- the end of a round --- */

static bool all_over(const struct envelope *env)
{
	return !envelope_waiting(env) && !envelope_failed(env);
}

/* Tell the sender what is to be told. *on_hold: nobody is there to be told. False: not now. */
static bool report(struct pick *p, struct message *m, bool *on_hold)
{
	time_t now = clock_wall();
	struct err e;

	*on_hold = false;
	if (envelope_failed(&m->env) && !bounce_failed(&p->bounce, &m->env, m->text, now, on_hold, &e)) {
		maillog_trouble(m->id, "telling the sender", &e);
		return false;
	}
	if (plan_warn(&p->plan, &m->env, now) &&
	    !bounce_delayed(&p->bounce, &m->env, m->text, now, &e))
		maillog_trouble(m->id, "telling the sender of the delay", &e);
	return true;
}

/* False: something could not be written. Otherwise m may be gone. */
static bool conclude(struct pick *p, struct message *m)
{
	bool on_hold;

	if (m->wish == WISH_DELETE)
		return leave(p, m, "deleted");
	if (m->wish == WISH_HOLD && !all_over(&m->env))
		return hold(p, m, "asked for");
	if (m->wish == WISH_BOUNCE)
		wish_bounce(&m->env);
	if (!report(p, m, &on_hold))
		return false;
	if (all_over(&m->env))
		return leave(p, m, "done");
	if (on_hold && envelope_waiting(&m->env) == 0)
		return hold(p, m, "failed, and there is nobody to tell");
	return stay(p, m);
}

/*
 * After trouble what is known of it stays in memory, and only the writing is done again. Not where all
 * is as it was, nor for so many that others could not be delivered.
 */
static void finish_message(struct pick *p, struct message *m)
{
	time_t next, soon = clock_wall() + WRITE_AGAIN_S;

	if (conclude(p, m))
		return;
	if (envelope_waiting(&m->env) < m->env.rcpt_count && p->troubled < TROUBLED_MAX) {
		p->troubled++;
		pick_finish_later(p, m);
		return;
	}
	next = next_try(&m->env);
	put_down(p, m);
	pick_later(p, m, next > soon ? next : soon);
}

void message_finish_again(struct pick *p, struct message *m)
{
	p->troubled--;
	finish_message(p, m);
}

void message_note(const struct pick *p, struct message *m)
{
	struct err e;

	if (!m->at_work || m->text < 0 || envelope_waiting(&m->env) == m->env.rcpt_count)
		return;
	if (queue_write_envelope(&p->local, &m->env, &e))
		noted(p, m);
	else
		maillog_trouble(m->id, "noting what became of it", &e);
}

static void close_one(struct pick *p, struct message *m)
{
	if (--m->open == 0)
		finish_message(p, m);
}

/* --- the end of one recipient --- */

static void note(struct rcpt *r, const struct message *m, const struct err *e)
{
	r->status = arena_text(m->memory, span_of(e->status));
	r->answer = arena_text(m->memory, span_of(e->text));
}

static void failed(const struct message *m, struct rcpt *r, const struct err *e)
{
	r->state = RCPT_FAILED;
	note(r, m, e);
	maillog_failed(m->id, span_of(r->address), "", e);
}

static void deferred(struct pick *p, const struct message *m, struct rcpt *r, const struct err *e)
{
	struct plan_try try = { ++r->tries, r->next, PLAN_LATER };
	time_t now = clock_wall();

	pick_look_at_clock(p);
	r->next = plan_next(&p->plan, &m->env, &try, now, (uint32_t)dice_roll());
	note(r, m, e);
	if (r->next) {
		maillog_deferred(m->id, span_of(r->address), "", r->next - now, e);
		return;
	}
	r->state = RCPT_FAILED;
	maillog_expired(m->id, span_of(r->address), (int)(now - m->env.arrived), e);
}

static void done(struct pick *p, struct message *m, struct rcpt *r)
{
	const struct progress *g = &m->progress[r - m->env.rcpts];
	enum report_kind kind = g->forward_count && !g->owned ? REPORT_EXPANDED : REPORT_DELIVERED;
	struct err e;

	r->state = RCPT_DONE;
	r->status = r->answer = "";
	if (!g->passed_on &&
	    !bounce_success(&p->bounce, &m->env, r, kind, m->text, clock_wall(), &e))
		maillog_trouble(m->id, "telling the sender of the success", &e);
}

static void finish_rcpt(struct pick *p, struct message *m, size_t i)
{
	struct progress *g = &m->progress[i];
	struct rcpt *r = &m->env.rcpts[i];
	struct err e;

	if (g->trouble.kind == ERR_NONE && g->forward_count && !forward_send(p, m, i, &e))
		g->trouble = e;
	if (g->trouble.kind == ERR_NONE)
		done(p, m, r);
	else if (g->trouble.kind == ERR_PERM)
		failed(m, r, &g->trouble);
	else
		deferred(p, m, r, &g->trouble);
	close_one(p, m);
}

static void take_trouble(struct progress *g, const struct err *e)
{
	if (g->trouble.kind == ERR_NONE || (g->trouble.kind == ERR_PERM && e->kind == ERR_TEMP))
		g->trouble = *e;
}

void message_tell_room(const struct pick *p, const struct task *t, const struct err *trouble, uint64_t room)
{
	if (!trouble)
		full_took(p->full, span_of(t->login), t->message->env.text_bytes);
	else if (job_is_full(trouble))
		full_mark(p->full, span_of(t->login), room);
}

void message_answer(struct pick *p, const struct task *t, const struct err *trouble)
{
	struct message *m = t->message;
	struct progress *g = &m->progress[t->rcpt];
	struct rcpt *r = &m->env.rcpts[t->rcpt];
	char base[200];

	if (trouble) {
		take_trouble(g, trouble);
	} else {
		pick_base(p, &m->env, r, base, sizeof base);
		maillog_delivered(m->id, span_of(r->address), span_of(t->login),
		    pick_folder(p, &m->env), base, (int)(clock_wall() - m->env.arrived));
	}
	if (--g->open == 0)
		finish_rcpt(p, m, t->rcpt);
}

/* --- the beginning of one recipient --- */

static bool is_below(struct span path, struct span dir)
{
	return span_starts(path, "/") && dir.n && path.n > dir.n && path.p[dir.n] == '/'
	    && span_same(span_to(path, dir.n), dir);
}

/*
 * The one directory the delivery may touch, and the Maildir below it. Virtual users
 * share the mail directory, and so one process.
 */
static bool place(struct pick *p, const struct dir_target *target, struct task *t, struct err *e)
{
	struct span mail = span_of(target->mail);
	const char *shared = p->self.conf.mail_directory;

	t->home = target->home;
	if (is_below(span_of(target->home), span_of(shared)) && is_below(mail, span_of(shared)))
		t->home = shared;
	t->path = "";
	if (span_same(mail, span_of(t->home)))
		return true;
	if (!is_below(mail, span_of(t->home)))
		return err_temp(e, "4.3.5", "the Maildir %s is not below %s", target->mail, target->home);
	t->path = target->mail + strlen(t->home) + 1;
	return true;
}

static struct task *add_task(struct pick *p, struct message *m, size_t i, const struct dir_target *target,
    struct err *e)
{
	struct task *t = arena_get(m->memory, sizeof *t);

	*t = (struct task){ .message = m, .rcpt = i, .uid = target->uid, .gid = target->gid,
		.login = target->login, .quota = target->quota, .again = m->again || m->env.rcpts[i].tries > 0 };
	return place(p, target, t, e) ? t : NULL;
}

/* Ask, and once more over a new channel: the clerk may have been started anew. */
static bool has_clerk(struct pick *p, int try, struct err *e)
{
	if (try && p->clerk >= 0)
		return false;		/* it has answered */
	return try < 2 && (p->clerk >= 0 || role_connect(&p->self, "clerk", &p->clerk, e));
}

bool message_forward_sender(struct pick *p, const struct message *m, const char *recipient,
    const char **from, bool *owned, struct err *e)
{
	for (int i = 0; has_clerk(p, i, e); i++) {
		if (directory_forward(&p->clerk, span_of(m->env.sender), span_of(recipient), m->memory, from,
		    owned, e))
			return true;
	}
	return false;
}

static bool ask_clerk(struct pick *p, struct message *m, const char *address,
    struct dir_target **targets, size_t *count, struct err *e)
{
	for (int i = 0; has_clerk(p, i, e); i++) {
		if (directory_expand(&p->clerk, span_of(address), m->memory, targets, count, e))
			return true;
	}
	return false;
}

static void add_forward(const struct message *m, struct progress *g, size_t most, const char *address)
{
	if (!g->forward)
		g->forward = arena_array(m->memory, most, sizeof *g->forward);
	g->forward[g->forward_count++] = address;
}

/* All tasks are made before the first is given away, which may be answered at once. */
static void begin_rcpt(struct pick *p, struct message *m, size_t i)
{
	struct progress *g = &m->progress[i];
	struct rcpt *r = &m->env.rcpts[i];
	struct dir_target *targets = NULL;
	struct task *tasks = NULL;
	size_t count = 0;
	struct err e;

	m->open++;
	g->open = 1;
	if (!ask_clerk(p, m, r->address, &targets, &count, &e))
		take_trouble(g, &e);
	else if (!count)
		take_trouble(g, (err_perm(&e, "5.1.1", "nobody is behind %s", r->address), &e));
	g->targets = count;
	for (size_t k = 0; k < count; k++) {
		struct task *t;

		if (targets[k].kind != DIR_MAILBOX) {
			g->back = targets[k].kind == DIR_SENDER;
			add_forward(m, g, count, targets[k].address);
			continue;
		}
		t = add_task(p, m, i, &targets[k], &e);
		if (!t) {
			take_trouble(g, &e);
			continue;
		}
		g->open++;
		t->next = tasks;
		tasks = t;
	}
	for (struct task *next; tasks; tasks = next) {
		next = tasks->next;
		worker_give(p, tasks);
	}
	if (--g->open == 0)
		finish_rcpt(p, m, i);
}

/* --- the beginning --- */

/*
 * An envelope whose text is gone: we were done with it, and sched, which had trouble with another part of
 * it, linked it once more just then.
 */
static void remove_lonely(struct pick *p, const char *id, const struct err *why)
{
	struct err e;

	if (why->kind == ERR_PERM && queue_remove(&p->local, id, &e))
		maillog_removed(id, "its text is gone");
}

/* False: it is not to be worked on, and is put down. */
static bool take_up(struct pick *p, struct message *m)
{
	struct err e;

	m->memory = take_memory(p);
	m->text = -1;
	m->at_work = true;
	m->open = 0;
	p->at_work++;
	if (queue_read_envelope(&p->local, m->id, m->memory, &m->env, &e)) {
		m->text = queue_open_text(&p->local, m->id, &e);
		if (m->text >= 0)
			return true;
		remove_lonely(p, m->id, &e);
	}
	if (e.kind == ERR_PERM && strstr(e.text, "is gone")) {
		put_down(p, m);
		pick_forget(p, m);
	} else if (e.kind == ERR_PERM) {
		maillog_trouble(m->id, "reading", &e);
		if (hold(p, m, "damaged"))
			return false;
		put_down(p, m);
		pick_later(p, m, clock_wall() + TRY_AGAIN_S);
	} else {
		maillog_trouble(m->id, "reading", &e);
		put_down(p, m);
		pick_later(p, m, clock_wall() + TRY_AGAIN_S);
	}
	return false;
}

/* Whoever is in a hurry does not wait for the next try, but for the release. */
static bool is_due(const struct pick *p, const struct message *m, const struct rcpt *r, time_t now)
{
	return r->state == RCPT_WAITING &&
	    (m->urgent ? m->env.release <= now : plan_due(&p->plan, &m->env, r, now));
}

void message_begin(struct pick *p, struct message *m)
{
	time_t now = clock_wall();
	bool deliver = m->wish == WISH_NONE || m->wish == WISH_RETRY;
	struct err late;

	if (!take_up(p, m))
		return;
	m->progress = arena_array(m->memory, m->env.rcpt_count + 1, sizeof *m->progress);
	m->open = 1;
	for (size_t i = 0; deliver && i < m->env.rcpt_count; i++) {
		struct rcpt *r = &m->env.rcpts[i];

		if (!is_due(p, m, r, now))
			continue;
		if (plan_too_late(&m->env, now, &late))
			failed(m, r, &late);
		else
			begin_rcpt(p, m, i);
	}
	close_one(p, m);
}
