/*
 * NAME
 *	queue - stations of the queue on disk
 * SYNOPSIS
 *	struct queue_put *q = queue_put_open(&station, id, &e);
 *	queue_put_bytes(q, lf_text); ...	first our header lines, then the message
 *	ok = queue_put_commit(q, &env, &e);	... or queue_put_drop(q);
 * DESCRIPTION
 *	QUEUE/in/sub, in/net, in/own, out, local, hold; each with tmp/ and new/. A message is
 *	ID.m (text) and ID.e (envelope) in new/, and exists when ID.e does. Who writes and who
 *	reads each station: posthorn-queue(7).
 *
 *	When queue_put_commit() returns true the message is on disk and somebody will deliver
 *	or bounce it; the caller may now say 250. Bytes may fail silently; commit tells. Both
 *	ends free q. commit fills env's id, sizes and checksum (and arrival, when it is 0).
 *	A text of up to QUEUE_HELD bytes is not on disk before the commit.
 *
 *	Until the commit the text is in the making: queue_put_read() shows what was put so far,
 *	queue_put_replace() gives it another beginning. So header lines that need the
 *	whole body first (a signature, Authentication-Results) get in, and a field that a
 *	stranger forged gets out, before anybody can see the message. What is held in memory
 *	is written once all the same; a larger text is written a second time and the
 *	first file forgotten before it was ever flushed. Who changes nothing pays nothing.
 *	The body is nobody's to change (intake.h has the header in a handier form).
 *
 *	The order that keeps the promise: text written to new/ID.m and envelope to tmp/ID.e;
 *	both flushed; the envelope renamed into new/; new/ flushed. A text without envelope
 *	is no message, so it needs no name of its own while it is written.
 *	Moving relies on the order of names: on ext4, xfs and btrfs a crash never keeps a
 *	later change of names and forgets an earlier one, so that hand-overs flush nothing.
 * FILES
 *	STATION/tmp/ID.e	an envelope being written; older than a day means abandoned
 *	STATION/new/ID.m	a text, never changed after the commit
 *	STATION/new/ID.e	an envelope
 * DIAGNOSTICS
 *	4.3.1 disk or quota full (or below disk-reserve), 4.3.0 other system trouble.
 */
#ifndef COMMON_QUEUE_QUEUE_H
#define COMMON_QUEUE_QUEUE_H

#include "common/mail/report.h"
#include "common/queue/envelope.h"

enum { QUEUE_HELD = 65536 };

/* fresh is new/. The caller may set reserve: putting is refused below that much free space. */
struct station { const char *name; int dir, tmp, fresh; uint64_t reserve; };

/* Make what is missing of the whole queue below path (keeper, with the right owners when root). */
bool queue_make(const char *path, struct err *e);
int queue_open(const char *path, struct err *e);	/* a descriptor for station_open(); -1 */
/* name: "in/sub" ...; sets the process's umask to 007, as a queue's files are its group's. */
bool station_open(int queue, const char *name, struct station *st, struct err *e);
void station_close(struct station *st);

struct queue_put;
struct queue_put *queue_put_open(const struct station *st, const char *id, struct err *e);
void queue_put_bytes(struct queue_put *q, struct span lf_text);
bool queue_put_commit(struct queue_put *q, struct envelope *env, struct err *e);
void queue_put_drop(struct queue_put *q);		/* NULL is fine */
/*
 * The envelope gets this name too, in dir, before its own in new/: a mark of its making, or several, all in
 * one directory. See made.h. With marks, a commit that fails may have been too late to take it back: they tell.
 */
void queue_put_mark(struct queue_put *q, int dir, const char *name);

/* Give on bytes of the text that was put, from offset from (up to its end), in pieces. */
bool queue_put_read(const struct queue_put *q, uint64_t from, uint64_t bytes, struct sink to, struct err *e);
/* Put instead in the place of the first bytes. After false the message can only be dropped. */
bool queue_put_replace(struct queue_put *q, uint64_t first, struct span instead, struct err *e);
/* For another process: a descriptor to read all of it from its start, as it is now. The caller's; -1. */
int queue_put_text_fd(struct queue_put *q, struct err *e);

/*
 * Read an envelope; open a text (read-only). PERM: the envelope is damaged, or (5.3.0 with
 * "is gone") there is none.
 */
bool queue_read_envelope(const struct station *st, const char *id, struct arena *a, struct envelope *env, struct err *e);
int queue_open_text(const struct station *st, const char *id, struct err *e);
/* After a crash the old one or this one is there, whole. Its file's mtime is the next try. */
bool queue_write_envelope(const struct station *st, const struct envelope *env, struct err *e);
/*
 * Add to the envelope that is there, at its end, that the recipients with these numbers are done: quick, and not
 * flushed. After a crash it says so or not, and is whole.
 */
bool queue_note_done(const struct station *st, const char *id, const unsigned *numbers, size_t count, struct err *e);
/*
 * Move a message whole into another station (link text, rename envelope, unlink text), or put a second
 * envelope over the same text there. Safe to repeat after a crash.
 */
bool queue_move(const struct station *from, const struct station *to, const char *id, struct err *e);
bool queue_link(const struct station *from, const struct station *to, const char *id,
    const struct envelope *env, struct err *e);
/* queue_move() to where another part of the message may be: their recipients then stand in one envelope. */
bool queue_gather(const struct station *from, const struct station *to, const char *id, struct err *e);
bool queue_remove(const struct station *st, const char *id, struct err *e);		/* envelope first, then text */
time_t queue_next_try(const struct station *st, const char *id); /* the mtime; 0 when it is gone */
/* Call each with every ID that has an envelope in new/; stops when each says false. */
bool queue_each(const struct station *st, bool (*each)(void *arg, const char *id), void *arg, struct err *e);
/* Sweep: tmp/ files older than a day that have no other name, texts without envelope older than an hour. */
void queue_sweep(const struct station *st, time_t now);

/* A new id: time-ordered, unique on this host, [0-9a-z]{14}. */
void queue_new_id(char id[ID_SIZE]);
bool queue_is_id(struct span s);
/* "ID.e" -> ID; false for any other name. */
bool queue_id_of(const char *name, char id[ID_SIZE]);

#endif
