/*
 * NAME
 *	logline - a line of the mail log, read
 * DESCRIPTION
 *	What maillog.h writes, in the forms in which it is found: our own log file or history
 *	("2026-11-24T04:12:07.123Z mta-sched[12]: ID sent to=<bob@example.net> ..."), and what
 *	syslog and journalctl make of it, with another date and a host name. Pure.
 */
#ifndef COMMON_MAIL_LOGLINE_H
#define COMMON_MAIL_LOGLINE_H

#include <stdint.h>

#include "common/base/str.h"

struct logline {
	int64_t us; /* since 1970; 0: the date is in a form that we do not read */
	struct span	when, program;	/* "2026-11-24T04:12:07.123Z", "mta-sched" */
	struct span	id, verb;	/* "-" where there is none yet */
	struct span	fields;		/* for logline_next() */
};

/* Only the id, quickly: to see whether the line is of interest. Points into line. */
bool logline_id(struct span line, struct span *id);
bool logline_parse(struct span line, struct logline *out);

/* Eat one field; its value is raw: perhaps quoted, perhaps cut. False at the end. */
bool logline_next(struct span *fields, struct span *key, struct span *raw);
/* A raw value without its quotes; "..." behind it where it was cut. Appends. */
void logline_plain(struct span raw, struct str *out);
/* The plain value of the first field of that name; false (and nothing appended) without one. */
bool logline_get(struct span fields, const char *key, struct str *out);
/* What stands between < and >, for addresses; anything else as it is. */
struct span logline_address(struct span value);

#endif
