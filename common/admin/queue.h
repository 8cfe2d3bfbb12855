/*
 * NAME
 *	queue - what the parts of `posthorn queue` share
 * DESCRIPTION
 *	A choice is what options like --sender say about messages: all that are said must fit.
 *	A desk is the queue with all its stations open, and a list of places: where the messages
 *	lie that something is to be done with.
 */
#ifndef COMMON_ADMIN_QUEUE_H
#define COMMON_ADMIN_QUEUE_H

#include "common/conf/conf.h"
#include "common/queue/queue.h"
#include "common/queue/wish.h"

enum {
	STATIONS	= 6,
	HOLD		= 5,		/* among them */
	QUEUE_MEMORY	= 256 << 20,
	QUEUE_PRINT	= 64 << 20,	/* of one message in a list */
};

/* In the order of a message's way. */
extern const char *const queue_stations[STATIONS];

/* --- queue-choice.c --- */

struct choice {
	const char	*sender, *recipient, *destination, *login;	/* NULL: any */
	uint64_t	 older;			/* seconds since its arrival, at least */
	bool		 all;			/* said so */
	bool		 any_station, in[STATIONS];
};

/* Takes options out of argv; a negative code: go on. */
int choice_read(int *argc, char **argv, struct choice *c);
bool choice_is_made(const struct choice *c);		/* was any option given? */
/* Must the envelope be read, to know whether it is chosen? */
bool choice_asks(const struct choice *c);
bool choice_fits(const struct choice *c, const struct envelope *env, time_t now);
int choice_station(const char *name);			/* -1: no station of that name */

/* --- queue-desk.c --- */

struct place { int station; char id[ID_SIZE]; };

struct desk {
	struct conf	 conf;
	int		 queue;
	struct station	 st[STATIONS];
	bool		 open[STATIONS];	/* we may look into it */
	struct arena	*memory;		/* for one envelope */
	struct place	*places;
	size_t		 count, room, shown;
	int		 code;			/* the last thing that went wrong */
};

int desk_open(struct desk *d); /* EX_ code; after a failure there is nothing to close */
void desk_close(struct desk *d);
void desk_add(struct desk *d, int station, const char *id);
void desk_find(struct desk *d, const char *id);	/* says so when it is nowhere */
void desk_choose(struct desk *d, const struct choice *c);
/* The envelope of a place, in memory until the next. False: code is set, unless it is gone by now. */
bool desk_read(struct desk *d, const struct place *p, struct envelope *env);

/* --- queue-change.c --- */

enum change { CHANGE_RETRY, CHANGE_HOLD, CHANGE_RELEASE, CHANGE_REQUEUE, CHANGE_BOUNCE, CHANGE_DELETE };

/* Do it at all places; via only for REQUEUE: HOST[:PORT], or "". */
void queue_change(struct desk *d, enum change change, const char *via);

/* --- queue-list.c, queue-count.c --- */

int queue_list(int argc, char **argv);
int queue_count(int argc, char **argv);
void queue_show(const struct station *st, const struct envelope *env, bool first);
void queue_json(const char *station, const struct envelope *env, struct str *out);
const char *queue_ago(time_t seconds, char out[24]);		/* "3m12s", "2d4h" */

#endif
