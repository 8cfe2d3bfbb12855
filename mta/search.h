/*
 * NAME
 *	search - the servers of a destination, and the first of them that will talk
 * DESCRIPTION
 *	RFC 5321 5.1, RFC 7505: MX in order of preference, shuffled among equals, each with its
 *	addresses, never farther than ourselves. With way.via that one host alone.
 */
#ifndef MTA_SEARCH_H
#define MTA_SEARCH_H

#include "mta/carry.h"

/*
 * Then the carrier's link is open. False: e says why, TEMP when waiting may help; where that is a
 * server's own answer, *who is the server, else "".
 */
bool search_reach(struct carrier *c, const struct job *j, struct arena *a, struct err *e, const char **who);
/*
 * The same, but each server that will talk is shown to enough(), and left when that says no. True: one
 * was enough, or all have been seen and some would talk.
 */
bool search_each(struct carrier *c, const struct job *j, struct arena *a,
    bool (*enough)(struct carrier *c, const struct job *j, void *arg), void *arg, struct err *e);

#endif
