/* Walking a header. See header.h. */
#include "common/mail/header.h"

/* Length of the first line with its LF; all of it when there is none. */
static size_t line_length(struct span text)
{
	ptrdiff_t lf = span_find(text, '\n');

	return lf < 0 ? text.n : (size_t)lf + 1;
}

static size_t end_length(struct span text)
{
	if (text.n >= 1 && text.p[0] == '\n')
		return 1;
	return text.n >= 2 && text.p[0] == '\r' && text.p[1] == '\n' ? 2 : 0;
}

bool header_eat_end(struct span *text)
{
	size_t n = end_length(*text);

	*text = span_from(*text, n);
	return n > 0;
}

/* RFC 5322 2.2: printable ASCII but the colon; RFC 6532 changes nothing here. 4.5 allows blanks before it. */
static bool is_field_char(char c)
{
	return c > ' ' && c < 0x7f && c != ':';
}

static void name_and_value(struct field *f)
{
	struct span in = f->whole, name = span_while(&in, is_field_char);

	span_while(&in, is_blank);
	if (name.n && span_eat_char(&in, ':')) {
		f->name = name;
		f->value = span_trim(in);
	}
}

bool header_next(struct span *text, struct field *out)
{
	size_t n;

	if (!text->n || end_length(*text))
		return false;
	n = line_length(*text);
	while (n < text->n && is_blank(text->p[n]))
		n += line_length(span_from(*text, n));
	*out = (struct field){ .whole = span_take(text, n) };
	name_and_value(out);
	return true;
}

size_t header_length(struct span text)
{
	struct span at = text;

	while (at.n && !end_length(at))
		at = span_from(at, line_length(at));
	return text.n - at.n + end_length(at);
}

/* Room grows by doubling: most headers are short, the arena is not for waste. */
static void add_field(struct header *h, size_t *room, struct arena *a, struct field f)
{
	if (h->count == *room) {
		struct field *more;

		*room = *room ? *room * 2 : 32;
		more = arena_array(a, *room, sizeof *more);
		if (h->count)
			memcpy(more, h->fields, h->count * sizeof *more);
		h->fields = more;
	}
	h->fields[h->count++] = f;
}

void header_index(struct span text, struct arena *a, struct header *out)
{
	size_t room = 0, length = header_length(text);
	struct span in = span_to(text, length);
	struct field f;

	*out = (struct header){ .body_at = length };
	while (header_next(&in, &f)) {
		f.at = (size_t)(f.whole.p - text.p);
		out->bytes = f.at + f.whole.n;
		if (out->count == HEADER_FIELDS_MAX || out->bytes > HEADER_BYTES_MAX)
			out->cut = true;
		else
			add_field(out, &room, a, f);
	}
}

const struct field *header_find_after(const struct header *h, const char *name, const struct field *after)
{
	size_t i = after ? (size_t)(after - h->fields) + 1 : 0;

	for (; i < h->count; i++) {
		if (span_is(h->fields[i].name, name))
			return &h->fields[i];
	}
	return NULL;
}

const struct field *header_find(const struct header *h, const char *name)
{
	return header_find_after(h, name, NULL);
}

struct span header_value(const struct header *h, const char *name)
{
	const struct field *f = header_find(h, name);

	return f ? f->value : (struct span){ 0 };
}

static bool is_not_blank(char c)
{
	return !is_blank(c);
}

void header_unfold(struct span value, struct str *out)
{
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '\n' || (c == '\r' && i + 1 < value.n && value.p[i + 1] == '\n'))
			continue;
		str_add_char(out, ((unsigned char)c < ' ' && c != '\t') || c == 0x7f ? ' ' : c);
	}
}

/* RFC 5322 2.1.1 wants 78. A blank that becomes a line end stays, as the first of the next line. */
void header_fold(struct span field, struct str *out)
{
	enum { COLUMNS = 78 };
	size_t column = 0;

	while (field.n) {
		struct span rest = field, blanks = span_while(&rest, is_blank), word = span_while(&rest, is_not_blank);
		size_t n = blanks.n + word.n;

		if (column && blanks.n && word.n && column + n > COLUMNS) {
			str_add_char(out, '\n');
			column = 0;
		}
		str_add(out, span_take(&field, n));
		column += n;
	}
	str_add_char(out, '\n');
}
