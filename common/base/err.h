/*
 * NAME
 *	err - what went wrong, as one sentence, and whether to try again
 * DESCRIPTION
 *	Mail knows two kinds of failure: try again later (4xx), or never (5xx). A
 *	function that can fail returns bool and takes struct err *e last. The text is
 *	one lower-case sentence without a full stop: what we wanted, on what, why not.
 *	Control characters never get into it. All makers return false, so a failing
 *	line reads "return err_...". e may be NULL when nobody wants to know.
 *	In doubt TEMP: a permanent answer throws a message back at its sender.
 */
#ifndef COMMON_BASE_ERR_H
#define COMMON_BASE_ERR_H

#include <stdbool.h>

enum err_kind { ERR_NONE, ERR_TEMP, ERR_PERM };

struct err {
	enum err_kind	kind;
	char		status[12];	/* RFC 3463: "4.3.1", "5.1.1" */
	char		text[350];	/* one sentence, ready for a log or a bounce */
};

bool err_temp(struct err *e, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool err_perm(struct err *e, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * A system call failed: appends ": strerror(errno)". Always TEMP: 4.3.1 for
 * ENOSPC, EDQUOT and EFBIG ("full"), 4.3.0 for anything else.
 */
bool err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "fmt: " in front of the sentence that is there. */
bool err_while(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
