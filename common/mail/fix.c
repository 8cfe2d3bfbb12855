/* What a submission server may change, RFC 6409 8. See fix.h. */
#include "common/mail/fix.h"

#include "common/mail/date.h"
#include "common/mail/header.h"

enum { SEEN_DATE = 1, SEEN_MESSAGE_ID = 2, SEEN_FROM = 4 };

static const struct { const char *name; unsigned bit; } wanted[] = {
	{ "Date", SEEN_DATE },
	{ "Message-ID", SEEN_MESSAGE_ID },
	{ "From", SEEN_FROM },
};

void fix_init(struct fix *f, struct sink to, time_t now, int zone, const char *message_id, const char *from)
{
	*f = (struct fix){
		.to = to, .now = now, .zone = zone, .message_id = message_id, .from = from,
		.held = STR(HEADER_BYTES_MAX), .line = STR(HEADER_BYTES_MAX),
	};
}

static void put(struct fix *f, struct span s)
{
	if (s.n)
		f->to.put(f->to.arg, s);
}

/* The field held is whole: give it on, or drop it. */
static void end_field(struct fix *f)
{
	struct span in = str_span(&f->held);
	struct field field;

	if (header_next(&in, &field)) {
		for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
			f->seen |= span_is(field.name, wanted[i].name) ? wanted[i].bit : 0;
		if (!span_is(field.name, "Bcc"))
			put(f, field.whole);
	}
	str_reset(&f->held);
}

static void add_missing(struct fix *f)
{
	struct str s = STR(4096);

	if (!(f->seen & SEEN_DATE)) {
		str_add_text(&s, "Date: ");
		date_print(f->now, f->zone, &s);
		str_add_char(&s, '\n');
	}
	if (!(f->seen & SEEN_MESSAGE_ID))
		str_addf(&s, "Message-ID: %s\n", f->message_id);
	if (!(f->seen & SEEN_FROM) && f->from && *f->from)
		str_addf(&s, "From: <%s>\n", f->from);
	put(f, str_span(&s));
	str_free(&s);
}

static void end_header(struct fix *f)
{
	end_field(f);
	add_missing(f);
	put(f, SPAN("\n"));
	f->in_body = true;
}

/* Can this line be the first of a field? */
static bool is_field(struct span line)
{
	struct field field;

	return header_next(&line, &field) && field.name.n;
}

static void end_line(struct fix *f)
{
	struct span line = str_span(&f->line);

	if (f->held.n && is_blank(*line.p)) {
		str_add(&f->held, line);
	} else {
		end_field(f);
		if (is_field(line)) {
			str_add(&f->held, line);
		} else {
			end_header(f);
			put(f, *line.p == '\n' ? span_from(line, 1) : line);	/* no empty line: RFC 5322 3.5 */
		}
	}
	str_reset(&f->line);
}

/* Eat up to and with the next LF; the header is counted, whatever is in it. */
static void feed_header(struct fix *f, struct span *text)
{
	ptrdiff_t lf = span_find(*text, '\n');
	struct span some = span_take(text, lf < 0 ? text->n : (size_t)lf + 1);

	f->header_bytes += some.n;
	f->too_long = f->too_long || f->header_bytes > HEADER_BYTES_MAX;
	if (f->too_long)
		return;
	str_add(&f->line, some);
	if (lf >= 0)
		end_line(f);
}

void fix_feed(struct fix *f, struct span lf_text)
{
	while (lf_text.n && !f->in_body && !f->too_long)
		feed_header(f, &lf_text);
	if (f->in_body)
		put(f, lf_text);
}

bool fix_end(struct fix *f)
{
	if (!f->in_body && !f->too_long) {
		if (f->line.n)
			end_line(f);
		if (!f->in_body)
			end_header(f);
	}
	str_free(&f->held);
	str_free(&f->line);
	return !f->too_long;
}
