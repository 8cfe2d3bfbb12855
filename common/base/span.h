/*
 * NAME
 *	span - a run of bytes that somebody else owns
 * DESCRIPTION
 *	A span never allocates, never writes and is never NUL-terminated. It is
 *	valid exactly as long as the buffer under it. Pass it by value; pass its
 *	address only to a function that eats from the front of it. A function that
 *	eats and fails leaves the span where it found it.
 *	"Ignores case" means ASCII case, everywhere in the suite.
 */
#ifndef COMMON_BASE_SPAN_H
#define COMMON_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span { const char *p; size_t n; };
struct sink { void (*put)(void *arg, struct span piece); void *arg; };	/* where a text goes, in pieces */

#define SPAN(lit)	((struct span){ "" lit, sizeof(lit) - 1 })
#define SPAN_FMT	"%.*s"
#define SPAN_ARG(s)	(int)(s).n, (s).p

static inline struct span span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

bool span_is(struct span s, const char *word);		/* the whole of s; ignores case */
bool span_same(struct span a, struct span b);		/* byte for byte */
bool span_alike(struct span a, struct span b);		/* ignores case */
bool span_starts(struct span s, const char *word);	/* ignores case */
bool span_ends(struct span s, const char *word);	/* ignores case */
size_t span_hash(struct span s);			/* who knows it can make collisions: siphash.h has a key */
int span_order(struct span a, struct span b);		/* like memcmp, shorter first */

bool span_eat(struct span *in, const char *word);	/* past word, ignoring case */
bool span_eat_char(struct span *in, char c);		/* past this very byte */
bool span_cut(struct span *in, char at, struct span *head); /* head = before at; in = after it */
bool span_piece(struct span *in, char at, struct span *piece); /* likewise, or all that is left; false: nothing is */
struct span span_while(struct span *in, bool (*ok)(char));  /* eats; may be empty */
struct span span_take(struct span *in, size_t n);	/* eats at most n bytes */
struct span span_word(struct span *in);			/* skips blanks, eats up to a blank */

struct span span_from(struct span s, size_t at);	/* without the first at bytes */
struct span span_to(struct span s, size_t n);		/* at most the first n bytes */
struct span span_trim(struct span s);			/* no SP, HTAB, CR, LF at either end */
ptrdiff_t span_find(struct span s, char c);		/* offset, or -1 */
size_t span_count(struct span s, char c);		/* how many of them */
ptrdiff_t span_rfind(struct span s, char c);		/* offset of the last, or -1 */
ptrdiff_t span_search(struct span s, struct span what);	/* offset, or -1; byte for byte */
bool span_has(struct span s, char c);
bool span_is_ascii(struct span s);			/* no byte beyond 0x7f */

/* Whole span a decimal number of at most max, digits only? False leaves *out alone. */
bool span_u64(struct span s, uint64_t max, uint64_t *out);
/* Eat digits from the front: false (nothing moved) without one or above max. */
bool span_eat_u64(struct span *in, uint64_t max, uint64_t *out);
/* A number of at most max, and behind it a unit or nothing: s m h d w, in either case. */
bool span_eat_time(struct span *in, uint64_t max, uint64_t *seconds);
/* "5m" "1h30m" "90" (seconds), with s m h d w; a year at most each. False also for 0. */
bool span_time(struct span s, uint64_t *seconds);

/* How many letters are wrong, left out, added or swapped; at most 99. */
unsigned span_distance(struct span a, struct span b);

/* Copy into a NUL-terminated buffer; false (and "") when it does not fit or holds a NUL. */
bool span_copy(struct span s, char *buf, size_t size);
bool span_copy_lower(struct span s, char *buf, size_t size);	/* ASCII in lower case */

/* ASCII classes and case, without locale. */
bool is_digit(char c);
bool is_alpha(char c);
bool is_alnum(char c);
bool is_blank(char c);		/* SP and HTAB */
bool is_space(char c);		/* SP, HTAB, CR, LF */
bool is_print(char c);		/* 0x20 to 0x7e */
char to_lower(char c);
int hex_value(char c);		/* of a digit in either case; -1: it is none */

#endif
