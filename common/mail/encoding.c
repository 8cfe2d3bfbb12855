/* base64 and quoted-printable. See encoding.h. */
#include "common/mail/encoding.h"

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char digits16[] = "0123456789ABCDEF";

enum { LINE_CHARS = 76 };

/* Value of a base64 digit, -1 for anything else: a table, as digits are too random for branches. */
static int value64(char c)
{
	static const signed char values[128] = {
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, -1, -1, 63,
		52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,
		-1,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
		15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1,
		-1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
		41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
	};

	return (unsigned char)c < sizeof values ? values[(unsigned char)c] : -1;
}

/* One to three bytes as four characters. */
static void put_quad(const unsigned char *b, size_t n, struct str *out)
{
	uint32_t v = (uint32_t)b[0] << 16 | (n > 1 ? (uint32_t)b[1] << 8 : 0) | (n > 2 ? b[2] : 0);
	char quad[4] = { digits64[v >> 18], digits64[v >> 12 & 63],
		n > 1 ? digits64[v >> 6 & 63] : '=', n > 2 ? digits64[v & 63] : '=' };

	str_add(out, (struct span){ quad, 4 });
}

void base64_encode(struct span bytes, struct str *out)
{
	for (size_t i = 0; i < bytes.n; i += 3)
		put_quad((const unsigned char *)bytes.p + i, bytes.n - i < 3 ? bytes.n - i : 3, out);
}

/* The bytes of a quad that has its first have digits in bits. */
static void put_bytes(uint32_t bits, unsigned have, struct str *out)
{
	uint32_t v = bits << (6 * (4 - have));
	char bytes[3] = { (char)(v >> 16), (char)(v >> 8), (char)v };

	if (have > 1)
		str_add(out, (struct span){ bytes, have - 1 });
}

/* The last four characters: padding only where it may stand and with zero bits before it. */
static bool read_last_quad(const char *p, struct str *out)
{
	unsigned have = p[3] != '=' ? 4 : p[2] != '=' ? 3 : 2;
	uint32_t bits = 0;

	for (unsigned i = 0; i < have; i++) {
		int v = value64(p[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
	}
	if ((have == 3 && (bits & 3)) || (have == 2 && (bits & 15)))
		return false;
	put_bytes(bits, have, out);
	return true;
}

/* The others; what is no digit is -1, whose high bit stays set. */
static bool read_quads(struct span quads, char *to)
{
	uint32_t bits, bad = 0;

	for (const char *p = quads.p; p < quads.p + quads.n; p += 4) {
		bits = (uint32_t)value64(p[0]) << 18 | (uint32_t)value64(p[1]) << 12 |
		    (uint32_t)value64(p[2]) << 6 | (uint32_t)value64(p[3]);
		bad |= bits >> 31;
		*to++ = (char)(bits >> 16);
		*to++ = (char)(bits >> 8);
		*to++ = (char)bits;
	}
	return !bad;
}

bool base64_decode(struct span text, struct str *out)
{
	size_t before = out->n, most = text.n / 4 * 3;
	char *to;

	if (!text.n || text.n % 4)
		return !text.n;
	to = str_room(out, most - 3);
	if (!to)
		return false;
	str_grew(out, most - 3);
	if (read_quads(span_to(text, text.n - 4), to) && read_last_quad(text.p + text.n - 4, out))
		return true;
	str_cut(out, before);
	return false;
}

enum encoding encoding_of(struct span name)
{
	name = span_trim(name);
	if (span_is(name, "base64"))
		return ENCODING_BASE64;
	return span_is(name, "quoted-printable") ? ENCODING_QP : ENCODING_NONE;
}

/* Lenient: what is no digit is skipped; the first padding ends it. RFC 2045 6.8. */
static void feed_base64(struct decoder *d, struct span text, struct str *out)
{
	for (size_t i = 0; i < text.n && !d->done; i++) {
		int v = value64(text.p[i]);

		if (v < 0) {
			d->done = text.p[i] == '=' && d->have > 1;
			continue;
		}
		d->bits = d->bits << 6 | (uint32_t)v;
		if (++d->have == 4) {
			put_bytes(d->bits, 4, out);
			d->bits = d->have = 0;
		}
	}
	if (d->done) {
		put_bytes(d->bits, d->have, out);
		d->bits = d->have = 0;
	}
}

/* White space before this turned out not to end a line. */
static void qp_give_blanks(struct decoder *d, struct str *out)
{
	for (; d->blanks; d->blanks--)
		str_add_char(out, ' ');
}

/* A character while nothing is held. Blanks at a line's end are transport noise. RFC 2045 6.7 (3). */
static void qp_plain(struct decoder *d, char c, struct str *out)
{
	if (c == ' ') {
		d->blanks++;
		return;
	}
	if (c == '\n' || c == '\r')
		d->blanks = 0;
	qp_give_blanks(d, out);
	if (c == '=')
		d->held[d->have++] = c;
	else
		str_add_char(out, c);
}

/* After "=" or more: two hex digits, a soft line break (blanks allowed before it), or an error kept as it is. */
static void qp_held(struct decoder *d, char c, struct str *out)
{
	if (d->have == 1 && (c == ' ' || c == '\t' || c == '\r'))
		return;
	if (d->have == 1 && c == '\n') {
		d->have = 0;
		return;
	}
	if (d->have == 1 && hex_value(c) >= 0) {
		d->held[d->have++] = c;
		return;
	}
	if (d->have == 2 && hex_value(c) >= 0) {
		str_add_char(out, (char)(hex_value(d->held[1]) << 4 | hex_value(c)));
		d->have = 0;
		return;
	}
	str_add(out, (struct span){ d->held, d->have });
	d->have = 0;
	qp_plain(d, c, out);
}

void decoder_feed(struct decoder *d, struct span text, struct str *out)
{
	if (d->kind == ENCODING_NONE)
		str_add(out, text);
	else if (d->kind == ENCODING_BASE64)
		feed_base64(d, text, out);
	for (size_t i = 0; d->kind == ENCODING_QP && i < text.n; i++) {
		if (d->have)
			qp_held(d, text.p[i], out);
		else
			qp_plain(d, text.p[i], out);
	}
}

void decoder_end(struct decoder *d, struct str *out)
{
	if (d->kind == ENCODING_BASE64)
		put_bytes(d->bits, d->have, out);
	else if (d->kind == ENCODING_QP && d->have == 2)
		str_add(out, (struct span){ d->held, 2 });
	*d = (struct decoder){ .kind = d->kind };
}

static void put_quad_in_line(struct base64_encoder *b, struct str *out)
{
	put_quad(b->held, b->have, out);
	b->have = 0;
	b->column += 4;
	if (b->column == LINE_CHARS) {
		str_add_char(out, '\n');
		b->column = 0;
	}
}

void base64_feed(struct base64_encoder *b, struct span bytes, struct str *out)
{
	for (size_t i = 0; i < bytes.n; i++) {
		b->held[b->have++] = (unsigned char)bytes.p[i];
		if (b->have == 3)
			put_quad_in_line(b, out);
	}
}

void base64_end(struct base64_encoder *b, struct str *out)
{
	if (b->have)
		put_quad_in_line(b, out);
	if (b->column)
		str_add_char(out, '\n');
	*b = (struct base64_encoder){ 0 };
}

/* May this character stand as it is? Blanks not at a line's end; "From " and "." are hidden from old mailers. */
static bool qp_literal(struct span rest, bool line_start)
{
	char c = *rest.p;
	bool line_end = rest.n == 1 || rest.p[1] == '\n';

	if (is_blank(c))
		return !line_end;
	if (line_start && (c == '.' || span_starts(rest, "From ")))
		return false;
	return is_print(c) && c != '=';
}

void qp_encode(struct span text, struct str *out)
{
	size_t column = 0;

	for (; text.n; text = span_from(text, 1)) {
		bool literal = qp_literal(text, column == 0);
		size_t width = literal ? 1 : 3;
		unsigned char c = (unsigned char)*text.p;

		if (c == '\n') {
			str_add_char(out, '\n');
			column = 0;
			continue;
		}
		if (column + width > LINE_CHARS - 1) {
			str_add_text(out, "=\n");
			column = 0;
			literal = qp_literal(text, true);
			width = literal ? 1 : 3;
		}
		if (literal)
			str_add_char(out, (char)c);
		else
			str_add(out, (struct span){ (char[]){ '=', digits16[c >> 4], digits16[c & 15] }, 3 });
		column += width;
	}
}
