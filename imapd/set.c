/* Sequence sets. See set.h. */
#include "imapd/set.h"

#include <stdlib.h>

static bool eat_number(struct span *in, uint32_t *out)
{
	struct span at = *in;
	uint64_t n;

	if (span_eat_char(in, '*')) {
		*out = SET_STAR;
		return true;
	}
	if (!span_eat_u64(&at, UINT32_MAX, &n) || n == 0)
		return false;
	*out = (uint32_t)n;
	*in = at;
	return true;
}

static bool eat_range(struct span *in, struct set_range *r)
{
	if (!eat_number(in, &r->from))
		return false;
	r->to = r->from;
	return !span_eat_char(in, ':') || eat_number(in, &r->to);
}

static size_t count_commas(struct span in)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n && in.p[i] != ' ' && in.p[i] != ')'; i++)
		n += in.p[i] == ',';
	return n;
}

bool set_parse(struct span *in, struct arena *a, struct set *out)
{
	struct span at = *in;
	struct set s = { 0 };

	if (!at.n || (!is_digit(*at.p) && *at.p != '*'))
		return false;
	s.ranges = arena_array(a, count_commas(at) + 1, sizeof *s.ranges);
	do {
		if (!eat_range(&at, &s.ranges[s.count++]))
			return false;
	} while (span_eat_char(&at, ','));
	*out = s;
	*in = at;
	return true;
}

bool set_exceeds(const struct set *s, uint32_t max)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct set_range *r = &s->ranges[i];

		if (r->from == SET_STAR || r->to == SET_STAR)
			continue;
		if (r->from > max || r->to > max)
			return true;
	}
	return false;
}

static int by_from(const void *a, const void *b)
{
	const struct set_range *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static void join_ranges(struct set *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct set_range r = s->ranges[i];

		if (n && (s->ranges[n - 1].to == UINT32_MAX || r.from <= s->ranges[n - 1].to + 1)) {
			if (r.to > s->ranges[n - 1].to)
				s->ranges[n - 1].to = r.to;
		} else {
			s->ranges[n++] = r;
		}
	}
	s->count = n;
}

void set_resolve(struct set *s, uint32_t star)
{
	for (size_t i = 0; i < s->count; i++) {
		struct set_range *r = &s->ranges[i], was;

		if (r->from == SET_STAR)
			r->from = star;
		if (r->to == SET_STAR)
			r->to = star;
		was = *r;
		if (was.from > was.to)
			*r = (struct set_range){ was.to, was.from };
	}
	if (s->count)
		qsort(s->ranges, s->count, sizeof *s->ranges, by_from);
	join_ranges(s);
}

bool set_has(const struct set *s, uint32_t n)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (n < s->ranges[mid].from)
			high = mid;
		else if (n > s->ranges[mid].to)
			low = mid + 1;
		else
			return true;
	}
	return false;
}

static void write_run(struct set_text *t)
{
	if (!t->from)
		return;
	str_addf(&t->text, t->text.n ? ",%u" : "%u", t->from);
	if (t->to != t->from)
		str_addf(&t->text, ":%u", t->to);
}

void set_text_add(struct set_text *t, uint32_t n)
{
	if (t->from && n == t->to + 1) {
		t->to = n;
		return;
	}
	write_run(t);
	t->from = t->to = n;
}

void set_text_end(struct set_text *t)
{
	write_run(t);
	t->from = t->to = 0;
}
