/*
 * NAME
 *	quota - how much a mailbox holds, and how much more it may
 * DESCRIPTION
 *	maildirsize of Maildir++, as Courier and Dovecot keep it: the first line says the limits
 *	("20480S"), each line behind it adds "BYTES COUNT" to what is there. Who puts a message
 *	in or takes one out appends a line; a line is one write(2) behind the end, so writers need
 *	no lock. All folders count, Trash too, and also what is marked \Deleted.
 *	The file is a hint that anybody may delete. It is counted anew from the Maildir when it is missing,
 *	damaged, above QUOTA_FILE_MAX, made for another limit, or when it says that there
 *	is no room and is not fresh: one line alone, younger than QUOTA_FRESH_S.
 *	Nothing is flushed: after a crash the worst is a count that is wrong until it says "full".
 * FILES
 *	MAILDIR/maildirsize, and MAILDIR/tmp/posthorn-quota.PID while it is made
 * BUGS
 *	Only deliveries wait for one another: what comes by APPEND meanwhile may pass the limit. A message
 *	that somebody removes without a line is counted until the next count.
 */
#ifndef COMMON_STORE_QUOTA_H
#define COMMON_STORE_QUOTA_H

#include <time.h>

#include "common/base/err.h"
#include "common/base/str.h"

enum {
	QUOTA_FILE_MAX	= 5120,		/* Maildir++ says so */
	QUOTA_FRESH_S	= 15 * 60,
	QUOTA_LOCK_S	= 30,
};

struct quota {
	uint64_t	limit;		/* bytes; 0 = none is told */
	int64_t		bytes, count;	/* what is there: never negative after quota_parse() */
	unsigned	lines;		/* behind the first */
};

/* Pure. False: no maildirsize, count anew. */
bool quota_parse(struct span text, struct quota *q);
void quota_print(const struct quota *q, struct str *out);
uint64_t quota_room(const struct quota *q, uint64_t limit);
/* May its "no room" be believed? age_s: since it was last written to. */
bool quota_is_fresh(const struct quota *q, time_t age_s);

/* What the folders of root hold now, by the names of the files. */
bool quota_count(int root, struct quota *q, struct err *e);
/*
 * One delivery at a time, from the question until its message is told: two would both find the last room.
 * A descriptor to close, or -1 and TEMP after QUOTA_LOCK_S. A kernel lock on tmp/: it dies with its owner.
 */
int quota_lock(int root, struct err *e);
/*
 * How many of limit bytes are left in the Maildir root for a message of wanted bytes. The answer is by the file where
 * that says enough, by counting otherwise; that it was counted a moment ago and too little is enough to delay a
 * message, and not (sure) to return it: a process may have died between taking mail out and telling so.
 * False: could not tell, TEMP.
 */
bool quota_ask(int root, uint64_t limit, uint64_t wanted, bool sure, time_t now, uint64_t *room,
    struct err *e);
/* So much came (or went, when negative). Without the file nothing happens. */
void quota_add(int root, int64_t bytes, int64_t count);
/* More changed than lines can say: count anew at the next question. */
void quota_forget(int root);

#endif
