/*
 * NAME
 *	rows - what reports are made of, day by day
 * DESCRIPTION
 *	mta-hints appends a line for each message that a DMARC policy was about, and for connections to
 *	other servers; mta-report reads the days that are over. A day of a kind has ROWS_MAX bytes at
 *	most: who sends more in one day has made his point.
 * FILES
 *	QUEUE/hints/dmarc.YYYY-MM-DD	a day of UTC
 *	QUEUE/hints/tlsrpt.YYYY-MM-DD
 */
#ifndef MTA_ROWS_H
#define MTA_ROWS_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/base/span.h"

enum { ROWS_MAX = 64 << 20, ROWS_DAY = 16 };

/* kind "dmarc": "dmarc.2026-11-25" -> "2026-11-25" and its first second; false for any other name. */
bool rows_day(const char *name, const char *kind, char day[ROWS_DAY], int64_t *begin);
/* directory: of the files. Not flushed: a report that lacks a row is no loss. */
bool rows_add(int directory, const char *kind, struct span row, int64_t now, struct err *e);

#endif
