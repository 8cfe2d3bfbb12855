/*
 * NAME
 *	trace - what the parts of `posthorn trace` share
 * DESCRIPTION
 *	A life is a message with an id, its events the lines about it in log or history. First
 *	the ids are found that a word speaks of, then all their events, then those of the
 *	messages that they were made of or that were made of them, until there are no more.
 */
#ifndef COMMON_ADMIN_TRACE_H
#define COMMON_ADMIN_TRACE_H

#include "common/admin/queue.h"
#include "common/mail/logline.h"

struct event {
	struct logline	line;
	int64_t		us;		/* of the line, or of the last before it that had a date */
	size_t		order;		/* in which it was read */
	size_t life; /* its place among them, or NO_LIFE: an event without an id */
};

#define NO_LIFE SIZE_MAX

struct life {
	char		 id[ID_SIZE], parent[ID_SIZE];	/* parent: "" for none that we know */
	unsigned	 round;		/* in which it was met */
	size_t		 first, count;	/* its events, once they are sorted */
	bool		 shown;
};

/* A text with lines; day: of a file of the history. */
struct source { struct span text; time_t day; bool is_mapped; };

struct trace {
	struct desk	*desk;		/* NULL: logs of elsewhere are read */
	time_t		 since;		/* 0: as far as there is something */
	time_t		 loaded;	/* the history from this day on is there */
	size_t		 last;		/* so many messages at most, the newest */
	size_t		 left_out;
	struct source	*sources;
	size_t		 source_n, source_room;
	struct life	*lives;		/* by id */
	size_t		 life_n, life_room, sorted;	/* the first of them are in order */
	struct event	*events;
	size_t		 event_n, event_room;
	int		 code;
};

/* --- trace-source.c --- */

bool trace_load_log(struct trace *t, const char *path);		/* "-": standard input. False: code is set */
void trace_load_history(struct trace *t, time_t since);		/* days that are not there yet */
void trace_unload(struct trace *t);

/* --- trace-find.c --- */

/* word: an id, a Message-ID, an address, "@domain", or a client's IP address. */
void trace_find(struct trace *t, const char *word);

/* --- trace-print.c --- */

void trace_print(struct trace *t);

#endif
