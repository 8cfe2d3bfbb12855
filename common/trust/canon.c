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

static void give(struct canon_body *b, struct span bytes)
{
	while (bytes.n) {
		struct span part = span_take(&bytes, sizeof b->buf - b->n);

		memcpy(b->buf + b->n, part.p, part.n);
		b->n += part.n;
		if (b->n == sizeof b->buf)
			pass_on(b);
	}
}

/* What was held back turned out to be inside the text. */
static inline void give_held(struct canon_body *b)
{
	for (; b->ends; b->ends--)
		give(b, SPAN("\r\n"));
	if (b->blank)
		give(b, SPAN(" "));
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
			give(b, line);
		}
		if (span_eat_char(&text, '\n'))
			b->ends++;
	}
}

/*
 * How much of text is its own relaxed form: up to a line end, an HTAB, or a blank that another
 * one or a line end follows. Sixteen bytes at a time, because each byte of each
 * message comes by here.
 */
typedef unsigned char sixteen __attribute__((vector_size(16)));
typedef unsigned long long two __attribute__((vector_size(16)));

static bool is_plain(const char *p)
{
	sixteen here, next;
	two odd;

	memcpy(&here, p, sizeof here);
	memcpy(&next, p + 1, sizeof next);
	odd = (two)((here == '\n') | (here == '\t') |
	    ((here == ' ') & ((next == ' ') | (next == '\t') | (next == '\n'))));
	return !(odd[0] | odd[1]);
}

static size_t plain_length(struct span text)
{
	size_t i = 0;

	while (i + sizeof(sixteen) < text.n && is_plain(text.p + i))
		i += sizeof(sixteen);
	for (; i < text.n; i++) {
		char c = text.p[i];

		if (c == '\n' || c == '\t')
			break;
		if (c == ' ' && (i + 1 == text.n || is_fold(text.p[i + 1])))
			break;
	}
	return i;
}

/* RFC 6376 3.4.4: one blank for each run, none at the end of a line, no empty lines at the end. */
static void feed_relaxed(struct canon_body *b, struct span text)
{
	while (text.n) {
		if (span_eat_char(&text, '\n')) {
			b->blank = false;
			b->ends++;
		} else if (span_while(&text, is_blank).n) {
			b->blank = true;
		} else {
			give_held(b);
			give(b, span_take(&text, plain_length(text)));
		}
	}
}

void canon_body_feed(struct canon_body *b, struct span lf_text)
{
	if (b->how == CANON_RELAXED)
		feed_relaxed(b, lf_text);
	else
		feed_simple(b, lf_text);
}

void canon_body_end(struct canon_body *b)
{
	if (b->how == CANON_SIMPLE || b->any)
		give(b, SPAN("\r\n"));
	pass_on(b);
}
