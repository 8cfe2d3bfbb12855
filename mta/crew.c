/* Send processes: started, given jobs, heard. See dest.h. */
#include "mta/dest.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/os/log.h"

enum {
	IDLE_S = 30, /* a send process without work ends after this; its connection earlier */
	SPAWN_AGAIN_S = 1, /* when the keeper can not give us one now */
	SPAWN_PATIENCE_S = 10,
	KEPT_MS = 5000, /* mta-send keeps a connection without work for so long */
};

/* --- who is at one server --- */

static bool rests_at(const struct sender *x, const char *host)
{
	return !x->task && strcmp(x->host, host) == 0;
}

static void count_resting(struct dests *all)
{
	for (size_t i = 0; i < all->crowd.count; i++) {
		struct crowd_host *h = &all->crowd.hosts[i];

		h->resting = 0;
		for (const struct sender *x = all->senders; x; x = x->next)
			h->resting += rests_at(x, h->name) && x->idle_since + KEPT_MS > clock_ms();
	}
}

/* Where a destination was never reached, nobody knows yet with whom its conversation is. */
static bool may_be_at(const struct sender *x, const char *host)
{
	const char *at = x->task ? x->dest->known.host : "?";

	return !*at || strcmp(at, host) == 0 || rests_at(x, host);
}

bool crew_refused(struct dests *all, const char *host)
{
	const struct sender *x = all->senders;

	while (x && !may_be_at(x, host))
		x = x->next;
	if (!x)
		return false;
	crowd_refused(&all->crowd, host, clock_ms());
	count_resting(all);
	return true;
}

bool crew_has_room(struct sched *s, const struct dest *d)
{
	if (crowd_has_room(&s->dests->crowd, d->known.host, clock_ms()))
		return true;
	crew_pump_in(s, CROWD_TRY_MS / 1000);
	return false;
}

/* --- processes --- */

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
	count_resting(all);
}

static struct task *take_back(struct dests *all, struct sender *x)
{
	struct task *t = x->task;

	if (!t)
		return NULL;
	x->task = NULL;
	x->idle_since = clock_ms();
	all->running--;
	x->dest->running--;
	count_resting(all);
	return t;
}

static void sender_died(struct sched *s, struct sender *x)
{
	struct dest *d = x->dest;
	struct task *t = take_back(s->dests, x);
	const struct job_result r = { .remote = "", .tls = "", .ip = "", .count = 1, .rcpts = { { ERR_TEMP, "4.3.0",
		"the process that sent it ended before it could say what became of it" } } };

	if (t) {
		log_error("a send process to %s ended in the middle of its work", d->name);
		dest_task_back(s, d, t, &r);
	}
	sender_free(s->dests, x);
}

/* Where its connection is. One that was refused has none, and is not the one to ask next. */
static void note_place(struct sender *x, const struct job_result *r)
{
	struct span host = r->unreachable ? SPAN("") : span_of(r->remote);

	span_copy(span_to(host, sizeof x->host - 1), x->host, sizeof x->host);
	if (r->unreachable)
		*x->last = '\0';
}

static void sender_ready(void *arg, unsigned ready)
{
	struct sender *x = arg;
	struct sched *s = x->s;
	struct job_result r;
	bool refused;
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
		refused = r.unreachable;	/* then others have a connection, perhaps */
		note_place(x, &r);
		dest_task_back(s, x->dest, take_back(s->dests, x), &r);
		if (!refused)
			dest_next(s, x);
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
	if (!role_ask(&s->self, &s->packet, SPAWN_PATIENCE_S, e))
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

/* One that was just there, or at the server that d had the last time; *rested: the one that has rested longest. */
static struct sender *idle_for(struct dests *all, const struct dest *d, struct sender **rested)
{
	struct sender *near = NULL;

	*rested = NULL;
	for (struct sender *x = all->senders; x; x = x->next) {
		if (x->task)
			continue;
		if (strcmp(x->last, d->name) == 0)
			return x;
		if (*x->host && strcmp(x->host, d->known.host) == 0)
			near = x;
		if (!*rested || x->idle_since < (*rested)->idle_since)
			*rested = x;
	}
	return near;
}

static void pump_again(void *arg)
{
	struct sched *s = arg;

	s->dests->again = NULL;
	dests_pump(s);
}

void crew_pump_in(struct sched *s, int seconds)
{
	if (!s->dests->again)
		s->dests->again = loop_at(s->loop, clock_in(seconds), pump_again, s);
}

struct sender *crew_get(struct sched *s, const struct dest *d)
{
	struct dests *all = s->dests;
	struct sender *rested, *x = idle_for(all, d, &rested);
	struct err e;

	if (!x)
		x = rested;
	if (x || all->sender_n >= s->self.conf.mta_send_max)
		return x;
	x = spawn(s, &e);
	if (!x) {
		log_error("no process to send with: %s", e.text);
		crew_pump_in(s, SPAWN_AGAIN_S);
	}
	return x;
}

static void describe(const struct task *t, struct job *j)
{
	const struct envelope *env = &t->msg->env;

	*j = (struct job){ .destination = t->destination, .way = way_plain, .id = env->id, .sender = env->sender, .envid = env->envid,
		.ret = env->ret, .smtputf8 = env->smtputf8, .body8bit = env->body8bit,
		.require_tls = env->require_tls, .tls_optional = env->tls_optional, .by_mode = env->by_mode,
		.by_trace = env->by_trace, .by = env->by, .priority = env->priority, .wire_bytes = env->wire_bytes,
		.prefer_family = t->dest->known.family, .count = t->count };
	way_read(span_of(t->words), t->msg->arena, &j->way, NULL);	/* ways.c has read it */
	for (; j->top_count < env->top_count; j->top_count++)
		j->top[j->top_count] = env->top[j->top_count];
	for (size_t i = 0; i < t->count; i++) {
		const struct rcpt *r = &env->rcpts[t->rcpts[i]];

		j->rcpts[i] = (struct job_rcpt){ r->address, r->original, r->notify };
	}
}

static bool send_job(struct sched *s, const struct sender *x, const struct task *t, struct err *e)
{
	struct job j;
	bool ok;

	describe(t, &j);
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

bool crew_give(struct sched *s, struct sender *x, struct task *t, struct err *e)
{
	if (!send_job(s, x, t, e))
		return false;
	if (strcmp(x->host, t->dest->known.host) != 0)
		crowd_tried(&s->dests->crowd, t->dest->known.host, clock_ms());
	x->task = t;
	x->streak = x->dest == t->dest ? x->streak + 1 : 1;
	x->dest = t->dest;
	snprintf(x->last, sizeof x->last, "%s", t->dest->name);
	t->dest->running++;
	s->dests->running++;
	count_resting(s->dests);
	return true;
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
		else if (!x->task)
			x->dest = NULL;		/* which may be dropped now */
	}
	dests_sweep(s);
	crew_watch(s);
}

void crew_watch(struct sched *s)
{
	struct dests *all = s->dests;

	if ((all->senders || all->count) && !all->reaper)
		all->reaper = loop_at(s->loop, clock_in(IDLE_S / 2), reap, s);
}
