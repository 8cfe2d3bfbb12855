/*
 * NAME
 *	tame - what strangers wrote, fit for a line that people read
 * DESCRIPTION
 *	A terminal obeys control characters, and a line feed begins a line that looks like ours. So
 *	each becomes "?": C0, DEL, and C1 (U+0080 to U+009F) in UTF-8. Pure.
 */
#ifndef COMMON_BASE_TAME_H
#define COMMON_BASE_TAME_H

#include <stddef.h>

/* In place; the new length, which is less where C1 was. No NUL is written. */
size_t tame(char *text, size_t n);

#endif
