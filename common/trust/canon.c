/* Canonical forms. See canon.h. */
#include "common/trust/canon.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* --- fields --- */

/* RFC 6376 3.4.1: as it is. */
static void simple_field(struct span whole, struct str *out)
{
	struct span line;

	while (span_cut(&whole, '\n', &line)) {
		str_add(out, span_ends(line, "\r") ? span_to(line, line.n - 1) : line);
		str_add(out, SPAN("\r\n"));
	}
	str_add(out, whole);
	if (whole.n)
		str_add(out, SPAN("\r\n"));
}

/* A run of blanks and line ends, with which text does not begin, becomes one blank. */
static void add_unfolded(struct span text, struct str *out)
{
	char *start = str_room(out, text.n), *to = start;

	for (size_t i = 0; to && i < text.n; i++) {
		bool space = is_space(text.p[i]);

		*to = space ? ' ' : text.p[i];
		to += !space || to[-1] != ' ';
	}
	if (to)
		str_grew(out, (size_t)(to - start));
}

/* RFC 6376 3.4.2: name in lower case, no blanks around the colon and at the end, one for a run. */
static void relaxed_field(struct span whole, struct str *out)
{
	struct span name, value = span_trim(whole);

	if (span_cut(&value, ':', &name)) {
		str_add_lower(out, span_trim(name));
		str_add_char(out, ':');
	}
	add_unfolded(span_trim(value), out);
	str_add(out, SPAN("\r\n"));
}

void canon_field(enum canon how, struct span whole, struct str *out)
{
	if (how == CANON_RELAXED)
		relaxed_field(whole, out);
	else
		simple_field(whole, out);
}

/* --- the body --- */

void canon_body_begin(struct canon_body *b, enum canon how,
    void (*to)(void *arg, struct span canonical), void *arg)
{
	b->how = how;
	b->to = to;
	b->arg = arg;
	b->ends = 0;
	b->blank = b->any = false;
	b->n = 0;
}

static void pass_on(struct canon_body *b)
{
	if (b->n)
		b->to(b->arg, (struct span){ b->buf, b->n });
	b->n = 0;
}

static inline void make_room(struct canon_body *b, size_t n)
{
	if (n > CANON_PIECE - b->n)
		pass_on(b);
}

static inline void give(struct canon_body *b, char c)
{
	make_room(b, 1);
	b->buf[b->n++] = c;
}

/* What was held back turned out to be inside the text. */
static inline void give_held(struct canon_body *b)
{
	for (; b->ends; b->ends--) {
		give(b, '\r');
		give(b, '\n');
	}
	if (b->blank)
		give(b, ' ');
	b->blank = false;
	b->any = true;
}

/* --- blocks: each byte of each message comes by here, and most are their own canonical form --- */

enum {
	BLOCK		= 64,
	BLOCK_AND_MORE	= 3 * BLOCK,	/* each line end adds a CR, and a copy is a whole block */
	AHEAD		= 1024,		/* asked of memory early, as it is slower than we are */
};

typedef unsigned char bytes __attribute__((vector_size(16)));
typedef unsigned long long halves __attribute__((vector_size(16)));

/* A bit for each byte that is so (0xff), the first the lowest: little-endian, as in os/filter.c. */
static inline uint64_t bits(bytes so)
{
#ifdef __SSE2__
	return (uint64_t)_mm_movemask_epi8((__m128i)so);
#else
	halves each = ((halves)so & 0x0101010101010101) * 0x0102040810204080;

	return each[0] >> 56 | each[1] >> 56 << 8;
#endif
}

static inline bool is_blank_or_end(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* A bit for each byte of a block that is not its own canonical form; that is before white space. */
struct seen { uint64_t odd, before; };

static inline struct seen look_at(enum canon how, const char *p)
{
	uint64_t control = 0, space = 0, before;

#pragma GCC unroll 4
	for (size_t i = 0; i < BLOCK; i += sizeof(bytes)) {
		bytes some;

		memcpy(&some, p + i, sizeof some);
		if (how == CANON_SIMPLE) {
			control |= bits((bytes)(some == '\n')) << i;
		} else {
			control |= bits((bytes)(some == '\n') | (bytes)(some == '\t')) << i;
			space |= bits((bytes)(some == ' ')) << i;
		}
	}
	before = (control | space) >> 1 | (uint64_t)is_blank_or_end(p[BLOCK]) << (BLOCK - 1);
	return (struct seen){ control | (space & before), before };
}

/*
 * Copies a block in its canonical form; returns where that ends. Looks at two blocks. There are few
 * odd bytes, and what is behind each is copied again, to where it belongs: always a whole
 * block, which is faster than to copy no more than is needed.
 */
static inline char *give_block(enum canon how, char *to, const char *p)
{
	struct seen seen = look_at(how, p);
	size_t done = 0;

	__builtin_prefetch(p + AHEAD);
	memcpy(to, p, BLOCK);
	for (uint64_t odd = seen.odd; odd; odd &= odd - 1) {
		size_t at = (size_t)__builtin_ctzll(odd);
		bool end = how == CANON_SIMPLE || p[at] == '\n';

		to += at - done;
		to[0] = end ? '\r' : ' ';
		to[1] = '\n';
		to += end ? 2 : 1 - (seen.before >> at & 1);
		done = at + 1;
		memcpy(to, p + done, BLOCK);
	}
	return to + BLOCK - done;
}

/* Line ends that were given out, but may turn out to be the last. */
static void take_back_ends(struct canon_body *b)
{
	for (; b->n >= 2 && b->buf[b->n - 1] == '\n'; b->n -= 2)
		b->ends++;
}

static inline const char *give_blocks(struct canon_body *b, enum canon how, const char *p,
    const char *end)
{
	char *to = b->buf + b->n, *full = b->buf + CANON_PIECE - BLOCK_AND_MORE;

	for (; to < full && end - p >= 2 * BLOCK; p += BLOCK)
		to = give_block(how, to, p);
	b->n = (size_t)(to - b->buf);
	take_back_ends(b);
	if (to >= full)
		pass_on(b);
	return p;
}

/*
 * RFC 6376 3.4.3: but for empty lines at the end, as it is. 3.4.4: moreover, one blank for each
 * run, none at the end of a line.
 */
static inline void feed(struct canon_body *b, enum canon how, const char *p, const char *end)
{
	while (p < end) {
		char c = *p++;

		if (c == '\n') {
			b->blank = false;
			b->ends++;
		} else if (how == CANON_RELAXED && (c == ' ' || c == '\t')) {
			b->blank = true;
		} else {
			give_held(b);
			give(b, c);
			p = give_blocks(b, how, p, end);
		}
	}
}

void canon_body_feed(struct canon_body *b, struct span lf_text)
{
	if (b->how == CANON_RELAXED)
		feed(b, CANON_RELAXED, lf_text.p, lf_text.p + lf_text.n);
	else
		feed(b, CANON_SIMPLE, lf_text.p, lf_text.p + lf_text.n);
}

void canon_body_end(struct canon_body *b)
{
	b->ends = b->how == CANON_SIMPLE || b->any;
	b->blank = false;
	give_held(b);
	pass_on(b);
}
