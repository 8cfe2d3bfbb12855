/* Growing strings with a ceiling. See str.h. */
#include "common/base/str.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"

char *str_room(struct str *s, size_t more)
{
	size_t want, cap;

	if (s->over || more > s->max - s->n) {
		s->over = true;
		return NULL;
	}
	want = s->n + more + 1;
	if (want > s->cap) {
		cap = s->cap ? s->cap : 64;
		while (cap < want)
			cap += cap / 2;
		s->p = mem_more(s->cap ? s->p : NULL, cap, 1);
		s->p[s->n] = '\0';
		s->cap = cap;
	}
	return s->p + s->n;
}

void str_grew(struct str *s, size_t by)
{
	assert(by < s->cap - s->n);
	s->n += by;
	s->p[s->n] = '\0';
}

void str_add(struct str *s, struct span more)
{
	char *at = str_room(s, more.n);

	if (!at)
		return;
	if (more.n)
		memcpy(at, more.p, more.n);
	str_grew(s, more.n);
}

void str_add_text(struct str *s, const char *text)
{
	str_add(s, span_of(text));
}

void str_add_char(struct str *s, char c)
{
	str_add(s, (struct span){ &c, 1 });
}

void str_add_lower(struct str *s, struct span more)
{
	char *at = str_room(s, more.n);

	if (!at)
		return;
	for (size_t i = 0; i < more.n; i++)
		at[i] = to_lower(more.p[i]);
	str_grew(s, more.n);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list args;
	char *at;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	assert(n >= 0);
	at = str_room(s, (size_t)n);
	if (!at)
		return;
	va_start(args, fmt);
	vsnprintf(at, (size_t)n + 1, fmt, args);
	va_end(args);
	str_grew(s, (size_t)n);
}

void str_cut(struct str *s, size_t n)
{
	if (n >= s->n)
		return;
	s->n = n;
	s->p[n] = '\0';
}

void str_reset(struct str *s)
{
	str_cut(s, 0);
	s->over = false;
}

void str_free(struct str *s)
{
	if (s->cap)
		free(s->p);
	*s = STR(s->max);
}
