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

time_t plan_next(const struct plan *p, time_t arrived, time_t now, unsigned tries, uint32_t dice)
{
	size_t i = tries ? tries - 1 : 0;
	time_t wait = p->waits[i < p->count ? i : p->count - 1], end = arrived + p->give_up;

	if (now >= end)
		return 0;
	if (wait >= 10)
		wait += (time_t)(dice % (uint32_t)(wait / 10));
	return now + wait < end ? now + wait : end;
}

bool plan_warn(const struct plan *p, const struct envelope *env, time_t now)
{
	return p->warn_after && !env->warned && now - env->arrived >= p->warn_after && envelope_waiting(env);
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
