/*
 * NAME
 *	wish - what a person wants done with a message in the queue
 * DESCRIPTION
 *	out/ has one mind, sched; while it runs, nobody else changes a message there. A person
 *	leaves a wish: an empty file STATION/ask/ID.VERB ("all.retry" for all). sched sees it,
 *	does it when no delivery of that message is under way, and removes the file. Who reads
 *	a station holds a lock on its directory (flock); when nobody does, the
 *	command does the work itself.
 */
#ifndef COMMON_QUEUE_WISH_H
#define COMMON_QUEUE_WISH_H

#include "common/queue/queue.h"

enum wish { WISH_NONE, WISH_RETRY, WISH_HOLD, WISH_DELETE, WISH_BOUNCE };

#define WISH_ALL "all"

/* "ID.retry", "all.retry" */
bool wish_parse(const char *name, char id[ID_SIZE], enum wish *wish);
const char *wish_name(enum wish wish);
int wish_open(const struct station *st);	/* its ask/; -1 errno */
bool wish_leave(int ask, const char *id, enum wish wish, struct err *e);
bool wish_waits(int ask, const char *id, enum wish wish);	/* not yet done */
void wish_done(int ask, const char *id, enum wish wish);
/* Become the one reader of a station. False: somebody is. The lock ends with the process. */
bool station_lock(const struct station *st);
bool station_wait(const struct station *st);	/* until that is so */
/* Change the envelope in memory: next try at once, or at its release; or give up all that wait. */
void wish_retry(struct envelope *env);
void wish_bounce(struct envelope *env);

#endif
