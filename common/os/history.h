/*
 * NAME
 *	history - what became of messages, kept for some weeks
 * DESCRIPTION
 *	Lines as in a log file, in DIR/2026-11-26: a file for each day of UTC. A help, and no
 *	promise: a line is one write(2) and is not flushed. Whatever goes wrong (no room, no
 *	right, no directory) loses the line and nothing else; mail goes on. Who may write below
 *	DIR but does not own what others make there says a suffix, for files of its own.
 *
 *	A day's file does not grow above its limit. Lines that a stranger can cause at will get
 *	half of that, so that they never keep out the others.
 * FILES
 *	QUEUE/history/WRITER/DAY[.SUFFIX]
 */
#ifndef COMMON_OS_HISTORY_H
#define COMMON_OS_HISTORY_H

#include <stdint.h>
#include <time.h>

#include "common/base/err.h"

enum { HISTORY_LINE = 4096 };

/* Nothing is opened before the first line. Without this call lines go nowhere. */
void history_open(const char *dir, const char *suffix, uint64_t day_max);
void history_add(const char *text, bool by_strangers);
/* The name of a day's file; "" for one that is none. */
bool history_day(const char *name, time_t *begins);
void history_name(time_t when, char out[16]);
/* Remove days in all directories below QUEUE/history that ended more than keep_s ago. */
void history_sweep(const char *history, uint64_t keep_s, time_t now);

#endif
