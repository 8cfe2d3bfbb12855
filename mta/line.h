/*
 * NAME
 *	line - who is next at a destination: fair among senders
 * DESCRIPTION
 *	Pure. The more urgent first (RFC 6710); among as urgent ones in rounds, one of each sender
 *	in a round, so that a thousand messages of one do not delay the single one of another.
 *	What is no fresh message to one person (a list, a retry) begins some rounds later.
 *	Adding looks at all that stand in line; whoever fills it keeps it short.
 */
#ifndef MTA_LINE_H
#define MTA_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/smtp/param.h"

/* The first member of whatever stands in line. */
struct line_item {
	struct line_item *next;
	const void	 *who;		/* the same pointer: the same sender */
	int		  priority;
	uint32_t	  round;
	unsigned	  later;	/* 0: a fresh message to one person */
};

struct line {
	struct line_item *first;
	size_t		  count;
	uint32_t rounds[2 * PARAM_PRIORITY_MAX + 1]; /* of each priority: that of the last taken */
};

enum {
	LINE_LATER_MAX = 10,
	LINE_MAX = 100, /* that stand in one line; */
	LINE_FEW = 10, /* whoever has fewer may come where there are no more than twice as many */
};

bool line_has_room(const struct line *l, const void *who, int priority);

/* How many rounds later does a message begin: recipients of it here, and was it tried before? */
unsigned line_later(size_t rcpts, unsigned tries);
void line_add(struct line *l, struct line_item *item, const void *who, int priority, unsigned later);
struct line_item *line_take(struct line *l);			/* NULL: empty */
void line_put_back(struct line *l, struct line_item *item); /* it was taken, and is first again */

#endif
