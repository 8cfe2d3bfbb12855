/*
 * NAME
 *	peers - who of the outside is connected, and who guessed passwords
 * DESCRIPTION
 *	One fixed-size table, a file in the run directory that all daemons of an
 *	installation map, counts connections, messages, recipients, mistakes and failed logins per
 *	address (IPv6 per /64), so that one counter serves all protocols, and strangers' connections
 *	per network too (/24, IPv6 per /48). Distinct wrong passwords are
 *	counted, not repeated ones, and an address that has just logged in well is never locked
 *	out. A process may die at any instruction: what it had counted as open counts no
 *	more once it has not beaten for PEERS_SILENT seconds.
 *	Keepers ask and tell about logins; fronts about all else. What it may come to: limits.h. Atomics only, no lock
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
#include "common/keeper/limits.h"
#include "common/net/address.h"

enum {
	PEERS_BYTES	= 2 << 20,
	PEERS_SILENT	= 60,		/* seconds without a beat, and a front is dead */
	PEERS_GUESSES	= 60,		/* distinct wrong passwords in an hour, then none for an hour */
	PEERS_TRUST	= 86400,	/* so long after a good login an address is not locked out */
};

struct peers;

/* Map a file of PEERS_BYTES bytes; an empty or strange table is made new. */
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

/* Where a client is counted: rows of its address and its network; -1 when it is not. */
struct peers_seat { int address, network; bool stranger, in_data; };

#define PEERS_NOWHERE ((struct peers_seat){ -1, -1, false, false })

/* What stands there about who, OF_ADDRESS and OF_NETWORK; OF_ALL is the caller's. */
void peers_look(struct peers *p, const struct address *who, time_t now, struct counts *is);
/* It was not let in. So often in this minute: log the first, not each. */
unsigned peers_turned_away(struct peers *p, const struct address *who, time_t now);
/* Let in, as a stranger, until peers_leave(). */
struct peers_seat peers_enter(struct peers *p, const struct address *who, time_t now);
void peers_leave(struct peers *p, struct peers_seat *seat);
/* Somebody has logged in: no stranger any more, and its connection was well made. */
void peers_known(struct peers *p, struct peers_seat *seat, time_t now);
void peers_data(struct peers *p, struct peers_seat *seat, bool yes);
/* n more of what, one of those that are counted by the minute. */
void peers_count(struct peers *p, const struct address *who, enum tally what, unsigned n, time_t now);
void peers_unmap(struct peers *p);	/* a front's open connections count no more; NULL is fine */

#endif
