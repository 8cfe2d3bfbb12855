/* COPY and MOVE. RFC 3501 6.4.7, RFC 4315, RFC 6851. */
#include "imapd/name.h"
#include "imapd/transfer.h"

enum { COPYUID_MAX = 4 << 20 };

/* The messages of a set, by index. */
static void choose(struct transfer *t, const struct set *set)
{
	const struct view *v = &t->s->view;
	struct walk w = view_walk(v, set, t->s->command->uid);
	size_t index;

	t->indexes = arena_array(t->s->arena, v->told + 1, sizeof *t->indexes);
	while (walk_next(&w, &index))
		t->indexes[t->count++] = index;
}

/* "[COPYUID 38505 304,319:320 3956:3958]", RFC 4315 3; NULL when nothing was copied. */
static const char *copyuid(const struct transfer *t)
{
	struct set_text from = { .text = STR(COPYUID_MAX) }, to = { .text = STR(COPYUID_MAX) };
	const char *code = NULL;

	for (size_t i = 0; i < t->done; i++) {
		set_text_add(&from, mailbox_msg(t->from, t->indexes[i])->uid);
		set_text_add(&to, t->uids[i]);
	}
	set_text_end(&from);
	set_text_end(&to);
	if (t->done && !from.text.over && !to.text.over)
		code = arena_printf(t->s->arena, "[COPYUID %u %s %s]", mailbox_uidvalidity(t->dest),
		    from.text.p, to.text.p);
	str_free(&from.text);
	str_free(&to.text);
	return code;
}

static bool remove_originals(const struct transfer *t, struct err *e)
{
	bool ok = true;

	for (size_t i = 0; i < t->done && ok; i++)
		ok = mailbox_expunge(t->from, t->indexes[i], e);
	return mailbox_sync(t->from, ok ? e : NULL) && ok;
}

static struct reply answer(struct transfer *t, bool move)
{
	const char *code = copyuid(t);
	struct reply r;
	struct err e;

	if (move && code)
		out_addf(t->s->out, "* OK %s moved\r\n", code);
	if (move && !remove_originals(t, &e))
		return say_err(&e);
	if (t->missed)
		return say(REPLY_OK, "[EXPUNGEISSUED] some of these were gone");
	r = say_done(t->s);
	r.code = move ? NULL : code;
	return r;
}

static struct reply copy_or_move(struct imap *s, struct span arg, bool move)
{
	struct transfer t = { .s = s, .from = s->view.box };
	struct span name;
	struct set set;
	struct reply r;
	struct err e;

	if (!view_parse_set(s, &arg, &set, &r))
		return r;
	if (!parse_space(&arg) || !name_parse_arg(s, &arg, &name) || !parse_end(arg))
		return say_syntax(s, move ? "MOVE set mailbox" : "COPY set mailbox");
	if (move && s->view.read_only)
		return say(REPLY_NO, "[READ-ONLY] the mailbox was opened by EXAMINE");
	if (!name_to_folder(s, name, &t.to, &e) || !transfer_room(s, 0, &e))
		return say_err(&e);
	if (*t.to && !folder_exists(s->root, t.to))
		return say(REPLY_NO, "[TRYCREATE] no such mailbox");
	choose(&t, &set);
	return transfer_run(&t, &e) ? answer(&t, move) : say_err(&e);
}

struct reply do_copy(struct imap *s, struct span arg)
{
	return copy_or_move(s, arg, false);
}

struct reply do_move(struct imap *s, struct span arg)
{
	return copy_or_move(s, arg, true);
}
