/*
 * NAME
 *	pick - what the local station's one reader knows
 * DESCRIPTION
 *	pick.c watches local/new and has the loop; message.c carries one message through: who is
 *	behind each recipient, what became of it; forward.c makes the new message of an
 *	alias that points elsewhere, or of a report that goes back; worker.c has the deliver processes; wishes.c does what
 *	a person asks for.
 *	A message is known from when its envelope is seen until it leaves the station. It is at work,
 *	or ready (in the line), or waits for its time.
 */
#ifndef MDA_PICK_H
#define MDA_PICK_H

#include "common/io/loop.h"
#include "common/keeper/role.h"
#include "common/queue/bounce.h"
#include "common/queue/made.h"
#include "common/queue/plan.h"
#include "common/queue/queue.h"
#include "common/queue/wish.h"

enum {
	AT_WORK_MAX	= 64,		/* messages at once: enough for many disks, few enough for memory */
	TROUBLED_MAX	= AT_WORK_MAX / 2,	/* of these, whose state could not be written */
	MESSAGE_MEMORY	= 64 << 20,	/* an envelope of ENVELOPE_MAX, expanded */
	JOBS_MAX	= 8,		/* under way in one deliver process, before another is asked for */
	WRITE_AGAIN_S	= 5,		/* what could not be written */
	TRY_AGAIN_S	= 60,		/* after trouble with the queue itself */
};

struct worker;
struct message;

/* One mailbox to be delivered to. */
struct task {
	struct task	*next;		/* in its worker's line, or in the line for a worker */
	struct message	*message;
	size_t		 rcpt;
	uint64_t	 number;
	uint32_t	 uid, gid;
	const char	*home, *path;	/* the directory, and the Maildir below it */
	const char	*login;
	uint64_t	 quota;		/* bytes; 0 = none */
	bool		 again;
};

/* What became of one recipient so far. */
struct progress {
	unsigned	 open;		/* tasks not answered yet */
	bool		 tried;
	struct err trouble; /* the worst: TEMP beats PERM, so that nothing is given up early */
	const char	**forward;	/* addresses elsewhere */
	size_t		 forward_count;
	size_t		 targets;	/* all of them, mailboxes too */
	bool back; /* it is a report, and goes on to the sender of what we forwarded */
	bool		 owned;		/* it is a list with an owner: it has the message, and its members are his business */
	bool		 made;		/* its forward, and the mark is there still */
	bool		 passed_on;	/* the sender's wishes went along, all of them: nothing to report from here */
};

struct message {
	struct message	*next_known, *next_ready;
	struct loop_timer *timer;
	char		 id[ID_SIZE];
	bool again; /* was here when we started: a delivery may be done already */
	bool		 at_work, is_ready;
	bool		 urgent;	/* all that wait are tried, whatever their time */
	enum wish	 wish;		/* to be done when no delivery of it is under way */
	/* at work: */
	struct arena	*memory;
	struct envelope	 env;
	struct progress	*progress;	/* one for each recipient */
	unsigned open; /* recipients not finished, and one while they are being started */
	int		 text;
};

struct pick {
	struct role_self self;
	struct loop	*loop;
	struct station	 local, hold, own;
	int		 made;		/* local/made: forwards that may not be noted yet */
	struct plan	 plan;
	struct bounce	 bounce;
	int		 clerk;		/* -1: to be asked for again */
	int		 ask;		/* local/ask: wishes; -1 */
	char full[4096]; /* where mailboxes without room are marked; common/directory/full.h */
	int		 watch, watch_new, watch_ask;
	struct message	**known;	/* hash by id */
	size_t		 slots, count;
	struct message	*ready, **ready_end;
	unsigned	 at_work, troubled;
	struct arena	*spare[AT_WORK_MAX];
	size_t		 spares;
	struct worker	*workers;
	struct task	*waiting, **waiting_end;	/* for a deliver process */
	struct loop_timer *waiting_timer;
	ms_t ask_again; /* when the keeper may be asked for one more deliver process */
	uint64_t	 tasks;		/* so many were numbered */
};

/* --- pick.c --- */
void pick_more(struct pick *p); /* begin with ready messages, as many as may be at work */
struct message *pick_find(struct pick *p, const char *id);	/* NULL: not known */
void pick_now(struct pick *p, struct message *m);	/* into the line, wherever it waits; not while at work */
void pick_later(struct pick *p, struct message *m, time_t when);
void pick_finish_later(struct pick *p, struct message *m); /* message_finish_again(), in a while */
void pick_look_at_clock(struct pick *p); /* before it is asked whether a message is late */
void pick_forget(struct pick *p, struct message *m);
const char *pick_folder(const struct pick *p, const struct envelope *env); /* "" is the inbox */
void pick_base(const struct pick *p, const struct envelope *env, const struct rcpt *r, char *base,
    size_t size);

/* --- message.c: neither begins with another message; who calls from the loop does so after --- */
void message_begin(struct pick *p, struct message *m);
void message_finish_again(struct pick *p, struct message *m);	/* it could not be finished, and is at work still */
void message_note(const struct pick *p, struct message *m);	/* at work: what is known of it so far */
void message_answer(struct pick *p, const struct task *t, const struct err *trouble);	/* NULL: delivered */
/* Tell the clerks of a mailbox with a quota: e is what became of the task, room what was left when it was full. */
void message_tell_room(const struct pick *p, const struct task *t, const struct err *trouble, uint64_t room);

/* The sender that a forward of mail to recipient goes out from. owned: who looks after it as a list. */
bool message_forward_sender(struct pick *p, const struct message *m, const char *recipient,
    const char **from, bool *owned, struct err *e);

/* --- forward.c --- */
/* All addresses of a recipient as one new message in in/own. */
bool forward_send(struct pick *p, const struct message *m, size_t rcpt, struct err *e);
/* What was forwarded is noted in the envelope, or that is gone. */
void forward_noted(const struct pick *p, const struct message *m);

/* --- wishes.c --- */
void wishes_heard(struct pick *p, const char *name);	/* a file in local/ask */
void wishes_look(struct pick *p);			/* what was left while we were not there */

/* --- worker.c --- */
void worker_give(struct pick *p, struct task *t);

#endif
