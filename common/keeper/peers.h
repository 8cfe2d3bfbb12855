/*
 * NAME
 *	peers - who of the outside is connected, and who guessed passwords
 * DESCRIPTION
 *	One fixed-size table, a file in the run directory that all daemons of an
 *	installation map, counts connections and failed logins per address (IPv6 per
 *	/64), so that one counter serves all protocols. Distinct wrong passwords are
 *	counted, not repeated ones, and an address that has just logged in well is never locked
 *	out. A process may die at any instruction: what it had counted as open counts no
 *	more once it has not beaten for PEERS_SILENT seconds.
 *	Keepers ask and tell about logins; fronts about connections. Atomics only, no lock
 *	that anybody could die with. Who maps the table may spoil its counts but nothing else:
 *	nothing read from it is used as a place in memory.
 *	now is wall-clock seconds, the same for all.
 */
#ifndef COMMON_KEEPER_PEERS_H
#define COMMON_KEEPER_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/base/err.h"
#include "common/net/address.h"

enum {
	PEERS_BYTES	= 1 << 20,
	PEERS_SILENT	= 60,		/* seconds without a beat, and a front is dead */
	PEERS_GUESSES	= 60,		/* distinct wrong passwords in an hour, then none for an hour */
	PEERS_TRUST	= 86400,	/* so long after a good login an address is not locked out */
};

struct peers;

/* Map a descriptor of PEERS_BYTES bytes; an empty or strange table is made new. */
struct peers *peers_map(int fd, struct err *e);

/* --- for keepers --- */

/* May ip try a password now? PERM 4.7.0 with a sentence when it guessed too often. */
bool peers_may_login(struct peers *p, const char *ip, time_t now, struct err *e);
/* It was wrong: mark is a keyed hash of login and password. Returns how many seconds to wait before we say so. */
unsigned peers_login_failed(struct peers *p, const char *ip, uint64_t mark, time_t now);
void peers_login_ok(struct peers *p, const char *ip, time_t now);

/* --- for fronts --- */

/* Take a column of our own for counting; again every PEERS_SILENT / 4 seconds to say that we live. */
void peers_beat(struct peers *p, time_t now);

struct peers_limits { uint64_t open, per_minute; };	/* of one address; 0 is none */
enum peers_verdict { PEERS_WELCOME, PEERS_TOO_MANY, PEERS_TOO_FAST };

struct peers_seat {
	enum peers_verdict	verdict;
	int			place;		/* for peers_leave(); -1 when not counted */
	unsigned		refused;	/* so often in this minute: log the first, not each */
};

/* Somebody connected. Only the welcome are counted as open, until peers_leave(). */
struct peers_seat peers_enter(struct peers *p, const struct address *who, struct peers_limits limits, time_t now);
void peers_leave(struct peers *p, int place);
void peers_unmap(struct peers *p);	/* a front's open connections count no more; NULL is fine */

#endif
