/*
 * NAME
 *	sched - the queue's one mind: arrivals, routing, retries, expiry, hand-outs
 * DESCRIPTION
 *	What the parts of mta-sched share. Each message is in one of three states here:
 *
 *	waiting	40 bytes in waits, the rest on disk in out/
 *	active	its envelope in memory (struct message), jobs for it queued or running
 *	unknown	on disk only: in/ before its arrival is noticed, out/ before the start has come to it
 *
 *	A job goes to a send process and comes back as a result, or the process dies and
 *	the job's recipients are deferred. When the last job of a message is back, the message
 *	is finished: reports first, then the new state on disk, or the message removed.
 */
#ifndef MTA_SCHED_H
#define MTA_SCHED_H

#include "common/io/loop.h"
#include "common/keeper/role.h"
#include "common/queue/bounce.h"
#include "common/queue/destination.h"
#include "common/queue/made.h"
#include "common/queue/plan.h"
#include "common/queue/route.h"
#include "common/queue/wish.h"
#include "mta/job.h"
#include "mta/line.h"
#include "mta/waits.h"

enum {
	INS		= 3,		/* in/sub, in/net, in/own */
	ACTIVE_MAX	= 1000,		/* envelopes in memory at once, and as many again of who sends little: some 20 MB */
	ACTIVE_BUCKETS	= 2048,
	ORIGIN_ACTIVE	= ACTIVE_MAX / 4,	/* of one sender */
	ORIGIN_FEW	= 10,		/* who has fewer sends little */
	MESSAGE_MEMORY	= 256 << 20,	/* one envelope of ENVELOPE_MAX, parsed, and its results */
};

/* Who sends: a login, or an address. Lives as long as something of it is under way. */
struct origin {
	struct origin	*same;		/* of this bucket */
	unsigned	 active;
	struct waits_lot parked;	/* has much under way: the rest of it waits on disk */
	char		 name[];
};

enum kept { KEPT_STATUS, KEPT_ANSWER, KEPT_REMOTE, KEPT };

/* An active message. */
struct message {
	struct message	*same;		/* of this bucket */
	struct arena	*arena;
	struct origin	*origin;
	struct message	*next;		/* of those that could not be finished */
	const char	*kept[KEPT];	/* the last that a recipient heard */
	const char	*no_room;	/* a destination whose line is full; NULL */
	bool		 astray;	/* its ways could not be found out now */
	struct envelope	 env;
	unsigned	 jobs;		/* queued or running; 1 more while they are being made */
	bool		 changed;	/* since the envelope was written */
	ms_t		 noted;		/* last time that it was, by note() */
	bool		 lost;		/* its text is gone */
	bool hurry; /* a person asked for a try: now, whatever the envelope says */
	enum wish	 wish;		/* to be fulfilled when its jobs are back */
};

/* A job that waits for its turn, or runs. Lives in its message's arena. */
struct task {
	struct line_item item;			/* first */
	struct message	*msg;
	struct dest	*dest;
	size_t		 count, bytes;		/* bytes of its packet, nearly */
	uint32_t	*rcpts, room;		/* places in msg->env.rcpts */
	const char *destination, *words; /* where to, and how: for way_read() onto way_plain */
	const char	*retry;			/* waits of its own, for plan_own(), or "" */
};

struct arrival { char id[ID_SIZE]; unsigned in; };

struct sched {
	struct role_self self;
	struct loop	*loop;
	struct station	 in[INS], out, local, hold;
	int		 ask;			/* out/ask: an admin's wishes */
	int		 lock;			/* out/, held: one sched for a queue */
	struct plan	 plan;
	struct bounce	 bounce;
	int		 made;			/* out/made: reports that may not be noted yet */
	int		 clerk;			/* -1: not connected */
	int		 watch, watch_in[INS], watch_ask;
	struct arrival	*arrivals;		/* noticed, not yet routed: a ring that grows */
	size_t		 arrived_at, arrived_n, arrived_room;
	bool		 look_again;		/* in/ holds what could not be routed now */
	int		 sign;			/* -1: not connected */
	ms_t		 no_keys_until;		/* nobody is asked before */
	struct arena	*spare;			/* for the next envelope */
	struct waits	 waits;
	struct message	*active[ACTIVE_BUCKETS];	/* by id */
	size_t		 active_n;
	struct origins	*origins;
	struct dests	*dests;
	struct ways	*ways;
	struct loop_timer *due_timer, *arrival_timer, *trouble_timer, *note_timer;
	struct message	*troubled;		/* what became of them could not be written */
	struct loading	*loading;		/* while those who wait in out/ are looked for */
	bool		 ending;		/* no new jobs; stop when the last is back */
	struct packet	 packet;
};

/* sched.c */
void sched_look_for_wishes(struct sched *s);	/* left while we were not there, or not announced */
void sched_wish(struct sched *s, const char *name);	/* this one, if it is one */

/* arrive.c */
/* First of all: end what a crash has cut off, before what is in out/ goes out, and nobody could tell that it did. */
void arrive_settle(struct sched *s);
void arrive_start(struct sched *s);		/* watch, and look at what is there */
void arrive_scan(struct sched *s);		/* the slow scan */

/* message.c */
struct arena *message_arena(struct sched *s);	/* for an envelope to come */
struct message *message_find(struct sched *s, const char *id);		/* active; NULL */
struct message *message_adopt(struct sched *s, struct arena *a, const struct envelope *env);	/* takes a */
void message_make_tasks(struct sched *s, struct message *m);
void message_finish(struct sched *s, struct message *m);
void message_task_done(struct sched *s, struct task *t, const struct job_result *r);
void message_note_all(struct sched *s);		/* what became of those that are still active */
/* Log why and put on hold what can not be carried on. */
void message_quarantine(struct sched *s, const struct station *from, const char *id, const struct err *why);

/* due.c */
void message_start(struct sched *s, struct arena *a, const struct envelope *env);	/* fresh; takes a */
void message_found(struct sched *s, const char *id);	/* it is in out/; who knows it already stays as it is */
void due_look_at_clock(struct sched *s);	/* before it is asked whether a message is late */
void message_arm(struct sched *s);		/* set the timer for who is due next */
bool message_wish(struct sched *s, const char *id, enum wish wish);	/* false: it will be done later */

/* load.c */
void load_begin(struct sched *s);		/* look for those who wait in out/ */
void load_all_now(struct sched *s);		/* who is not found yet is due when it is */

/* ways.c */
/* Where a recipient goes: the name under which jobs meet, and what a task knows. */
struct heading { const char *name, *destination, *words, *retry; unsigned connections; };
struct ways_found { struct dir_way way; const char *domain; };
struct ways *ways_new(void);
/* Those of all recipients that are due. False: the clerk can not be asked now. Memory from m. */
bool ways_find(struct sched *s, struct message *m, time_t now, struct ways_found **found,
    size_t *count, struct err *e);
/* False: the recipient's address has no domain. */
bool ways_head(const struct sched *s, struct message *m, const struct rcpt *r,
    const struct ways_found *found, size_t count, struct heading *out);

/* origin.c */
struct origins *origins_new(void);
struct origin *origin_get(struct sched *s, const struct envelope *env);
void origin_put(struct sched *s, struct origin *o);		/* when nobody needs it */
bool origin_may_start(const struct sched *s, const struct origin *o, bool fresh);
bool origin_has_much(const struct origin *o);
void origin_finished(struct sched *s, struct origin *o);	/* one of its messages is no longer active */

/* sign.c */
/*
 * Did it begin here? Only then we answer for it: to sign what a stranger sent in our name, because it is
 * forwarded, would turn a forgery into proof.
 */
bool sign_is_ours(const struct envelope *env, const struct conf_list *networks);
/* Ask for signatures, and note them in env. False, TEMP: not now. Without keys, or when it can not be signed: true. */
bool sign_message(struct sched *s, const struct station *from, struct envelope *env,
    struct arena *a, struct err *e);

/* dest.c */
struct dests *dests_new(struct sched *s);
void dests_begin(struct sched *s);		/* in the jail: open what is remembered */
void dests_end(struct sched *s);		/* write it down */
void dests_sift(struct sched *s);		/* forget what is old */
/* False: there is no room for it. It may come back at once, by message_task_done. */
bool dests_queue(struct sched *s, struct task *t, const char *name, unsigned connections);
/* A message that is not active, until there is room. */
void dests_park(struct sched *s, const char *id, const char *name, bool hurry);
void dests_pump(struct sched *s);		/* start what may be started */
bool dests_running(const struct sched *s);
void dests_wish(struct sched *s, const char *name);	/* a file in out/ask: queue/destination.h */
void dests_forgive(struct sched *s);		/* forget who was unreachable */

#endif
