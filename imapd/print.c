/* Strings as IMAP writes them. See imap.h. */
#include "imapd/imap.h"

enum { QUOTED_MAX = 1000 };

/* May it stand between quotes? RFC 3501 quoted: 7 bit, no CR, LF, NUL. */
static bool quotable(struct span s)
{
	if (s.n > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x80 || c == '\r' || c == '\n' || c == '\0')
			return false;
	}
	return true;
}

static void print_quoted(struct out *o, struct span s)
{
	size_t from = 0;

	out_text(o, "\"");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '"' && s.p[i] != '\\')
			continue;
		out_add(o, (struct span){ s.p + from, i - from });
		out_text(o, "\\");
		from = i;
	}
	out_add(o, span_from(s, from));
	out_text(o, "\"");
}

/* A literal may hold anything but NUL: those become blanks. */
static void print_literal(struct out *o, struct span s)
{
	struct span piece;

	out_addf(o, "{%zu}\r\n", s.n);
	while (span_cut(&s, '\0', &piece)) {
		out_add(o, piece);
		out_text(o, " ");
	}
	out_add(o, s);
}

void print_string(struct out *o, struct span s)
{
	if (quotable(s))
		print_quoted(o, s);
	else
		print_literal(o, s);
}

void print_nstring(struct out *o, struct span s)
{
	if (s.p)
		print_string(o, s);
	else
		out_text(o, "NIL");
}

void print_astring(struct out *o, struct span s)
{
	struct span at = s, atom;

	if (parse_atom(&at, &atom) && !at.n && !span_is(s, "NIL"))
		out_add(o, s);
	else
		print_string(o, s);
}
