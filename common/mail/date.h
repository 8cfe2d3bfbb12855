/*
 * NAME
 *	date - dates as mail writes them
 * DESCRIPTION
 *	RFC 5322 3.3 with the obsolete zones of 4.3, and IMAP's date and date-time.
 *	Zones are minutes east of Greenwich. Years 0 to 9999.
 */
#ifndef COMMON_MAIL_DATE_H
#define COMMON_MAIL_DATE_H

#include <time.h>

#include "common/base/err.h"
#include "common/base/str.h"

struct date {
	time_t	when;
	int	zone;			/* as written */
	int year, month, day; /* as written: month 1 to 12. IMAP's SENTON looks at these */
};

/* "Fri, 21 Nov 1997 09:55:06 -0600" with comments, obsolete years and zones. */
bool date_parse(struct span value, struct date *out);
void date_print(time_t when, int zone, struct str *out);
int date_local_zone(time_t when); /* call it once before a jail: it reads /etc/localtime */

/* "17-Jul-1996 02:44:25 -0700", " 7-Jul-..." without the quotes. */
bool date_imap_parse(struct span text, struct date *out);
void date_imap_print(time_t when, int zone, struct str *out);
/* "1-Feb-1994", for IMAP's SEARCH. */
bool date_imap_day(struct span text, struct date *out);
/* Days since 1970-01-01, to compare days without time and zone. */
long date_days(int year, int month, int day);

/* "2026-11-24T04:05:06Z" for logs and lists. */
void date_iso_print(time_t when, struct str *out);
/* The whole of a date-time of RFC 3339 5.6: "2026-11-24T04:05:06Z", "...06.5+01:00". */
bool date_iso_parse(struct span text, time_t *when);

#endif
