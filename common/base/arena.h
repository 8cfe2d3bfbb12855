/*
 * NAME
 *	arena - memory with the lifetime of one command
 * DESCRIPTION
 *	A session owns one arena. Whatever a command needs only until its reply is
 *	sent comes from there, and nobody frees it: the loop does, once, with
 *	arena_reset(). What must outlive the command goes to the session or the
 *	store instead. Past its ceiling arena_get() calls the arena's way out, which
 *	must not return (a session says 421 or BYE and ends); without one it is
 *	"out of memory".
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include "common/base/span.h"

struct arena;

struct arena *arena_new(size_t max, void (*way_out)(void *arg), void *arg);
void arena_free(struct arena *a);
void *arena_get(struct arena *a, size_t n)
    __attribute__((returns_nonnull)); /* zeroed, aligned for anything */
void *arena_array(struct arena *a, size_t count, size_t each) __attribute__((returns_nonnull));
char *arena_text(struct arena *a, struct span s)
    __attribute__((returns_nonnull)); /* NUL-terminated copy */
struct span arena_copy(struct arena *a, struct span s);
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
void arena_reset(struct arena *a);		/* everything from it is gone; one block is kept */
size_t arena_used(const struct arena *a);	/* bytes handed out since the reset */

#endif
