/* Messages that come in: noticed, asked about, moved to their station. See sched.h. */
#include "mta/sched.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/mail/maillog.h"
#include "common/os/log.h"
#include "common/os/watch.h"

enum {
	ROUTED_AT_ONCE	= 64,	/* then others get a turn: results, timers */
	LOOK_AGAIN_S	= 10,	/* when the clerk could not be asked, or the disk is full */
};

struct scan { struct sched *s; unsigned in; };

static void each_in(struct sched *s, bool (*each)(void *scan, const char *id))
{
	struct err e;

	for (unsigned i = 0; i < INS; i++) {
		if (!queue_each(&s->in[i], each, &(struct scan){ s, i }, &e))
			log_error("%s: %s", s->in[i].name, e.text);
	}
}

/* --- asking the clerk --- */

static bool ask_once(struct sched *s, struct span address, enum dir_class *is, struct err *e)
{
	if (s->clerk < 0 && !role_connect(&s->self, "clerk", &s->clerk, e))
		return false;
	return directory_resolve(&s->clerk, address, is, e);
}

/* A clerk that was restarted since is asked again at once. */
static bool ask(struct sched *s, struct span address, enum dir_class *is, struct err *e)
{
	return ask_once(s, address, is, e) || (s->clerk < 0 && ask_once(s, address, is, e));
}

/* --- one message --- */

struct split { struct envelope local, out; };

static void deal_out(const struct envelope *env, const bool *here, struct split *sp)
{
	for (size_t i = 0; i < env->rcpt_count; i++) {
		struct envelope *to = here[i] ? &sp->local : &sp->out;

		to->rcpts[to->rcpt_count++] = env->rcpts[i];
	}
}

/* Two envelopes over one list of recipients, each with its own. Mostly one of them has all. */
static bool split_rcpts(struct sched *s, struct arena *a, const struct envelope *env, struct split *sp, struct err *e)
{
	bool *here = arena_array(a, env->rcpt_count, sizeof *here);
	size_t count = 0;
	enum dir_class is;

	for (size_t i = 0; i < env->rcpt_count; i++) {
		if (env->rcpts[i].state != RCPT_WAITING)
			continue;
		if (!ask(s, span_of(env->rcpts[i].address), &is, e))
			return false;
		here[i] = route_of(is) == ROUTE_LOCAL;
		count += here[i];
	}
	sp->local = sp->out = *env;
	if (!count || count == env->rcpt_count) {
		*(count ? &sp->out.rcpt_count : &sp->local.rcpt_count) = 0;
		return true;
	}
	sp->local.rcpt_count = sp->out.rcpt_count = 0;
	sp->local.rcpts = arena_array(a, count, sizeof *env->rcpts);
	sp->out.rcpts = arena_array(a, env->rcpt_count - count, sizeof *env->rcpts);
	deal_out(env, here, sp);
	return true;
}

static void log_routes(const struct envelope *env, const char *station)
{
	for (size_t i = 0; i < env->rcpt_count; i++)
		maillog_routed(env->id, span_of(env->rcpts[i].address), station, "");
}

/* What stands in out/ too; the rest is left. */
static void leave_out(struct envelope *env, const struct envelope *there)
{
	size_t left = 0, at = 0;

	for (size_t i = 0; i < env->rcpt_count; i++) {
		const struct rcpt *same = envelope_rcpt(there, env->rcpts[i].number, &at);

		if (!same || strcmp(same->address, env->rcpts[i].address) != 0)
			env->rcpts[left++] = env->rcpts[i];
	}
	env->rcpt_count = left;
}

/*
 * Trouble may fall between the envelope in out/, which is the first of a split, and the rest of it. To do that
 * once more would forget what out/ knows of its tries: here only those stay that out/ does not have. Nobody: it
 * is removed.
 */
static bool settle(struct sched *s, const struct station *from, struct arena *a, struct envelope *env,
    bool *is_in_out, struct err *e)
{
	struct envelope there;
	size_t all = env->rcpt_count;

	*is_in_out = queue_next_try(&s->out, env->id) != 0;
	if (!*is_in_out)
		return true;
	if (!queue_read_envelope(&s->out, env->id, a, &there, e))
		return false;
	leave_out(env, &there);
	if (env->rcpt_count == all)
		return true;
	return env->rcpt_count ? queue_write_envelope(from, env, e) : queue_remove(from, env->id, e);
}

/* What pick may take comes to local/ by one rename, and only when out/ has the rest: nobody gives it to pick again. */
static bool move(struct sched *s, const struct station *from, const char *id,
    const struct split *sp, struct err *e)
{
	if (!sp->out.rcpt_count)
		return queue_move(from, &s->local, id, e);
	if (!sp->local.rcpt_count && !sp->out.top_count)
		return queue_move(from, &s->out, id, e);
	if (!queue_link(from, &s->out, id, &sp->out, e))
		return false;
	if (!sp->local.rcpt_count)
		return queue_remove(from, id, e);
	return queue_write_envelope(from, &sp->local, e) && queue_move(from, &s->local, id, e);
}

/* Who took it in wants a person to look first. A release takes the mark off. */
static bool put_on_hold(struct sched *s, const struct station *from, const struct envelope *env, struct err *e)
{
	if (!queue_gather(from, &s->hold, env->id, e))
		return false;
	maillog_held(env->id, env->hold);
	return true;
}

/* False, TEMP: it stays where it is, for another time. Keeps a when it takes it on. */
static bool route(struct sched *s, const struct station *from, const char *id, struct arena **a, struct err *e)
{
	struct envelope env;
	struct split sp;
	bool is_in_out;

	if (!queue_read_envelope(from, id, *a, &env, e))
		return false;
	if (*env.hold)
		return put_on_hold(s, from, &env, e);
	if (!settle(s, from, *a, &env, &is_in_out, e))
		return false;
	if (is_in_out)
		message_found(s, id);
	if (!env.rcpt_count)
		return true;
	if (!split_rcpts(s, *a, &env, &sp, e))
		return false;
	if (sp.out.rcpt_count && is_in_out)
		return err_temp(e, "4.3.0", "another part of it is in out/ still");
	if (sp.local.rcpt_count && queue_next_try(&s->local, id))
		return err_temp(e, "4.3.0", "another part of it is in local/ still");
	if ((sp.out.rcpt_count && !sign_message(s, from, &sp.out, *a, e)) || !move(s, from, id, &sp, e))
		return false;
	log_routes(&sp.local, "local");
	log_routes(&sp.out, "out");
	if (sp.out.rcpt_count) {
		message_start(s, *a, &sp.out);
		*a = NULL;
	}
	return true;
}

static void route_or_say(struct sched *s, const struct arrival *at)
{
	const struct station *from = &s->in[at->in];
	struct arena *a = message_arena(s);
	struct err e;

	if (!route(s, from, at->id, &a, &e)) {
		if (!queue_next_try(from, at->id)) {
			/* noticed twice, and routed the first time */
		} else if (e.kind == ERR_PERM) {
			message_quarantine(s, from, at->id, &e);
		} else {
			maillog_trouble(at->id, "routing", &e);
			s->look_again = true;
		}
	}
	if (a) {
		arena_reset(a);
		s->spare = a;
	}
}

/* --- after a crash --- */

static bool settle_one(void *arg, const char *id)
{
	const struct scan *scan = arg;
	struct sched *s = scan->s;
	struct envelope env;
	struct arena *a;
	bool is_in_out;
	struct err e;

	if (!queue_next_try(&s->out, id))
		return true;
	a = message_arena(s);
	if (!queue_read_envelope(&s->in[scan->in], id, a, &env, &e) ||
	    !settle(s, &s->in[scan->in], a, &env, &is_in_out, &e))
		maillog_trouble(id, "ending what a crash has cut off", &e);
	arena_reset(a);
	s->spare = a;
	return true;
}

void arrive_settle(struct sched *s)
{
	each_in(s, settle_one);
}

/* --- noticing --- */

static void wake(void *arg);

static void arm(struct sched *s, ms_t when)
{
	if (s->arrival_timer)
		loop_cancel(s->arrival_timer);
	s->arrival_timer = loop_at(s->loop, when, wake, s);
}

static void route_some(struct sched *s)
{
	for (int i = 0; i < ROUTED_AT_ONCE && s->arrived_n && !s->ending; i++) {
		struct arrival at = s->arrivals[s->arrived_at];

		s->arrived_at = (s->arrived_at + 1) % s->arrived_room;
		s->arrived_n--;
		route_or_say(s, &at);
	}
	if (s->arrived_n)
		arm(s, clock_ms());
	else if (s->look_again && !s->arrival_timer)
		arm(s, clock_in(LOOK_AGAIN_S));
	dests_pump(s);
}

static void wake(void *arg)
{
	struct sched *s = arg;

	s->arrival_timer = NULL;
	if (s->look_again && !s->arrived_n) {
		s->look_again = false;
		arrive_scan(s);
	}
	route_some(s);
}

/* A ring that grows: what is in it is moved to the start of the larger one. */
static void grow(struct sched *s)
{
	size_t room = s->arrived_room ? s->arrived_room * 2 : 64;
	struct arrival *ring = mem_get(room * sizeof *ring);

	for (size_t i = 0; i < s->arrived_n; i++)
		ring[i] = s->arrivals[(s->arrived_at + i) % s->arrived_room];
	free(s->arrivals);
	s->arrivals = ring;
	s->arrived_at = 0;
	s->arrived_room = room;
}

static void notice(struct sched *s, unsigned in, const char *id)
{
	struct arrival *at;

	if (s->arrived_n == s->arrived_room)
		grow(s);
	at = &s->arrivals[(s->arrived_at + s->arrived_n++) % s->arrived_room];
	snprintf(at->id, sizeof at->id, "%s", id);
	at->in = in;
}

static void stirred(void *arg, int which, const char *name)
{
	struct sched *s = arg;
	char id[ID_SIZE];

	for (unsigned i = 0; i < INS; i++) {
		if (which == s->watch_in[i] && queue_id_of(name, id))
			notice(s, i, id);
	}
	if (which == s->watch_ask)
		sched_wish(s, name);
}

static void watch_ready(void *arg, unsigned ready)
{
	struct sched *s = arg;

	(void)ready;
	if (!watch_each(s->watch, stirred, s)) {
		log_warn("some arrivals were not announced, looking at all");
		arrive_scan(s);
		sched_look_for_wishes(s);
	}
	route_some(s);
}

static bool notice_one(void *arg, const char *id)
{
	const struct scan *scan = arg;

	notice(scan->s, scan->in, id);
	return true;
}

void arrive_scan(struct sched *s)
{
	each_in(s, notice_one);
	if (s->arrived_n)
		arm(s, clock_ms());
}

void arrive_start(struct sched *s)
{
	loop_add(s->loop, s->watch, LOOP_READ, watch_ready, s);
	arrive_scan(s);
}
