/* FETCH. RFC 3501 6.4.5, 7.4.2. */
#include "common/mail/maillog.h"
#include "imapd/imap.h"
#include "imapd/items.h"
#include "imapd/structure.h"

struct fetch {
	struct imap	*s;
	struct items	 items;
	bool		 needs_text;	/* the message file has to be opened */
	bool		 sets_seen;
	bool		 missed;	/* some message was gone */
};

static bool opens_file(enum item_kind kind)
{
	return kind != ITEM_FLAGS && kind != ITEM_UID && kind != ITEM_DATE && kind != ITEM_SIZE;
}

static bool is_section(enum item_kind kind)
{
	return kind >= ITEM_SECTION;
}

static void look_at_items(struct fetch *f)
{
	for (size_t i = 0; i < f->items.count; i++) {
		const struct item *item = &f->items.list[i];

		f->needs_text |= opens_file(item->kind);
		f->sets_seen |= is_section(item->kind) && !item->peek;
	}
	f->sets_seen &= !f->s->view.read_only;
}

/* --- sections --- */

static bool wanted(const struct section *section, struct span name)
{
	bool listed = false;

	for (size_t i = 0; i < section->field_count && !listed; i++)
		listed = span_alike(section->fields[i], name);
	return listed == (section->what == SECTION_FIELDS);
}

/* Copy the wanted fields to p, or with NULL only count their bytes. */
static size_t copy_fields(const struct section *section, struct span header, char *p)
{
	struct field field;
	size_t n = 0;

	while (header_next(&header, &field)) {
		if (!field.name.n || !wanted(section, field.name))
			continue;
		if (p)
			memcpy(p + n, field.whole.p, field.whole.n);
		n += field.whole.n;
	}
	return n;
}

/* The fields that were asked for and an empty line. */
static struct span some_fields(struct imap *s, const struct section *section, struct span header)
{
	char *p = arena_get(s->scratch, copy_fields(section, header, NULL) + 2);
	size_t n = copy_fields(section, header, p);

	if (n && p[n - 1] != '\n')
		p[n++] = '\n';
	p[n++] = '\n';
	return (struct span){ p, n };
}

static struct span stretch(const struct message *m, struct mime_span at)
{
	return span_to(span_from(m->text, at.at), at.bytes);
}

/* Header, text or fields of the message itself, or of one inside it. */
static struct span message_section(struct imap *s, const struct section *section, struct span header,
    struct span text)
{
	switch (section->what) {
	case SECTION_HEADER:	return header;
	case SECTION_TEXT:	return text;
	default:		return some_fields(s, section, header);
	}
}

/* false: there is no such part. */
static bool find_section(struct imap *s, const struct section *section, struct span *out)
{
	struct message *m = &s->message;
	const struct mime_part *part;
	struct span header;

	if (!section->number_count) {		/* no need to know the structure */
		header = message_header(m);
		*out = section->what == SECTION_ALL ? m->text :
		    message_section(s, section, header, span_from(m->text, header.n));
		return true;
	}
	part = mime_find(message_mime(m), section->numbers, section->number_count);
	if (!part)
		return false;
	if (section->what == SECTION_ALL || section->what == SECTION_MIME) {
		*out = stretch(m, section->what == SECTION_MIME ? part->header : part->body);
		return true;
	}
	part = mime_inside(message_mime(m), part);
	if (!part)
		return false;
	*out = message_section(s, section, stretch(m, part->header), stretch(m, part->body));
	return true;
}

static void print_section_name(struct out *o, const struct item *item)
{
	static const char *const words[] = {
		"", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME",
	};
	const struct section *section = &item->section;

	out_text(o, "BODY[");
	for (size_t i = 0; i < section->number_count; i++)
		out_addf(o, i ? ".%u" : "%u", section->numbers[i]);
	if (section->number_count && section->what != SECTION_ALL)
		out_text(o, ".");
	out_text(o, words[section->what]);
	for (size_t i = 0; i < section->field_count; i++) {
		out_text(o, i ? " " : " (");
		print_astring(o, section->fields[i]);
	}
	out_text(o, section->field_count ? ")]" : "]");
	if (item->partial)
		out_addf(o, "<%u>", item->from);
}

/* The last stop of a message's way through the suite, once for each time it is read. */
static void note_fetch(struct imap *s, const struct item *item, size_t index, uint64_t bytes)
{
	bool whole =
	    !item->section.number_count && item->section.what == SECTION_ALL && !item->from;

	s->bytes += bytes;
	if (!whole)
		return;
	s->fetched++;
	maillog_fetched("imap", span_of(s->login), mailbox_msg(s->view.box, index)->name, bytes);
}

static void print_section(struct imap *s, const struct item *item, size_t index)
{
	struct span text;
	uint64_t bytes = 0;

	if (!find_section(s, &item->section, &text))
		out_text(s->out, "NIL");
	else if (item->partial)
		bytes = print_text_part(&s->message, s->out, text, item->from, item->count);
	else
		bytes = print_text(s->out, text);
	note_fetch(s, item, index, bytes);
}

/* --- items --- */

static void print_date(struct out *o, time_t when)
{
	struct str text = STR(64);

	date_imap_print(when, 0, &text);
	out_addf(o, "\"%s\"", text.p);
	str_free(&text);
}

static void print_item_name(struct out *o, const struct item *item)
{
	static const char *const words[] = {
		[ITEM_FLAGS] = "FLAGS", [ITEM_UID] = "UID", [ITEM_DATE] = "INTERNALDATE",
		[ITEM_SIZE] = "RFC822.SIZE", [ITEM_ENVELOPE] = "ENVELOPE", [ITEM_BODY] = "BODY",
		[ITEM_STRUCTURE] = "BODYSTRUCTURE", [ITEM_RFC822] = "RFC822",
		[ITEM_RFC822_HEADER] = "RFC822.HEADER", [ITEM_RFC822_TEXT] = "RFC822.TEXT",
	};

	if (item->kind == ITEM_SECTION)
		print_section_name(o, item);
	else
		out_text(o, words[item->kind]);
	out_text(o, " ");
}

static void print_item(struct imap *s, const struct item *item, size_t index)
{
	const struct mailbox_msg *m = mailbox_msg(s->view.box, index);

	print_item_name(s->out, item);
	switch (item->kind) {
	case ITEM_FLAGS:
		view_print_flags(&s->view, s->out, m->flags, m->keywords);
		break;
	case ITEM_UID:
		out_addf(s->out, "%u", m->uid);
		break;
	case ITEM_DATE:
		print_date(s->out, mailbox_date(s->view.box, index));
		break;
	case ITEM_SIZE:
		out_addf(s->out, "%llu", (unsigned long long)m->wire_size);
		break;
	case ITEM_ENVELOPE:
		print_envelope(s->out, message_header(&s->message), s->scratch);
		break;
	case ITEM_BODY:
	case ITEM_STRUCTURE:
		print_structure(s->out, message_mime(&s->message), s->message.text,
		    item->kind == ITEM_STRUCTURE, s->scratch);
		break;
	default:
		print_section(s, item, index);
	}
	arena_reset(s->scratch);
}

static bool has_item(const struct fetch *f, enum item_kind kind)
{
	for (size_t i = 0; i < f->items.count; i++) {
		if (f->items.list[i].kind == kind)
			return true;
	}
	return false;
}

static void print_message(struct fetch *f, size_t index, bool flags_too)
{
	static const struct item uid = { .kind = ITEM_UID }, flags = { .kind = ITEM_FLAGS };
	struct out *o = f->s->out;

	out_addf(o, "* %zu FETCH (", index + 1);
	if (f->s->command->uid && !has_item(f, ITEM_UID)) {
		print_item(f->s, &uid, index);
		out_text(o, " ");
	}
	for (size_t i = 0; i < f->items.count; i++) {
		if (i)
			out_text(o, " ");
		print_item(f->s, &f->items.list[i], index);
	}
	if (flags_too && !has_item(f, ITEM_FLAGS)) {
		out_text(o, " ");
		print_item(f->s, &flags, index);
	}
	out_text(o, ")\r\n");
}

/* Reading a message marks it as read, and the answer says so. */
static bool mark_seen(struct imap *s, size_t index)
{
	const struct mailbox_msg *m = mailbox_msg(s->view.box, index);

	return !(m->flags & FLAG_SEEN) && mailbox_set_flags(s->view.box, index,
	    (m->flags & ~FLAG_RECENT) | FLAG_SEEN, m->keywords, NULL);
}

static bool fetch_one(struct fetch *f, size_t index, struct err *e)
{
	struct imap *s = f->s;
	bool seen;

	if (f->needs_text && !message_open(&s->message, &s->view, index, e))
		return false;
	seen = f->sets_seen && mark_seen(s, index);
	print_message(f, index, seen);
	if (seen || has_item(f, ITEM_FLAGS))
		view_note_flags(&s->view, index);
	return true;
}

/* One unreadable message does not keep the others from the client; the last trouble is told. */
static bool fetch_all(struct fetch *f, const struct set *set, struct err *e)
{
	struct walk w = view_walk(&f->s->view, set, f->s->command->uid);
	bool ok = true;
	size_t index;

	while (walk_next(&w, &index) && !out_failed(f->s->out)) {
		if (fetch_one(f, index, e))
			continue;
		if (mailbox_msg(f->s->view.box, index)->gone)
			f->missed = true;
		else
			ok = false;
	}
	return ok;
}

struct reply do_fetch(struct imap *s, struct span arg)
{
	struct fetch *f = arena_get(s->arena, sizeof *f);
	struct set set;
	struct reply r;
	struct err e;

	f->s = s;
	if (!view_parse_set(s, &arg, &set, &r))
		return r;
	if (!parse_space(&arg) || !items_parse(arg, s->arena, &f->items))
		return say_syntax(s, "FETCH set (items)");
	look_at_items(f);
	if (!fetch_all(f, &set, &e))
		return say_err(&e);
	if (f->sets_seen && !mailbox_sync(s->view.box, &e))
		return say_err(&e);
	if (f->missed)
		return say(REPLY_OK, "[EXPUNGEISSUED] some of these are gone");
	return say_done(s);
}
