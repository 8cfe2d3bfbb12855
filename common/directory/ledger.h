/*
 * NAME
 *	ledger - what each login has sent, on disk
 * DESCRIPTION
 *	The clerk's side of directory_count() and its neighbours. The rows are hints: when they
 *	are lost, the counts begin at nothing, and no mail is refused or lost by that. A recipient is
 *	kept as a keyed hash. What no limit asks for any more is swept out once a day.
 * FILES
 *	QUEUE/hints/msa/	a table that is ours alone: see table_ledger()
 */
#ifndef COMMON_DIRECTORY_LEDGER_H
#define COMMON_DIRECTORY_LEDGER_H

#include "common/directory/lookup.h"
#include "common/directory/tally.h"
#include "common/io/packet.h"

struct ledger {
	const char	*directory;		/* "": we keep none */
	uint64_t	 limits[TALLY_KINDS];
	struct table	*table;			/* NULL: not open */
	uint64_t	 key[2];		/* of the hashes */
	time_t		 tried, swept;
};

void ledger_begin(struct ledger *l, const char *directory, const uint64_t limits[TALLY_KINDS]);
void ledger_end(struct ledger *l);

/* Is it a question for the ledger? Then it is answered as answer() would; news: lines for the log. */
bool ledger_asked(const struct packet *p);
bool ledger_answer(struct ledger *l, const struct lookup *who, struct arena *a, struct packet *p,
    time_t now, struct str *news);

#endif
