/* Retries, expiry, warnings. See plan.h. */
#include "common/queue/plan.h"

void plan_waits(struct plan *p, enum plan_class class, const char *const *words, size_t count)
{
	struct plan_waits *w = &p->waits[class];

	w->count = 0;
	for (size_t i = 0; i < count && w->count < PLAN_WAITS_MAX; i++) {
		uint64_t wait;

		if (span_time(span_of(words[i]), &wait))
			w->s[w->count++] = (time_t)wait;
	}
}

void plan_init(struct plan *p, const char *const *words, size_t count, time_t give_up, time_t warn_after)
{
	struct plan_waits *w = &p->waits[PLAN_LATER];

	*p = (struct plan){ .give_up = give_up, .warn_after = warn_after };
	plan_waits(p, PLAN_LATER, words, count);
	if (!w->count)
		w->s[w->count++] = 3600;
}

/* --- what kind of failure --- */

/* RFC 6647 5: a greylist answers 4yz, mostly 450 or 451, with 4.7.1 or what its author took for it. */
static bool looks_greylisted(struct span status, struct span answer)
{
	static const char *const says[] = { "greylist", "graylist", "grey list", "gray list",
		"grey-list" };
	bool code = span_starts(answer, "450") || span_starts(answer, "451");

	if (code &&
	    (span_is(status, "4.7.1") || span_is(status, "4.2.0") || span_is(status, "4.7.0")))
		return true;
	for (; answer.n; answer = span_from(answer, 1)) {
		for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
			if (span_starts(answer, says[i]))
				return true;
		}
	}
	return false;
}

enum plan_class plan_class(bool unreachable, const char *status, const char *answer)
{
	if (unreachable)
		return PLAN_UNREACHABLE;
	return looks_greylisted(span_of(status), span_of(answer)) ? PLAN_GREYLISTED : PLAN_LATER;
}

/* --- how long --- */

static time_t wait_after(const struct plan_waits *w, unsigned tries)
{
	size_t i = tries ? tries - 1 : 0, last = w->count ? w->count - 1 : 0;

	return w->s[i < last ? i : last];
}

/* The tries that these waits made of a message of that age: those that a person asked for put nothing off. */
static unsigned own_tries(const struct plan_waits *w, unsigned tries, time_t age)
{
	time_t due = wait_after(w, 1);
	unsigned n = 1;

	if (age < 0)		/* by a clock that was wrong */
		return tries;
	for (; n < tries && due <= age; n++)
		due += wait_after(w, n + 1);
	return n;
}

/* A greylist lets pass who comes again, so soon is good; one that does not, after all these tries, is none. */
static time_t wait_for(const struct plan *p, const struct plan_try *t, time_t age)
{
	const struct plan_waits *w = &p->waits[t->class], *usual = &p->waits[PLAN_LATER];
	time_t later = wait_after(usual, own_tries(usual, t->tries, age)), wait;
	unsigned tries;

	if (!w->count)
		return later;
	tries = own_tries(w, t->tries, age);
	if (t->class == PLAN_GREYLISTED && tries > w->count)
		return later;
	wait = wait_after(w, tries);
	return t->class == PLAN_GREYLISTED && later < wait ? later : wait;
}

static time_t spread(time_t wait, uint32_t dice)
{
	return wait >= 10 ? wait + (time_t)(dice % (uint32_t)(wait / 10)) : wait;
}

static time_t longest(const struct plan *p)
{
	time_t most = 0;

	for (int i = 0; i < PLAN_CLASSES; i++) {
		for (size_t k = 0; k < p->waits[i].count; k++) {
			if (p->waits[i].s[k] > most)
				most = p->waits[i].s[k];
		}
	}
	return most;
}

void plan_own(struct plan *p, struct span waits)
{
	struct plan_waits own = { .count = 0 };
	uint64_t wait, most = (uint64_t)longest(p);
	struct span word;

	while (own.count < PLAN_WAITS_MAX && span_piece(&waits, ',', &word)) {
		if (span_time(word, &wait))
			own.s[own.count++] = (time_t)(wait < most ? wait : most);
	}
	if (!own.count)
		return;
	p->waits[PLAN_LATER] = own;
	p->waits[PLAN_UNREACHABLE].count = 0;
}

time_t plan_longest(const struct plan *p)
{
	time_t most = longest(p);

	return spread(most, (uint32_t)(most / 10 - 1));
}

time_t plan_end(time_t give_up, const struct envelope *env)
{
	time_t end = envelope_start(env) + give_up;

	return env->by_mode == DELIVER_OR_RETURN && env->by < end ? env->by : end;
}

/* What comes from the future, by a clock that was wrong, is as old as its tries took at least. */
static bool is_over(const struct plan *p, const struct envelope *env, const struct plan_try *t, time_t now)
{
	time_t age = 0;

	if (envelope_start(env) <= now)
		return now >= plan_end(p->give_up, env);
	for (unsigned i = 1; i < t->tries && age < p->give_up; i++)
		age += wait_after(&p->waits[PLAN_LATER], i);
	return age >= p->give_up;
}

/*
 * Days in which nobody tried are no reason to give up: we were not there, or the clock went
 * forward. Then there is one more try, at least.
 */
static bool was_away(const struct plan *p, const struct envelope *env, const struct plan_try *t, time_t now)
{
	time_t due = t->planned ? t->planned : envelope_start(env);

	return now < p->doubt_until || now - due > PLAN_AWAY_S;
}

bool plan_too_late(const struct envelope *env, time_t now, struct err *e)
{
	return env->by_mode == DELIVER_OR_RETURN && now >= env->by &&
	    !err_perm(e, "5.4.7", "it could not be delivered by the time that the sender set");
}

time_t plan_next(const struct plan *p, const struct envelope *env, const struct plan_try *t,
    time_t now, uint32_t dice)
{
	time_t age = now - envelope_start(env), end = plan_end(p->give_up, env);
	time_t next = now + spread(wait_for(p, t, age), dice);

	if (is_over(p, env, t, now) && !was_away(p, env, t, now))
		return 0;
	if (end > now && next > end)
		next = end;
	return env->by_mode && env->by > now && env->by < next ? env->by : next;
}

bool plan_due(const struct plan *p, const struct envelope *env, const struct rcpt *r, time_t now)
{
	return r->next <= now || (env->release <= now && r->next > now + plan_longest(p));
}

enum plan_step plan_clock(struct plan *p, time_t wall, time_t monotonic)
{
	time_t offset = wall - monotonic, by = p->clock_known ? offset - p->clock_offset : 0;

	p->clock_known = true;
	p->clock_offset = offset;
	if (by >= PLAN_STEP_S) {
		p->doubt_until = wall + PLAN_DOUBT_S;
		return PLAN_FORWARD;
	}
	if (by > -PLAN_STEP_S)
		return PLAN_STEADY;
	p->doubt_until = 0;
	return PLAN_BACK;
}

/* RFC 2852 4.1.3: the time has come, and nothing was said about it yet. */
static bool overdue(const struct envelope *env, time_t now)
{
	return env->by_mode == DELIVER_OR_NOTIFY && now >= env->by &&
	    env->warned < (env->by > 1 ? env->by : 1);
}

bool plan_warn(const struct plan *p, const struct envelope *env, time_t now)
{
	bool slow = p->warn_after && !env->warned && now - envelope_start(env) >= p->warn_after &&
	    now >= p->doubt_until;

	return (slow || overdue(env, now)) && envelope_waiting(env);
}

time_t plan_first(const struct envelope *env)
{
	time_t first = -1;

	for (size_t i = 0; i < env->rcpt_count; i++) {
		const struct rcpt *r = &env->rcpts[i];

		if (r->state == RCPT_FAILED)
			return 0;	/* somebody has to be told */
		if (r->state == RCPT_WAITING && (first < 0 || r->next < first))
			first = r->next;
	}
	return first;
}
