/*
 * NAME
 *	plan - when to try again, when to give up, when to tell the sender
 * DESCRIPTION
 *	Pure: the clock and the dice are arguments. RFC 5321 4.5.4.1 wants some 30 minutes
 *	between tries and 4 to 5 days in all; the settings say how long exactly.
 */
#ifndef COMMON_QUEUE_PLAN_H
#define COMMON_QUEUE_PLAN_H

#include <time.h>

#include "common/base/span.h"
#include "common/queue/envelope.h"

enum { PLAN_WAITS_MAX = 32 };

struct plan {
	time_t	waits[PLAN_WAITS_MAX];	/* after the first, second ... try; the last repeats */
	size_t	count;
	time_t	give_up;		/* age of a message at which we stop */
	time_t	warn_after;		/* age at which the sender hears of the delay; 0 = never */
};

/* Words like "5m" "1h30m" "90"; what is no time is passed over, and without any it is one hour. */
void plan_init(struct plan *p, const char *const *words, size_t count, time_t give_up, time_t warn_after);
/*
 * When to try a recipient again that was tried `tries` times (at least once), the last time
 * now. Spread by a tenth, so that a thousand messages deferred together do not come back
 * together. The last try is made when the time is up; after it: 0, give up. A time by which
 * it is wanted is waited for exactly.
 */
time_t plan_next(const struct plan *p, const struct envelope *env, time_t now, unsigned tries, uint32_t dice);
/* When it is over. A message that was held counts from its release. */
time_t plan_end(time_t give_up, const struct envelope *env);
/* RFC 2852: it was wanted back when not delivered by now. Then e is PERM 5.4.7, and no try is made any more. */
bool plan_too_late(const struct envelope *env, time_t now, struct err *e);
/* Is it time to tell the sender that recipients still wait? Once in the life of a message,
   and once when the time has come by which it was wanted (RFC 2852, by-mode N). */
bool plan_warn(const struct plan *p, const struct envelope *env, time_t now);
/* The earliest next try of all that wait; 0 = at once, -1 = nobody waits. */
time_t plan_first(const struct envelope *env);

#endif
