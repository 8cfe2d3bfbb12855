/* Bounces, delay warnings and receipts. See report.h. */
#include "common/mail/report.h"

#include "common/mail/charset.h"
#include "common/mail/date.h"
#include "common/mail/encoding.h"
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

/* What a person makes of a status of RFC 3463 whose class is 4 or 5, and can do. NULL: any detail. */
static const struct { char subject; const char *detail, *words; } advice[] = {
	{ '1', "1",	"There is no such address. Please check how it is spelled." },
	{ '1', "2",	"There is no such domain. Please check what stands behind the @." },
	{ '1', "3",	"It is not written as an address is. Please check how it is spelled." },
	{ '1', "10",	"This domain takes no mail." },
	{ '2', "1",	"The mailbox is closed." },
	{ '2', "2",	"The mailbox is full. Perhaps its owner can be told some other way." },
	{ '2', "3",	"The message is too large for this mailbox." },
	{ '3', "4",	"The message is too large." },
	{ '4', "1",	"The server of this address does not answer." },
	{ '4', "2",	"The connection to the server of this address broke." },
	{ '4', "3",	"The server of this address cannot be looked up now." },
	{ '4', "4",	"The server of this address cannot be found." },
	{ '4', "6",	"Mail for this address goes round in circles; its postmaster can mend that." },
	{ '4', "7",	"It could not be delivered in the time there was." },
	{ '6', "7",	"The server there takes no addresses with other letters than a to z." },
	{ '7', "4",	"The way to the server there cannot be made as safe as it has to be." },
	{ '7', "5",	"The server there does not prove that it is the right one." },
	{ '7', "10",	"The way to the server there would have to be encrypted, and is not." },
	{ '7', "30",	"It needs TLS all the way, which the server there does not promise." },	/* RFC 8689 */
	{ '7', NULL,	"The server there refuses it by a rule of its own." },
};

struct writer {
	const struct report	*r;
	struct sink		 to;
	struct str		 s;		/* the piece being built */
	struct span		 original_header;
	char			 boundary[40];
	bool			 eight;		/* something in it is not ASCII */
	bool			 global;	/* the sender's address is not: RFC 6533 */
	bool			 veiled;	/* the original goes in base64 */
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

static bool may_stand(const struct writer *w, struct span value)
{
	return w->global ? utf8_ok(value) : span_is_ascii(value);
}

/* So that the report stands beside the message in a reader that shows threads. RFC 5322 3.6.4. */
static void add_thread(struct writer *w)
{
	struct span id = original_field(w, "Message-ID"), refs = original_field(w, "References");
	struct str flat = STR(REFERENCES_MAX + VALUE_MAX);

	if (!id.n || id.n > VALUE_MAX || !may_stand(w, id))
		return;
	header_unfold(id, &flat);
	str_addf(&w->s, "In-Reply-To: %s\nReferences: ", flat.p);
	if (refs.n && refs.n < VALUE_MAX && may_stand(w, refs)) {
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
	str_addf(&w->s, ">\nSubject: %s\n",
	    r->unsent ? "A message without sender could not be delivered" : kinds[r->kind].subject);
	str_addf(&w->s, "Message-ID: %s\n", r->message_id);
	add_thread(w);
	str_add_text(&w->s, "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n");
	str_addf(&w->s,
	    "Content-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"%s\"\n",
	    w->boundary);
	str_addf(&w->s, "Content-Transfer-Encoding: %s\n\n", w->eight ? "8bit" : "7bit");
	str_addf(&w->s, "This is a report about a message that %s.\n",
	    r->unsent ? "has no sender" : "you sent");
}

static void begin_part(struct writer *w, const char *type, const char *encoding)
{
	str_addf(&w->s, "\n--%s\nContent-Type: %s\n", w->boundary, type);
	if (*encoding)
		str_addf(&w->s, "Content-Transfer-Encoding: %s\n", encoding);
	str_add_char(&w->s, '\n');
}

void report_xtext(struct span x, struct str *out)
{
	while (x.n) {
		unsigned v;
		char two[3] = { 0 };

		if (x.p[0] == '+' && x.n >= 3 &&
		    span_copy(span_from(span_to(x, 3), 1), two, sizeof two) &&
		    strspn(two, "0123456789ABCDEF") == 2) {
			v = (unsigned)strtoul(two, NULL, 16);
			str_add_char(out, (char)v);
			x = span_from(x, 3);
		} else {
			str_add(out, span_take(&x, 1));
		}
	}
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

/* "5.1.1": class, subject, detail. Only troubles have advice. */
static void add_advice(struct writer *w, const struct report_rcpt *rcpt)
{
	struct span detail = span_of(rcpt->status), class, subject;

	if (!span_cut(&detail, '.', &class) || !span_cut(&detail, '.', &subject) ||
	    subject.n != 1 || span_is(class, "2"))
		return;
	for (size_t i = 0; i < sizeof advice / sizeof *advice; i++) {
		if (advice[i].subject != *subject.p ||
		    (advice[i].detail && !span_is(detail, advice[i].detail)))
			continue;
		str_addf(&w->s, "    %s\n", !advice[i].detail && !rcpt->from_remote
		    ? "A rule of our mail server does not let it through." : advice[i].words);
		return;
	}
}

/* The address that the sender wrote to, where it is another than the one that failed. */
static void add_original_address(struct writer *w, const struct report_rcpt *rcpt)
{
	struct span type, address = span_of(rcpt->original);
	struct str plain = STR(VALUE_MAX);

	if (span_cut(&address, ';', &type) && span_is(type, "rfc822"))
		report_xtext(span_to(address, VALUE_MAX), &plain);
	if (plain.n && !span_alike(str_span(&plain), span_of(rcpt->address))) {
		str_add_text(&w->s, ", to which <");
		add_tame(w, str_span(&plain));
		str_add_text(&w->s, "> leads");
	}
	str_free(&plain);
}

static void add_one_for_person(struct writer *w, const struct report_rcpt *rcpt)
{
	str_add_text(&w->s, "  <");
	add_tame(w, span_of(rcpt->address));
	str_add_char(&w->s, '>');
	add_original_address(w, rcpt);
	if (rcpt->kind != w->r->kind)
		str_addf(&w->s, " %s", kinds[rcpt->kind].one);
	str_add_char(&w->s, '\n');
	add_advice(w, rcpt);
	if (*rcpt->diagnostic)
		add_reason(w, rcpt);
	flush(w);
}

static void add_for_person(struct writer *w)
{
	const struct report *r = w->r;
	const struct kind *k = &kinds[r->kind];

	begin_part(w, "text/plain; charset=utf-8", w->eight ? "8bit" : "");
	str_addf(&w->s, "%s\n\n", r->unsent ? "A message without sender, so mostly a report, could not be delivered to:" : k->first);
	for (size_t i = 0; i < r->rcpt_count; i++)
		add_one_for_person(w, &r->rcpts[i]);
	if (r->kind == REPORT_DELAYED && r->give_up) {
		str_add_text(&w->s, "\nWe go on trying until ");
		date_print(r->give_up, r->zone, &w->s);
		str_add_text(&w->s, ".");
	}
	str_addf(&w->s, "\n%s\n", r->unsent ? "There is nobody else to tell, so you are told, as its postmaster." : k->last);
	str_add_text(&w->s, "\nThe message came to us on ");
	date_print(r->arrived, r->zone, &w->s);
	str_addf(&w->s, " and\nwas given the number %s at %s.\n", r->id, r->our_name);
	flush(w);
}

/* --- for programs: RFC 3464 2.2 and 2.3 --- */

static void xtext_field(struct writer *w, const char *name, const char *xtext)
{
	struct str plain = STR(VALUE_MAX);

	report_xtext(span_to(span_of(xtext), VALUE_MAX), &plain);
	field(w, name, "", str_span(&plain));
	str_free(&plain);
}

/* RFC 6533 3: utf-8-addr-xtext, which is ASCII. */
static void add_embedded(struct span utf8, struct str *out)
{
	while (utf8.n) {
		unsigned char c = (unsigned char)*utf8.p;
		size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
		uint32_t point = more ? c & (0x3fu >> more) : c;

		utf8 = span_from(utf8, 1);
		for (; more && utf8.n; more--, utf8 = span_from(utf8, 1))
			point = point << 6 | ((unsigned char)*utf8.p & 0x3f);
		if (point > ' ' && point < 0x7f && point != '\\' && point != '+' && point != '=')
			str_add_char(out, (char)point);
		else
			str_addf(out, "\\x{%02X}", (unsigned)point);
	}
}

/* "\x{3B1}", from behind the brace. What is no character that RFC 6533 has there stays as it is. */
static bool eat_point(struct span *in, uint32_t *point)
{
	struct span rest = *in, hex;
	uint32_t n = 0;

	if (!span_eat(&rest, "\\x{") || !span_cut(&rest, '}', &hex) || hex.n < 2 || hex.n > 6)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		const char *digits = "0123456789ABCDEF", *d = memchr(digits, hex.p[i], 16);

		if (!d)
			return false;
		n = n << 4 | (uint32_t)(d - digits);
	}
	if (n < ' ' || n == 0x7f || n > 0x10ffff || (n >= 0xd800 && n < 0xe000))
		return false;
	*point = n;
	*in = rest;
	return true;
}

static void add_unembedded(struct span in, struct str *out)
{
	uint32_t point;

	while (in.n) {
		if (eat_point(&in, &point))
			utf8_add(point, out);
		else
			str_add(out, span_take(&in, 1));
	}
}

/* An address of type utf-8, in whichever of its forms, in the form for this report. */
static void add_utf8_address(const struct writer *w, struct span address, struct str *out)
{
	struct str plain = STR(VALUE_MAX);

	add_unembedded(span_to(address, VALUE_MAX), &plain);
	if (!utf8_ok(str_span(&plain)))
		str_add(out, address);
	else if (w->global)
		str_add(out, str_span(&plain));
	else
		add_embedded(str_span(&plain), out);
	str_free(&plain);
}

static void original_recipient(struct writer *w, const char *orcpt)
{
	struct span type, address = span_of(orcpt);
	struct str plain = STR(8 * VALUE_MAX);

	if (!span_cut(&address, ';', &type))
		return;
	str_add(&plain, span_to(type, 40));
	str_add_char(&plain, ';');
	if (span_is(type, "utf-8"))
		add_utf8_address(w, span_to(address, VALUE_MAX), &plain);
	else
		report_xtext(span_to(address, VALUE_MAX - 50), &plain);
	field(w, "Original-Recipient", "", str_span(&plain));
	str_free(&plain);
}

static void final_recipient(struct writer *w, struct span address)
{
	struct str plain = STR(8 * VALUE_MAX);

	if (span_is_ascii(address)) {
		field(w, "Final-Recipient", "rfc822; ", address);
		return;
	}
	add_utf8_address(w, span_to(address, VALUE_MAX), &plain);
	field(w, "Final-Recipient", "utf-8; ", str_span(&plain));
	str_free(&plain);
}

static void add_rcpt(struct writer *w, const struct report_rcpt *rcpt)
{
	str_add_char(&w->s, '\n');
	original_recipient(w, rcpt->original);
	final_recipient(w, span_of(rcpt->address));
	field(w, "Action", "", span_of(kinds[rcpt->kind].action));
	field(w, "Status", "", span_of(*rcpt->status ? rcpt->status :
	    rcpt->kind == REPORT_FAILED ? "5.0.0" : rcpt->kind == REPORT_DELAYED ? "4.0.0" : "2.0.0"));
	field(w, "Remote-MTA", "dns; ", span_of(rcpt->remote));
	field(w, "Diagnostic-Code", rcpt->from_remote ? "smtp; " : "x-posthorn; ",
	    span_of(rcpt->diagnostic));
	date_field(w, "Last-Attempt-Date", rcpt->last_try);
	field(w, "Final-Log-ID", "", span_of(w->r->id));
	if (rcpt->kind == REPORT_DELAYED)
		date_field(w, "Will-Retry-Until", w->r->give_up);
	flush(w);
}

static void add_for_programs(struct writer *w)
{
	const struct report *r = w->r;

	begin_part(w, w->global ? "message/global-delivery-status" : "message/delivery-status",
	    w->global ? "8bit" : "");
	xtext_field(w, "Original-Envelope-Id", r->envid);
	field(w, "Reporting-MTA", "dns; ", span_of(r->our_name));
	field(w, "Received-From-MTA", "dns; ", span_of(r->from_mta));
	date_field(w, "Arrival-Date", r->arrived);
	for (size_t i = 0; i < r->rcpt_count; i++)
		add_rcpt(w, &r->rcpts[i]);
}

/* --- the original --- */

static void put_veiled(struct writer *w, struct span give)
{
	struct base64_encoder encoder = { .have = 0 };

	while (give.n) {
		base64_feed(&encoder, span_take(&give, PIECE_ROOM / 4), &w->s);
		flush(w);
	}
	base64_end(&encoder, &w->s);
	flush(w);
}

static void put_bare(struct writer *w, struct span give)
{
	flush(w);
	if (give.n)
		w->to.put(w->to.arg, give);
	if (give.n && give.p[give.n - 1] != '\n')
		str_add_char(&w->s, '\n');
}

/* Body lines may be in 8bit, the header in UTF-8: RFC 6522 and 6533 have types for each. */
static void add_original(struct writer *w)
{
	const struct report *r = w->r;
	struct span give = r->full ? r->original : span_to(w->original_header, ORIGINAL_HEADER_MAX);
	bool global = w->veiled || (w->global && !span_is_ascii(w->original_header));
	const char *type = r->full ? (global ? "message/global" : "message/rfc822") :
		global ? "message/global-headers" : "text/rfc822-headers";

	begin_part(w, type, w->veiled ? "base64" : span_is_ascii(give) ? "" : "8bit");
	if (w->veiled)
		put_veiled(w, give);
	else
		put_bare(w, give);
	str_addf(&w->s, "\n--%s--\n", w->boundary);
	flush(w);
}

/* Does anything that goes in hold more than ASCII? What is said to a person has addresses as they are. */
static bool anything_beyond_ascii(const struct report *r, struct span original)
{
	bool ascii = span_is_ascii(original);

	for (size_t i = 0; i < r->rcpt_count; i++)
		ascii = ascii && span_is_ascii(span_of(r->rcpts[i].diagnostic)) &&
		    span_is_ascii(span_of(r->rcpts[i].address));
	return !ascii;
}

void report_write(const struct report *r, struct sink to)
{
	struct writer w = { .r = r, .to = to, .s = STR(PIECE_ROOM) };

	w.original_header = span_to(r->original, header_length(r->original));
	w.global = !span_is_ascii(span_of(r->to));
	w.veiled = r->smtputf8 && !w.global && !span_is_ascii(w.original_header);
	w.eight = w.global || anything_beyond_ascii(r, w.veiled ? SPAN("") : r->full ? r->original : w.original_header);
	snprintf(w.boundary, sizeof w.boundary, "=_report_%016llx", (unsigned long long)r->dice);
	add_header(&w);
	add_for_person(&w);
	add_for_programs(&w);
	add_original(&w);
	str_free(&w.s);
}

bool report_is_reply(const char *diagnostic)
{
	return is_digit(diagnostic[0]) && is_digit(diagnostic[1]) && is_digit(diagnostic[2]) && diagnostic[3] == ' ';
}
