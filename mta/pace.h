/*
 * NAME
 *	pace - how many conversations a destination gets, and when it is left alone
 * DESCRIPTION
 *	Pure: clocks and counts are arguments. A destination begins with few conversations at
 *	once, gets one more for each round of messages that it took while all it may have were
 *	at work, and half of them when it says that it is too much. What it refused then it is
 *	not offered again for a while. One that can not be reached is tried again after a minute,
 *	then after twice that, and so on, by one conversation. What is known stands in struct
 *	pace (queue/destination.h), which outlives us.
 */
#ifndef MTA_PACE_H
#define MTA_PACE_H

#include <time.h>

#include "common/queue/destination.h"

struct pace_rules {
	unsigned first, most;	/* conversations */
	time_t	 polite_for;	/* so long a refusal is remembered */
	time_t	 down_first, down_most;
};

/* Conversations that it may have now. */
unsigned pace_limit(const struct pace *p, const struct pace_rules *r, time_t now);
/* It took a message, when so many conversations were at work, that one too. */
void pace_took(struct pace *p, const struct pace_rules *r, unsigned running, time_t now);
/* Does it say that we ask too much? answer: with its code in front; our own words never do. */
bool pace_is_refusal(const char *status, const char *answer);
void pace_refused(struct pace *p, unsigned running, time_t now);
/* It could not be reached: for so many seconds nobody tries. */
time_t pace_failed(struct pace *p, const struct pace_rules *r);

/*
 * May a destination with so many running conversations have one more, when `free` of all
 * `total` are? Never more than are left for others, so that the next destination finds one
 * free at once; and those who were not reached last time share one half of all.
 */
bool pace_may(const struct pace *p, const struct pace_rules *r, unsigned running, unsigned free,
    unsigned total, time_t now);

#endif
