/*
 * NAME
 *	full - which mailboxes had no room lately
 * DESCRIPTION
 *	mda's pick marks a mailbox that a message did not fit into, with the room that was
 *	left; the clerks read the marks, so that mta can refuse at RCPT what would only wait here.
 *	A mark is a hint: it is gone when a message larger than its room was delivered, and it counts for
 *	FULL_COUNTS_S only, because the owner makes room without telling us. Then one message comes in
 *	and is tried, and where it does not fit there is a mark again. Trouble with
 *	marks is no mark.
 * FILES
 *	RUN/full/LOGIN		"ROOM\n", bytes; what is no letter, digit or one of @._+=- is %XX. No mark
 *				where that makes a name too long for a file
 */
#ifndef COMMON_DIRECTORY_FULL_H
#define COMMON_DIRECTORY_FULL_H

#include <time.h>

#include "common/base/span.h"

enum {
	FULL_COUNTS_S = 15 * 60,
	FULL_NAME = 250,
	FULL_LEAST = 1024, /* no message with its header is smaller: with less room there is none */
};

#define FULL_NOT_KNOWN	UINT64_MAX	/* the room of who has no mark */

/* Pure: the mark's file name. False: too long. */
bool full_name(struct span login, char name[FULL_NAME]);

void full_mark(const char *dir, struct span login, uint64_t room);
void full_took(const char *dir, struct span login, uint64_t bytes);	/* a message of this size */
uint64_t full_room(const char *dir, struct span login, time_t now);
void full_sweep(const char *dir, time_t now);		/* remove what does not count any more */

#endif
