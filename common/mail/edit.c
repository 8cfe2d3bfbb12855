/* Changing a header. See edit.h. */
#include "common/mail/edit.h"

enum { OURS_MAX = 65536 };

void edit_init(struct edit *d, struct span ours, struct span theirs)
{
	*d = (struct edit){ .text = STR(HEADER_BYTES_MAX + OURS_MAX), .ours_n = ours.n };
	str_add(&d->text, ours);
	str_add(&d->text, theirs);
	if (d->text.n && d->text.p[d->text.n - 1] != '\n')
		str_add_char(&d->text, '\n');
}

void edit_free(struct edit *d)
{
	str_free(&d->text);
	*d = (struct edit){ .text = d->text };
}

/* --- looking --- */

/* What begins at offset at, ours or not, a field or not. False: the end. */
static bool look(const struct edit *d, size_t at, struct field *f)
{
	struct span rest = span_from(str_span(&d->text), at);

	if (!header_next(&rest, f))
		return false;
	f->at = at;
	return true;
}

static size_t pass_ours(const struct edit *d, size_t at)
{
	return at == d->ours_at ? at + d->ours_n : at;
}

bool edit_next(const struct edit *d, size_t *at, struct field *f)
{
	*at = pass_ours(d, *at);
	if (!look(d, *at, f) || !f->name.n)
		return false;
	*at += f->whole.n;
	return true;
}

/* The nth (1 ...) field of that name; false when there are not so many. */
static bool find(const struct edit *d, struct span name, unsigned nth, struct field *f)
{
	size_t at = 0;

	while (edit_next(d, &at, f)) {
		if (span_alike(f->name, name) && nth-- <= 1)
			return true;
	}
	return false;
}

/* Where a field stands that has that many in front of it. */
static size_t place(const struct edit *d, unsigned before)
{
	struct field f;
	size_t at = 0;

	for (; before && look(d, at, &f) && f.name.n; before--)
		at += f.whole.n;
	return at > d->ours_at && at < d->ours_at + d->ours_n ? d->ours_at + d->ours_n : at;
}

/* --- making a field --- */

/* RFC 5322 2.2. */
static bool is_name(struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == ':')
			return false;
	}
	return name.n && name.n <= EDIT_NAME_MAX;
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

static char tame(char c)
{
	return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f ? ' ' : c;
}

/* One line of a value without its end; nothing for an empty one but the first. */
static void add_line(struct span line, bool first, struct str *out)
{
	if (!first) {
		if (!span_trim(line).n)
			return;
		str_add_char(out, '\n');
		if (!is_blank(*line.p))
			str_add_char(out, '\t');
	}
	for (size_t i = 0; i < line.n; i++)
		str_add_char(out, tame(line.p[i]));
}

static bool lines_fit(struct span field)
{
	struct span line;

	while (span_cut(&field, '\n', &line)) {
		if (line.n > EDIT_LINE_MAX)
			return false;
	}
	return true;
}

static bool make_field(struct span name, struct span value, struct str *out, struct err *e)
{
	bool first = true;
	size_t n;

	if (!is_name(name))
		return err_perm(e, "5.6.0", "no header field can be called \"" SPAN_FMT "\"",
		    SPAN_ARG(span_to(name, 40)));
	str_add(out, name);
	str_add_char(out, ':');
	do {
		for (n = 0; n < value.n && !is_line_end(value.p[n]); n++)
			;
		add_line(span_take(&value, n), first, out);
		first = false;
		while (value.n && is_line_end(*value.p))
			value = span_from(value, 1);
	} while (value.n);
	str_add_char(out, '\n');
	if (out->over)
		return err_perm(e, "5.3.4", "the header field " SPAN_FMT " is too large", SPAN_ARG(name));
	return lines_fit(str_span(out)) ||
	    err_perm(e, "5.6.0", "a line of the header field " SPAN_FMT " would have more than %d bytes",
		SPAN_ARG(name), EDIT_LINE_MAX);
}

/* --- changing --- */

/* Put instead in the place of the n bytes at offset at. */
static bool splice(struct edit *d, size_t at, size_t n, struct span instead, struct err *e)
{
	size_t behind = d->text.n - at - n;

	if (instead.n > n && d->text.n + instead.n - n > d->text.max)
		return err_perm(e, "5.3.4", "the header would be larger than %d bytes", HEADER_BYTES_MAX);
	if (instead.n > n)
		str_room(&d->text, instead.n - n);
	memmove(d->text.p + at + instead.n, d->text.p + at + n, behind);
	if (instead.n)
		memcpy(d->text.p + at, instead.p, instead.n);
	d->text.n = at + instead.n + behind;
	d->text.p[d->text.n] = '\0';
	if (at <= d->ours_at && d->ours_n)
		d->ours_at = d->ours_at + instead.n - n;
	d->changes++;
	return true;
}

static bool put(struct edit *d, size_t at, size_t n, struct span name, struct span value, struct err *e)
{
	struct str field = STR(HEADER_BYTES_MAX);
	bool ok = make_field(name, value, &field, e) && splice(d, at, n, str_span(&field), e);

	str_free(&field);
	return ok;
}

bool edit_insert(struct edit *d, unsigned before, struct span name, struct span value, struct err *e)
{
	return put(d, place(d, before), 0, name, value, e);
}

bool edit_append(struct edit *d, struct span name, struct span value, struct err *e)
{
	return edit_insert(d, UINT32_MAX, name, value, e);
}

bool edit_change(struct edit *d, struct span name, unsigned nth, struct span value, struct err *e)
{
	struct field f;

	if (!find(d, name, nth, &f))
		return edit_append(d, name, value, e);
	return put(d, f.at, f.whole.n, name, value, e);
}

bool edit_delete(struct edit *d, struct span name, unsigned nth)
{
	struct field f;

	return find(d, name, nth, &f) && splice(d, f.at, f.whole.n, (struct span){ "", 0 }, NULL);
}

/* The n bytes at offset at go down to *to. */
static void keep(struct edit *d, size_t at, size_t n, size_t *to)
{
	if (*to != at)
		memmove(d->text.p + *to, d->text.p + at, n);
	*to += n;
}

/* In one pass: a header may be nothing but what is to go. */
unsigned edit_remove(struct edit *d, struct span name, bool (*which)(void *arg, struct span value), void *arg)
{
	size_t at = 0, to = 0, ours_at = d->ours_at;
	unsigned removed = 0;
	struct field f;

	for (;;) {
		if (d->ours_n && at == ours_at) {
			d->ours_at = to;
			keep(d, at, d->ours_n, &to);
			at += d->ours_n;
		}
		if (!look(d, at, &f))
			break;
		if (!f.name.n || !span_alike(f.name, name) || (which && !which(arg, f.value)))
			keep(d, at, f.whole.n, &to);
		else
			removed++;
		at += f.whole.n;
	}
	keep(d, at, d->text.n - at, &to);
	if (removed)
		str_cut(&d->text, to);
	d->changes += removed;
	return removed;
}
