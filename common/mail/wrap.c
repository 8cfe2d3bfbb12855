/* A message as the attachment of one of ours. See wrap.h. */
#include "common/mail/wrap.h"

#include "common/mail/addr.h"
#include "common/mail/charset.h"
#include "common/mail/date.h"
#include "common/mail/header.h"
#include "common/mail/word.h"

enum { VALUE_MAX = 2000, NAME_MAX = 100, AUTHOR_MAX = 300 };

/* The value of the first field of that name, if it may stand in a header of ours; folded as it is. */
static struct span value_of(const struct wrap *w, const char *name)
{
	struct span in = w->header;
	struct field f;

	while (header_next(&in, &f)) {
		if (span_is(f.name, name))
			return f.value.n <= VALUE_MAX && (w->utf8 ? utf8_ok(f.value) : span_is_ascii(f.value)) &&
			    !span_has(f.value, '\r') ? f.value : SPAN("");
	}
	return SPAN("");
}

static void add_trace(const struct wrap *w, struct str *out)
{
	struct span in = w->header;
	struct field f;

	while (header_next(&in, &f)) {
		if (!span_is(f.name, "Received") && !span_is(f.name, "Delivered-To"))
			continue;
		str_add(out, f.whole);
		if (!span_ends(f.whole, "\n"))
			str_add_char(out, '\n');
	}
}

static bool is_phrase_char(char c)
{
	return is_print(c) && !strchr("()<>[]:;@\\,\"", c);
}

/*
 * Encoded words stay as they are: to read them takes tables that not everybody has open. Not so beside what
 * they never have (RFC 2047 5 (3)): without its quotes that would be another author, and ours to sign.
 */
static bool has_encoded_words(struct span name)
{
	struct span rest = name;

	span_while(&rest, is_phrase_char);
	return !rest.n && span_search(name, SPAN("=?")) >= 0;
}

static void add_name(struct span name, struct span domain, struct str *out)
{
	struct str text = STR(2 * NAME_MAX + 400);

	str_addf(&text, SPAN_FMT "%svia " SPAN_FMT, SPAN_ARG(name), name.n ? " " : "", SPAN_ARG(domain));
	if (!has_encoded_words(name))
		word_encode_phrase(str_span(&text), 6, out);
	else
		str_addf(out, SPAN_FMT "\n \"via " SPAN_FMT "\"", SPAN_ARG(name), SPAN_ARG(domain));
	str_free(&text);
}

/* "Ann via example.org": an own address, and the name that people know. */
static void add_from(const struct wrap *w, struct arena *a, struct str *out)
{
	struct span local, domain = SPAN(""), name = SPAN("");
	struct str flat = STR(VALUE_MAX);
	struct addrs from;

	addr_split(span_of(w->through), &local, &domain);
	header_unfold(value_of(w, "From"), &flat);
	addr_parse(str_span(&flat), a, &from);
	if (from.count && from.list[0].name.p && from.list[0].name.n <= NAME_MAX)
		name = from.list[0].name;
	str_add_text(out, "From: ");
	add_name(name, domain, out);
	str_addf(out, " <%s>\n", w->through);
	str_free(&flat);
}

static void add_field(const char *name, const char *before, struct span value, struct str *out)
{
	if (value.n)
		str_addf(out, "%s: %s" SPAN_FMT "\n", name, before, SPAN_ARG(value));
}

static void add_boundary(const struct wrap *w, struct str *out)
{
	str_addf(out, "=_inside_%016llx", (unsigned long long)w->dice);
}

static void add_header(const struct wrap *w, struct arena *a, struct str *out)
{
	struct span answers = value_of(w, "Reply-To"), subject = value_of(w, "Subject");

	add_trace(w, out);
	str_add_text(out, "Date: ");
	date_print(w->now, w->zone, out);
	str_add_char(out, '\n');
	add_from(w, a, out);
	add_field("Reply-To", "", answers.n ? answers : value_of(w, "From"), out);
	str_addf(out, "To: <%s>\n", w->through);
	add_field("Subject", "Fwd: ", subject.n ? subject : SPAN("a message"), out);
	str_addf(out, "Message-ID: %s\n", w->message_id);
	add_field("References", "", value_of(w, "Message-ID"), out);
	str_add_text(out, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"");
	add_boundary(w, out);
	str_addf(out, "\"\nContent-Transfer-Encoding: %s\n\n", w->eight ? "8bit" : "7bit");
}

static void add_for_person(const struct wrap *w, struct str *out)
{
	struct str flat = STR(VALUE_MAX), author = STR(3 * AUTHOR_MAX);
	struct span from = value_of(w, "From");

	header_unfold(from.n ? from : SPAN("nobody"), &flat);
	utf8_mend(span_to(str_span(&flat), AUTHOR_MAX), &author);	/* it is one line now */
	str_add_text(out, "--");
	add_boundary(w, out);
	str_addf(out,
	    "\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: %s\n\n",
	    w->eight ? "8bit" : "7bit");
	str_addf(out, "The message attached came for %s and says that it is from\n\n    %s\n\n",
	    w->through, author.p);
	str_add_text(out, w->junk ? "It looks like junk to us. " :
	    "Nothing proves that it is: its domain neither signed it nor names the server that brought it\n(DMARC, DKIM, SPF). ");
	str_add_text(out,
	    "So we do not pass it on in that name, but here it is, unchanged. If you do\n"
	    "not expect it, be careful with what it wants you to do. A reply to this goes to its author.\n");
	str_free(&flat);
	str_free(&author);
}

void wrap_begin(const struct wrap *w, struct arena *a, struct str *out)
{
	bool global = w->utf8 && !span_is_ascii(w->header);

	add_header(w, a, out);
	add_for_person(w, out);
	str_add_text(out, "\n--");
	add_boundary(w, out);
	str_addf(out, "\nContent-Type: message/%s\nContent-Disposition: attachment; filename=\"message.eml\"\n"
	    "Content-Transfer-Encoding: %s\n\n", global ? "global" : "rfc822", w->eight ? "8bit" : "7bit");
}

void wrap_end(const struct wrap *w, struct str *out)
{
	str_add_text(out, "\n--");
	add_boundary(w, out);
	str_add_text(out, "--\n");
}
