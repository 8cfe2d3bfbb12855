/*
 * NAME
 *	waits - which message is due next, and which wait for room
 * DESCRIPTION
 *	All that sched keeps in memory of the messages that are not under way: some 40 bytes for
 *	each. A message is here once: in the heap of times, or in a lot, a queue of those that
 *	would be due, but for whom there is no room yet (at their destination, or because their
 *	sender has much under way already). Found by its id at once. A time of 0 means now,
 *	whatever the envelope says.
 */
#ifndef MTA_WAITS_H
#define MTA_WAITS_H

#include <stdbool.h>
#include <time.h>

#include "common/queue/envelope.h"

enum { WAIT_ID = 16 };

struct wait { uint32_t next; char id[WAIT_ID]; };

/* Places in waits->all, from 1. Zeroed it is empty. */
struct waits_lot { uint32_t first, last; };

struct waits_one;

struct waits {
	struct waits_slot { uint32_t next, one; } *heap;
	size_t		  count, room;		/* of the heap */
	struct waits_one *all;			/* of heap and lots; all[0] is nobody */
	uint32_t	  used, all_room, spare;
	uint32_t	 *buckets, bucket_n;	/* by id; as many as a power of two */
};

void waits_add(struct waits *w, const char *id, time_t next);	/* who is there already gets the new time */
bool waits_has(const struct waits *w, const char *id);
bool waits_first(const struct waits *w, time_t *next);		/* false: nobody has a time */
bool waits_take(struct waits *w, time_t now, struct wait *out);	/* the first, when it is due */
bool waits_take_id(struct waits *w, const char *id);		/* false: not here */
void waits_all_now(struct waits *w); /* but those in lots, who are due anyway */
void waits_recall(struct waits *w, time_t latest, time_t now);	/* whose time is later than latest is due now */

/* Last in the lot. hurry: its time will be 0. */
void waits_park(struct waits *w, struct waits_lot *lot, const char *id, bool hurry);
bool waits_unpark(struct waits *w, struct waits_lot *lot,
    time_t next); /* its first has a time again; false: it is empty */
void waits_free(struct waits *w);

#endif
