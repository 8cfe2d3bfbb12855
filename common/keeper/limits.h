/*
 * NAME
 *	limits - how much strangers may take, a row each
 * DESCRIPTION
 *	What is counted stands in peers.h (per address and per network, all daemons together)
 *	and in the front (in all, for one daemon). Here stands what it may come to: a row says
 *	what is counted, of whom, which setting is the most, when it is looked at and what
 *	who is over it hears. Rows of a session reach it as bits with the client's bytes (wire.h);
 *	those at the door are the front's own.
 *	A stranger is a client that nobody has logged in on. Clients in relay-networks are no
 *	strangers, and are not counted at all.
 *	Pure: the counts, the settings and the clock are arguments.
 */
#ifndef COMMON_KEEPER_LIMITS_H
#define COMMON_KEEPER_LIMITS_H

#include "common/conf/conf.h"
#include "common/io/wire.h"
#include "common/os/clock.h"

/* What is counted: the first three are now, the others since the minute began. */
enum tally {
	TALLY_OPEN,		/* connections */
	TALLY_STRANGERS,	/* connections without a login */
	TALLY_DATA,		/* messages that are just coming in */
	TALLY_NOW,		/* (so many are now) */
	TALLY_CONNECTS = TALLY_NOW,
	TALLY_MESSAGES, TALLY_RCPTS, TALLY_REFUSALS, TALLY_ERRORS,
	TALLY_COUNT
};

enum whose { OF_ADDRESS, OF_NETWORK, OF_ALL, WHOSE_COUNT };

struct counts { uint64_t of[WHOSE_COUNT][TALLY_COUNT]; };

enum limit_place {
	AT_DOOR,	/* the front turns the newcomer away */
	AT_TALK,	/* the session says it to one command */
	AT_END,		/* the session says it and hangs up; the door is closed, too */
	AT_CROWD,	/* who has been silent for longest makes room */
};

struct limit {
	enum tally	 what;
	enum whose	 of;
	enum limit_place place;
	const char	*key;		/* its setting, in [limits] */
	size_t		 at;		/* where that is in struct conf; 0 is no limit */
	const char	*status;	/* RFC 3463 */
	unsigned	 code;		/* what SMTP says */
	const char	*words;		/* for the log, and for who hears them */
};

extern const struct limit limits[];	/* ends with .key == NULL */

enum crowd { CROWD_CALM, CROWD_TIGHT, CROWD_FULL };	/* tight from 80 % on */

/*
 * The row that keeps a newcomer out; NULL when it may come in. While all places are taken, an
 * address may come only a tenth as often: nobody makes room for who comes again and again.
 */
const struct limit *limits_door(const struct counts *is, const struct conf *c, enum crowd crowd);
/* The rows that a session should know of: 1 << enum wire_over. */
unsigned limits_talk(const struct counts *is, const struct conf *c);
/* What a session says to who is over: the first row of what. */
const struct limit *limits_row(enum tally what);

/* --- when places are scarce --- */

enum crowd crowd_of(uint64_t taken, uint64_t most);	/* most 0: never */

/* How a client without a login stands there, silent. */
enum silence {
	SILENT_UNSERVED,	/* no session yet, or none any more */
	SILENT_CLIENT,		/* it is the client's turn to speak */
	SILENT_SESSION,		/* the client spoke last; perhaps not a whole line */
	SILENCES
};

/* For how long such a one may be silent: MS_NEVER means that its session sees to that. */
ms_t crowd_patience(enum crowd crowd, enum silence how, uint64_t crowd_timeout_s);

#endif
