/*
 * NAME
 *	str - a string we own, with a ceiling
 * INVARIANTS
 *	p is never NULL and p[n] is always '\0', so p can go to any C function.
 *	n never passes max. An append that would pass it changes nothing and
 *	sets over; over stays set until str_reset(). Build the whole line, then
 *	look at over once. After str_free() it is STR(max) again.
 */
#ifndef COMMON_BASE_STR_H
#define COMMON_BASE_STR_H

#include "common/base/span.h"

struct str { char *p; size_t n, cap, max; bool over; };

#define STR(limit)	((struct str){ .p = (char *)"", .max = (limit) })

void str_add(struct str *s, struct span more);
void str_add_text(struct str *s, const char *text);
void str_add_char(struct str *s, char c);
void str_add_lower(struct str *s, struct span more);	/* ASCII in lower case */
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_cut(struct str *s, size_t n);			/* shorten to n bytes */
void str_reset(struct str *s);				/* empty again, memory kept */
void str_free(struct str *s);				/* empty again, memory given back */

static inline struct span str_span(const struct str *s)
{
	return (struct span){ s->p, s->n };
}

/*
 * Room for at least more bytes behind p[n]: the caller may write them there and
 * then call str_grew(). NULL (and over) when that passes max.
 */
char *str_room(struct str *s, size_t more);
void str_grew(struct str *s, size_t by);

#endif
