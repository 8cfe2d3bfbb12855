/* Retries, expiry, warnings. See plan.h. */
#include "common/queue/plan.h"

static bool unit_seconds(struct span *in, time_t *out)
{
	static const struct { const char *name; time_t seconds; } units[] = {
		{ "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 7 * 86400 },
	};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		*out = units[i].seconds;
		if (span_eat(in, units[i].name))
			return true;
	}
	*out = 1;
	return !in->n;		/* a bare number is seconds */
}

static bool read_time(struct span in, time_t *out)
{
	time_t sum = 0, unit;
	uint64_t n;

	do {
		if (!span_eat_u64(&in, 366 * 86400, &n) || !unit_seconds(&in, &unit))
			return false;
		sum += (time_t)n * unit;
	} while (in.n);
	*out = sum;
	return sum > 0;
}

void plan_init(struct plan *p, const char *const *words, size_t count, time_t give_up, time_t warn_after)
{
	*p = (struct plan){ .give_up = give_up, .warn_after = warn_after };
	for (size_t i = 0; i < count && p->count < PLAN_WAITS_MAX; i++) {
		if (read_time(span_of(words[i]), &p->waits[p->count]))
			p->count++;
	}
	if (!p->count)
		p->waits[p->count++] = 3600;
}

time_t plan_end(time_t give_up, const struct envelope *env)
{
	time_t end = envelope_start(env) + give_up;

	return env->by_mode == DELIVER_OR_RETURN && env->by < end ? env->by : end;
}

bool plan_too_late(const struct envelope *env, time_t now, struct err *e)
{
	return env->by_mode == DELIVER_OR_RETURN && now >= env->by &&
	    !err_perm(e, "5.4.7", "it could not be delivered by the time that the sender set");
}

time_t plan_next(const struct plan *p, const struct envelope *env, time_t now, unsigned tries, uint32_t dice)
{
	size_t i = tries ? tries - 1 : 0;
	time_t wait = p->waits[i < p->count ? i : p->count - 1], end = plan_end(p->give_up, env), next;

	if (now >= end)
		return 0;
	if (wait >= 10)
		wait += (time_t)(dice % (uint32_t)(wait / 10));
	next = now + wait < end ? now + wait : end;
	return env->by_mode && env->by > now && env->by < next ? env->by : next;
}

/* RFC 2852 4.1.3: the time has come, and nothing was said about it yet. */
static bool overdue(const struct envelope *env, time_t now)
{
	return env->by_mode == DELIVER_OR_NOTIFY && now >= env->by && env->warned < (env->by > 1 ? env->by : 1);
}

bool plan_warn(const struct plan *p, const struct envelope *env, time_t now)
{
	bool slow = p->warn_after && !env->warned && now - envelope_start(env) >= p->warn_after;

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
