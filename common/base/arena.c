/* Blocks of memory that go together. See arena.h. */
#include "common/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/mem.h"

enum { BLOCK_SIZE = 8192 };

struct block {
	struct block	*next;
	size_t		 size, used;
	alignas(max_align_t) char bytes[];
};

struct arena {
	struct block	*blocks;	/* the newest first */
	size_t		 used, max;
	void		(*way_out)(void *arg);
	void		*arg;
};

struct arena *arena_new(size_t max, void (*way_out)(void *arg), void *arg)
{
	struct arena *a = mem_get(sizeof *a);

	a->max = max;
	a->way_out = way_out;
	a->arg = arg;
	return a;
}

static void add_block(struct arena *a, size_t n)
{
	size_t size = n > BLOCK_SIZE ? n : BLOCK_SIZE;
	struct block *b = mem_more(NULL, 1, sizeof *b + size);

	b->next = a->blocks;
	b->size = size;
	b->used = 0;
	a->blocks = b;
}

static void too_much(struct arena *a)
{
	if (a->way_out)
		a->way_out(a->arg);
	_exit(EX_TEMPFAIL);
}

void *arena_get(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	void *p;

	if (n > a->max - a->used)
		too_much(a);
	a->used += n;
	n = (n + align - 1) / align * align;
	if (!a->blocks || n > a->blocks->size - a->blocks->used)
		add_block(a, n);
	p = a->blocks->bytes + a->blocks->used;
	a->blocks->used += n;
	return memset(p, 0, n);
}

void *arena_array(struct arena *a, size_t count, size_t each)
{
	size_t n;

	if (__builtin_mul_overflow(count, each, &n))
		too_much(a);
	return arena_get(a, n);
}

char *arena_text(struct arena *a, struct span s)
{
	char *p = arena_get(a, s.n + 1);

	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}

struct span arena_copy(struct arena *a, struct span s)
{
	return (struct span){ arena_text(a, s), s.n };
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *p;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	p = arena_get(a, (size_t)n + 1);
	va_start(args, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, args);
	va_end(args);
	return p;
}

void arena_reset(struct arena *a)
{
	struct block *b, *next;

	for (b = a->blocks; b && b->next; b = next) {
		next = b->next;
		free(b);
	}
	a->blocks = b;
	a->used = 0;
	if (b)
		b->used = 0;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	arena_reset(a);
	free(a->blocks);
	free(a);
}
