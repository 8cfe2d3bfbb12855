/*
 * NAME
 *	reply - what a server answers, made here and read from others
 * DESCRIPTION
 *	A reply of several lines has them in text, parted by '\n'. Making: handlers
 *	return a struct reply, the loop sends it, so each command has exactly one.
 *	Reading: one struct answer is filled line by line, within limits.
 */
#ifndef COMMON_SMTP_REPLY_H
#define COMMON_SMTP_REPLY_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/base/str.h"
#include "common/io/out.h"

enum {
	REPLY_LINE_MAX = 2048, /* RFC 5321 4.5.3.1.5 says 512; some say more, none needs this */
	REPLY_LINES_MAX = 128, /* EHLO of the richest servers has 20 */
};

struct reply {
	unsigned	code;		/* 0 = say nothing (the other side is gone) */
	char		status[12];	/* RFC 3463, "" = none (220, 250 to EHLO, 354, 334) */
	char		text[700];
};

struct reply reply_say(unsigned code, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The code that fits e's status: 452 for 4.3.1, 550 for 5.1.1, ... (table in reply.c). */
struct reply reply_refuse(const struct err *e);
void reply_print(const struct reply *r, struct str *out);	/* all its lines, each with CRLF */
void reply_send(const struct reply *r, struct out *out);

/* What another server said. */
struct answer {
	unsigned	code;
	char status[12]; /* its enhanced status, else one made from the code: "5.0.0" */
	char		text[350];	/* one line, tamed; without the status; cut to length */
	unsigned	lines;
};

/*
 * One line (without CRLF) of an answer. a->lines is 0 before the first. *more: another
 * line follows. PERM never: a line that is no reply is TEMP 4.5.0, and the conversation over.
 */
bool answer_line(struct answer *a, struct span line, bool *more, struct err *e);
enum err_kind answer_kind(const struct answer *a);	/* 2xx, 3xx: NONE; 4xx TEMP; 5xx PERM */
bool answer_to_err(const struct answer *a, struct err *e);	/* "550 5.1.1 ..."; returns false */

#endif
