/*
 * NAME
 *	milter-change - what a milter wants of a message, done
 * DESCRIPTION
 *	One row for each change (milter-change.c). What cannot be done is left undone and
 *	logged: an address that is none, more recipients than a message may have, a header
 *	field that edit.h refuses. A body is never changed.
 */
#ifndef COMMON_QUEUE_MILTER_CHANGE_H
#define COMMON_QUEUE_MILTER_CHANGE_H

#include "common/milter/milter.h"
#include "common/queue/intake.h"

struct changing { struct intake *in; struct smtp *s; };

/* For milter_finish(); arg is a struct changing, and intake_header() has been called. */
void milter_change(void *arg, struct milter *m, const struct milter_answer *a);

#endif
