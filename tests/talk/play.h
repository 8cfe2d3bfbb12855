/*
 * NAME
 *	play - play a transcript against a session that a child process runs over a Maildir
 * DESCRIPTION
 *	A line of a transcript is
 *
 *	> text		sent, with CRLF behind it
 *	! text		sent as it is; \r \n \0 \\ are bytes
 *	= N text	sent N times, without line ends
 *	< line		must be the next line that comes back; % stands for anything
 *	<+ line		must come back, after any number of other lines
 *	<EOF		the session must hang up now
 *	file PATH	written into the Maildir now, the text being the
 *	| text		lines that follow it
 *	remove PATH	what other programs do to a Maildir; % stands for anything
 *	exists PATH	a file that fits is there now
 *	missing PATH	none is there
 *	again		a second session, over the same Maildir
 *	set WORD[=N]	before the first of the others: what the player of this protocol knows
 *	# text		for the reader, as is an empty line
 */
#ifndef TESTS_TALK_PLAY_H
#define TESTS_TALK_PLAY_H

#include <sys/types.h>

#include "common/io/stream.h"

struct play {
	/* the player's */
	void	*self;
	void (*serve)(struct play *p, struct stream *stream, int fd); /* in the child, to the end */
	bool	(*set)(struct play *p, struct span word, uint64_t n);
	/* play's own */
	char	dir[64];	/* of the Maildir */
	int	root, client, file;
	pid_t	session;
};

/* One file with a Maildir of its own. False, with a line on standard output: it went otherwise. */
bool play_file(struct play *p, const char *path);

#endif
