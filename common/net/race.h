/*
 * NAME
 *	race - a connection to whichever of some addresses answers first
 * DESCRIPTION
 *	RFC 8305 5: an attempt every RACE_MS, the next at once when one fails; who connects first wins,
 *	the others are closed. So a family that leads nowhere costs a quarter of a second.
 */
#ifndef COMMON_NET_RACE_H
#define COMMON_NET_RACE_H

#include <stddef.h>

#include "common/base/err.h"
#include "common/os/clock.h"

enum { RACE_MS = 250, RACE_MAX = 16 };

struct racer { const char *ip, *source; };	/* source: come from this address of ours, or "" */

struct race {
	struct racer	racers[RACE_MAX];	/* in the order of starting */
	size_t		count;
	unsigned	port;
	/* Told of each that failed; may be NULL. */
	void		(*lost)(void *arg, const char *ip, const struct err *why);
	void		*arg;
};

/*
 * True: *fd is connected to *ip (non-blocking, with TCP_NODELAY). The winner and those who failed leave the
 * race; whoever was only slower may run again. False, TEMP 4.4.1: nobody is left; e is of the first that failed.
 */
bool race_run(struct race *r, ms_t until, int *fd, const char **ip, struct err *e);

/*
 * Pure: the order of starting. Addresses as the DNS gave them, those of `first` (4 or 6; else that of
 * the first one) and the other family in turn (RFC 8305 4). without: a family that is left out, or 0.
 */
size_t race_order(const char *const *ips, size_t n, unsigned first, unsigned without, const char *out[RACE_MAX]);

#endif
