/* Does a message answer a search? See search.h. */
#include "common/mail/charset.h"
#include "common/mail/encoding.h"
#include "common/mail/word.h"
#include "imapd/fold.h"
#include "imapd/search.h"

enum {
	PIECE		= 65536,		/* decoded at a time */
	DECODED_MAX	= 4 * PIECE,
	FIELD_MAX	= 4 * HEADER_BYTES_MAX,	/* of one field, decoded */
	DAY_S		= 86400,
};

void search_resolve(struct key *k, const struct view *v)
{
	if (k->kind == KEY_NUMBERS || k->kind == KEY_UIDS)
		set_resolve(&k->set, view_star(v, k->kind == KEY_UIDS));
	for (k = k->first; k; k = k->next)
		search_resolve(k, v);
}

/* --- text --- */

/* Decoded text in some charset up to the last whole line (or all of it), into the finder. */
static void find_decoded(struct finder *f, struct str *decoded, struct span charset, bool all)
{
	struct str utf8 = STR(3 * DECODED_MAX);
	ptrdiff_t end = span_rfind(str_span(decoded), '\n');
	struct span ready = str_span(decoded);

	if (!all && end >= 0)
		ready = span_to(ready, (size_t)end + 1);
	charset_to_utf8(charset, ready, &utf8);
	finder_feed(f, str_span(&utf8));
	str_free(&utf8);
	decoded->n -= ready.n;
	memmove(decoded->p, decoded->p + ready.n, decoded->n);
}

/* The text of a part, whatever its encoding and character set. */
static void find_in_leaf(struct finder *f, const struct mime_part *part, struct span body)
{
	const struct param *charset = param_find(&part->params, "charset");
	struct span name = charset ? charset->value : SPAN("us-ascii");
	struct decoder d = { .kind = encoding_of(part->encoding) };
	struct str decoded = STR(DECODED_MAX);

	while (body.n && !f->found) {
		decoder_feed(&d, span_take(&body, PIECE), &decoded);
		if (decoded.n > PIECE / 2)
			find_decoded(f, &decoded, name, false);
		if (decoded.n > PIECE)
			find_decoded(f, &decoded, name, true);
	}
	decoder_end(&d, &decoded);
	if (!f->found && decoded.n)
		find_decoded(f, &decoded, name, true);
	str_free(&decoded);
}

static void find_in_header(struct finder *f, struct span header)
{
	struct str text = STR(FIELD_MAX);
	struct field field;

	while (!f->found && header_next(&header, &field)) {
		str_reset(&text);
		str_add(&text, field.name);
		str_add_text(&text, ": ");
		word_decode(field.value, &text);
		str_add_text(&text, "\n");
		finder_feed(f, str_span(&text));
	}
	str_free(&text);
}

static struct span stretch(const struct message *m, struct mime_span at)
{
	return span_to(span_from(m->text, at.at), at.bytes);
}

static void find_in_body(struct finder *f, struct message *m)
{
	const struct mime *mime = message_mime(m);

	for (size_t i = 0; i < mime->count && !f->found; i++) {
		const struct mime_part *part = &mime->parts[i];

		if (i && mime->parts[part->parent].kind == MIME_MESSAGE)
			find_in_header(f, stretch(m, part->header));
		if (part->kind == MIME_LEAF &&
		    (span_is(part->type, "text") || span_is(part->type, "message")))
			find_in_leaf(f, part, stretch(m, part->body));
	}
}

static bool text_has(struct message *m, struct span word, bool header_too)
{
	struct finder f;

	finder_begin(&f, word);
	if (header_too)
		find_in_header(&f, message_header(m));
	find_in_body(&f, m);
	finder_end(&f);
	return f.found;
}

static bool header_has(const struct message *m, const struct key *k)
{
	struct span header = message_header(m);
	struct str text = STR(FIELD_MAX);
	struct field field;
	bool found = false;

	while (!found && header_next(&header, &field)) {
		if (!span_alike(field.name, k->field))
			continue;
		str_reset(&text);
		word_decode(field.value, &text);
		found = fold_contains(str_span(&text), k->word);
	}
	str_free(&text);
	return found;
}

/* Without a readable Date a message was sent on no day. */
static bool sent(const struct message *m, const struct key *k)
{
	struct span header = message_header(m);
	struct field field;
	struct date date;
	long days;

	while (header_next(&header, &field)) {
		if (!span_is(field.name, "Date"))
			continue;
		if (!date_parse(field.value, &date))
			return false;
		days = date_days(date.year, date.month, date.day);
		return k->kind == KEY_SENT_BEFORE ? days < k->days :
		    k->kind == KEY_SENT_ON ? days == k->days : days >= k->days;
	}
	return false;
}

static bool opened_matches(struct imap *s, const struct key *k, size_t index)
{
	struct message *m = &s->message;

	if (!message_open(m, &s->view, index, NULL))
		return false;
	switch (k->kind) {
	case KEY_HEADER:	return header_has(m, k);
	case KEY_BODY:		return text_has(m, k->word, false);
	case KEY_TEXT:		return text_has(m, k->word, true);
	default:		return sent(m, k);
	}
}

/* --- what the folder knows --- */

static bool has_keyword(const struct view *v, uint32_t bits, struct span name)
{
	for (unsigned bit = 0; bits >> bit; bit++) {
		const char *known = bits >> bit & 1 ? mailbox_keyword(v->box, bit) : NULL;

		if (known && span_is(name, known))
			return true;
		if (bit == 31)
			break;
	}
	return false;
}

static bool is_after(const struct key *k, time_t when)
{
	long days = (long)(when / DAY_S) - (when % DAY_S < 0);

	return k->kind == KEY_BEFORE ? days < k->days :
	    k->kind == KEY_ON ? days == k->days : days >= k->days;
}

static bool known_matches(struct imap *s, const struct key *k, size_t index)
{
	const struct mailbox_msg *m = mailbox_msg(s->view.box, index);

	switch (k->kind) {
	case KEY_FLAG:		return m->flags & k->flag;
	case KEY_NO_FLAG:	return !(m->flags & k->flag);
	case KEY_NEW:		return (m->flags & FLAG_RECENT) && !(m->flags & FLAG_SEEN);
	case KEY_KEYWORD:	return has_keyword(&s->view, m->keywords, k->word);
	case KEY_NUMBERS:	return set_has(&k->set, (uint32_t)index + 1);
	case KEY_UIDS:		return set_has(&k->set, m->uid);
	case KEY_LARGER:	return m->wire_size > k->size;
	case KEY_SMALLER:	return m->wire_size < k->size;
	default:		return is_after(k, mailbox_date(s->view.box, index));
	}
}

static bool all_match(struct imap *s, const struct key *k, size_t index)
{
	for (k = k->first; k; k = k->next) {
		if (!search_matches(s, k, index))
			return false;
	}
	return true;
}

/* Calls itself, at most SEARCH_DEPTH_MAX deep. */
bool search_matches(struct imap *s, const struct key *k, size_t index)
{
	switch (k->kind) {
	case KEY_ALL:	return true;
	case KEY_AND:	return all_match(s, k, index);
	case KEY_NOT:	return !search_matches(s, k->first, index);
	case KEY_OR:	return search_matches(s, k->first, index) ||
			    search_matches(s, k->first->next, index);
	default:	return k->costly ? opened_matches(s, k, index) : known_matches(s, k, index);
	}
}
