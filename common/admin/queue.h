/*
 * NAME
 *	queue - what the parts of `posthorn queue` share
 */
#ifndef COMMON_ADMIN_QUEUE_H
#define COMMON_ADMIN_QUEUE_H

#include "common/queue/queue.h"

enum { STATIONS = 6, QUEUE_MEMORY = 256 << 20 };

/* In the order of a message's way. */
extern const char *const queue_stations[STATIONS];

/* Open the queue of the settings and call each station that may be read; EX_ code. */
int queue_list(int argc, char **argv);
void queue_show(const struct station *st, const struct envelope *env);
const char *queue_ago(time_t seconds, char out[24]);		/* "3m12s", "2d4h" */

#endif
