/* ENVELOPE, BODY, BODYSTRUCTURE. See structure.h. */
#include "imapd/structure.h"

#include "common/mail/addr.h"
#include "common/mail/header.h"
#include "imapd/imap.h"

static struct span unfolded(struct span value, struct arena *a)
{
	struct str text = STR(HEADER_BYTES_MAX);
	struct span kept;

	if (!value.p)
		return value;
	header_unfold(value, &text);
	kept = arena_copy(a, str_span(&text));
	str_free(&text);
	return kept;
}

static void print_value(struct out *o, struct span value, struct arena *a)
{
	print_nstring(o, unfolded(value, a));
}

/* A group begins with (NIL NIL name NIL) and ends with NILs only: RFC 3501 7.4.2. */
static void print_address(struct out *o, const struct addr *one, struct arena *a)
{
	struct span route = one->route.n ? one->route : (struct span){ NULL, 0 };

	if (one->kind == ADDR_GROUP_END) {
		out_text(o, "(NIL NIL NIL NIL)");
		return;
	}
	if (one->kind == ADDR_GROUP) {
		out_text(o, "(NIL NIL ");
		print_string(o, unfolded(one->name, a).p ? unfolded(one->name, a) : SPAN(""));
		out_text(o, " NIL)");
		return;
	}
	out_text(o, "(");
	print_value(o, one->name, a);
	out_text(o, " ");
	print_nstring(o, route);
	out_text(o, " ");
	print_string(o, one->local);		/* "" but never NIL, which would be a group */
	out_text(o, " ");
	print_string(o, one->domain);
	out_text(o, ")");
}

static void print_addresses(struct out *o, struct span value, struct arena *a)
{
	struct addrs all = { 0 };

	if (value.p)
		addr_parse(value, a, &all);
	if (!all.count) {
		out_text(o, "NIL");
		return;
	}
	out_text(o, "(");
	for (size_t i = 0; i < all.count; i++)
		print_address(o, &all.list[i], a);
	out_text(o, ")");
}

void print_envelope(struct out *o, struct span text, struct arena *a)
{
	static const struct { const char *name; bool addresses; const char *else_name; } fields[] = {
		{ "Date", false, NULL }, { "Subject", false, NULL }, { "From", true, NULL },
		{ "Sender", true, "From" }, { "Reply-To", true, "From" }, { "To", true, NULL },
		{ "Cc", true, NULL }, { "Bcc", true, NULL }, { "In-Reply-To", false, NULL },
		{ "Message-ID", false, NULL },
	};
	struct header h;

	header_index(text, a, &h);
	out_text(o, "(");
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct span value = header_value(&h, fields[i].name);

		if (fields[i].else_name && !value.n)
			value = header_value(&h, fields[i].else_name);
		if (i)
			out_text(o, " ");
		if (fields[i].addresses)
			print_addresses(o, value, a);
		else
			print_value(o, value, a);
	}
	out_text(o, ")");
}

/* --- BODYSTRUCTURE --- */

struct walk_structure {
	struct out		*out;
	const struct mime	*mime;
	struct span		 text;
	bool			 extended;
	struct arena		*scratch;
};

static void print_params(struct walk_structure *w, const struct params *p)
{
	if (!p->count) {
		out_text(w->out, "NIL");
		return;
	}
	out_text(w->out, "(");
	for (size_t i = 0; i < p->count; i++) {
		const struct param *one = &p->list[i];
		const char *name = arena_printf(w->scratch, SPAN_FMT "%s", SPAN_ARG(one->name),
		    one->extended ? "*" : "");

		if (i)
			out_text(w->out, " ");
		print_string(w->out, span_of(name));
		out_text(w->out, " ");
		print_string(w->out, unfolded(one->value, w->scratch));
	}
	out_text(w->out, ")");
}

static void print_disposition(struct walk_structure *w, const struct mime_part *part)
{
	if (!part->disposition.p) {
		out_text(w->out, " NIL");
		return;
	}
	out_text(w->out, " (");
	print_string(w->out, unfolded(part->disposition, w->scratch));
	out_text(w->out, " ");
	print_params(w, &part->disposition_params);
	out_text(w->out, ")");
}

/* "en, de" is a list, "en" a string. */
static void print_language(struct walk_structure *w, const struct mime_part *part)
{
	struct span rest = unfolded(part->language, w->scratch), one;

	out_text(w->out, " ");
	if (!span_has(rest, ',')) {
		print_nstring(w->out, rest);
		return;
	}
	out_text(w->out, "(");
	while (span_cut(&rest, ',', &one)) {
		print_string(w->out, span_trim(one));
		out_text(w->out, " ");
	}
	print_string(w->out, span_trim(rest));
	out_text(w->out, ")");
}

static void print_extension(struct walk_structure *w, const struct mime_part *part)
{
	print_disposition(w, part);
	print_language(w, part);
	out_text(w->out, " ");
	print_value(w->out, part->location, w->scratch);
}

static struct span part_header(const struct walk_structure *w, const struct mime_part *part)
{
	return span_to(span_from(w->text, part->header.at), part->header.bytes);
}

static void print_part(struct walk_structure *w, int index);

static void print_leaf(struct walk_structure *w, const struct mime_part *part)
{
	struct span encoding = part->encoding.p ? part->encoding : SPAN("7BIT");

	print_string(w->out, part->type);
	out_text(w->out, " ");
	print_string(w->out, part->subtype);
	out_text(w->out, " ");
	print_params(w, &part->params);
	out_text(w->out, " ");
	print_value(w->out, part->id, w->scratch);
	out_text(w->out, " ");
	print_value(w->out, part->description, w->scratch);
	out_text(w->out, " ");
	print_value(w->out, encoding, w->scratch);
	out_addf(w->out, " %zu", mime_crlf(part->body));
	if (part->kind == MIME_MESSAGE && part->child >= 0) {
		out_text(w->out, " ");
		print_envelope(w->out, part_header(w, &w->mime->parts[part->child]), w->scratch);
		out_text(w->out, " ");
		print_part(w, part->child);
		out_addf(w->out, " %zu", part->body.lines);
	} else if (span_is(part->type, "text")) {
		out_addf(w->out, " %zu", part->body.lines);
	}
	if (!w->extended)
		return;
	out_text(w->out, " ");
	print_value(w->out, part->md5, w->scratch);
	print_extension(w, part);
}

static void print_multipart(struct walk_structure *w, const struct mime_part *part)
{
	if (part->child < 0)
		out_addf(w->out, "(\"text\" \"plain\" NIL NIL NIL \"7BIT\" 0 0%s)",
		    w->extended ? " NIL NIL NIL NIL" : "");
	for (int i = part->child; i >= 0; i = w->mime->parts[i].next)
		print_part(w, i);
	out_text(w->out, " ");
	print_string(w->out, part->subtype);
	if (!w->extended)
		return;
	out_text(w->out, " ");
	print_params(w, &part->params);
	print_extension(w, part);
}

/* Calls itself through the two above, at most MIME_DEPTH_MAX deep. */
static void print_part(struct walk_structure *w, int index)
{
	const struct mime_part *part = &w->mime->parts[index];

	out_text(w->out, "(");
	if (part->kind == MIME_MULTIPART)
		print_multipart(w, part);
	else
		print_leaf(w, part);
	out_text(w->out, ")");
}

void print_structure(struct out *o, const struct mime *m, struct span text, bool extended,
    struct arena *scratch)
{
	struct walk_structure w = { o, m, text, extended, scratch };

	print_part(&w, 0);
}
