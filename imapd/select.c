/* SELECT, EXAMINE, CLOSE, UNSELECT, EXPUNGE, STATUS. RFC 3501 6.3.1, 6.3.2, 6.3.10, 6.4. */
#include "imapd/name.h"
#include "imapd/transfer.h"

static void leave(struct imap *s)
{
	transfer_forget_target(s);
	message_close(&s->message);
	view_close(&s->view);
}

static void tell_first_unseen(struct imap *s)
{
	for (size_t i = 0; i < s->view.told; i++) {
		if (!(mailbox_msg(s->view.box, i)->flags & FLAG_SEEN)) {
			out_addf(s->out, "* OK [UNSEEN %zu] the first\r\n", i + 1);
			return;
		}
	}
}

static void describe(struct imap *s)
{
	view_tell_keywords(&s->view, s->out, true);
	view_tell_exists(&s->view, s->out);
	tell_first_unseen(s);
	out_addf(s->out,
	    "* OK [UIDVALIDITY %u] UIDs are what they were\r\n* OK [UIDNEXT %u] the next\r\n",
	    mailbox_uidvalidity(s->view.box), mailbox_uidnext(s->view.box));
}

static struct reply open_folder(struct imap *s, struct span arg, bool read_only)
{
	bool was_open = s->view.box != NULL;
	const char *folder;
	struct span name;
	struct err e;

	if (!name_parse_arg(s, &arg, &name) || !parse_end(arg))
		return say_syntax(s, read_only ? "EXAMINE mailbox" : "SELECT mailbox");
	leave(s);		/* even when what follows fails: RFC 3501 6.3.1 */
	if (was_open)
		out_text(s->out, "* OK [CLOSED] left the mailbox before\r\n");
	if (!name_to_folder(s, name, &folder, &e))
		return say_err(&e);
	if (*folder && !folder_exists(s->root, folder))
		return say(REPLY_NO, "[NONEXISTENT] no such mailbox");
	if (!view_open(&s->view, s->root, folder, read_only, &e))
		return say_err(&e);
	describe(s);
	return say(REPLY_OK, read_only ? "[READ-ONLY] here it is" : "[READ-WRITE] here it is");
}

struct reply do_select(struct imap *s, struct span arg)
{
	return open_folder(s, arg, false);
}

struct reply do_examine(struct imap *s, struct span arg)
{
	return open_folder(s, arg, true);
}

static bool expunge(struct imap *s, const struct set *only, struct err *e)
{
	bool ok = true;

	for (size_t i = 0; i < s->view.told && ok; i++) {
		const struct mailbox_msg *m = mailbox_msg(s->view.box, i);

		if (m->gone || !(m->flags & FLAG_DELETED) || (only && !set_has(only, m->uid)))
			continue;
		ok = mailbox_expunge(s->view.box, i, e);
		s->deleted += ok;
	}
	return mailbox_sync(s->view.box, ok ? e : NULL) && ok;
}

/* Says nothing of what it takes away, RFC 3501 6.4.2. */
struct reply do_close(struct imap *s, struct span arg)
{
	struct err e;
	bool ok = s->view.read_only || expunge(s, NULL, &e);

	(void)arg;
	leave(s);
	return ok ? say_done(s) : say_err(&e);
}

struct reply do_unselect(struct imap *s, struct span arg)
{
	(void)arg;
	leave(s);
	return say_done(s);
}

struct reply do_expunge(struct imap *s, struct span arg)
{
	struct set set;
	struct err e;

	if (s->command->uid && (!set_parse(&arg, s->arena, &set) || !parse_end(arg)))
		return say_syntax(s, "EXPUNGE uid-set");
	if (s->view.read_only)
		return say(REPLY_NO, "[READ-ONLY] the mailbox was opened by EXAMINE");
	if (s->command->uid)
		set_resolve(&set, view_star(&s->view, true));
	if (!expunge(s, s->command->uid ? &set : NULL, &e))
		return say_err(&e);
	return say_done(s);
}

/* --- STATUS --- */

struct counts { size_t messages, recent, unseen; uint64_t size; };

static const char *const status_items[] = {
	"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "SIZE",
};
enum { STATUS_MESSAGES, STATUS_RECENT, STATUS_UIDNEXT, STATUS_UIDVALIDITY, STATUS_UNSEEN, STATUS_SIZE, STATUS_ITEMS };

static struct counts count(const struct mailbox *box)
{
	struct counts c = { 0 };

	for (size_t i = 0; i < mailbox_count(box); i++) {
		const struct mailbox_msg *m = mailbox_msg(box, i);

		if (m->gone)
			continue;
		c.messages++;
		c.recent += !!(m->flags & FLAG_RECENT);
		c.unseen += !(m->flags & FLAG_SEEN);
		c.size += m->wire_size;
	}
	return c;
}

static unsigned status_item(struct span word)
{
	unsigned i = 0;

	while (i < STATUS_ITEMS && !span_is(word, status_items[i]))
		i++;
	return i;
}

/* "(MESSAGES UNSEEN)" as bits. */
static bool parse_status_items(struct span *in, unsigned *wanted)
{
	struct span word;

	if (!span_eat_char(in, '('))
		return false;
	do {
		if (!parse_atom(in, &word) || status_item(word) == STATUS_ITEMS)
			return false;
		*wanted |= 1u << status_item(word);
	} while (parse_space(in));
	return span_eat_char(in, ')');
}

static void print_status(struct imap *s, struct span name, const struct mailbox *box, unsigned wanted)
{
	struct counts c = count(box);
	unsigned long long values[STATUS_ITEMS] = {
		[STATUS_MESSAGES] = c.messages,
		[STATUS_RECENT] = c.recent,
		[STATUS_UNSEEN] = c.unseen,
		[STATUS_SIZE] = c.size,
		[STATUS_UIDNEXT] = mailbox_uidnext(box),
		[STATUS_UIDVALIDITY] = mailbox_uidvalidity(box),
	};
	const char *blank = "";

	out_text(s->out, "* STATUS ");
	print_astring(s->out, name);
	out_text(s->out, " (");
	for (unsigned i = 0; i < STATUS_ITEMS; i++) {
		if (!(wanted >> i & 1))
			continue;
		out_addf(s->out, "%s%s %llu", blank, status_items[i], values[i]);
		blank = " ";
	}
	out_text(s->out, ")\r\n");
}

struct reply do_status(struct imap *s, struct span arg)
{
	unsigned wanted = 0;
	const char *folder;
	struct mailbox *box;
	struct span name;
	struct err e;

	if (!name_parse_arg(s, &arg, &name) || !parse_space(&arg) ||
	    !parse_status_items(&arg, &wanted) || !parse_end(arg))
		return say_syntax(s, "STATUS mailbox (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN SIZE)");
	if (!name_to_folder(s, name, &folder, &e))
		return say_err(&e);
	if (*folder && !folder_exists(s->root, folder))
		return say(REPLY_NO, "[NONEXISTENT] no such mailbox");
	box = mailbox_open(s->root, folder, true, &e);
	if (!box)
		return say_err(&e);
	print_status(s, name, box, wanted);
	mailbox_close(box);
	return say_done(s);
}
