/*
 * NAME
 *	rehearse - all that carry would do, but no message
 * DESCRIPTION
 *	For posthorn destination test: every server of the destination is looked for, judged and
 *	spoken to, up to the recipient where the job has one, and each step is traced. What is
 *	remembered for mail is not touched.
 */
#ifndef MTA_REHEARSE_H
#define MTA_REHEARSE_H

#include "mta/carry.h"

/* The result has one line: the first server that will have it, or why there is none. */
void rehearse(struct carrier *c, const struct job *j, struct arena *a, struct job_result *r);

#endif
