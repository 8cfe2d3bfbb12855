/* The lines of users(5), domains(5) and aliases(5). See text.h. */
#include "common/directory/text.h"

void text_begin(struct text *t, struct span all, bool join)
{
	*t = (struct text){ .rest = all, .join = join, .next = 1, .joined = STR(TEXT_LINE_MAX) };
}

void text_end(struct text *t)
{
	str_free(&t->joined);
}

static struct span take_raw(struct text *t)
{
	struct span line;

	if (!span_cut(&t->rest, '\n', &line))
		line = span_take(&t->rest, t->rest.n);
	t->next++;
	return line;
}

static struct span without_comment(struct span line)
{
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '#' && (i == 0 || is_blank(line.p[i - 1])))
			return span_trim(span_to(line, i));
	}
	return span_trim(line);
}

/* A line of comment between does not end what it stands in. */
static bool goes_on(const struct text *t)
{
	struct span at = t->rest, comment;

	while (at.n && *at.p == '#' && span_cut(&at, '\n', &comment))
		;
	return t->join && at.n && is_blank(*at.p);
}

bool text_next(struct text *t, struct span *line)
{
	while (t->rest.n) {
		const char *from = t->rest.p;

		t->line = t->next;
		str_reset(&t->joined);
		str_add(&t->joined, without_comment(take_raw(t)));
		while (goes_on(t)) {
			str_add_char(&t->joined, ' ');
			str_add(&t->joined, without_comment(take_raw(t)));
		}
		t->raw = (struct span){ from, t->rest.n ? (size_t)(t->rest.p - from) : 0 };
		if (!t->rest.n)
			t->raw.n = (size_t)(t->rest.p - from);
		t->too_long = t->joined.over;
		*line = span_trim(str_span(&t->joined));
		if (line->n || t->too_long)
			return true;
	}
	return false;
}
