/* Canonical forms. See canon.h. */
#include "common/trust/canon.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* --- fields --- */

static bool is_fold(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_no_fold(char c)
{
	return !is_fold(c);
}

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

/* RFC 6376 3.4.2: name in lower case, no blanks around the colon and at the end, one for each run. */
static void relaxed_field(struct span whole, struct str *out)
{
	struct span name, value = span_trim(whole);

	if (span_cut(&value, ':', &name)) {
		name = span_trim(name);
		for (size_t i = 0; i < name.n; i++)
			str_add_char(out, to_lower(name.p[i]));
		str_add_char(out, ':');
	}
	value = span_trim(value);
	while (value.n) {
		str_add(out, span_while(&value, is_no_fold));
		if (span_while(&value, is_fold).n)
			str_add_char(out, ' ');
	}
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

void canon_body_begin(struct canon_body *b, enum canon how, void (*to)(void *arg, struct span canonical), void *arg)
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

enum { BLOCK = 64, BLOCK_AND_MORE = 3 * BLOCK };	/* each line end adds a CR, and a copy is a whole block */

typedef unsigned char bytes __attribute__((vector_size(16)));
typedef unsigned long long halves __attribute__((vector_size(16)));

/* A bit for each byte that is so (0xff), the first the lowest: little-endian, as all that os/filter.c knows. */
static inline uint64_t bits(bytes so)
{
#ifdef __SSE2__
	return (uint64_t)_mm_movemask_epi8((__m128i)so);
#else
	halves each = ((halves)so & 0x0101010101010101) * 0x0102040810204080;

	return each[0] >> 56 | each[1] >> 56 << 8;
#endif
}

/*
 * Copies a block as if all of it were its own canonical form. Bits: the bytes that may not be, which
 * are line ends, and if relaxed controls and blanks before one of those or before a blank.
 */
static inline uint64_t copy_block(enum canon how, char *to, const char *p)
{
	uint64_t low = 0, control = 0, after = (unsigned char)p[BLOCK] <= ' ';

#pragma GCC unroll 4
	for (size_t i = 0; i < BLOCK; i += sizeof(bytes)) {
		bytes some;

		memcpy(&some, p + i, sizeof some);
		memcpy(to + i, &some, sizeof some);
		control |= bits(how == CANON_SIMPLE ? (bytes)(some == '\n') : (bytes)(some < ' ')) << i;
		if (how == CANON_RELAXED)
			low |= bits((bytes)(some <= ' ')) << i;
	}
	return control | (low & (low >> 1 | after << (BLOCK - 1)));
}

/*
 * A block with its odd bytes mended, up to what takes a memory: line ends that may be at the end of
 * the text, and runs of tabs. Returns how many bytes of p are done. Looks at two blocks.
 */
static inline size_t give_block(struct canon_body *b, enum canon how, const char *p)
{
	char *to = b->buf + b->n;
	size_t done = 0, left = BLOCK;

	for (uint64_t odd = copy_block(how, to, p); odd; odd &= odd - 1) {
		size_t at = (size_t)__builtin_ctzll(odd);
		char c = p[at], next = p[at + 1];

		if (c == '\n' && (unsigned char)next > ' ') {
			to += at - done;
			*to++ = '\r';
			memcpy(to, p + at, BLOCK);
			done = at;
		} else if (c == ' ' && (is_blank(next) || next == '\n')) {
			to += at - done;
			done = at + 1;
			memcpy(to, p + done, BLOCK);
		} else if (c == '\t' && (unsigned char)next > ' ') {
			to[at - done] = ' ';
		} else if (c == '\n' || c == '\t') {
			left = at;
			break;
		}
	}
	b->n = (size_t)(to - b->buf) + left - done;
	return left;
}

static inline const char *give_blocks(struct canon_body *b, enum canon how, const char *p, const char *end)
{
	size_t n = BLOCK;

	for (; n == BLOCK && end - p >= 2 * BLOCK; p += n) {
		make_room(b, BLOCK_AND_MORE);
		n = give_block(b, how, p);
	}
	return p;
}

/*
 * RFC 6376 3.4.3: but for empty lines at the end, as it is. 3.4.4: moreover, one blank for each run,
 * none at the end of a line.
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
