/*
 * NAME
 *	reach - a connection to a server, by whichever of its addresses answers first
 * DESCRIPTION
 *	Families as the way wants them, our own addresses left out, and ours to come from those that the
 *	way or the settings name (source.h). Addresses race (net/race.h).
 */
#ifndef MTA_REACH_H
#define MTA_REACH_H

#include "common/net/race.h"
#include "mta/policy.h"

struct reach {
	struct carrier		*c;
	const struct job	*j;
	const struct server	*server;
	struct race		 race;
	char			 sources[2][ADDRESS_TEXT];	/* of IPv4 and IPv6 */
	bool			 met_myself;
};

/* At most so many of its addresses. */
void reach_begin(struct reach *r, struct carrier *c, const struct job *j,
    const struct server *server, size_t most, struct arena *a);
/* To the next that answers; false: none is left, TEMP. *fd is the caller's. */
bool reach_next(struct reach *r, const char **ip, int *fd, struct err *e);
/* Once more to that one. */
bool reach_again(const struct carrier *c, const struct job *j, const struct server *server,
    const char *ip, int *fd, struct err *e);

#endif
