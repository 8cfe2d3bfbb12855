/*
 * NAME
 *	aliases - one line of posthorn-aliases(5)
 * DESCRIPTION
 *	"name: target, target". The name is an address, the local part alone (for all
 *	system domains), @domain for whatever else comes to it, local@* for each domain of ours, a
 *	pattern with * in its local part, or "group name". A target is an address, the name of a
 *	system user, or "group name", each with (send-only) or (receive-only) behind it or
 *	nothing. Spans point into the line. Pure.
 */
#ifndef COMMON_DIRECTORY_ALIASES_H
#define COMMON_DIRECTORY_ALIASES_H

#include "common/base/err.h"
#include "common/base/span.h"

enum { ALIASES_TARGETS_MAX = 1000 };

enum aliases_kind { ALIASES_EXACT, ALIASES_DOMAIN, ALIASES_PATTERN, ALIASES_GROUP };

enum { ALIASES_RECEIVES = 1, ALIASES_SENDS = 2 };	/* what a target may */

struct aliases_row {
	enum aliases_kind kind;
	struct span name; /* as it was written, quotes and all; of a group without that word */
	struct span	targets;	/* all of them: eat with aliases_target() */
	size_t		count;
};

/* Continuation lines joined, comment gone. True says that every target is fine. */
bool aliases_line_parse(struct span line, struct aliases_row *row, struct err *e);
/* Eat the next target, with all that belongs to it; false at the end. */
bool aliases_target(struct span *targets, struct span *target);
/* A target in its parts: name alone, whether that is a group's, and ALIASES_ bits. */
struct aliases_part { struct span name; bool is_group; unsigned may; };
struct aliases_part aliases_part(struct span target);
/* Does any of the targets have one of these bits? */
bool aliases_any(struct span targets, unsigned may);
/* Each * stands for any number of characters, also none. Both in lower case. */
bool aliases_fits(struct span pattern, struct span local);

#endif
