/* Eating IMAP tokens. See parse.h. */
#include "imapd/parse.h"

bool is_atom_char(char c)
{
	return c > 0x20 && c < 0x7f && !strchr("(){%*\"\\]", c);
}

bool is_astring_char(char c)
{
	return is_atom_char(c) || c == ']';
}

static bool is_tag_char(char c)
{
	return is_astring_char(c) && c != '+';
}

static bool is_pattern_char(char c)
{
	return is_astring_char(c) || c == '%' || c == '*';
}

static bool eat_some(struct span *in, bool (*ok)(char), struct span *out)
{
	struct span at = *in, got = span_while(&at, ok);

	if (!got.n)
		return false;
	*out = got;
	*in = at;
	return true;
}

bool parse_space(struct span *in)
{
	return span_eat_char(in, ' ');
}

bool parse_end(struct span in)
{
	return !in.n;
}

bool parse_tag(struct span *in, struct span *out)
{
	return eat_some(in, is_tag_char, out);
}

bool parse_atom(struct span *in, struct span *out)
{
	return eat_some(in, is_atom_char, out);
}

static bool parse_literal(struct span *in, struct span *out)
{
	struct span at = *in, got;
	uint64_t n;

	if (!span_eat_char(&at, '{') || !span_eat_u64(&at, SIZE_MAX / 2, &n))
		return false;
	span_eat_char(&at, '+');
	if (!span_eat(&at, "}\r\n") || at.n < n)
		return false;
	got = span_take(&at, (size_t)n);
	if (span_has(got, '\0'))
		return false;
	*out = got;
	*in = at;
	return true;
}

/* The length of the text between quotes, escapes included; false without an end. */
static bool quoted_length(struct span in, size_t *n, bool *escaped)
{
	*escaped = false;
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];

		if (c == '"') {
			*n = i;
			return true;
		}
		if (c == '\r' || c == '\n' || c == '\0')
			return false;
		if (c != '\\')
			continue;
		*escaped = true;
		i++;
		if (i == in.n || (in.p[i] != '"' && in.p[i] != '\\'))
			return false;
	}
	return false;
}

static struct span unescape(struct span in, struct arena *a)
{
	char *p = arena_get(a, in.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '\\')
			i++;
		p[n++] = in.p[i];
	}
	return (struct span){ p, n };
}

bool parse_string(struct span *in, struct arena *a, struct span *out)
{
	struct span at = *in;
	bool escaped;
	size_t n;

	if (parse_literal(in, out))
		return true;
	if (!span_eat_char(&at, '"') || !quoted_length(at, &n, &escaped))
		return false;
	*out = span_take(&at, n);
	if (escaped)
		*out = unescape(*out, a);
	span_eat_char(&at, '"');
	*in = at;
	return true;
}

bool parse_astring(struct span *in, struct arena *a, struct span *out)
{
	return eat_some(in, is_astring_char, out) || parse_string(in, a, out);
}

bool parse_pattern(struct span *in, struct arena *a, struct span *out)
{
	return eat_some(in, is_pattern_char, out) || parse_string(in, a, out);
}

bool parse_flag(struct span *in, struct span *out)
{
	struct span at = *in, name;

	span_eat_char(&at, '\\');
	if (!parse_atom(&at, &name))
		return false;
	*out = (struct span){ in->p, in->n - at.n };
	*in = at;
	return true;
}

bool parse_literal_mark(struct span line, uint64_t *size, bool *waits, struct span *before)
{
	ptrdiff_t open = span_rfind(line, '{');
	struct span at;
	uint64_t n;
	bool plus;

	if (open < 0)
		return false;
	at = span_from(line, (size_t)open + 1);
	if (!span_eat_u64(&at, INT64_MAX, &n))
		return false;
	plus = span_eat_char(&at, '+');
	if (!span_is(at, "}"))
		return false;
	*size = n;
	*waits = !plus;
	*before = span_to(line, (size_t)open);
	return true;
}

bool parse_date_time(struct span *in, struct date *out)
{
	struct span at = *in, text;

	if (!span_eat_char(&at, '"') || !span_cut(&at, '"', &text) || !date_imap_parse(text, out))
		return false;
	*in = at;
	return true;
}

static bool is_day_char(char c)
{
	return is_alnum(c) || c == '-';
}

bool parse_date(struct span *in, struct date *out)
{
	struct span at = *in, text;
	bool quoted = span_eat_char(&at, '"');

	text = span_while(&at, is_day_char);
	if (!date_imap_day(text, out) || (quoted && !span_eat_char(&at, '"')))
		return false;
	*in = at;
	return true;
}
