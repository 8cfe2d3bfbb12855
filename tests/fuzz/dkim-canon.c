/*
 * Canonical forms: the pieces in which a body comes do not matter, a canonical form is its own, and it
 * is what RFC 6376 3.4.3 and 3.4.4 say, done here a byte at a time. The first byte is the length of the
 * pieces, and how often the rest is repeated: what is fast works on blocks, which seeds seldom fill.
 */
#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/trust/canon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void collect(void *arg, struct span canonical)
{
	assert(canonical.n && canonical.n <= CANON_PIECE);
	str_add(arg, canonical);
}

static void body(enum canon how, struct span text, size_t piece, struct str *out)
{
	struct canon_body *b = mem_get(sizeof *b);

	canon_body_begin(b, how, collect, out);
	while (text.n)
		canon_body_feed(b, span_take(&text, piece));
	canon_body_end(b);
	free(b);
}

/* Line ends as we have them, to go in again. */
static void to_lf(struct span text, struct str *out)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\r' || i + 1 == text.n || text.p[i + 1] != '\n')
			str_add(out, (struct span){ text.p + i, 1 });
	}
}

/* 3.4.4 step by step, over the whole text; then 3.4.3, which both have. */
static void slowly(enum canon how, struct span text, struct str *out)
{
	struct str lines = STR(4 << 20);

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i] == '\t' && how == CANON_RELAXED ? ' ' : text.p[i];

		if (c == '\n' && how == CANON_RELAXED && lines.n && lines.p[lines.n - 1] == ' ')
			str_cut(&lines, lines.n - 1);
		if (c != ' ' || how == CANON_SIMPLE || !lines.n || lines.p[lines.n - 1] != ' ')
			str_add_char(&lines, c);
	}
	if (how == CANON_RELAXED && lines.n && lines.p[lines.n - 1] == ' ')
		str_cut(&lines, lines.n - 1);
	while (lines.n && lines.p[lines.n - 1] == '\n')
		str_cut(&lines, lines.n - 1);
	if (lines.n || how == CANON_SIMPLE)
		str_add_char(&lines, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		if (lines.p[i] == '\n')
			str_add_char(out, '\r');
		str_add_char(out, lines.p[i]);
	}
	str_free(&lines);
}

static void ck_right(enum canon how, struct span text, struct span canonical)
{
	struct str right = STR(8 << 20);

	slowly(how, text, &right);
	assert(span_same(str_span(&right), canonical));
	str_free(&right);
}

static void ck_body(enum canon how, struct span text, size_t piece)
{
	struct str whole = STR(4 << 20), pieces = STR(4 << 20), lf = STR(4 << 20), again = STR(4 << 20);

	body(how, text, text.n + 1, &whole);
	body(how, text, piece, &pieces);
	assert(span_same(str_span(&whole), str_span(&pieces)));
	ck_right(how, text, str_span(&whole));
	if (!span_has(text, '\r')) {
		to_lf(str_span(&whole), &lf);
		body(how, str_span(&lf), 3, &again);
		assert(span_same(str_span(&whole), str_span(&again)));
	}
	str_free(&whole);
	str_free(&pieces);
	str_free(&lf);
	str_free(&again);
}

static void ck_field(enum canon how, struct span whole)
{
	struct str out = STR(4 << 20), again = STR(4 << 20);

	canon_field(how, whole, &out);
	canon_field(how, str_span(&out), &again);
	assert(out.n <= 2 * whole.n + 3);
	assert(how == CANON_SIMPLE || span_ends(str_span(&out), "\r\n"));
	assert(span_same(str_span(&out), str_span(&again)) || span_has(whole, '\r'));
	str_free(&out);
	str_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data + 1, n ? n - 1 : 0 };
	struct str many = STR(4 << 20);

	if (!n || n > 1 << 16)
		return 0;
	for (int i = 0; i <= data[0] / 40; i++)
		str_add(&many, text);
	for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++) {
		ck_body((enum canon)how, str_span(&many), 1 + data[0]);
		if (text.n)
			ck_field((enum canon)how, text);
	}
	str_free(&many);
	return 0;
}
