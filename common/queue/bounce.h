/*
 * NAME
 *	bounce - tell the sender what became of a message
 * DESCRIPTION
 *	Writes a report (mail/report.h, RFC 3464) as a new message with the null sender into
 *	in/own, for sched and for pick. NOTIFY and RET of the original are honoured (RFC 3461 5.2).
 *	A message with the null sender has nobody to tell: when it fails, a copy of the
 *	report goes to the postmaster (a double bounce); when that fails too, be it where the
 *	postmaster's mail is forwarded to, the message is to be put on hold (BOUNCE_HOLD) and a person looks.
 *	After true the report is on disk, or nobody had to be told. Do it first, note the new states
 *	(RCPT_TOLD) after, and then say so (bounce_noted): a crash between leaves marks (made.h), which
 *	tell that the report was made when it is to be made again.
 */
#ifndef COMMON_QUEUE_BOUNCE_H
#define COMMON_QUEUE_BOUNCE_H

#include "common/mail/report.h"
#include "common/queue/queue.h"

struct bounce {			/* who we are; the same for all messages */
	const struct station	*own;		/* in/own */
	int			 made;		/* made_open() of the station where our messages are */
	const char		*our_name;
	const char *postmaster; /* address or bare name; without a domain ours is added */
	time_t			 give_up;	/* seconds, for delay reports */
};

enum bounce_to { BOUNCE_NOBODY, BOUNCE_SENDER, BOUNCE_POSTMASTER, BOUNCE_HOLD };

/* Pure: who hears of a failure of this recipient? */
enum bounce_to bounce_whom(const struct envelope *env, const struct rcpt *r, const char *postmaster);

/*
 * Report all recipients in RCPT_FAILED, and make them RCPT_TOLD. hold: some have nobody to be
 * told; they stay RCPT_FAILED. text: descriptor of ID.m. The report's id goes to the log.
 */
bool bounce_failed(const struct bounce *b, struct envelope *env, int text, time_t now, bool *hold, struct err *e);
/*
 * Report a delay of all that wait (and want to hear of it), and set env->warned. Where nobody said what
 * he wants to hear, mail of programs and lists (bounce_is_bulk) causes no such report.
 */
bool bounce_delayed(const struct bounce *b, struct envelope *env, int text, time_t now, struct err *e);
bool bounce_is_bulk(struct span header);		/* pure */
/*
 * Pure: is the sender told that a recipient was handed on? When he asked for success and the next server says
 * nothing of it (dsn: it does); or for a report of lateness that he has not had yet, of which the next server
 * knows nothing (by: it does), or for a trace: RFC 2852.
 */
bool bounce_tells_relayed(const struct envelope *env, const struct rcpt *r, bool dsn, bool by);
bool bounce_relayed(const struct bounce *b, const struct envelope *env, struct rcpt *r,
    int text, time_t now, struct err *e);
/* One recipient asked for NOTIFY=SUCCESS and was delivered or expanded. */
bool bounce_success(const struct bounce *b, const struct envelope *env, struct rcpt *r,
    enum report_kind kind, int text, time_t now, struct err *e);
/* What was told is noted in the envelope, or that is gone. */
void bounce_noted(const struct bounce *b, struct envelope *env);

#endif
