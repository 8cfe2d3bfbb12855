/*
 * NAME
 *	made - whether a message was made because of another one, known also after a crash
 * SYNOPSIS
 *	made_name(id, number, what, name);
 *	made_look(dir, name, &own, &is_made, &e)		was it, before we were killed?
 *	queue_put_mark(q, dir, name); ... queue_put_commit()	if not: make it
 *	queue_write_envelope() or queue_remove()		note it in the first one
 *	made_noted(dir, name);
 * DESCRIPTION
 *	A forward, or a report, gets an id of its own. Who is killed between its commit and the note in the
 *	envelope of the first message would make it once more. So the new envelope gets more names, marks,
 *	while its first is in tmp/ still: one for each recipient that it is made for. Where there is no note:
 *
 *	no mark					it was not made
 *	a mark of which not all was written	it was not made: the flush comes before the rename
 *	a mark, and the same file in tmp/	it was not made: the rename did not come
 *	a mark, and no such file in tmp/	it was made, whatever became of it since
 *
 *	So queue_sweep() leaves a file in tmp/ that has a mark, and who gives up what he makes takes the
 *	marks away first. A mark is removed after the note. All of this relies on the order of names alone
 *	(queue.h), and flushes nothing.
 * FILES
 *	local/made/ID.NUMBER.WHAT, out/made/ID.NUMBER.WHAT
 *		NUMBER is the recipient's, of the message ID. WHAT is "forward", or the kind of a report.
 */
#ifndef COMMON_QUEUE_MADE_H
#define COMMON_QUEUE_MADE_H

#include "common/queue/queue.h"

enum { MADE_NAME = ID_SIZE + 24 };

void made_name(const char *id, unsigned number, const char *what, char name[MADE_NAME]);
int made_open(const struct station *st, struct err *e);		/* its made/; -1 */
/* to: where it was to go. When it was not made, nothing is left of the try. False: nobody can tell now. */
bool made_look(int dir, const char *name, const struct station *to, bool *is_made, struct err *e);
void made_noted(int dir, const char *name);
/*
 * Remove marks older than a day of messages that are in none of these stations, which stand in the
 * order in which a message passes through them.
 */
void made_sweep(int dir, const struct station *const *where, size_t count, time_t now);

#endif
