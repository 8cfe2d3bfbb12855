/*
 * NAME
 *	tally - rows of TLS reports, equal ones counted before they are written
 * DESCRIPTION
 *	Connections that went well are many and all alike. So mta-hints holds a minute's rows, and
 *	writes each once with its count (rows.h). What a crash takes is a minute of a statistic.
 */
#ifndef MTA_TALLY_H
#define MTA_TALLY_H

#include <stdint.h>

#include "common/base/span.h"

enum { TALLY_ROWS = 256 };	/* then it is written */

struct tally {
	struct counted { uint64_t hash, count; char *text; size_t rest; } rows[TALLY_ROWS];
	size_t		 count;
	int64_t		 since;		/* when the first of them came */
};

/* row: of tlsrpt_row_print(). False: it is none. directory -1: they go nowhere. */
bool tally_add(struct tally *t, int directory, struct span row, int64_t now);
void tally_flush(struct tally *t, int directory);

#endif
