/*
 * NAME
 *	read - one whole command from the client, literals and all
 * DESCRIPTION
 *	Reads lines and the literals they announce until a command is complete, and cuts
 *	it into tag, name and arguments. A literal that is too long is refused before the
 *	client is asked to send it; one that comes without asking (LITERAL+) is read and
 *	thrown away, or, when it is out of all proportion, the connection ends.
 *	RFC 3501 2.2.1, 7.5; RFC 7888.
 */
#ifndef IMAPD_READ_H
#define IMAPD_READ_H

#include "common/base/arena.h"
#include "common/io/line.h"
#include "common/io/out.h"

enum {				/* before login | after */
	READ_LOGIN_LINE	= 8192,
	READ_LOGIN_ALL	= 16384,	/* a line and its literals */
	READ_LINE	= 65536,	/* real clients send UID sets this long */
	READ_LITERAL	= 65536,	/* for anything but APPEND */
	READ_ALL	= 262144,	/* one command, everything but APPEND's message */
};

struct reader {
	struct line	*line;
	struct out	*out;
	struct arena	*arena;		/* where the command lies until its reply is sent */
	size_t		 literal_max, all_max;
	uint64_t	 eat_max;	/* largest LITERAL+ we throw away rather than hang up */
	int		 patience_s;	/* for the next bytes within a command */
	ms_t		 over;		/* but never beyond this; 0: no such limit */
	/* Is this the command up to its message literal (APPEND)? NULL: there is no such command. */
	bool		(*ends_in_message)(struct span command, struct arena *a);
};

struct command {
	struct span	tag, name, arg;	/* arg without the blank after the name */
	bool		uid;		/* it was "UID name" */
	bool		message;	/* a literal of this size comes next, and is the message */
	bool		waits;		/* for our "+" */
	uint64_t	size;
};

enum read_kind {
	READ_COMMAND,
	READ_REFUSED,		/* why says what was wrong; the next command may come */
	READ_FATAL,		/* likewise, but we have lost the thread: say it and BYE */
	READ_LATE,
	READ_END,
};

/* why: for REFUSED and FATAL; c->tag is "*" when there was none. */
enum read_kind command_read(struct reader *r, ms_t until, struct command *c, const char **why);
/* The rest of a command after APPEND's message: must be empty. */
enum read_kind command_read_end(struct reader *r, const char **why);
/* Eat n bytes of a literal nobody wants. */
bool command_skip(struct reader *r, uint64_t n);

#endif
