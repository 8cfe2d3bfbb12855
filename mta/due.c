/* Messages that wait in out/: due, or wanted by a person. See sched.h. */
#include "mta/sched.h"

#include "common/mail/maillog.h"
#include "common/os/log.h"

enum {
	LOOK_S		= 60,	/* the longest sleep; a wall clock that jumps is noticed then */
	TROUBLE_S	= 60,	/* when an envelope can not be read */
	STARTED_AT_ONCE	= 50,	/* then others get a turn */
};

/* --- from waiting to active --- */

/* Where there is no room for it, it waits for some: behind others of its sender, or of its time. */
static void admit(struct sched *s, struct arena *a, const struct envelope *env, bool fresh, bool hurry)
{
	struct origin *o = origin_get(s, env);
	struct message *m;

	if (!s->ending && !origin_has_much(o) && origin_may_start(s, o, fresh)) {
		m = message_adopt(s, a, env);
		m->hurry = hurry;
		message_make_tasks(s, m);
		return;
	}
	if (origin_has_much(o))
		waits_park(&s->waits, &o->parked, env->id, hurry);
	else
		waits_add(&s->waits, env->id, hurry ? 0 : clock_wall());
	origin_put(s, o);
	message_arm(s);
	arena_free(a);
}

void message_start(struct sched *s, struct arena *a, const struct envelope *env)
{
	admit(s, a, env, true, false);
}

/* Read a message that is on disk only; NULL when it is gone, or was put on hold. */
static struct arena *load(struct sched *s, const char *id, struct envelope *env)
{
	struct arena *a = message_arena(s);
	struct err e;

	if (queue_read_envelope(&s->out, id, a, env, &e))
		return a;
	if (!queue_next_try(&s->out, id)) {
		maillog_removed(id, "its envelope is gone");
	} else if (e.kind == ERR_PERM) {
		message_quarantine(s, &s->out, id, &e);
	} else {
		maillog_trouble(id, "reading", &e);
		waits_add(&s->waits, id, clock_wall() + TROUBLE_S);
	}
	arena_reset(a);
	s->spare = a;
	return NULL;
}

static void start_one(struct sched *s, const struct wait *w)
{
	struct envelope env;
	struct arena *a = load(s, w->id, &env);

	if (!a)
		return;
	if (!w->next)
		wish_retry(&env);
	admit(s, a, &env, false, !w->next);
}

/* --- the clock --- */

void due_look_at_clock(struct sched *s)
{
	time_t now = clock_wall();

	switch (plan_clock(&s->plan, now, (time_t)(clock_ms() / 1000))) {
	case PLAN_STEADY:
		return;
	case PLAN_FORWARD:
		log_warn("the clock went forward by minutes or more: no message is given up within a day from now");
		return;
	case PLAN_BACK:
		log_warn("the clock went back by minutes or more: messages with times that are too far off are due now");
		waits_recall(&s->waits, now + plan_longest(&s->plan), now);
		return;
	}
}

static void start_due(void *arg)
{
	struct sched *s = arg;
	time_t now = clock_wall();
	struct wait w;

	s->due_timer = NULL;
	due_look_at_clock(s);
	for (int i = 0; i < STARTED_AT_ONCE && s->active_n < ACTIVE_MAX && !s->ending; i++) {
		if (!waits_take(&s->waits, now, &w))
			break;
		start_one(s, &w);
	}
	dests_pump(s);
	message_arm(s);
}

void message_arm(struct sched *s)
{
	time_t now = clock_wall(), in = LOOK_S, first;

	if (waits_first(&s->waits, &first) && first < now + LOOK_S)
		in = first > now ? first - now : 0;
	if (s->active_n >= ACTIVE_MAX && in == 0)
		in = 1;
	if (s->due_timer)
		loop_cancel(s->due_timer);
	s->due_timer = s->ending ? NULL : loop_at(s->loop, clock_in((int)in), start_due, s);
}

/* --- wishes --- */

void message_found(struct sched *s, const char *id)
{
	if (message_find(s, id) || waits_has(&s->waits, id))
		return;
	waits_add(&s->waits, id, queue_next_try(&s->out, id));
	message_arm(s);
}

static void wish_all(struct sched *s)
{
	dests_forgive(s);
	waits_all_now(&s->waits);
	load_all_now(s);
	message_arm(s);
}

/* It rests on disk: retry starts it, anything else finishes it without a try. */
static void wish_resting(struct sched *s, const char *id, enum wish wish)
{
	struct envelope env;
	struct message *m;
	struct arena *a;

	waits_take_id(&s->waits, id);
	a = load(s, id, &env);
	if (!a)
		return;
	if (wish == WISH_RETRY) {
		wish_retry(&env);
		admit(s, a, &env, true, true);
		return;
	}
	m = message_adopt(s, a, &env);
	m->wish = wish;
	message_finish(s, m);
}

bool message_wish(struct sched *s, const char *id, enum wish wish)
{
	struct message *m;

	log_info("%s wish %s", id, wish_name(wish));
	if (strcmp(id, WISH_ALL) == 0) {
		if (wish == WISH_RETRY)
			wish_all(s);
		return true;
	}
	if (wish == WISH_RETRY)
		dests_forgive(s);
	m = message_find(s, id);
	if (m)
		m->wish = wish;		/* message_finish() does it, and says so */
	else
		wish_resting(s, id, wish);
	return !m;
}
