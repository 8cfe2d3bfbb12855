/* Text coming in. See body.h. RFC 5321 4.5.2 (dots), 2.3.8 (lines); RFC 3030 (BDAT). */
#include "common/smtp/body.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/mem.h"

void body_init(struct body *b, bool dots, uint64_t limit)
{
	*b = (struct body){ .dots = dots, .limit = limit };
}

/* One piece of input on its way to its place in the same buffer. */
struct piece { char *buf; size_t n, at, kept; };

static void keep(struct piece *p, size_t n)
{
	if (p->kept != p->at)
		memmove(p->buf + p->kept, p->buf + p->at, n);
	p->kept += n;
	p->at += n;
}

/* As much as there is of one line; the CR of its end is eaten but not kept. */
static void run_line(struct body *b, struct piece *p)
{
	char *from = p->buf + p->at;
	char *lf = memchr(from, '\n', p->n - p->at);
	size_t n = lf ? (size_t)(lf - from) : p->n - p->at;
	char *cr = memchr(from, '\r', n);

	b->at = cr ? BODY_CR : BODY_IN_LINE;
	if (cr)
		n = (size_t)(cr - from);
	keep(p, n);
	b->wire += n;
	if (cr || lf)
		p->at++;
	if (lf && !cr)
		b->flaws |= BODY_BARE_LF;
}

/* Behind a CR: only LF is right. */
static void run_cr(struct body *b, struct piece *p)
{
	char c = p->buf[p->at];

	if (c == '\n') {
		p->buf[p->kept++] = '\n';
		p->at++;
		b->wire += 2;
		b->at = BODY_LINE_START;
		return;
	}
	b->flaws |= BODY_BARE_CR;
	if (c == '\r')
		p->at++;
	else
		b->at = BODY_IN_LINE;
}

/* Behind a dot and a CR at the start of a line. */
static void run_dot_cr(struct body *b, struct piece *p)
{
	if (p->buf[p->at] == '\n') {
		p->at++;
		b->at = BODY_ENDED;
	} else {
		b->at = BODY_CR;		/* ".CRCRLF" is no end: the second CR is bare */
		run_cr(b, p);
	}
}

static void run_step(struct body *b, struct piece *p)
{
	char c = p->buf[p->at];

	switch (b->at) {
	case BODY_LINE_START:
		b->at = b->dots && c == '.' ? BODY_DOT : BODY_IN_LINE;
		p->at += b->at == BODY_DOT;
		break;
	case BODY_DOT: /* the dot itself is gone: it ends the text, or was stuffed */
		b->at = c == '\r' ? BODY_DOT_CR : BODY_IN_LINE;
		p->at += c == '\r';
		break;
	case BODY_IN_LINE:
		run_line(b, p);
		break;
	case BODY_CR:
		run_cr(b, p);
		break;
	case BODY_DOT_CR:
		run_dot_cr(b, p);
		break;
	case BODY_ENDED:
		break;
	}
}

/* Anything beyond ASCII? Eight at a time. */
static bool has_8bit(const char *p, size_t n)
{
	uint64_t all = 0, eight;

	for (; n >= sizeof eight; p += sizeof eight, n -= sizeof eight) {
		memcpy(&eight, p, sizeof eight);
		all |= eight;
	}
	while (n--)
		all |= (unsigned char)*p++;
	return (all & 0x8080808080808080U) != 0;
}

size_t body_run(struct body *b, char *buf, size_t n, size_t *used)
{
	struct piece p = { .buf = buf, .n = n };

	while (p.at < p.n && b->at != BODY_ENDED)
		run_step(b, &p);
	*used = p.at;
	if (memchr(buf, '\0', p.kept))
		b->flaws |= BODY_NUL;
	if (b->limit && b->wire > b->limit)
		b->flaws |= BODY_TOO_BIG;
	if (b->flaws)
		return 0;
	b->has8bit = b->has8bit || has_8bit(buf, p.kept);
	b->text += p.kept;
	return p.kept;
}

bool body_finish(struct body *b, bool *add_lf, struct err *e)
{
	if (b->at == BODY_CR)
		b->flaws |= BODY_BARE_CR;
	*add_lf = b->at == BODY_IN_LINE && b->text > 0;
	if (*add_lf) {
		b->wire += 2;
		b->text++;
	}
	if (b->flaws & (BODY_BARE_CR | BODY_BARE_LF))
		return err_perm(e, "5.6.0", "lines end in CRLF, and the message has a bare %s",
		    b->flaws & BODY_BARE_LF ? "LF" : "CR");
	if (b->flaws & BODY_NUL)
		return err_perm(e, "5.6.0", "the message has a NUL byte");
	if (b->flaws & BODY_TOO_BIG)
		return err_perm(e, "5.3.4", "the message is larger than %llu bytes",
		    (unsigned long long)b->limit);
	return true;
}

/* --- waiting for it --- */

static void start_clock(struct body *b)
{
	if (!b->started)
		b->started = clock_ms();
}

/*
 * A silence may last read_timeout_s, and the whole may not fall behind the slowest rate: all chunks
 * together, or one byte and one BDAT at a time would hold us for ever.
 */
static ms_t deadline(const struct body *b, const struct body_terms *t)
{
	ms_t silence = clock_in(t->read_timeout_s), slow;

	if (!t->rate_min)
		return silence;
	slow =
	    b->started + (ms_t)t->read_timeout_s * 1000 + (ms_t)(b->arrived * 1000 / t->rate_min);
	return slow < silence ? slow : silence;
}

static bool endless(const struct body *b, uint64_t bytes)
{
	return b->limit && bytes / 4 > b->limit;
}

/* Read at most BODY_PIECE bytes; > 0, or *end says why not. */
static size_t read_piece(struct body *b, struct line *in, char *buf, size_t n,
    const struct body_terms *t, enum body_end *end)
{
	ssize_t got = line_bytes(in, buf, n, deadline(b, t));

	if (got <= 0) {
		*end = got < 0 && errno == ETIMEDOUT ? BODY_LATE : BODY_LOST;
		return 0;
	}
	b->arrived += (uint64_t)got;
	return (size_t)got;
}

static enum body_end read_data(struct body *b, struct line *in, const struct body_terms *t, char *buf)
{
	enum body_end end = BODY_OK;

	start_clock(b);
	while (b->at != BODY_ENDED) {
		size_t used, kept, got = read_piece(b, in, buf, BODY_PIECE, t, &end);

		if (!got)
			return end;
		kept = body_run(b, buf, got, &used);
		if (kept)
			t->sink(t->arg, (struct span){ buf, kept });
		if (used < got)
			line_push(in, (struct span){ buf + used, got - used });
		if (b->at != BODY_ENDED && endless(b, b->arrived))
			return BODY_ENDLESS;
	}
	return BODY_OK;
}

static enum body_end read_chunk(struct body *b, struct line *in, uint64_t size, const struct body_terms *t, char *buf)
{
	enum body_end end = BODY_OK;

	start_clock(b);
	if (endless(b, size))
		return BODY_ENDLESS;
	if (deadline(b, t) <= clock_ms())
		return BODY_LATE;
	while (size) {
		size_t want = size < BODY_PIECE ? (size_t)size : BODY_PIECE;
		size_t used, kept, got = read_piece(b, in, buf, want, t, &end);

		if (!got)
			return end;
		size -= got;
		kept = body_run(b, buf, got, &used);
		if (kept)
			t->sink(t->arg, (struct span){ buf, kept });
	}
	return BODY_OK;
}

/* The buffer is none of the stack's: what a stack has had it keeps, as long as the session lasts. */
enum body_end body_read_data(struct body *b, struct line *in, const struct body_terms *t)
{
	char *buf = mem_more(NULL, BODY_PIECE, 1);
	enum body_end end = read_data(b, in, t, buf);

	free(buf);
	return end;
}

enum body_end body_read_chunk(struct body *b, struct line *in, uint64_t size, const struct body_terms *t)
{
	char *buf = mem_more(NULL, BODY_PIECE, 1);
	enum body_end end = read_chunk(b, in, size, t, buf);

	free(buf);
	return end;
}
