/* What a submission server may change, RFC 6409 8. See fix.h. */
#include "common/mail/fix.h"

#include "common/mail/date.h"
#include "common/mail/header.h"

static bool date_fits(struct span value)
{
	struct date d;

	return date_parse(value, &d);
}

enum { RESENT_DATE = 1, RESENT_MESSAGE_ID = 2, RESENT_FROM = 4 };

/* What we look at: missing ones are added, malformed ones are as good as missing. */
static const struct { const char *name; unsigned bit; bool (*fits)(struct span value); } wanted[] = {
	{ "Date", FIX_DATE, date_fits },
	{ "Message-ID", FIX_MESSAGE_ID, fix_is_message_id },
	{ "From", FIX_FROM, NULL },
};

static const char *const unwanted[] = { "Bcc", "Resent-Bcc", "Return-Path" };

/* RFC 5322 3.6.6: a name that comes again begins the next block. */
static const struct { const char *name; unsigned bit; } resent[] = {
	{ "Resent-Date", RESENT_DATE }, { "Resent-Message-ID", RESENT_MESSAGE_ID },
	{ "Resent-From", RESENT_FROM }, { "Resent-Sender", 8 }, { "Resent-To", 16 }, { "Resent-Cc", 32 },
	{ "Resent-Bcc", 64 },
};

#define COUNT(table)	(sizeof (table) / sizeof *(table))

void fix_init(struct fix *f, struct sink to, const struct fix_with *with)
{
	*f = (struct fix){ .to = to, .with = *with, .held = STR(HEADER_BYTES_MAX), .line = STR(HEADER_BYTES_MAX) };
}

static void put(struct fix *f, struct span s)
{
	if (s.n)
		f->to.put(f->to.arg, s);
}

bool fix_is_message_id(struct span value)
{
	ptrdiff_t at = span_find(value, '@');

	if (value.n < 5 || value.p[0] != '<' || value.p[value.n - 1] != '>' || at < 2 ||
	    (size_t)at + 2 >= value.n)
		return false;
	for (size_t i = 1; i + 1 < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c <= ' ' || c == 0x7f || c == '<' || c == '>')
			return false;
	}
	return true;
}

/* --- Resent- --- */

static void add_date(struct fix *f, const char *name, struct str *s)
{
	str_addf(s, "%s: ", name);
	date_print(f->with.now, f->with.zone, s);
	str_add_char(s, '\n');
}

/* The id must be another than the message's own. */
static void end_block(struct fix *f)
{
	struct str s = STR(4096);

	if (!f->block_done && (f->with.add & FIX_RESENT) && (f->block & RESENT_FROM)) {
		if (!(f->block & RESENT_DATE))
			add_date(f, "Resent-Date", &s);
		if (!(f->block & RESENT_MESSAGE_ID))
			str_addf(&s, "Resent-Message-ID: <r.%s\n", f->with.message_id + 1);
		put(f, str_span(&s));
	}
	f->block_done = f->block_done || f->block;
	f->block = 0;
	str_free(&s);
}

static void watch_block(struct fix *f, struct span name)
{
	unsigned bit = 0;

	for (size_t i = 0; i < COUNT(resent); i++)
		bit |= span_is(name, resent[i].name) ? resent[i].bit : 0;
	if (f->block && (!bit || (f->block & bit)))
		end_block(f);
	f->block |= bit;
}

/* --- fields --- */

/* Malformed, and to be replaced by ours? */
static bool is_bad(const struct fix *f, size_t i, struct span value)
{
	return (f->with.add & wanted[i].bit) && wanted[i].fits && !wanted[i].fits(value);
}

static bool keeps(struct fix *f, const struct field *field)
{
	for (size_t i = 0; i < COUNT(unwanted); i++) {
		if (span_is(field->name, unwanted[i]))
			return false;
	}
	for (size_t i = 0; i < COUNT(wanted); i++) {
		if (!span_is(field->name, wanted[i].name))
			continue;
		if (is_bad(f, i, field->value))
			return false;
		f->seen |= wanted[i].bit;
	}
	return true;
}

/* The field held is whole: give it on, or drop it. */
static void end_field(struct fix *f)
{
	struct span in = str_span(&f->held);
	struct field field;

	if (header_next(&in, &field)) {
		watch_block(f, field.name);
		if (keeps(f, &field))
			put(f, field.whole);
	}
	str_reset(&f->held);
}

static void add_missing(struct fix *f)
{
	unsigned missing = f->with.add & ~f->seen;
	struct str s = STR(4096);

	if (missing & FIX_DATE)
		add_date(f, "Date", &s);
	if (missing & FIX_MESSAGE_ID)
		str_addf(&s, "Message-ID: %s\n", f->with.message_id);
	if ((missing & FIX_FROM) && *f->with.from)
		str_addf(&s, "From: <%s>\n", f->with.from);
	put(f, str_span(&s));
	str_free(&s);
}

static void end_header(struct fix *f)
{
	end_field(f);
	end_block(f);
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
