/* MIME parameters, RFC 2045 5.1 and RFC 2231. See param.h. */
#include "common/mail/param.h"

#include "common/mail/charset.h"
#include "common/mail/encoding.h"
#include "common/mail/word.h"

/* One "name=value" as it was written. */
struct piece {
	struct span	name;		/* without "*", "*N" */
	struct span	value;		/* unquoted */
	unsigned	section;
	bool		continued;	/* had a number */
	bool		extended;	/* ended in "*" */
	bool		used;
};

enum { SECTION_MAX = 9999 };

/* Eat one comment, which may hold others; an open one goes to the end. */
static void skip_comment(struct span *in)
{
	size_t depth = 0, i = 0;

	for (; i < in->n; i++) {
		char c = in->p[i];

		if (c == '\\')
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			break;
	}
	*in = span_from(*in, i < in->n ? i + 1 : in->n);
}

static void skip_blanks(struct span *in)
{
	for (;;) {
		span_while(in, is_space);
		if (!in->n || *in->p != '(')
			return;
		skip_comment(in);
	}
}

/* A quoted string's inside without the backslashes and line ends. */
static struct span unquote(struct span inside, struct arena *a)
{
	char *to;
	size_t n = 0;

	if (!span_has(inside, '\\') && !span_has(inside, '\n'))
		return inside;
	to = arena_get(a, inside.n);
	for (size_t i = 0; i < inside.n; i++) {
		if (inside.p[i] == '\\' && i + 1 < inside.n)
			i++;
		if (inside.p[i] != '\n' && inside.p[i] != '\r')
			to[n++] = inside.p[i];
	}
	return (struct span){ to, n };
}

/* Eat a quoted string, the opening quote being there; an open one goes to the end. RFC 5322 3.2.4. */
static struct span eat_quoted(struct span *in)
{
	size_t n = 1;
	struct span inside;

	while (n < in->n && in->p[n] != '"')
		n += in->p[n] == '\\' ? 2 : 1;
	if (n > in->n)
		n = in->n;
	inside = span_from(span_to(*in, n), 1);
	*in = span_from(*in, n + 1);
	return inside;
}

/* Lenient: everything up to what clearly ends a value. */
static bool is_value(char c)
{
	return c != ';' && c != '(' && !is_space(c);
}

static bool is_name(char c)
{
	return is_value(c) && c != '=' && c != '"';
}

static struct span eat_value(struct span *in, struct arena *a)
{
	skip_blanks(in);
	return in->n && *in->p == '"' ? unquote(eat_quoted(in), a) : span_while(in, is_value);
}

/* name, name*, name*2, name*2* : RFC 2231 3 and 4. */
static void read_name(struct span name, struct piece *p)
{
	struct span left = name;
	uint64_t section;

	p->name = name;
	if (!span_cut(&left, '*', &p->name))
		return;
	p->extended = !left.n;
	if (span_eat_u64(&left, SECTION_MAX, &section)) {
		p->continued = true;
		p->section = (unsigned)section;
		p->extended = span_is(left, "*");
	}
}

/* Eat up to and over the next ";", whatever stands there. */
static void skip_to_next(struct span *in)
{
	while (in->n && *in->p != ';') {
		if (*in->p == '"')
			eat_quoted(in);
		else if (*in->p == '(')
			skip_comment(in);
		else
			span_take(in, 1);
	}
	span_eat_char(in, ';');
}

static size_t read_pieces(struct span in, struct arena *a, struct piece *pieces)
{
	size_t count = 0;

	while (in.n && count < PARAM_PIECES_MAX) {
		struct piece p = { 0 };
		struct span name;

		skip_blanks(&in);
		name = span_while(&in, is_name);
		skip_blanks(&in);
		if (name.n && span_eat_char(&in, '=')) {
			read_name(name, &p);
			p.value = eat_value(&in, a);
			if (p.name.n)
				pieces[count++] = p;
		}
		skip_to_next(&in);
	}
	return count;
}

/* Text that is not percent-encoded, put into a value that is. */
static void add_percent(struct span s, struct str *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (is_alnum(s.p[i]) || (s.p[i] && strchr("-._~", s.p[i])))
			str_add_char(out, s.p[i]);
		else
			str_addf(out, "%%%02X", (unsigned char)s.p[i]);
	}
}

/* The piece of that name and section; the array is short (PARAM_PIECES_MAX). */
static struct piece *find_section(struct piece *pieces, size_t count, struct span name, unsigned section)
{
	for (size_t i = 0; i < count; i++) {
		if (pieces[i].continued && pieces[i].section == section &&
		    span_alike(pieces[i].name, name))
			return &pieces[i];
	}
	return NULL;
}

/* All sections of first's name from 0 up. Extended when the first is: RFC 2231 4.1. */
static struct param join(struct piece *pieces, size_t count, struct span name, struct arena *a)
{
	struct str all = STR(1 << 20);
	struct piece *p = find_section(pieces, count, name, 0);
	struct param out = { .name = name, .extended = p && p->extended };

	for (unsigned n = 0; (p = find_section(pieces, count, name, n)) && !p->used; n++) {
		p->used = true;
		if (out.extended && !p->extended)
			add_percent(p->value, &all);
		else
			str_add(&all, p->value);
	}
	out.value = arena_copy(a, str_span(&all));
	str_free(&all);
	return out;
}

static bool is_first(char c)
{
	return c != ';' && c != '(';
}

/* "text / plain (comment)" to "text/plain". */
static struct span read_first(struct span *in, struct arena *a)
{
	struct span look = *in, first = span_while(&look, is_first);
	char *to;
	size_t n = 0;

	if (!look.n || *look.p == ';') {
		*in = span_from(look, 1);
		return span_trim(first);
	}
	to = arena_get(a, in->n);
	while (in->n && *in->p != ';') {
		struct span part = span_trim(span_while(in, is_first));

		if (part.n)
			memcpy(to + n, part.p, part.n);
		n += part.n;
		if (in->n && *in->p == '(')
			skip_comment(in);
	}
	span_eat_char(in, ';');
	return (struct span){ to, n };
}

void param_parse(struct span value, struct arena *a, struct span *first, struct params *out)
{
	struct piece pieces[PARAM_PIECES_MAX];
	size_t count;

	*out = (struct params){ 0 };
	*first = read_first(&value, a);
	if (!value.n)
		return;
	count = read_pieces(value, a, pieces);
	if (!count)
		return;
	out->list = arena_array(a, count, sizeof *out->list);
	for (size_t i = 0; i < count && out->count < PARAM_MAX; i++) {
		struct piece *p = &pieces[i];

		if (p->continued && !p->used && find_section(pieces, count, p->name, 0))
			out->list[out->count++] = join(pieces, count, p->name, a);
		else if (!p->continued)
			out->list[out->count++] = (struct param){ p->name, p->value, p->extended };
	}
}

/* The extended form wins over a plain one of the same name: RFC 6266 4.3 says what all do. */
const struct param *param_find(const struct params *p, const char *name)
{
	const struct param *found = NULL;

	for (size_t i = 0; i < p->count; i++) {
		if (span_is(p->list[i].name, name) &&
		    (!found || (p->list[i].extended && !found->extended)))
			found = &p->list[i];
	}
	return found;
}

/* charset'language'percent-encoded, RFC 2231 4. */
static void extended_to_utf8(struct span value, struct str *out)
{
	struct str bytes = STR(value.n + 1);
	struct decoder d = { .kind = ENCODING_QP };
	struct span charset = SPAN("utf-8"), language, text = value;

	if (span_cut(&text, '\'', &charset) && !span_cut(&text, '\'', &language))
		charset = SPAN("utf-8");
	for (size_t i = 0; i < text.n; i++)
		decoder_feed(&d, text.p[i] == '%' ? SPAN("=") : text.p[i] == '=' ? SPAN("=3D") :
		    (struct span){ text.p + i, 1 }, &bytes);
	decoder_end(&d, &bytes);
	charset_to_utf8(charset.n ? charset : SPAN("utf-8"), str_span(&bytes), out);
	str_free(&bytes);
}

struct span param_utf8(const struct param *p, struct arena *a)
{
	struct str out = STR(p->value.n * 4 + 64);
	struct span done;

	if (p->extended)
		extended_to_utf8(p->value, &out);
	else
		word_decode(p->value, &out);
	done = arena_copy(a, str_span(&out));
	str_free(&out);
	return done;
}
