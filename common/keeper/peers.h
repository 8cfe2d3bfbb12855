/*
 * NAME
 *	peers - who of the outside is connected, and who guessed passwords
 * DESCRIPTION
 *	One fixed-size table, a file in the run directory that all daemons of an
 *	installation map, counts connections and failed logins per address (IPv6 per
 *	/64), so that one counter serves all protocols. Distinct wrong passwords are
 *	counted, not repeated ones, and an address that has just logged in well is never locked
 *	out. A process may die at any instruction: counts of connections heal with time.
 *	Keepers ask and tell about logins; fronts about connections.
 */
#ifndef COMMON_KEEPER_PEERS_H
#define COMMON_KEEPER_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/base/err.h"

enum { PEERS_BYTES = 1 << 20 };

struct peers;

/* Map a descriptor of PEERS_BYTES bytes; an empty or strange table is made new. */
struct peers *peers_map(int fd, struct err *e);

/* --- for keepers --- */

/* May ip try a password now? PERM 4.7.0 with a sentence when it guessed too often. */
bool peers_may_login(struct peers *p, const char *ip, time_t now, struct err *e);
/* It was wrong: mark is a keyed hash of login and password. Returns how many seconds to wait before we say so. */
unsigned peers_login_failed(struct peers *p, const char *ip, uint64_t mark, time_t now);
void peers_login_ok(struct peers *p, const char *ip, time_t now);

#endif
