/*
 * NAME
 *	mem - memory that is there, or the process is not
 * DESCRIPTION
 *	Out of memory ends the process with EX_TEMPFAIL after one line on standard
 *	error; nothing that was acknowledged is lost by that. So none of these
 *	returns NULL. Sizes are checked for overflow.
 */
#ifndef COMMON_BASE_MEM_H
#define COMMON_BASE_MEM_H

#include <stddef.h>

void *mem_get(size_t n) __attribute__((malloc, returns_nonnull));	/* zeroed; free() it */
void *mem_more(void *p, size_t count, size_t each)
    __attribute__((returns_nonnull)); /* like reallocarray */
char *mem_text(const char *text) __attribute__((malloc, returns_nonnull)); /* like strdup */
/*
 * For a program that many processes run: large buffers come from the system one by one and go
 * back to it at once, so that a process at rest holds none of those it needed once.
 */
void mem_give_back(void);

#endif
