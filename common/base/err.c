/* Sentences about failures. See err.h. */
#include "common/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/tame.h"

/* What strangers wrote may stand in a sentence. */
static void tame_text(struct err *e)
{
	e->text[tame(e->text, strlen(e->text))] = '\0';
}

static void fill(struct err *e, enum err_kind kind, const char *status, const char *fmt, va_list args)
{
	e->kind = kind;
	snprintf(e->status, sizeof e->status, "%s", status);
	vsnprintf(e->text, sizeof e->text, fmt, args);
	tame_text(e);
}

bool err_temp(struct err *e, const char *status, const char *fmt, ...)
{
	va_list args;

	if (!e)
		return false;
	va_start(args, fmt);
	fill(e, ERR_TEMP, status, fmt, args);
	va_end(args);
	return false;
}

bool err_perm(struct err *e, const char *status, const char *fmt, ...)
{
	va_list args;

	if (!e)
		return false;
	va_start(args, fmt);
	fill(e, ERR_PERM, status, fmt, args);
	va_end(args);
	return false;
}

bool err_sys(struct err *e, const char *fmt, ...)
{
	int no = errno;
	bool full = no == ENOSPC || no == EDQUOT || no == EFBIG;
	va_list args;
	size_t n;

	if (!e)
		return false;
	va_start(args, fmt);
	fill(e, ERR_TEMP, full ? "4.3.1" : "4.3.0", fmt, args);
	va_end(args);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof e->text - n, ": %s", strerror(no));
	return false;
}

bool err_while(struct err *e, const char *fmt, ...)
{
	char was[sizeof e->text];
	va_list args;
	size_t n;

	if (!e)
		return false;
	memcpy(was, e->text, sizeof was);
	va_start(args, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, args);
	va_end(args);
	tame_text(e);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof e->text - n, ": %s", was);
	return false;
}
