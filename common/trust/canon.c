/* Canonical forms. See canon.h. */
#include "common/trust/canon.h"

/* --- fields --- */

static bool is_fold(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
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

/* Here and below pointers instead of spans: each byte of each message comes by. */
static inline void give(struct canon_body *b, const char *p, size_t n)
{
	while (n) {
		size_t room = sizeof b->buf - b->n, part = n < room ? n : room;

		memcpy(b->buf + b->n, p, part);
		b->n += part;
		p += part;
		n -= part;
		if (b->n == sizeof b->buf)
			pass_on(b);
	}
}

/* What was held back turned out to be inside the text. */
static inline void give_held(struct canon_body *b)
{
	for (; b->ends; b->ends--)
		give(b, "\r\n", 2);
	if (b->blank)
		give(b, " ", 1);
	b->blank = false;
	b->any = true;
}

/* RFC 6376 3.4.3: but for empty lines at the end, as it is. */
static void feed_simple(struct canon_body *b, struct span text)
{
	while (text.n) {
		const char *lf = memchr(text.p, '\n', text.n);
		struct span line = span_take(&text, lf ? (size_t)(lf - text.p) : text.n);

		if (line.n) {
			give_held(b);
			give(b, line.p, line.n);
		}
		if (span_eat_char(&text, '\n'))
			b->ends++;
	}
}

/*
 * How much of p is its own relaxed form: up to a line end, an HTAB, or a blank that another one or a line
 * end follows. Sixteen bytes at a time; the first that is not is found by its bit, which
 * takes a little-endian machine, as all are that os/filter.c knows.
 */
typedef unsigned char sixteen __attribute__((vector_size(16)));
typedef unsigned long long two __attribute__((vector_size(16)));

static inline two odd_ones(const char *p)
{
	sixteen here, next;

	memcpy(&here, p, sizeof here);
	memcpy(&next, p + 1, sizeof next);
	return (two)((here == '\n') | (here == '\t') |
	    ((here == ' ') & ((next == ' ') | (next == '\t') | (next == '\n'))));
}

static inline bool is_odd(const char *p, const char *end)
{
	if (*p != ' ')
		return *p == '\n' || *p == '\t';
	return p + 1 == end || p[1] == ' ' || p[1] == '\t' || p[1] == '\n';
}

static inline size_t plain_length(const char *p, const char *end)
{
	const char *at = p;

	for (; end - at > (ptrdiff_t)sizeof(sixteen); at += sizeof(sixteen)) {
		two odd = odd_ones(at);

		if (odd[0])
			return (size_t)(at - p) + (size_t)__builtin_ctzll(odd[0]) / 8;
		if (odd[1])
			return (size_t)(at - p) + 8 + (size_t)__builtin_ctzll(odd[1]) / 8;
	}
	while (at < end && !is_odd(at, end))
		at++;
	return (size_t)(at - p);
}

/* RFC 6376 3.4.4: one blank for each run, none at the end of a line, no empty lines at the end. */
static void feed_relaxed(struct canon_body *b, struct span text)
{
	const char *p = text.p, *end = p + text.n;

	while (p < end) {
		if (*p == '\n') {
			b->blank = false;
			b->ends++;
			p++;
		} else if (*p == ' ' || *p == '\t') {
			b->blank = true;
			p++;
		} else {
			size_t n = plain_length(p, end);

			give_held(b);
			give(b, p, n);
			p += n;
		}
	}
}

void canon_body_feed(struct canon_body *b, struct span lf_text)
{
	if (!lf_text.n)
		return;
	if (b->how == CANON_RELAXED)
		feed_relaxed(b, lf_text);
	else
		feed_simple(b, lf_text);
}

void canon_body_end(struct canon_body *b)
{
	if (b->how == CANON_SIMPLE || b->any)
		give(b, "\r\n", 2);
	pass_on(b);
}
