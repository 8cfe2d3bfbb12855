/*
 * NAME
 *	trace - each step on the way to a server, told to who watches a rehearsal
 * DESCRIPTION
 *	search.c, policy.c and link.c say here what they found out; when it is mail that they carry,
 *	nobody listens. A step goes out as a packet (job_step of job.h), so that mta-probe shows it at once.
 */
#ifndef MTA_TRACE_H
#define MTA_TRACE_H

#include "mta/carry.h"

enum trace_mark { TRACE_NOTE = ' ', TRACE_GOOD = '+', TRACE_BAD = '-' };

/* step is a word: "mx", "tlsa", "greeting"; the text a sentence. */
void trace(struct carrier *c, enum trace_mark mark, const char *step, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* What follows is about this host; "" for the destination as a whole. */
void trace_about(struct carrier *c, const char *host);

#endif
