/* Destinations, and the send processes that go there. See sched.h. */
#include "mta/sched.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/mail/maillog.h"
#include "common/os/log.h"

enum {
	BUCKETS		= 4096,
	IDLE_S		= 30,	/* a send process without work ends after this; its connection earlier */
	SPAWN_AGAIN_S	= 1,	/* when the keeper can not give us one now */
	DOWN_S		= 60,	/* at most: so long others of an unreachable destination are not tried */
	ANSWER_MEMORY	= 1 << 20,
};

struct dest {
	struct dest	 *same;		/* of this bucket */
	struct dest	 *turn;		/* the next that may start a job */
	bool		  in_turn;
	struct task	 *first, **last;	/* the urgent before the others: RFC 6710 */
	int		  lowest;		/* priority among them */
	unsigned	  running;
	ms_t		  down_until;
	struct err	  down;		/* what it was */
	char		  name[];
};

/* One send process. */
struct sender {
	struct sender	 *next;
	struct sched	 *s;
	int		  fd;
	struct loop_io	 *io;
	struct task	 *task;		/* NULL: idle */
	struct dest	 *dest;		/* of the task */
	char		  last[ROUTE_NAME];	/* where its connection goes, if it still has one */
	ms_t		  idle_since;
};

struct dests {
	struct dest	 *buckets[BUCKETS];
	struct dest	 *turn, **turn_end;
	struct sender	 *senders;
	size_t		  sender_n, running;
	struct loop_timer *again, *reaper;
	struct arena	 *arena;	/* for one result */
};

struct dests *dests_new(struct sched *s)
{
	struct dests *d = mem_get(sizeof *d);

	(void)s;
	d->turn_end = &d->turn;
	d->arena = arena_new(ANSWER_MEMORY, NULL, NULL);
	return d;
}

bool dests_running(const struct sched *s)
{
	return s->dests->running > 0;
}

/* --- destinations --- */

static struct dest **place_of(struct dests *all, const char *name)
{
	size_t h = 5381;
	struct dest **at;

	for (const char *p = name; *p; p++)
		h = h * 33 ^ (unsigned char)*p;
	for (at = &all->buckets[h % BUCKETS]; *at; at = &(*at)->same) {
		if (strcmp((*at)->name, name) == 0)
			break;
	}
	return at;
}

static struct dest *dest_get(struct dests *all, const char *name)
{
	struct dest **at = place_of(all, name), *d = *at;
	size_t n = strlen(name) + 1;

	if (d)
		return d;
	d = mem_get(sizeof *d + n);
	memcpy(d->name, name, n);
	d->last = &d->first;
	*at = d;
	return d;
}

/* Nobody needs it any more? */
static void dest_put(struct dests *all, struct dest *d)
{
	struct dest **at;

	if (d->first || d->running || d->in_turn || d->down_until > clock_ms())
		return;
	at = place_of(all, d->name);
	*at = d->same;
	free(d);
}

/* Whoever has jobs and room stands in line, and goes to its end after each start. */
static void line_up(struct sched *s, struct dest *d)
{
	struct dests *all = s->dests;

	if (d->in_turn || !d->first || d->running >= s->self.conf.mta_send_per_destination)
		return;
	d->in_turn = true;
	d->turn = NULL;
	*all->turn_end = d;
	all->turn_end = &d->turn;
}

/* d is the first in line. */
static void leave_line(struct dests *all, struct dest *d)
{
	all->turn = d->turn;
	if (!all->turn)
		all->turn_end = &all->turn;
	d->in_turn = false;
}

static struct task *take_task(struct dest *d)
{
	struct task *t = d->first;

	d->first = t->next;
	if (!d->first)
		d->last = &d->first;
	return t;
}

static void same_for_all(struct sched *s, struct task *t, const struct err *why)
{
	const struct job_result r = { .remote = "", .tls = "", .count = 1,
		.rcpts = { { why->kind, why->status, why->text } } };

	message_task_done(s, t, &r);
}

/* The others that wait for an unreachable destination go back to the queue untried. */
static void give_back(struct sched *s, struct dest *d)
{
	struct task *t = d->first, *next;

	d->first = NULL;
	d->last = &d->first;
	for (; t; t = next) {
		next = t->next;
		same_for_all(s, t, &d->down);
	}
}

static void mark_down(struct sched *s, struct dest *d, const struct job_result *r)
{
	time_t wait = s->plan.waits[0] < DOWN_S ? s->plan.waits[0] : DOWN_S;

	err_temp(&d->down, r->rcpts[0].status, "%s", r->rcpts[0].answer);
	d->down_until = clock_in((int)wait);
	give_back(s, d);
}

void dests_forgive(struct sched *s)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct dest *d = s->dests->buckets[i]; d; d = d->same)
			d->down_until = 0;
	}
}

/* Behind all that are at least as urgent. */
static void enqueue(struct dest *d, struct task *t)
{
	int priority = t->msg->env.priority;
	struct task **at = &d->first;

	if (!d->first || d->lowest >= priority)
		at = d->last;
	while (*at && (*at)->msg->env.priority >= priority)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	if (t->next)
		return;
	d->last = &t->next;
	d->lowest = priority;
}

void dests_queue(struct sched *s, struct task *t, const char *name)
{
	struct dest *d = dest_get(s->dests, name);

	t->dest = d;
	t->next = NULL;
	if (d->down_until > clock_ms()) {
		same_for_all(s, t, &d->down);
		return;
	}
	enqueue(d, t);
	line_up(s, d);
}

/* --- send processes --- */

static void sender_free(struct dests *all, struct sender *x)
{
	struct sender **at = &all->senders;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	all->sender_n--;
	loop_remove(x->io);
	fd_close(&x->fd);
	free(x);
}

/* The task is back. Its destination may go before the message is told, so in this order. */
static struct task *task_back(struct sched *s, struct sender *x)
{
	struct task *t = x->task;

	if (!t)
		return NULL;
	x->task = NULL;
	x->idle_since = clock_ms();
	s->dests->running--;
	x->dest->running--;
	line_up(s, x->dest);
	return t;
}

static void sender_died(struct sched *s, struct sender *x)
{
	struct dest *d = x->dest;
	struct task *t = task_back(s, x);
	struct err why;

	sender_free(s->dests, x);
	if (!t)
		return;
	err_temp(&why, "4.3.0", "the process that sent it ended before it could say what became of it");
	log_error("a send process to %s ended in the middle of its work", d->name);
	same_for_all(s, t, &why);
	dest_put(s->dests, d);
}

static void take_result(struct sched *s, struct sender *x, const struct job_result *r)
{
	struct dest *d = x->dest;
	struct task *t = task_back(s, x);

	message_task_done(s, t, r);
	if (r->unreachable && r->count && r->rcpts[0].kind == ERR_TEMP)
		mark_down(s, d, r);
	dest_put(s->dests, d);
}

static void sender_ready(void *arg, unsigned ready)
{
	struct sender *x = arg;
	struct sched *s = x->s;
	struct job_result r;
	struct err e;

	(void)ready;
	if (packet_recv(x->fd, &s->packet, clock_ms()) != PACKET_OK) {
		sender_died(s, x);
	} else if (!job_take_result(&s->packet, s->dests->arena, &r, &e) || !x->task
	    || r.count != x->task->count) {
		packet_drop_fds(&s->packet);
		log_error("a send process talks nonsense");
		sender_died(s, x);
	} else {
		take_result(s, x, &r);
	}
	arena_reset(s->dests->arena);
	if (s->ending && !s->dests->running)
		loop_stop(s->loop);
	dests_pump(s);
}

static struct sender *spawn(struct sched *s, struct err *e)
{
	struct sender *x;
	int fd;

	packet_begin(&s->packet, 'O');
	if (!role_ask(&s->self, &s->packet, 10, e))
		return NULL;
	fd = packet_take_fd(&s->packet);
	if (fd < 0) {
		err_temp(e, "4.3.0", "the keeper gave no send process");
		return NULL;
	}
	x = mem_get(sizeof *x);
	x->s = s;
	x->fd = fd;
	x->io = loop_add(s->loop, fd, LOOP_READ, sender_ready, x);
	x->next = s->dests->senders;
	s->dests->senders = x;
	s->dests->sender_n++;
	return x;
}

/* One that was just there, else the one that has rested longest. */
static struct sender *idle_for(struct dests *all, const struct dest *d)
{
	struct sender *best = NULL;

	for (struct sender *x = all->senders; x; x = x->next) {
		if (x->task)
			continue;
		if (strcmp(x->last, d->name) == 0)
			return x;
		if (!best || x->idle_since < best->idle_since)
			best = x;
	}
	return best;
}

static void pump_again(void *arg)
{
	struct sched *s = arg;

	s->dests->again = NULL;
	dests_pump(s);
}

static struct sender *get_sender(struct sched *s, const struct dest *d)
{
	struct dests *all = s->dests;
	struct sender *x = idle_for(all, d);
	struct err e;

	if (x || all->sender_n >= s->self.conf.mta_send_max)
		return x;
	x = spawn(s, &e);
	if (!x) {
		log_error("no process to send with: %s", e.text);
		if (!all->again)
			all->again = loop_at(s->loop, clock_in(SPAWN_AGAIN_S), pump_again, s);
	}
	return x;
}

/* --- starting a job --- */

static struct way way_of(const struct conf *c, const struct envelope *env)
{
	struct way w = way_plain;

	w.via = *env->via ? env->via : c->relay_host;
	way_tls_parse(span_of(c->mta_tls), &w.tls);	/* the setting has these words only */
	return w;
}

static void describe(const struct sched *s, const struct task *t, const char *destination, struct job *j)
{
	const struct envelope *env = &t->msg->env;

	*j = (struct job){ .destination = destination, .way = way_of(&s->self.conf, env), .id = env->id, .sender = env->sender, .envid = env->envid,
		.ret = env->ret, .smtputf8 = env->smtputf8, .body8bit = env->body8bit,
		.require_tls = env->require_tls, .tls_optional = env->tls_optional, .by_mode = env->by_mode,
		.by_trace = env->by_trace, .by = env->by, .priority = env->priority, .wire_bytes = env->wire_bytes, .count = t->count };
	for (; j->top_count < env->top_count; j->top_count++)
		j->top[j->top_count] = env->top[j->top_count];
	for (size_t i = 0; i < t->count; i++) {
		const struct rcpt *r = &env->rcpts[t->rcpts[i]];

		j->rcpts[i] = (struct job_rcpt){ r->address, r->original, r->notify };
	}
}

static bool hand_over(struct sched *s, struct sender *x, const struct task *t, const struct dest *d, struct err *e)
{
	struct job j;
	bool ok;

	describe(s, t, d->name, &j);
	j.text = queue_open_text(&s->out, j.id, e);
	if (j.text < 0) {
		t->msg->lost = e->kind == ERR_PERM;
		return false;
	}
	job_put(&j, &s->packet);
	ok = packet_send(x->fd, &s->packet, e);
	fd_close(&j.text);
	return ok;
}

static void start(struct sched *s, struct sender *x, struct dest *d)
{
	struct task *t = take_task(d);
	struct err e;

	if (!hand_over(s, x, t, d, &e)) {
		e.kind = ERR_TEMP;
		same_for_all(s, t, &e);
		return;
	}
	x->task = t;
	x->dest = d;
	snprintf(x->last, sizeof x->last, "%s", d->name);
	d->running++;
	s->dests->running++;
}

/* Destinations that were kept only to remember that they were unreachable. */
static void sweep_bucket(struct dests *all, struct dest *d)
{
	struct dest *next;

	for (; d; d = next) {
		next = d->same;
		dest_put(all, d);
	}
}

/* Send processes that rested long enough: closing their channel ends them. */
static void reap(void *arg)
{
	struct sched *s = arg;
	struct dests *all = s->dests;
	ms_t before = clock_ms() - IDLE_S * 1000;
	struct sender *next;

	all->reaper = NULL;
	for (struct sender *x = all->senders; x; x = next) {
		next = x->next;
		if (!x->task && x->idle_since <= before)
			sender_free(all, x);
	}
	for (size_t i = 0; i < BUCKETS; i++)
		sweep_bucket(all, all->buckets[i]);
	if (all->senders)
		all->reaper = loop_at(s->loop, clock_in(IDLE_S / 2), reap, s);
}

void dests_pump(struct sched *s)
{
	struct dests *all = s->dests;
	struct dest *d;

	while (!s->ending && (d = all->turn)) {
		struct sender *x = get_sender(s, d);

		if (!x)
			break;
		leave_line(all, d);
		if (d->first)
			start(s, x, d);
		line_up(s, d);
		dest_put(all, d);
	}
	if (all->senders && !all->reaper)
		all->reaper = loop_at(s->loop, clock_in(IDLE_S / 2), reap, s);
}
