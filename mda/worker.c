/* Deliver processes: who has one, who waits for one. See pick.h. */
#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/mail/maillog.h"
#include "common/os/log.h"
#include "mda/job.h"
#include "mda/pick.h"

enum {
	ASK_S = 30,
	WAIT_MS = 200, /* before the keeper, who said that there are enough, is asked again */
	SHARED_MAX = 8, /* processes for one user: more do not make a disk faster */
};

struct worker {
	struct worker	*next;
	struct pick	*pick;
	uint32_t	 uid, gid;
	char		*home;
	int		 fd;
	struct loop_io	*io;
	struct loop_timer *idle;
	struct task	*first, **end;	/* asked for, not answered: answers come in this order */
	unsigned	 open;
};

static bool is_for(const struct worker *w, const struct task *t)
{
	return w->uid == t->uid && w->gid == t->gid && strcmp(w->home, t->home) == 0;
}

static void worker_close(struct worker *w)
{
	struct worker **at = &w->pick->workers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_remove(w->io);
	loop_cancel(w->idle);
	fd_close(&w->fd);
	free(w->home);
	free(w);
}

static void idle_over(void *arg)
{
	struct worker *w = arg;

	w->idle = NULL;
	worker_close(w);
}

static void give_waiting(struct pick *p);

static void wait_over(void *arg)
{
	struct pick *p = arg;

	p->waiting_timer = NULL;
	give_waiting(p);
}

/* --- answers --- */

/* It died. What it had in hand may be done or not: asked for again, with a look at cur/ first. */
static void worker_ended(struct worker *w)
{
	struct pick *p = w->pick;
	struct task *t = w->first;
	struct err e;

	if (t)
		log_warn("a deliver process for uid %u below %s ended with %u jobs in hand", w->uid,
		    w->home, w->open);
	w->first = NULL;
	worker_close(w);
	err_temp(&e, "4.3.0", "the deliver process ended before it answered");
	for (struct task *next; t; t = next) {
		next = t->next;
		message_answer(p, t, &e);
	}
	give_waiting(p);
	pick_more(p);
}

static bool take_answer(struct worker *w, struct packet *in)
{
	struct task *t = w->first;
	uint64_t number = packet_take_u64(in);
	struct err e;

	if (in->bad || !t || t->number != number)
		return false;
	w->first = t->next;
	if (!w->first)
		w->end = &w->first;
	w->open--;
	if (in->verb != '+')
		packet_take_err(in, &e);
	if (t->quota)
		message_tell_room(w->pick, t, in->verb == '+' ? NULL : &e,
		    in->verb == '+' ? 0 : packet_take_u64(in));
	message_answer(w->pick, t, in->verb == '+' ? NULL : &e);
	return true;
}

static void heard(void *arg, unsigned ready)
{
	static struct packet in;
	struct worker *w = arg;
	struct pick *p = w->pick;

	(void)ready;
	if (packet_recv(w->fd, &in, clock_in(0)) != PACKET_OK || !take_answer(w, &in)) {
		packet_drop_fds(&in);
		worker_ended(w);
		return;
	}
	packet_drop_fds(&in);
	if (!w->first && !w->idle)
		w->idle = loop_at(p->loop, clock_in((int)p->self.conf.mda_idle), idle_over, w);
	give_waiting(p);		/* may close w, to make room */
	pick_more(p);
}

/* --- finding and starting --- */

static struct worker *worker_new(struct pick *p, const struct task *t, int fd)
{
	struct worker *w = mem_get(sizeof *w);

	*w = (struct worker){ .next = p->workers, .pick = p, .uid = t->uid, .gid = t->gid,
		.home = mem_text(t->home), .fd = fd };
	w->end = &w->first;
	w->io = loop_add(p->loop, fd, LOOP_READ, heard, w);
	p->workers = w;
	return w;
}

/* Who has nothing to do makes room for another user. */
static void close_one_idle(struct pick *p)
{
	struct worker *found = NULL;

	for (struct worker *w = p->workers; w; w = w->next) {
		if (!w->first)
			found = w;
	}
	if (found)
		worker_close(found);
}

static struct worker *start_worker(struct pick *p, const struct task *t, struct err *e)
{
	struct packet *ask = mem_get(sizeof *ask);
	int fd = -1;

	packet_begin(ask, 'D');
	packet_put_u64(ask, t->uid);
	packet_put_u64(ask, t->gid);
	packet_put_text(ask, t->home);
	if (role_ask(&p->self, ask, ASK_S, e))
		fd = packet_take_fd(ask);
	packet_drop_fds(ask);
	free(ask);
	return fd < 0 ? NULL : worker_new(p, t, fd);
}

static struct worker *least_busy(const struct pick *p, const struct task *t)
{
	struct worker *best = NULL;

	for (struct worker *w = p->workers; w; w = w->next) {
		if (is_for(w, t) && (!best || w->open < best->open))
			best = w;
	}
	return best;
}

static bool send_job(struct worker *w, const struct task *t, struct err *e)
{
	static struct packet out;
	struct pick *p = w->pick;
	const struct envelope *env = &t->message->env;
	const struct rcpt *r = &env->rcpts[t->rcpt];
	char base[200];

	pick_base(p, env, r, base, sizeof base);
	job_print(&(struct job){ .task = t->number, .id = env->id, .sender = env->sender, .delivered_to = r->address,
	    .path = t->path, .folder = pick_folder(p, env), .base = base, .again = t->again, .bytes = env->text_bytes,
	    .wire_bytes = env->wire_bytes, .quota = t->quota, .hops_max = (unsigned)p->self.conf.hops_max,
	    .text = t->message->text }, &out);
	return out.bad ? err_temp(e, "4.3.0", "a job does not fit into a packet") : packet_send(w->fd, &out, e);
}

static unsigned count_for(const struct pick *p, const struct task *t)
{
	unsigned n = 0;

	for (const struct worker *w = p->workers; w; w = w->next)
		n += is_for(w, t);
	return n;
}

/* Ask for one more process, unless we were just told that there are enough. */
static struct worker *one_more(struct pick *p, const struct task *t, struct err *e)
{
	struct worker *fresh;

	if (clock_ms() < p->ask_again || count_for(p, t) >= SHARED_MAX)
		return NULL;
	fresh = start_worker(p, t, e);
	if (!fresh && e->kind == ERR_TEMP)
		p->ask_again = clock_ms() + WAIT_MS;
	return fresh;
}

/* A process for this task. NULL: none now, the task must wait; or never, then e is PERM. */
static struct worker *find_worker(struct pick *p, const struct task *t, struct err *e)
{
	struct worker *w = least_busy(p, t), *fresh;

	if (w && w->open < 2)
		return w;
	fresh = one_more(p, t, e);
	if (fresh)
		return fresh;
	if (!w)
		close_one_idle(p);
	return w && w->open < JOBS_MAX ? w : NULL;
}

static void wait_in_line(struct pick *p, struct task *t)
{
	t->next = NULL;
	*p->waiting_end = t;
	p->waiting_end = &t->next;
	if (!p->waiting_timer)
		p->waiting_timer = loop_at(p->loop, clock_ms() + WAIT_MS, wait_over, p);
}

/* False: no process now. Otherwise the task is under way, or answered with trouble. */
static bool try_give(struct pick *p, struct task *t)
{
	struct err e = { .kind = ERR_NONE };
	struct worker *w = find_worker(p, t, &e);

	if (!w && e.kind != ERR_PERM)
		return false;
	if (!w || !send_job(w, t, &e)) {
		e.kind = ERR_TEMP;	/* a uid that may not deliver is for a person to mend, not to bounce */
		message_answer(p, t, &e);
		return true;
	}
	loop_cancel(w->idle);
	w->idle = NULL;
	t->next = NULL;
	*w->end = t;
	w->end = &t->next;
	w->open++;
	return true;
}

static void give_waiting(struct pick *p)
{
	struct task *t = p->waiting;

	p->waiting = NULL;
	p->waiting_end = &p->waiting;
	for (struct task *next; t; t = next) {
		next = t->next;
		if (!try_give(p, t))
			wait_in_line(p, t);
	}
}

void worker_give(struct pick *p, struct task *t)
{
	t->number = ++p->tasks;
	if (!try_give(p, t))
		wait_in_line(p, t);
}
