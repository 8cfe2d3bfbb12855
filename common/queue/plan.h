/*
 * NAME
 *	plan - when to try again, when to give up, when to tell the sender
 * DESCRIPTION
 *	Pure: the clock and the dice are arguments. RFC 5321 4.5.4.1 wants some 30 minutes
 *	between tries and 4 to 5 days in all; the settings say how long exactly, for each kind
 *	of failure.
 *
 *	Wall clocks jump, and hosts are switched off. So no message is given up for days in which
 *	nobody tried; a next try further ahead than any wait is long was written by a clock that
 *	went back since, and is due.
 */
#ifndef COMMON_QUEUE_PLAN_H
#define COMMON_QUEUE_PLAN_H

#include <time.h>

#include "common/base/span.h"
#include "common/queue/envelope.h"

enum {
	PLAN_WAITS_MAX	= 32,
	PLAN_AWAY_S	= 3600,		/* a try so much later than planned: we were away, or the clock jumped */
	PLAN_STEP_S	= 300,		/* a clock that moves so far at once was set */
	PLAN_DOUBT_S	= 86400,	/* after a step forward nobody is given up for so long */
};

/* What kind of failure it was. */
enum plan_class {
	PLAN_LATER,		/* the server said 4yz */
	PLAN_UNREACHABLE,	/* it never came to a transaction */
	PLAN_GREYLISTED,	/* who comes again soon is let in: RFC 6647 */
	PLAN_CLASSES,
};

struct plan_waits {
	time_t s[PLAN_WAITS_MAX];
	size_t count;
}; /* after the first, second ... try; the last repeats */

struct plan {
	struct plan_waits waits[PLAN_CLASSES];
	time_t	give_up;		/* age of a message at which we stop */
	time_t	warn_after;		/* age at which the sender hears of the delay; 0 = never */
	/* plan_clock()'s */
	bool	clock_known;
	time_t	clock_offset;		/* wall less monotonic */
	time_t	doubt_until;		/* the clock went forward: nobody is given up before */
};

/* A try that has just failed. */
struct plan_try {
	unsigned	 tries;		/* with it; at least 1 */
	time_t		 planned;	/* when it should have been made; 0 = at once */
	enum plan_class	 class;
};

enum plan_step { PLAN_STEADY, PLAN_FORWARD, PLAN_BACK };

/* Words like "5m" "1h30m" "90"; what is no time is passed over, and without any it is one hour. */
void plan_init(struct plan *p, const char *const *words, size_t count, time_t give_up, time_t warn_after);
/* The same for one class; without any it is as PLAN_LATER. */
void plan_waits(struct plan *p, enum plan_class class, const char *const *words, size_t count);
/* "5m,1h,4h" for one destination, in place of all but PLAN_GREYLISTED; none longer than the longest there was. */
void plan_own(struct plan *p, struct span waits);
/* answer: the server's line with its code in front, or our own words. */
enum plan_class plan_class(bool unreachable, const char *status, const char *answer);
/*
 * When to try a recipient again, now that a try has failed. Spread by a tenth, so that a
 * thousand messages deferred together do not come back together. The last try is made when
 * the time is up; after it: 0, give up. A time by which it is wanted is waited for exactly.
 * Greylisted it never waits longer than as PLAN_LATER, and more often than that class has waits
 * it goes on as that. Tries that came before their time, because a person asked for them, do
 * not make the waits longer.
 */
time_t plan_next(const struct plan *p, const struct envelope *env, const struct plan_try *t,
    time_t now, uint32_t dice);
/* Is it this recipient's time? */
bool plan_due(const struct plan *p, const struct envelope *env, const struct rcpt *r, time_t now);
time_t plan_longest(const struct plan *p); /* no next try is farther ahead, but for a release */
/* Tell it both clocks at least every PLAN_STEP_S: what has become of the wall's since the last time? */
enum plan_step plan_clock(struct plan *p, time_t wall, time_t monotonic);
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
