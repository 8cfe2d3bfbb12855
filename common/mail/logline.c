/* Lines of the mail log. See logline.h. */
#include "common/mail/logline.h"

#include "common/mail/date.h"

enum { ID_LENGTH = 14 };

/* "program[123]: " ends the front of every form. Program names have no bracket. */
static bool skip_front(struct span *line, struct span *front)
{
	struct span rest = *line;
	ptrdiff_t at;

	for (; (at = span_find(rest, ']')) >= 0; rest = span_from(rest, (size_t)at + 1)) {
		if (!span_starts(span_from(rest, (size_t)at), "]: "))
			continue;
		*front = span_to(*line, (size_t)(rest.p - line->p) + (size_t)at);
		*line = span_from(rest, (size_t)at + 3);
		return true;
	}
	return false;
}

static bool eat_id(struct span *in, struct span *id)
{
	size_t n = 0;

	if (span_starts(*in, "- ")) {
		*id = span_to(*in, 1);
		*in = span_from(*in, 2);
		return true;
	}
	while (n < in->n && n < ID_LENGTH &&
	    (is_digit(in->p[n]) || (in->p[n] >= 'a' && in->p[n] <= 'z')))
		n++;
	if (n != ID_LENGTH || in->n == n || in->p[n] != ' ')
		return false;
	*id = span_to(*in, n);
	*in = span_from(*in, n + 1);
	return true;
}

bool logline_id(struct span line, struct span *id)
{
	struct span front;

	return skip_front(&line, &front) && eat_id(&line, id);
}

/* date_iso_parse() has the seconds; what follows them is for the order of lines. */
static int64_t read_time(struct span when)
{
	ptrdiff_t dot = span_find(when, '.');
	int64_t us = 0, each = 100000;
	time_t sec;

	if (!date_iso_parse(when, &sec))
		return 0;
	for (size_t i = (size_t)dot + 1; dot >= 0 && i < when.n && is_digit(when.p[i]) && each; i++, each /= 10)
		us += (when.p[i] - '0') * each;
	return (int64_t)sec * 1000000 + us;
}

static bool is_verb(char c)
{
	return (c >= 'a' && c <= 'z') || c == '-';
}

/* "2026-11-24T04:12:07.123Z program[12", "Nov 24 04:12:07 host program[12" */
static bool read_front(struct span front, struct logline *out)
{
	ptrdiff_t open = span_rfind(front, '['), blank;

	if (open < 0)
		return false;
	front = span_to(front, (size_t)open);
	blank = span_rfind(front, ' ');
	out->program = span_from(front, (size_t)(blank + 1));
	front = span_to(front, blank < 0 ? 0 : (size_t)blank);
	out->when = front;
	out->us = read_time(span_word(&front));
	if (out->us)
		out->when = span_to(out->when, (size_t)(front.p - out->when.p));
	return out->program.n;
}

bool logline_parse(struct span line, struct logline *out)
{
	struct span front;

	*out = (struct logline){ .us = 0 };
	if (!skip_front(&line, &front) || !read_front(front, out) || !eat_id(&line, &out->id))
		return false;
	out->verb = span_while(&line, is_verb);
	out->fields = line;
	return out->verb.n && (!line.n || *line.p == ' ');
}

/* --- fields --- */

/* Past the quote that ends what begins with one. False: it does not end, as the line was cut. */
static bool skip_quoted(struct span *in)
{
	for (size_t i = 1; i < in->n; i++) {
		if (in->p[i] == '\\') {
			i++;
		} else if (in->p[i] == '"') {
			*in = span_from(*in, i + 1);
			return true;
		}
	}
	*in = span_from(*in, in->n);
	return false;
}

static bool is_not_blank(char c)
{
	return c != ' ';
}

static bool is_key(char c)
{
	return is_alnum(c) || c == '-';
}

bool logline_next(struct span *fields, struct span *key, struct span *raw)
{
	struct span in = *fields, value;

	for (;;) {
		while (span_eat_char(&in, ' '))
			;
		*key = span_while(&in, is_key);
		if (key->n && span_eat_char(&in, '='))
			break;
		if (!in.n)
			return false;
		span_while(&in, is_not_blank);		/* no field: words of an older log */
	}
	value = in;
	if (in.n && *in.p == '"')
		skip_quoted(&in);
	span_while(&in, is_not_blank);			/* "..." may follow a quote */
	*raw = span_to(value, (size_t)(in.p - value.p));
	*fields = in;
	return true;
}

void logline_plain(struct span raw, struct str *out)
{
	if (!span_eat_char(&raw, '"')) {
		str_add(out, raw);
		return;
	}
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '"') {
			str_add(out, span_from(raw, i + 1));
			return;
		}
		if (raw.p[i] == '\\' && i + 1 < raw.n)
			i++;
		str_add_char(out, raw.p[i]);
	}
}

bool logline_get(struct span fields, const char *key, struct str *out)
{
	struct span name, raw;

	while (logline_next(&fields, &name, &raw)) {
		if (!span_is(name, key))
			continue;
		logline_plain(raw, out);
		return true;
	}
	return false;
}

struct span logline_address(struct span value)
{
	if (value.n < 2 || *value.p != '<' || value.p[value.n - 1] != '>')
		return value;
	return span_from(span_to(value, value.n - 1), 1);
}
