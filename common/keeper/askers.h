/*
 * NAME
 *	askers - the questions of many processes, answered by one
 * DESCRIPTION
 *	What clerk, resolver and mta-hints have alike: their keeper sends a channel for each
 *	process that has questions (packet 'c'), each packet on it is a question, and the server's
 *	loop ends with its keeper. A channel never blocks: who does not read its answers must not
 *	hold up the others.
 *
 *	A server that keeps more about a channel begins its own struct with a struct asker, says
 *	its size and converts the pointer; it is zero at first and freed with the channel.
 */
#ifndef COMMON_KEEPER_ASKERS_H
#define COMMON_KEEPER_ASKERS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/io/loop.h"
#include "common/io/packet.h"

struct asker {
	struct askers	*all;
	int		 fd;
	struct loop_io	*io;
};

struct askers {
	struct loop	*loop;
	int		 keeper;	/* the channel of the process itself, fd 3 */
	void		*server;	/* for serve and gone */
	size_t		 size;		/* bytes of what begins with a struct asker */
	/* A question is in all->packet. False: the channel is closed; the server logs why if it is news. */
	bool		(*serve)(struct asker *a);
	void		(*gone)(struct asker *a);	/* before it is freed; may be NULL */
	/* askers_begin's own */
	struct packet	 packet;	/* the one at hand */
	size_t		 count;
};

/* The first six members are set. The caller keeps it, and the loop, until the loop has ended. */
void askers_begin(struct askers *all);
/* Between two questions only; in serve, return false. */
void asker_hang_up(struct asker *a);
/* The line in the log for a packet that is no question. Returns false, for serve. */
bool asker_nonsense(void);

#endif
