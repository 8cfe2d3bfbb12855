/*
 * NAME
 *	waits - which message is due next
 * DESCRIPTION
 *	A heap of ids by time, 20 bytes for each message: all that sched keeps in memory of
 *	the messages that wait. A time of 0 means now, whatever the envelope says.
 */
#ifndef MTA_WAITS_H
#define MTA_WAITS_H

#include <time.h>

#include "common/queue/envelope.h"

struct wait { uint32_t next; char id[16]; };

struct waits { struct wait *heap; size_t count, room; };

void waits_add(struct waits *w, const char *id, time_t next);
const struct wait *waits_first(const struct waits *w);		/* NULL: none */
bool waits_take(struct waits *w, time_t now, struct wait *out);	/* the first, when it is due */
bool waits_take_id(struct waits *w, const char *id);		/* false: not here. Looks through all */
void waits_all_now(struct waits *w);

#endif
