/*
 * The parts of a message in one pass. See mime.h.
 *
 * The text is read line by line. "Open" are the multiparts around the line, outermost
 * first; a delimiter of any of them ends everything that lies deeper. All offsets only
 * grow, so lines are counted once.
 */
#include "common/mail/mime.h"

#include <assert.h>

#include "common/mail/encoding.h"
#include "common/mail/header.h"

struct open {
	int		part;
	int		last;		/* its newest child, -1 none */
	struct span	boundary;
};

struct reader {
	struct span	 text;
	struct arena	*arena;
	struct mime	*out;
	size_t		 room;
	struct open	 open[MIME_DEPTH_MAX];
	size_t		 open_count;
	size_t		 counted_to, lines;	/* LFs before counted_to */
};

/* LFs before at, which never goes back. */
static size_t lines_before(struct reader *r, size_t at)
{
	assert(at >= r->counted_to);
	while (r->counted_to < at) {
		const char *lf = memchr(r->text.p + r->counted_to, '\n', at - r->counted_to);

		if (!lf)
			break;
		r->lines++;
		r->counted_to = (size_t)(lf - r->text.p) + 1;
	}
	r->counted_to = at;
	return r->lines;
}

/* A stretch begins with the LFs before it in lines; ending it subtracts them. */
static struct mime_span span_begin(struct reader *r, size_t at)
{
	return (struct mime_span){ .at = at, .lines = lines_before(r, at) };
}

static void span_end(struct reader *r, struct mime_span *s, size_t end)
{
	s->bytes = end - s->at;
	s->lines = lines_before(r, end) - s->lines;
}

static size_t line_end(const struct reader *r, size_t at)
{
	ptrdiff_t lf = span_find(span_from(r->text, at), '\n');

	return lf < 0 ? r->text.n : at + (size_t)lf + 1;
}

/* --- delimiters --- */

/* Is this line (after its "--") the boundary, with "--" behind it or not? Padding may follow. */
static bool is_delimiter(struct span line, struct span boundary, bool *closes)
{
	if (line.n < boundary.n || line.n > boundary.n + MIME_BOUNDARY_MAX ||
	    memcmp(line.p, boundary.p, boundary.n) != 0)
		return false;
	line = span_from(line, boundary.n);
	*closes = span_eat(&line, "--");
	return !span_trim(line).n;
}

/* Which open multipart does the line at that offset delimit? Innermost first; -1 none. */
static int find_delimiter(const struct reader *r, size_t at, bool *closes)
{
	struct span line = span_from(span_to(r->text, line_end(r, at)), at);

	if (!span_eat(&line, "--"))
		return -1;
	for (size_t i = r->open_count; i-- > 0;) {
		if (is_delimiter(line, r->open[i].boundary, closes))
			return (int)i;
	}
	return -1;
}

/* --- headers --- */

struct names { const char *name; size_t offset; };

#define AT(field) offsetof(struct mime_part, field)
static const struct names plain_fields[] = {
	{ "Content-ID", AT(id) },
	{ "Content-Description", AT(description) },
	{ "Content-Language", AT(language) },
	{ "Content-Location", AT(location) },
	{ "Content-MD5", AT(md5) },
};

static void read_type(struct reader *r, struct mime_part *p, struct span value)
{
	struct span type, subtype;
	struct params params;

	param_parse(value, r->arena, &subtype, &params);
	if (!span_cut(&subtype, '/', &type) || !span_trim(type).n || !span_trim(subtype).n)
		return;				/* RFC 2045 5.2: as if it were missing */
	p->type = span_trim(type);
	p->subtype = span_trim(subtype);
	p->params = params;
}

static void read_field(struct reader *r, struct mime_part *p, const struct field *f, bool *typed)
{
	struct params ignored;

	if (!span_starts(f->name, "Content-"))
		return;
	if (span_is(f->name, "Content-Type") && !*typed) {
		*typed = true;
		read_type(r, p, f->value);
	} else if (span_is(f->name, "Content-Transfer-Encoding") && !p->encoding.p) {
		param_parse(f->value, r->arena, &p->encoding, &ignored);
	} else if (span_is(f->name, "Content-Disposition") && !p->disposition.p) {
		param_parse(f->value, r->arena, &p->disposition, &p->disposition_params);
	}
	for (size_t i = 0; i < sizeof plain_fields / sizeof *plain_fields; i++) {
		struct span *to = (struct span *)(void *)((char *)p + plain_fields[i].offset);

		if (!to->p && span_is(f->name, plain_fields[i].name))
			*to = f->value;
	}
}

static bool in_digest(const struct reader *r, const struct mime_part *p)
{
	const struct mime_part *around = p->parent < 0 ? NULL : &r->out->parts[p->parent];

	return around && around->kind == MIME_MULTIPART && span_is(around->subtype, "digest");
}

static void read_header(struct reader *r, struct mime_part *p)
{
	struct span in = span_from(span_to(r->text, p->body.at), p->header.at);
	bool typed = false, digest = in_digest(r, p);
	struct field f;

	p->type = digest ? SPAN("message") : SPAN("text");
	p->subtype = digest ? SPAN("rfc822") : SPAN("plain");
	while (header_next(&in, &f))
		read_field(r, p, &f, &typed);
}

/* The end of the header that begins at at: behind its empty line, or at a delimiter, or at the end. */
static size_t header_end(const struct reader *r, size_t at)
{
	bool closes;

	while (at < r->text.n) {
		size_t end = line_end(r, at);

		if (r->text.p[at] == '\n' || (end - at == 2 && r->text.p[at] == '\r'))
			return end;
		if (find_delimiter(r, at, &closes) >= 0)
			return at;
		at = end;
	}
	return at;
}

/* --- parts --- */

static struct mime_part *part(const struct reader *r, int i)
{
	return &r->out->parts[i];
}

static int add_part(struct reader *r, int parent, int before, size_t at)
{
	struct mime *m = r->out;
	int i = (int)m->count;

	if (m->count == r->room) {
		struct mime_part *more;

		r->room = r->room ? r->room * 2 : 4;
		more = arena_array(r->arena, r->room, sizeof *more);
		if (m->count)
			memcpy(more, m->parts, m->count * sizeof *more);
		m->parts = more;
	}
	m->count++;
	*part(r, i) = (struct mime_part){ .parent = parent, .child = -1, .next = -1, .number = 1 };
	if (before >= 0) {
		part(r, before)->next = i;
		part(r, i)->number = part(r, before)->number + 1;
	} else if (parent >= 0) {
		part(r, parent)->child = i;
	}
	part(r, i)->depth = parent < 0 ? 0 : part(r, parent)->depth + 1;
	part(r, i)->header = span_begin(r, at);
	part(r, i)->body.at = header_end(r, at);
	span_end(r, &part(r, i)->header, part(r, i)->body.at);
	part(r, i)->body = span_begin(r, part(r, i)->body.at);
	read_header(r, part(r, i));
	return i;
}

static bool may_go_deeper(const struct reader *r, const struct mime_part *p)
{
	bool ok = p->depth + 1 < MIME_DEPTH_MAX && r->out->count < MIME_PARTS_MAX;

	if (!ok)
		r->out->cut = true;
	return ok;
}

/* Push a multipart, if it is one that can be read. */
static bool open_multipart(struct reader *r, int i)
{
	struct mime_part *p = part(r, i);
	const struct param *boundary = param_find(&p->params, "boundary");
	struct span b = boundary ? boundary->value : (struct span){ 0 };

	if (!span_is(p->type, "multipart") || !b.n)
		return false;
	if (b.n > MIME_BOUNDARY_MAX)
		r->out->cut = true;
	if (b.n > MIME_BOUNDARY_MAX || !may_go_deeper(r, p))
		return false;
	p->kind = MIME_MULTIPART;
	r->open[r->open_count++] = (struct open){ i, -1, b };
	return true;
}

/* RFC 2046 5.2.1: only an unencoded message can be looked into. RFC 6532 for message/global. */
static bool is_message(struct reader *r, int i)
{
	struct mime_part *p = part(r, i);

	return span_is(p->type, "message") &&
	    (span_is(p->subtype, "rfc822") || span_is(p->subtype, "global")) &&
	    encoding_of(p->encoding) == ENCODING_NONE && may_go_deeper(r, p);
}

/* Begin a part at at, and the messages inside it. Returns the innermost. */
static int begin_part(struct reader *r, int parent, int before, size_t at)
{
	int i = add_part(r, parent, before, at);

	while (!open_multipart(r, i) && is_message(r, i)) {
		part(r, i)->kind = MIME_MESSAGE;
		i = add_part(r, i, -1, part(r, i)->body.at);
	}
	return i;
}

/* The body of part i and of all around it, up to but without part stop, ends here. */
static void end_parts(struct reader *r, int i, int stop, size_t end)
{
	for (; i != stop; i = part(r, i)->parent)
		span_end(r, &part(r, i)->body, end);
}

/* The line end before a delimiter belongs to it, unless the part's body has none: RFC 2046 5.1.1. */
static size_t end_before(const struct reader *r, int i, size_t delimiter)
{
	return delimiter > part(r, i)->body.at ? delimiter - 1 : delimiter;
}

/* Where the next line that begins with "--" is, from the line at at on; the end of the text without one. */
static size_t next_candidate(const struct reader *r, size_t at)
{
	while (at < r->text.n &&
	    !(r->text.p[at] == '-' && at + 1 < r->text.n && r->text.p[at + 1] == '-'))
		at = line_end(r, at);
	return at;
}

/* Handle the delimiter of open multipart d at offset at; returns the part that is read from now on. */
static int cross(struct reader *r, int d, bool closes, int now, size_t at)
{
	struct open *o = &r->open[d];
	int around = o->part;

	end_parts(r, now, around, end_before(r, now, at));
	r->open_count = (size_t)d + (closes ? 0 : 1);
	if (closes)
		return around;			/* its epilogue */
	now = begin_part(r, around, o->last, line_end(r, at));
	for (o->last = now; part(r, o->last)->parent != around; )
		o->last = part(r, o->last)->parent;
	return now;
}

void mime_parse(struct span text, struct arena *a, struct mime *out)
{
	struct reader r = { .text = text, .arena = a, .out = out };
	size_t at;
	int now;

	*out = (struct mime){ 0 };
	now = begin_part(&r, -1, -1, 0);
	for (at = next_candidate(&r, part(&r, now)->body.at); at < text.n && r.open_count;) {
		bool closes, full = out->count >= MIME_PARTS_MAX;
		int d = find_delimiter(&r, at, &closes);

		out->cut = out->cut || (d >= 0 && !closes && full);
		if (d >= 0 && (closes || !full)) {
			now = cross(&r, d, closes, now, at);
			at = closes ? line_end(&r, at) : part(&r, now)->body.at;
		} else {
			at = line_end(&r, at);
		}
		at = next_candidate(&r, at);
	}
	end_parts(&r, now, -1, text.n);
}

/* --- finding --- */

const struct mime_part *mime_inside(const struct mime *m, const struct mime_part *p)
{
	return p->kind == MIME_MESSAGE && p->child >= 0 ? &m->parts[p->child] : NULL;
}

static const struct mime_part *nth_child(const struct mime *m, const struct mime_part *p, unsigned n)
{
	int i = p->child;

	while (i >= 0 && m->parts[i].number != n)
		i = m->parts[i].next;
	return i < 0 ? NULL : &m->parts[i];
}

const struct mime_part *mime_find(const struct mime *m, const unsigned *numbers, size_t count)
{
	const struct mime_part *p = &m->parts[0];

	for (size_t i = 0; p && i < count; i++) {
		const struct mime_part *within =
		    i == 0 || p->kind == MIME_MULTIPART ? p : mime_inside(m, p);

		if (within && within->kind == MIME_MULTIPART)
			p = nth_child(m, within, numbers[i]);
		else
			p = numbers[i] == 1 ? within : NULL;
	}
	return p;
}
