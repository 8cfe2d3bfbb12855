/*
 * NAME
 *	text - the lines of users(5), domains(5) and aliases(5)
 * DESCRIPTION
 *	Skips blank lines and lines that begin with #; takes " # ..." off the end of a line.
 *	Where joined, a line that begins with a blank belongs to the one before, comments
 *	between or not. Tells the number of a line and the bytes it came from, so that an editor can replace just those.
 */
#ifndef COMMON_DIRECTORY_TEXT_H
#define COMMON_DIRECTORY_TEXT_H

#include "common/base/str.h"

enum { TEXT_LINE_MAX = 65536, TEXT_FILE_MAX = 64 << 20 };

struct text {
	struct span	rest;		/* not read yet */
	bool		join;
	unsigned	next;		/* number of the line at rest */
	unsigned	line;		/* number of the first line of what text_next() gave */
	struct span	raw;		/* all bytes it came from, newlines too */
	struct str	joined;
	bool		too_long;	/* line is longer than TEXT_LINE_MAX; it was given cut */
};

void text_begin(struct text *t, struct span all, bool join);
bool text_next(struct text *t, struct span *line); /* valid until the next call; false at the end */
void text_end(struct text *t);

#endif
