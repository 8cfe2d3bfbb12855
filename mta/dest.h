/*
 * NAME
 *	dest - destinations, and the send processes that go there
 * DESCRIPTION
 *	What dest.c, dest-memory.c and crew.c share; the rest of sched sees sched.h. A destination that has
 *	jobs and may have another conversation (pace.h) stands in a row of those whose turn is
 *	next: in that of the quick, when a fresh message to one person or an urgent one is first in
 *	its line, else in the other, which has every fourth turn; perhaps in both. So a letter to
 *	many domains delays no letter to one. A send process that has done a job takes the next
 *	one for the same destination over its open connection, up to STREAK of them while others
 *	wait. More jobs than a line (line.h) has room for are not made: their messages wait on
 *	disk, as a lot.
 */
#ifndef MTA_DEST_H
#define MTA_DEST_H

#include "mta/crowd.h"
#include "mta/line.h"
#include "mta/pace.h"
#include "mta/sched.h"

enum { QUICK, OTHERS, ROWS };

struct row { struct dest *first, **end; };

struct dest {
	struct dest	  *same;	/* of this bucket */
	struct dest	  *turn[ROWS];	/* who is next in a row */
	bool		   in_row[ROWS];
	struct line	   line;
	struct waits_lot   parked;	/* messages for whom the line has no room */
	unsigned	   running;
	unsigned	   most;	/* conversations, as its way says; 0 = any number */
	ms_t		   down_until;
	struct destination known;
	bool		   learned;	/* since known was written down */
	char		   name[];
};

/* One send process. */
struct sender {
	struct sender	 *next;
	struct sched	 *s;
	int		  fd;
	struct loop_io	 *io;
	struct task	 *task;			/* NULL: idle */
	struct dest	 *dest;			/* of the task, or of the last */
	char		  last[ROUTE_NAME];	/* where its connection goes, if it still has one: */
	char		  host[ROUTE_NAME];	/* to that server */
	unsigned	  streak;		/* jobs for the same while others waited */
	ms_t		  idle_since;
};

enum { DEST_BUCKETS = 4096 };

struct dests {
	struct dest	 *buckets[DEST_BUCKETS];
	size_t		  count, sweep_at;
	struct row	  rows[ROWS];
	unsigned	  turns;
	struct pace_rules rules;
	struct crowd	  crowd;
	struct destinations *memory;
	int64_t		  forgiven;		/* whoever failed before is not known to be down */
	struct sender	 *senders;
	size_t		  sender_n, running;
	struct loop_timer *again, *reaper, *writer;
	struct arena	 *arena;		/* for one result */
};

/* dest.c */
void dest_task_back(struct sched *s, struct dest *d, struct task *t, const struct job_result *r);
/* x has done its job: something else for it, or it rests. */
void dest_next(struct sched *s, struct sender *x);
void dests_sweep(struct sched *s); /* write down what was learned, drop who has nothing to do */

/* dest-memory.c */
void dest_recall(struct dests *all, struct dest *d);
void dest_write_down(struct dests *all, struct dest *d);
void dest_learned(struct sched *s, struct dest *d);	/* it is written down soon */

/* crew.c */
struct sender *crew_get(struct sched *s, const struct dest *d);	/* who was just there, one that rests, or a new one */
bool crew_give(struct sched *s, struct sender *x, struct task *t, struct err *e);
void crew_watch(struct sched *s);		/* see to it that who rests too long ends */
void crew_pump_in(struct sched *s, int seconds);	/* dests_pump(), should nothing happen before */
/* That server refused another conversation. False: nobody of ours was there, as far as can be told. */
bool crew_refused(struct dests *all, const char *host);
bool crew_has_room(struct sched *s, const struct dest *d);	/* at the server where d went last */

#endif
