/* More, less, not now. See pace.h. */
#include "mta/pace.h"

#include "common/base/span.h"

enum { SAME_MOMENT_S = 5 };	/* conversations that were refused together are refused once */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned ceiling_of(const struct pace *p, const struct pace_rules *r, time_t now)
{
	unsigned most = p->ceiling ? p->ceiling : r->most;

	if (p->polite && now - p->refused < r->polite_for)
		most = least(most, p->polite);
	return most ? most : 1;
}

unsigned pace_limit(const struct pace *p, const struct pace_rules *r, time_t now)
{
	if (p->fails)
		return 1;
	return least(p->limit ? p->limit : r->first, ceiling_of(p, r, now));
}

void pace_took(struct pace *p, const struct pace_rules *r, unsigned running, time_t now)
{
	unsigned limit = pace_limit(p, r, now);

	if (p->fails)		/* it is back */
		limit = least(r->first, ceiling_of(p, r, now));
	p->fails = 0;
	p->limit = limit;
	if (running < limit || ++p->credit < limit)
		return;
	p->credit = 0;
	p->limit = least(limit + 1, ceiling_of(p, r, now));
}

/* RFC 3463: 4.3.2 takes no messages, 4.4.5 is congested. RFC 5321 3.8: 421 hangs up. */
bool pace_is_refusal(const char *status, const char *answer)
{
	static const char *const says[] = { "too many", "rate limit", "ratelimit", "throttl",
		"too fast", "try slower" };
	struct span s = span_of(answer);

	if (span_starts(s, "421"))
		return true;
	if (!span_starts(s, "4") || !is_digit(s.p[1]))
		return false;
	if (span_is(span_of(status), "4.3.2") || span_is(span_of(status), "4.4.5"))
		return true;
	for (; s.n; s = span_from(s, 1)) {
		for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
			if (span_starts(s, says[i]))
				return true;
		}
	}
	return false;
}

void pace_refused(struct pace *p, unsigned running, time_t now)
{
	if (p->refused && now >= p->refused && now - p->refused < SAME_MOMENT_S) {
		p->limit = least(p->limit, running > 1 ? running - 1 : 1);	/* but not asked again at once */
		return;
	}
	p->refused = now;
	p->polite = running > 1 ? running - 1 : 1;
	p->limit = p->polite > 1 ? p->polite / 2 : 1;
	p->credit = 0;
}

time_t pace_failed(struct pace *p, const struct pace_rules *r)
{
	time_t wait = r->down_first;

	for (unsigned i = 0; i < p->fails && wait < r->down_most; i++)
		wait *= 2;
	p->fails++;
	return wait < r->down_most ? wait : r->down_most;
}

bool pace_may(const struct pace *p, const struct pace_rules *r, unsigned running, unsigned free,
    unsigned total, time_t now)
{
	if (!free || running >= pace_limit(p, r, now))
		return false;
	if (p->fails && free <= total / 2)
		return false;
	return running < free;
}
