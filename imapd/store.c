/* STORE. RFC 3501 6.4.6. */
#include "imapd/flags.h"

enum change { CHANGE_SET, CHANGE_ADD, CHANGE_REMOVE };

struct change_of_flags {
	enum change		how;
	bool			silent;
	struct flag_names	names;
	uint32_t		keywords;
};

static bool parse_change(struct span *in, struct change_of_flags *c)
{
	c->how = span_eat_char(in, '+') ? CHANGE_ADD : span_eat_char(in, '-') ? CHANGE_REMOVE : CHANGE_SET;
	if (!span_eat(in, "FLAGS"))
		return false;
	c->silent = span_eat(in, ".SILENT");
	return parse_space(in) && flags_parse(in, true, &c->names);
}

static bool change_one(struct imap *s, const struct change_of_flags *c, size_t index, struct err *e)
{
	const struct mailbox_msg *m = mailbox_msg(s->view.box, index);
	unsigned flags = m->flags & ~FLAG_RECENT;
	uint32_t keywords = m->keywords;

	switch (c->how) {
	case CHANGE_SET:
		flags = c->names.flags;
		keywords = c->keywords;
		break;
	case CHANGE_ADD:
		flags |= c->names.flags;
		keywords |= c->keywords;
		break;
	case CHANGE_REMOVE:
		flags &= ~c->names.flags;
		keywords &= ~c->keywords;
		break;
	}
	if (flags == (m->flags & ~FLAG_RECENT) && keywords == m->keywords)
		return true;
	return mailbox_set_flags(s->view.box, index, flags, keywords, e);
}

static void tell_one(struct imap *s, size_t index)
{
	const struct mailbox_msg *m = mailbox_msg(s->view.box, index);

	out_addf(s->out, "* %zu FETCH (", index + 1);
	if (s->command->uid)
		out_addf(s->out, "UID %u ", m->uid);
	out_text(s->out, "FLAGS ");
	view_print_flags(&s->view, s->out, m->flags, m->keywords);
	out_text(s->out, ")\r\n");
}

/* false: one could not be changed; the others before it were, and are told. */
static bool change_all(struct imap *s, const struct change_of_flags *c, const struct set *set,
    bool *missed, struct err *e)
{
	struct walk w = view_walk(&s->view, set, s->command->uid);
	size_t index;

	while (walk_next(&w, &index)) {
		if (mailbox_msg(s->view.box, index)->gone) {
			*missed = true;
			continue;
		}
		if (!change_one(s, c, index, e)) {
			if (!mailbox_msg(s->view.box, index)->gone)
				return false;
			*missed = true;
			continue;
		}
		view_note_flags(&s->view, index);
		if (!c->silent)
			tell_one(s, index);
	}
	return true;
}

struct reply do_store(struct imap *s, struct span arg)
{
	struct change_of_flags c;
	bool missed = false, ok;
	struct set set;
	struct reply r;
	struct err e;

	if (!view_parse_set(s, &arg, &set, &r))
		return r;
	if (!parse_space(&arg) || !parse_change(&arg, &c) || !parse_end(arg))
		return say_syntax(s, "STORE set [+|-]FLAGS[.SILENT] (flags)");
	if (s->view.read_only)
		return say(REPLY_NO, "[READ-ONLY] the mailbox was opened by EXAMINE");
	if (c.how == CHANGE_REMOVE)
		c.keywords = flags_known_keywords(s->view.box, &c.names);
	else if (!flags_keywords(s->view.box, &c.names, &c.keywords, &e))
		return say(REPLY_NO, "[LIMIT] %s", e.text);
	view_tell_keywords(&s->view, s->out, false);
	ok = change_all(s, &c, &set, &missed, &e);
	if (!mailbox_sync(s->view.box, ok ? &e : NULL) || !ok)
		return say_err(&e);
	if (missed)
		return say(REPLY_OK, "[EXPUNGEISSUED] some of these are gone");
	return say_done(s);
}
