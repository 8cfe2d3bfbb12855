/*
 * NAME
 *	aliases - one line of posthorn-aliases(5)
 * DESCRIPTION
 *	"name: target, target". The name is an address, the local part alone (for all
 *	system domains), or @domain for whatever else comes to it. A target is an address or the name of
 *	a system user. Spans point into the line. Pure.
 */
#ifndef COMMON_DIRECTORY_ALIASES_H
#define COMMON_DIRECTORY_ALIASES_H

#include "common/base/err.h"
#include "common/base/span.h"

enum { ALIASES_TARGETS_MAX = 1000 };

struct aliases_row {
	struct span	name;		/* as it was written, quotes and all */
	struct span	targets;	/* all of them: eat with aliases_target() */
	size_t		count;
};

/* Continuation lines joined, comment gone. True says that every target is fine. */
bool aliases_line_parse(struct span line, struct aliases_row *row, struct err *e);
/* Eat the next target; false at the end. */
bool aliases_target(struct span *targets, struct span *target);

#endif
