/* Bounces, delay warnings and receipts. See report.h. */
#include "common/mail/report.h"

#include "common/mail/charset.h"
#include "common/mail/date.h"
#include "common/mail/header.h"

enum { PIECE_ROOM = 1 << 18, VALUE_MAX = 900, REFERENCES_MAX = 2000, ORIGINAL_HEADER_MAX = 1 << 16 };

/* What each kind says: the field Action, the Subject, the sentences for a person. */
static const struct kind {
	const char *action, *subject, *first, *one, *last;
} kinds[] = {
	[REPORT_FAILED] = { "failed", "Your message could not be delivered",
		"Your message could not be delivered to:", "could not be reached",
		"We will not try again. If you think that the address is right, ask the person another way,\n"
		"or show this to the postmaster of the address." },
	[REPORT_DELAYED] = { "delayed", "Your message is late",
		"Your message has not been delivered yet to:", "has not been reached yet",
		"You do not need to do anything." },
	[REPORT_DELIVERED] = { "delivered", "Your message was delivered",
		"Your message was delivered to:", "has it in the mailbox",
		"You are told because you asked for it." },
	[REPORT_RELAYED] = { "relayed", "Your message was handed on",
		"Your message was handed on to a system that sends no such notices, for:", "was handed on",
		"You will not hear more unless it fails." },
	[REPORT_EXPANDED] = { "expanded", "Your message was passed on to a list",
		"Your message was passed on to the members of:", "is a list",
		"You will not hear about each of its members." },
};

struct writer {
	const struct report	*r;
	struct sink		 to;
	struct str		 s;		/* the piece being built */
	struct span		 original_header;
	char			 boundary[40];
	bool			 eight;		/* something in it is not ASCII */
	bool			 global;	/* an address is not: RFC 6533 */
};

static void flush(struct writer *w)
{
	if (w->s.n)
		w->to.put(w->to.arg, str_span(&w->s));
	str_reset(&w->s);
}

/* One line of text from outside: controls out, cut, and never broken UTF-8. */
static void add_tame(struct writer *w, struct span value)
{
	struct str flat = STR(VALUE_MAX + 1);

	header_unfold(span_to(value, VALUE_MAX), &flat);
	utf8_mend(str_span(&flat), &w->s);
	str_free(&flat);
}

/* A field of the part for programs, which is ASCII unless it is of RFC 6533's kind. */
static void field(struct writer *w, const char *name, const char *before, struct span value)
{
	size_t from;

	if (!value.n)
		return;
	str_addf(&w->s, "%s: %s", name, before);
	from = w->s.n;
	add_tame(w, value);
	for (size_t i = from; !w->global && i < w->s.n; i++) {
		if ((unsigned char)w->s.p[i] >= 0x80)
			w->s.p[i] = '?';
	}
	str_add_char(&w->s, '\n');
}

static void date_field(struct writer *w, const char *name, time_t when)
{
	if (!when)
		return;
	str_addf(&w->s, "%s: ", name);
	date_print(when, w->r->zone, &w->s);
	str_add_char(&w->s, '\n');
}

/* --- the report's own header --- */

static struct span original_field(const struct writer *w, const char *name)
{
	struct span in = w->original_header;
	struct field f;

	while (header_next(&in, &f)) {
		if (span_is(f.name, name))
			return f.value;
	}
	return (struct span){ 0 };
}

/* So that the report stands beside the message in a reader that shows threads. RFC 5322 3.6.4. */
static void add_thread(struct writer *w)
{
	struct span id = original_field(w, "Message-ID"), refs = original_field(w, "References");
	struct str flat = STR(REFERENCES_MAX + VALUE_MAX);

	if (!id.n || id.n > VALUE_MAX || !utf8_ok(id))
		return;
	header_unfold(id, &flat);
	str_addf(&w->s, "In-Reply-To: %s\nReferences: ", flat.p);
	if (refs.n && refs.n < VALUE_MAX && utf8_ok(refs)) {
		str_reset(&flat);
		header_unfold(refs, &flat);
		str_addf(&w->s, "%s\n ", flat.p);
		str_reset(&flat);
		header_unfold(id, &flat);
	}
	str_addf(&w->s, "%s\n", flat.p);
	str_free(&flat);
}

static void add_header(struct writer *w)
{
	const struct report *r = w->r;

	date_field(w, "Date", r->now);
	str_addf(&w->s, "From: Mail delivery at %s <MAILER-DAEMON@%s>\n", r->our_name, r->our_name);
	str_add_text(&w->s, "To: <");
	add_tame(w, span_of(r->to));
	str_addf(&w->s, ">\nSubject: %s\n", kinds[r->kind].subject);
	str_addf(&w->s, "Message-ID: %s\n", r->message_id);
	add_thread(w);
	str_add_text(&w->s, "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n");
	str_addf(&w->s, "Content-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"%s\"\n", w->boundary);
	str_addf(&w->s, "Content-Transfer-Encoding: %s\n\n", w->eight ? "8bit" : "7bit");
	str_add_text(&w->s, "This is a report about a message that you sent.\n");
}

static void begin_part(struct writer *w, const char *type, const char *encoding)
{
	str_addf(&w->s, "\n--%s\nContent-Type: %s\n", w->boundary, type);
	if (*encoding)
		str_addf(&w->s, "Content-Transfer-Encoding: %s\n", encoding);
	str_add_char(&w->s, '\n');
}

/* --- for a person --- */

static void add_reason(struct writer *w, const struct report_rcpt *rcpt)
{
	str_add_text(&w->s, "    ");
	if (rcpt->from_remote && *rcpt->remote) {
		add_tame(w, span_of(rcpt->remote));
		str_add_text(&w->s, " said: ");
	}
	add_tame(w, span_of(rcpt->diagnostic));
	str_add_text(&w->s, "\n");
}

static void add_for_person(struct writer *w)
{
	const struct report *r = w->r;
	const struct kind *k = &kinds[r->kind];

	begin_part(w, "text/plain; charset=utf-8", w->eight ? "8bit" : "");
	str_addf(&w->s, "%s\n\n", k->first);
	for (size_t i = 0; i < r->rcpt_count; i++) {
		const struct report_rcpt *rcpt = &r->rcpts[i];

		str_add_text(&w->s, "  <");
		add_tame(w, span_of(rcpt->address));
		str_add_char(&w->s, '>');
		if (rcpt->kind != r->kind)
			str_addf(&w->s, " %s", kinds[rcpt->kind].one);
		str_add_char(&w->s, '\n');
		if (*rcpt->diagnostic)
			add_reason(w, rcpt);
		flush(w);
	}
	if (r->kind == REPORT_DELAYED && r->give_up) {
		str_add_text(&w->s, "\nWe go on trying until ");
		date_print(r->give_up, r->zone, &w->s);
		str_add_text(&w->s, ".");
	}
	str_addf(&w->s, "\n%s\n", k->last);
	str_add_text(&w->s, "\nThe message came to us on ");
	date_print(r->arrived, r->zone, &w->s);
	str_addf(&w->s, " and\nwas given the number %s at %s.\n", r->id, r->our_name);
	flush(w);
}

/* --- for programs: RFC 3464 2.2 and 2.3 --- */

/* ORCPT and ENVID come in xtext (RFC 3461 4): "+2B" is "+". What is broken stays as it is. */
static void add_xtext(struct span x, struct str *out)
{
	while (x.n) {
		unsigned v;
		char two[3] = { 0 };

		if (x.p[0] == '+' && x.n >= 3 && span_copy(span_from(span_to(x, 3), 1), two, sizeof two) &&
		    strspn(two, "0123456789ABCDEF") == 2) {
			v = (unsigned)strtoul(two, NULL, 16);
			str_add_char(out, (char)v);
			x = span_from(x, 3);
		} else {
			str_add(out, span_take(&x, 1));
		}
	}
}

static void xtext_field(struct writer *w, const char *name, const char *xtext)
{
	struct str plain = STR(VALUE_MAX);

	add_xtext(span_to(span_of(xtext), VALUE_MAX), &plain);
	field(w, name, "", str_span(&plain));
	str_free(&plain);
}

static void original_recipient(struct writer *w, const char *orcpt)
{
	struct span type, address = span_of(orcpt);
	struct str plain = STR(VALUE_MAX);

	if (!span_cut(&address, ';', &type))
		return;
	str_add(&plain, span_to(type, 40));
	str_add_char(&plain, ';');
	add_xtext(span_to(address, VALUE_MAX - 50), &plain);
	field(w, "Original-Recipient", "", str_span(&plain));
	str_free(&plain);
}

static void add_rcpt(struct writer *w, const struct report_rcpt *rcpt)
{
	struct span address = span_of(rcpt->address);

	str_add_char(&w->s, '\n');
	original_recipient(w, rcpt->original);
	field(w, "Final-Recipient", utf8_is_ascii(address) ? "rfc822; " : "utf-8; ", address);
	field(w, "Action", "", span_of(kinds[rcpt->kind].action));
	field(w, "Status", "", span_of(*rcpt->status ? rcpt->status :
	    rcpt->kind == REPORT_FAILED ? "5.0.0" : rcpt->kind == REPORT_DELAYED ? "4.0.0" : "2.0.0"));
	field(w, "Remote-MTA", "dns; ", span_of(rcpt->remote));
	field(w, "Diagnostic-Code", rcpt->from_remote ? "smtp; " : "x-posthorn; ", span_of(rcpt->diagnostic));
	date_field(w, "Last-Attempt-Date", rcpt->last_try);
	if (rcpt->kind == REPORT_DELAYED)
		date_field(w, "Will-Retry-Until", w->r->give_up);
	flush(w);
}

static void add_for_programs(struct writer *w)
{
	const struct report *r = w->r;

	begin_part(w, w->global ? "message/global-delivery-status" : "message/delivery-status", w->global ? "8bit" : "");
	xtext_field(w, "Original-Envelope-Id", r->envid);
	field(w, "Reporting-MTA", "dns; ", span_of(r->our_name));
	date_field(w, "Arrival-Date", r->arrived);
	for (size_t i = 0; i < r->rcpt_count; i++)
		add_rcpt(w, &r->rcpts[i]);
}

/* --- the original --- */

/* Body lines may be in 8bit, the header in UTF-8: RFC 6522 and 6533 have types for each. */
static void add_original(struct writer *w)
{
	const struct report *r = w->r;
	struct span give = r->full ? r->original : span_to(w->original_header, ORIGINAL_HEADER_MAX);
	bool ascii = utf8_is_ascii(give), global = w->global && !utf8_is_ascii(w->original_header);
	const char *type = r->full ? (global ? "message/global" : "message/rfc822") :
		global ? "message/global-headers" : "text/rfc822-headers";

	begin_part(w, type, ascii ? "" : "8bit");
	flush(w);
	if (give.n)
		w->to.put(w->to.arg, give);
	if (give.n && give.p[give.n - 1] != '\n')
		str_add_char(&w->s, '\n');
	str_addf(&w->s, "\n--%s--\n", w->boundary);
	flush(w);
}

static bool address_beyond_ascii(const struct report *r)
{
	bool ascii = utf8_is_ascii(span_of(r->to));

	for (size_t i = 0; i < r->rcpt_count; i++)
		ascii = ascii && utf8_is_ascii(span_of(r->rcpts[i].address));
	return !ascii;
}

/* Does anything that goes in hold more than ASCII? */
static bool anything_beyond_ascii(const struct report *r, struct span header)
{
	bool ascii = utf8_is_ascii(r->full ? r->original : header);

	for (size_t i = 0; i < r->rcpt_count; i++)
		ascii = ascii && utf8_is_ascii(span_of(r->rcpts[i].diagnostic));
	return !ascii;
}

void report_write(const struct report *r, struct sink to)
{
	struct writer w = { .r = r, .to = to, .s = STR(PIECE_ROOM) };

	w.original_header = span_to(r->original, header_length(r->original));
	w.global = r->utf8 || address_beyond_ascii(r);
	w.eight = w.global || anything_beyond_ascii(r, w.original_header);
	snprintf(w.boundary, sizeof w.boundary, "=_report_%016llx", (unsigned long long)r->dice);
	add_header(&w);
	add_for_person(&w);
	add_for_programs(&w);
	add_original(&w);
	str_free(&w.s);
}
