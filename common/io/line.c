/* Lines in CRLF, bytes as they are. See line.h. */
#include "common/io/line.h"

#include <assert.h>
#include <errno.h>

#include "common/base/mem.h"

enum { READ_SIZE = 65536 };

struct line {
	struct stream	*from;
	size_t		 max;
	char		*buf;
	size_t		 at, n, cap;	/* buf[at..n) is read from the stream and not yet taken */
	size_t		 used;		/* nothing was ever written behind this */
};

struct line *line_new(struct stream *from, size_t max)
{
	struct line *l = mem_get(sizeof *l);

	l->from = from;
	l->max = max;
	return l;
}

/* It may have held a password or a message: wiped, as far as it was used, or all of it would get memory. */
static void drop_buffer(struct line *l)
{
	if (l->buf)
		explicit_bzero(l->buf, l->used);
	free(l->buf);
	l->buf = NULL;
	l->at = l->n = l->cap = l->used = 0;
}

void line_free(struct line *l)
{
	if (!l)
		return;
	drop_buffer(l);
	free(l);
}

void line_set_max(struct line *l, size_t max)
{
	l->max = max;
}

bool line_waiting(const struct line *l)
{
	return l->at < l->n;
}

struct span line_rest(const struct line *l)
{
	return l->buf ? (struct span){ l->buf + l->at, l->n - l->at } : SPAN("");
}

void line_forget(struct line *l)
{
	drop_buffer(l);
}

/* Room for at least more bytes behind n, moving what is there to the front. */
static void make_room(struct line *l, size_t more)
{
	if (l->at) {
		memmove(l->buf, l->buf + l->at, l->n - l->at);
		l->n -= l->at;
		l->at = 0;
	}
	if (l->cap - l->n >= more)
		return;
	l->cap = l->n + more;
	l->buf = mem_more(l->buf, l->cap, 1);
}

void line_push(struct line *l, struct span bytes)
{
	size_t rest = l->n - l->at;

	if (!bytes.n)
		return;
	make_room(l, bytes.n);
	memmove(l->buf + bytes.n, l->buf, rest);
	memcpy(l->buf, bytes.p, bytes.n);
	l->n = rest + bytes.n;
	if (l->used < l->n)
		l->used = l->n;
}

/* > 0: more bytes are in the buffer; 0 end; -1 errno. */
static ssize_t fill(struct line *l, ms_t until)
{
	ssize_t got;

	make_room(l, READ_SIZE);
	got = l->from->read(l->from, l->buf + l->n, READ_SIZE, until);
	if (got > 0)
		l->n += (size_t)got;
	if (l->used < l->n)
		l->used = l->n;
	return got;
}

/*
 * The CRLF at or after from, as an offset of its CR into the buffer; -1 if it is not
 * there yet. Bare CR, bare LF and NUL on the way are noted in kind.
 */
static ptrdiff_t find_end(const struct line *l, size_t from, enum line_kind *kind)
{
	for (size_t i = from; i < l->n; i++) {
		char c = l->buf[i];

		if (c == '\r' && i + 1 == l->n)
			return -1;		/* its LF may be on the way */
		if (c == '\r' && l->buf[i + 1] == '\n')
			return (ptrdiff_t)i;
		if (c == '\r' || c == '\n')
			*kind = LINE_BARE;
		else if (c == '\0' && *kind == LINE_OK)
			*kind = LINE_NUL;
	}
	return -1;
}

/* Too long: forget what we have of it but a last CR, so that memory stays bounded. */
static void shorten(struct line *l)
{
	bool keep_cr = l->buf[l->n - 1] == '\r';

	l->at = 0;
	l->n = 0;
	if (keep_cr)
		l->buf[l->n++] = '\r';
}

static size_t where_to_go_on(const struct line *l)
{
	return l->n > l->at && l->buf[l->n - 1] == '\r' ? l->n - 1 : l->n;
}

enum line_kind line_read(struct line *l, ms_t until, struct span *out)
{
	enum line_kind kind = LINE_OK;
	bool over = false;
	size_t from = l->at;
	ptrdiff_t end;

	*out = (struct span){ "", 0 };
	while ((end = find_end(l, from, &kind)) < 0) {
		size_t seen = where_to_go_on(l) - l->at;
		ssize_t got;

		if (l->n - l->at > l->max) {
			over = true;
			shorten(l);
			seen = 0;
		}
		got = fill(l, until);
		if (got <= 0)
			return got < 0 && errno == ETIMEDOUT ? LINE_LATE : LINE_END;
		from = l->at + seen;
	}
	*out = (struct span){ l->buf + l->at, (size_t)end - l->at };
	l->at = (size_t)end + 2;
	if (over || out->n + 2 > l->max)
		kind = LINE_LONG;
	if (kind != LINE_OK)
		*out = (struct span){ "", 0 };
	return kind;
}

ssize_t line_bytes(struct line *l, void *buf, size_t n, ms_t until)
{
	struct span rest = line_rest(l);

	if (!rest.n)
		return l->from->read(l->from, buf, n, until);
	if (n > rest.n)
		n = rest.n;
	memcpy(buf, rest.p, n);
	l->at += n;
	return (ssize_t)n;
}
