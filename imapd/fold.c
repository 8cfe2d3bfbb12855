/* Searching without regard to case. See fold.h. */
#include "imapd/fold.h"

#include "common/mail/charset.h"

enum { PIECE = 16384, WINDOW_MAX = 1 << 20 };

/* Capitals from..to become c + by; step 2: only every other one, from the first. */
static const struct { uint32_t from, to; int32_t by; unsigned step; } folds[] = {
	{ 0x41, 0x5a, 32, 1 }, { 0xc0, 0xd6, 32, 1 }, { 0xd8, 0xde, 32, 1 },
	{ 0x100, 0x12e, 1, 2 }, { 0x132, 0x136, 1, 2 }, { 0x139, 0x147, 1, 2 }, { 0x14a, 0x176, 1, 2 },
	{ 0x178, 0x178, -121, 1 }, { 0x179, 0x17d, 1, 2 }, { 0x1cd, 0x1db, 1, 2 }, { 0x1de, 0x1ee, 1, 2 },
	{ 0x1f8, 0x21e, 1, 2 }, { 0x222, 0x232, 1, 2 },
	{ 0x386, 0x386, 38, 1 }, { 0x388, 0x38a, 37, 1 }, { 0x38c, 0x38c, 64, 1 }, { 0x38e, 0x38f, 63, 1 },
	{ 0x391, 0x3a1, 32, 1 }, { 0x3a3, 0x3ab, 32, 1 }, { 0x3c2, 0x3c2, 1, 1 },
	{ 0x400, 0x40f, 80, 1 }, { 0x410, 0x42f, 32, 1 }, { 0x460, 0x480, 1, 2 }, { 0x48a, 0x4be, 1, 2 },
	{ 0x4d0, 0x52e, 1, 2 }, { 0x531, 0x556, 48, 1 }, { 0x1e00, 0x1e94, 1, 2 }, { 0x1ea0, 0x1efe, 1, 2 },
	{ 0x1e9e, 0x1e9e, -7615, 1 }, { 0xff21, 0xff3a, 32, 1 },
};

uint32_t fold_point(uint32_t c)
{
	for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
		if (c < folds[i].from || c > folds[i].to)
			continue;
		if ((c - folds[i].from) % folds[i].step == 0)
			return (uint32_t)((int32_t)c + folds[i].by);
	}
	return c;
}

/* Length of the sequence that begins with this byte; 1 for what can not begin one. */
static size_t sequence_length(unsigned char c)
{
	return c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
}

static bool goes_on(struct span s, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return false;
	}
	return true;
}

static uint32_t point_of(struct span s, size_t n)
{
	unsigned char first = (unsigned char)s.p[0];
	uint32_t c = n == 1 ? first : first & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s.p[i] & 0x3f);
	return c;
}

/* Fold one character that begins at s and is n bytes long. */
static void fold_one(struct span s, size_t n, struct str *out)
{
	uint32_t c = point_of(s, n), folded = n < 4 && (n > 1 || c < 0x80) ? fold_point(c) : c;

	if (folded == c)
		str_add(out, span_to(s, n));
	else
		utf8_add(folded, out);
}

/* Folds what is whole; returns what is left at the end of a cut character. */
static struct span fold_whole(struct span in, struct str *out)
{
	while (in.n) {
		size_t n = sequence_length((unsigned char)*in.p);

		if (n > in.n)
			return in;
		if (!goes_on(in, n))
			n = 1;
		if (n == 1)
			str_add_char(out, to_lower(*in.p));
		else
			fold_one(in, n, out);
		in = span_from(in, n);
	}
	return in;
}

void fold_text(struct span utf8, struct str *out)
{
	str_add(out, fold_whole(utf8, out));
}

void finder_begin(struct finder *f, struct span folded_word)
{
	*f = (struct finder){ .word = folded_word, .window = STR(WINDOW_MAX), .found = !folded_word.n };
}

void finder_end(struct finder *f)
{
	str_free(&f->window);
}

/* Keep what could be the start of the word. */
static void forget_searched(struct finder *f)
{
	size_t keep = f->word.n - 1;

	if (f->window.n <= keep)
		return;
	memmove(f->window.p, f->window.p + f->window.n - keep, keep);
	str_cut(&f->window, keep);
}

static void feed_piece(struct finder *f, struct span piece)
{
	char joined[PIECE + sizeof f->cut];
	struct span rest;

	memcpy(joined, f->cut, f->cut_n);
	memcpy(joined + f->cut_n, piece.p, piece.n);
	rest = fold_whole((struct span){ joined, f->cut_n + piece.n }, &f->window);
	f->cut_n = rest.n;
	memcpy(f->cut, rest.p, rest.n);
	if (span_search(str_span(&f->window), f->word) >= 0)
		f->found = true;
	else
		forget_searched(f);
}

bool finder_feed(struct finder *f, struct span utf8)
{
	while (utf8.n && !f->found)
		feed_piece(f, span_take(&utf8, PIECE));
	return f->found;
}

bool fold_contains(struct span utf8, struct span folded_word)
{
	struct finder f;
	bool found;

	finder_begin(&f, folded_word);
	found = finder_feed(&f, utf8);
	finder_end(&f);
	return found;
}
