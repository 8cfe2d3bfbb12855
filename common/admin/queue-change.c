/*
 * What changes messages. Where a process reads the station it gets all wishes at once and is
 * then waited for, so that thousands take it no longer than it needs; where none does we
 * do it ourselves, and hold its lock meanwhile. See queue.h, queue/wish.h.
 */
#include "common/admin/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/base/mem.h"
#include "common/mail/maillog.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/history.h"
#include "common/os/log.h"

enum {
	OUT		= 3,
	OWN		= 2,
	PATIENCE_MS	= 5000,		/* after the last wish that was fulfilled */
	LOOK_US		= 5000,
};

static const enum wish wishes[] = {
	[CHANGE_RETRY] = WISH_RETRY, [CHANGE_HOLD] = WISH_HOLD, [CHANGE_RELEASE] = WISH_NONE,
	[CHANGE_REQUEUE] = WISH_HOLD,	/* on hold it is ours */
	[CHANGE_BOUNCE] = WISH_BOUNCE, [CHANGE_DELETE] = WISH_DELETE,
};

/* Nobody reads it, and nobody will as long as we live. What lies in in/ is sched's, as out/ is. */
static bool is_ours(const struct desk *d, int station)
{
	return station == HOLD || station_lock(&d->st[station < OUT ? OUT : station]);
}

static void say(struct desk *d, int code, const char *id, const char *words)
{
	fprintf(stderr, "posthorn: %s %s\n", id, words);
	d->code = code;
}

/* --- from hold/ back to the arrivals --- */

/* Two parts of one message must not meet again with states of their own. */
static bool is_elsewhere(const struct desk *d, const char *id)
{
	for (int i = 0; i < HOLD; i++) {
		if (d->open[i] && queue_next_try(&d->st[i], id))
			return true;
	}
	return false;
}

static bool back_to_arrivals(const struct desk *d, struct envelope *env, struct err *e)
{
	const struct station *hold = &d->st[HOLD];

	env->hold = "";
	if (!queue_write_envelope(hold, env, e) || !queue_move(hold, &d->st[OWN], env->id, e))
		return false;
	maillog_released(env->id, env->via);
	return true;
}

/* Through arrivals again, so that it is routed by the settings of today. */
static bool release(struct desk *d, const struct place *p, const char *via, struct err *e)
{
	struct envelope env;

	if (!queue_next_try(&d->st[HOLD], p->id))
		return true;		/* somebody else was faster */
	if (is_elsewhere(d, p->id)) {
		say(d, EX_TEMPFAIL, p->id,
		    "stays on hold, as a part of it is still on its way; put that on hold too");
		return true;
	}
	if (!desk_read(d, p, &env))
		return true;
	for (size_t i = 0; i < env.rcpt_count; i++) {
		if (env.rcpts[i].state == RCPT_FAILED)
			env.rcpts[i].state = RCPT_WAITING;
	}
	wish_retry(&env);
	if (via)
		env.via = via;
	return back_to_arrivals(d, &env, e);
}

static bool bounce(struct desk *d, const struct place *p, struct err *e)
{
	struct envelope env;

	if (!desk_read(d, p, &env))
		return true;
	wish_bounce(&env);		/* who reads it next tells the sender */
	return p->station == HOLD ? back_to_arrivals(d, &env, e) : queue_write_envelope(&d->st[p->station], &env, e);
}

static bool retry(struct desk *d, const struct place *p, struct err *e)
{
	struct envelope env;

	if (p->station < OUT || !desk_read(d, p, &env))
		return true;		/* an arrival is next in any case */
	wish_retry(&env);
	return queue_write_envelope(&d->st[p->station], &env, e);
}

static bool put_on_hold(const struct desk *d, const struct place *p, struct err *e)
{
	if (p->station == HOLD)
		return true;
	if (!queue_gather(&d->st[p->station], &d->st[HOLD], p->id, e))
		return false;
	maillog_held(p->id, "asked for");
	return true;
}

static bool delete(const struct desk *d, const struct place *p, struct err *e)
{
	if (!queue_remove(&d->st[p->station], p->id, e))
		return false;
	maillog_removed(p->id, "deleted");
	return true;
}

/* --- one place --- */

/* Is it where this can be done? */
static bool is_in_place(struct desk *d, const struct place *p, enum change change)
{
	if (change == CHANGE_RETRY && p->station == HOLD)
		say(d, EX_UNAVAILABLE, p->id, "is on hold; `posthorn queue release` lets it go");
	else if (change == CHANGE_RELEASE && p->station != HOLD)
		say(d, EX_UNAVAILABLE, p->id, "is not on hold");
	else
		return true;
	return false;
}

static bool change_here(struct desk *d, const struct place *p, enum change change, struct err *e)
{
	switch (change) {
	case CHANGE_RETRY:
		return retry(d, p, e);
	case CHANGE_HOLD:
	case CHANGE_REQUEUE:
		return put_on_hold(d, p, e);
	case CHANGE_RELEASE:
		return release(d, p, NULL, e);
	case CHANGE_BOUNCE:
		return bounce(d, p, e);
	case CHANGE_DELETE:
		break;
	}
	return delete(d, p, e);
}

/* --- wishes --- */

struct asking { int ask[STATIONS]; struct place *wished; size_t count, arriving; };

static bool leave_wish(struct desk *d, struct asking *a, const struct place *p, enum wish wish, struct err *e)
{
	if (a->ask[p->station] < 0)
		a->ask[p->station] = wish_open(&d->st[p->station]);
	if (a->ask[p->station] < 0)
		return err_sys(e, "cannot open %s/ask", queue_stations[p->station]);
	if (!wish_leave(a->ask[p->station], p->id, wish, e))
		return false;
	a->wished[a->count++] = *p;
	return true;
}

static void change_one(struct desk *d, struct asking *a, const struct place *p, enum change change)
{
	bool ok = true;
	struct err e;

	if (!is_in_place(d, p, change))
		return;
	if (is_ours(d, p->station))
		ok = change_here(d, p, change, &e);
	else if (p->station < OUT)
		a->arriving += change != CHANGE_RETRY;	/* mta is about to look at it */
	else
		ok = leave_wish(d, a, p, wishes[change], &e);
	if (!ok)
		d->code = admin_fail(&e);
}

/* They are fulfilled one after the other; as long as one goes, the others may. */
static void wait_for_all(struct desk *d, const struct asking *a, enum wish wish)
{
	ms_t until = clock_ms() + PATIENCE_MS;
	size_t left = 0;

	for (size_t i = 0; i < a->count; i++) {
		const struct place *p = &a->wished[i];
		bool waits;

		while ((waits = wish_waits(a->ask[p->station], p->id, wish)) && clock_ms() < until)
			usleep(LOOK_US);
		left += waits;
		if (!waits && !left)
			until = clock_ms() + PATIENCE_MS;
	}
	if (!left)
		return;
	fprintf(stderr, "posthorn: %s is noted for %zu message%s, and not yet done\n",
	    wish_name(wish), left, left == 1 ? "" : "s");
	d->code = EX_TEMPFAIL;
}

static void say_arriving(struct desk *d, const struct asking *a)
{
	if (!a->arriving)
		return;
	fprintf(stderr, "posthorn: %zu message%s for mta to look at; ask again\n", a->arriving,
	    a->arriving == 1 ? " waits" : "s wait");
	d->code = EX_TEMPFAIL;
}

/* --- all --- */

/* Other parts of what is to go another way. */
static void add_parts(struct desk *d)
{
	for (size_t i = 0, n = d->count; i < n; i++) {
		struct place p = d->places[i];

		for (int k = OUT; k < HOLD; k++) {
			if (k != p.station && queue_next_try(&d->st[k], p.id))
				desk_add(d, k, p.id);
		}
	}
}

static void release_all(struct desk *d, const char *via)
{
	struct err e;

	for (size_t i = 0; i < d->count; i++) {
		struct place p = { .station = HOLD };

		memcpy(p.id, d->places[i].id, sizeof p.id);
		if (queue_next_try(&d->st[HOLD], p.id) && !release(d, &p, via, &e))
			d->code = admin_fail(&e);
	}
}

/* What we do ourselves is part of a message's life, too; but nobody's log is on our terminal. */
static void open_history(const struct desk *d)
{
	char dir[4096], uid[16];

	log_open("posthorn", -1, LOG_FORM_PLAIN);
	snprintf(dir, sizeof dir, "%s/history/mta", d->conf.queue_directory);
	snprintf(uid, sizeof uid, "%u", (unsigned)getuid());
	if (d->conf.history)
		history_open(dir, uid, d->conf.history_day);
}

void queue_change(struct desk *d, enum change change, const char *via)
{
	struct asking a = { .ask = { -1, -1, -1, -1, -1, -1 } };

	open_history(d);
	if (change != CHANGE_RETRY)
		station_wait(&d->st[HOLD]);	/* nobody reads it: only others like us are to be kept out */
	if (change == CHANGE_REQUEUE)
		add_parts(d);
	a.wished = mem_get((d->count ? d->count : 1) * sizeof *a.wished);
	for (size_t i = 0; i < d->count; i++)
		change_one(d, &a, &d->places[i], change);
	wait_for_all(d, &a, wishes[change]);
	say_arriving(d, &a);
	if (change == CHANGE_REQUEUE)
		release_all(d, via);
	for (int i = 0; i < STATIONS; i++)
		fd_close(&a.ask[i]);
	free(a.wished);
}
