/* A message that comes in pieces, as DKIM hashes it. See dkim-text.h. */
#include "common/trust/dkim-text.h"

#include <stdlib.h>

#include "common/base/mem.h"

/* --- the header --- */

void dkim_top_init(struct dkim_top *t)
{
	*t = (struct dkim_top){ .text = STR(HEADER_BYTES_MAX) };
}

/* Bytes of piece up to and with the LF of an empty line; 0: it is not in there. last: the byte before. */
static size_t empty_line_end(struct span piece, char last)
{
	size_t i = 0;

	while (i < piece.n) {
		const char *lf = memchr(piece.p + i, '\n', piece.n - i);

		if (!lf)
			return 0;
		i = (size_t)(lf - piece.p) + 1;
		if ((lf > piece.p ? lf[-1] : last) == '\n')
			return i;
	}
	return 0;
}

void dkim_top_feed(struct dkim_top *t, struct span *piece)
{
	char last = t->text.n ? t->text.p[t->text.n - 1] : '\n';
	size_t n = empty_line_end(*piece, last);
	struct span part = span_take(piece, n ? n : piece->n);

	t->whole = n > 0;
	if (!t->too_long)
		str_add(&t->text, part);
	t->too_long = t->too_long || t->text.over;
	if (t->too_long && part.n) {		/* but remember how it ended */
		str_cut(&t->text, t->text.n ? t->text.n - 1 : 0);
		t->text.over = false;
		str_add_char(&t->text, part.p[part.n - 1]);
	}
}

/* --- the body --- */

enum { CANONS = CANON_RELAXED + 1 };

struct stream_of {
	bool			 wanted, open;	/* open: somebody still wants what comes */
	struct key_hash		*hash;
	uint64_t		 n;		/* canonical bytes so far */
	struct canon_body	 canon;
	struct dkim_bodies	*all;
};

struct dkim_bodies {
	struct dkim_wish	*wishes;
	size_t			 count;
	struct key_hash		*copy;
	struct stream_of	 of[CANONS];
};

/* The nearest place at or behind s->n where a wish ends; DKIM_WHOLE: none before the end. */
static uint64_t next_stop(const struct stream_of *s)
{
	const struct dkim_bodies *b = s->all;
	uint64_t stop = DKIM_WHOLE;

	for (size_t i = 0; i < b->count; i++) {
		const struct dkim_wish *w = &b->wishes[i];

		if (&b->of[w->how] == s && !w->there && w->most < stop)
			stop = w->most;
	}
	return stop;
}

static void fulfil(struct stream_of *s, uint64_t at)
{
	struct dkim_bodies *b = s->all;
	unsigned char digest[KEY_DIGEST];

	key_hash_copy(b->copy, s->hash);
	key_hash_end(b->copy, digest);
	s->open = false;
	for (size_t i = 0; i < b->count; i++) {
		struct dkim_wish *w = &b->wishes[i];

		if (&b->of[w->how] != s || w->there)
			continue;
		if (w->most == at) {
			memcpy(w->digest, digest, sizeof digest);
			w->there = true;
		} else {
			s->open = true;
		}
	}
}

static void hash_piece(void *arg, struct span canonical)
{
	struct stream_of *s = arg;

	while (canonical.n) {
		uint64_t stop = s->open ? next_stop(s) : DKIM_WHOLE;
		struct span part = span_take(&canonical, stop - s->n < canonical.n ? (size_t)(stop - s->n) : canonical.n);

		if (s->open)
			key_hash_add(s->hash, part);
		s->n += part.n;
		if (s->n == stop)
			fulfil(s, stop);
	}
}

static void stream_begin(struct dkim_bodies *b, enum canon how)
{
	struct stream_of *s = &b->of[how];

	if (s->wanted)
		return;
	s->wanted = s->open = true;
	s->all = b;
	s->hash = key_hash_new();
	canon_body_begin(&s->canon, how, hash_piece, s);
}

struct dkim_bodies *dkim_bodies_new(struct dkim_wish *wishes, size_t count)
{
	struct dkim_bodies *b = mem_more(NULL, 1, sizeof *b);

	b->wishes = wishes;
	b->count = count;
	b->copy = key_hash_new();
	for (size_t i = 0; i < CANONS; i++) {
		b->of[i].wanted = b->of[i].open = false;
		b->of[i].hash = NULL;
		b->of[i].n = 0;
	}
	for (size_t i = 0; i < count; i++) {
		wishes[i].there = false;
		stream_begin(b, wishes[i].how);
	}
	for (size_t i = 0; i < CANONS; i++) {
		if (b->of[i].wanted && next_stop(&b->of[i]) == 0)
			fulfil(&b->of[i], 0);		/* l=0 */
	}
	return b;
}

void dkim_bodies_feed(struct dkim_bodies *b, struct span lf_text)
{
	for (size_t i = 0; i < CANONS; i++) {
		if (b->of[i].wanted)
			canon_body_feed(&b->of[i].canon, lf_text);
	}
}

void dkim_bodies_end(struct dkim_bodies *b)
{
	for (size_t i = 0; i < CANONS; i++) {
		if (!b->of[i].wanted)
			continue;
		canon_body_end(&b->of[i].canon);
		if (b->of[i].open)
			fulfil(&b->of[i], DKIM_WHOLE);
	}
}

uint64_t dkim_bodies_length(const struct dkim_bodies *b, enum canon how)
{
	return b->of[how].wanted ? b->of[how].n : 0;
}

void dkim_bodies_free(struct dkim_bodies *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < CANONS; i++)
		key_hash_free(b->of[i].hash);
	key_hash_free(b->copy);
	free(b);
}

/* --- fields --- */

const struct field *dkim_pick_last(struct dkim_pick *p, struct span name)
{
	for (size_t i = p->header->count; i-- > 0;) {
		if (!p->used[i] && span_alike(p->header->fields[i].name, name)) {
			p->used[i] = true;
			return &p->header->fields[i];
		}
	}
	return NULL;
}
