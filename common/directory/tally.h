/*
 * NAME
 *	tally - how much a login has sent, and whether that is too much
 * DESCRIPTION
 *	Counts of the last 24 hours, kept by the hour, and a memory of recipients: 1024 shelves of
 *	16 places for each login, where the one that was not written to for longest makes room.
 *	So both have a ceiling. A value is what a table holds; one that is malformed reads as
 *	empty. Clock and facts are arguments. Pure.
 */
#ifndef COMMON_DIRECTORY_TALLY_H
#define COMMON_DIRECTORY_TALLY_H

#include <time.h>

#include "common/base/span.h"
#include "common/base/str.h"

enum tally_kind { TALLY_MESSAGES, TALLY_RECIPIENTS, TALLY_NEW, TALLY_KINDS };

enum { TALLY_HOURS = 24, SHELVES = 1024, SHELF_PLACES = 16, SHELF_DAYS = 400 };

struct tally {
	uint32_t	version;
	uint32_t counts[TALLY_HOURS][TALLY_KINDS]; /* by hour of the clock, modulo TALLY_HOURS */
	int64_t		hour;			/* the latest that counts is about */
	int64_t		told;			/* when its owner was last told; 0: never */
};

void tally_read(struct span value, time_t now, struct tally *t);	/* hours that are over are emptied */
struct span tally_value(const struct tally *t);			/* points into t */
uint64_t tally_sum(const struct tally *t, enum tally_kind kind);
/* The first limit (0: none) that more would pass; TALLY_KINDS: it fits. */
enum tally_kind tally_judge(const struct tally *t, const uint64_t limits[TALLY_KINDS],
    const uint64_t more[TALLY_KINDS]);
void tally_add(struct tally *t, const uint64_t more[TALLY_KINDS]);
/* Once in 24 hours: true, and noted. */
bool tally_tell(struct tally *t, time_t now);
bool tally_is_over(struct span value, time_t now);	/* may be forgotten */

struct shelf_place { uint64_t hash; int64_t day; };	/* day 0: free */
struct recipients { struct shelf_place places[SHELF_PLACES]; };

void recipients_read(struct span value, time_t now, struct recipients *r);
struct span recipients_value(const struct recipients *r);
bool recipients_know(const struct recipients *r, uint64_t hash);
void recipients_note(struct recipients *r, uint64_t hash, time_t now);
bool recipients_are_over(struct span value, time_t now);

#endif
