/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE. RFC 3501 6.3.3 to 6.3.7. */
#include "imapd/name.h"
#include "imapd/transfer.h"

/* One mailbox name and nothing more. */
static bool parse_only_name(struct imap *s, struct span arg, struct span *name)
{
	return name_parse_arg(s, &arg, name) && parse_end(arg);
}

/* A separator at the end says that folders will come below; we need no hint. */
static struct span without_last_separator(struct span name)
{
	if (name.n > 1 && name.p[name.n - 1] == NAME_SEPARATOR)
		name.n--;
	return name;
}

static bool exists(struct imap *s, const char *folder)
{
	return !*folder || folder_exists(s->root, folder);
}

struct reply do_create(struct imap *s, struct span arg)
{
	const char *folder;
	struct span name;
	struct err e;

	if (!parse_only_name(s, arg, &name))
		return say_syntax(s, "CREATE mailbox");
	if (!name_to_folder(s, without_last_separator(name), &folder, &e))
		return say_err(&e);
	if (exists(s, folder))
		return say(REPLY_NO, "[ALREADYEXISTS] there is one of that name");
	if (!folder_create(s->root, folder, &e))
		return say_err(&e);
	return say_done(s);
}

/* The selected folder is about to go away under its name. */
static void leave_if_selected(struct imap *s, const char *folder)
{
	transfer_forget_target(s);
	if (!s->view.box || strcmp(s->view.folder, folder) != 0)
		return;
	message_close(&s->message);
	view_close(&s->view);
	out_text(s->out, "* OK [CLOSED] left that mailbox\r\n");
}

struct reply do_delete(struct imap *s, struct span arg)
{
	const char *folder;
	struct span name;
	struct err e;

	if (!parse_only_name(s, arg, &name))
		return say_syntax(s, "DELETE mailbox");
	if (!name_to_folder(s, name, &folder, &e))
		return say_err(&e);
	if (!*folder)
		return say(REPLY_NO, "[CANNOT] INBOX stays");
	if (!exists(s, folder))
		return say(REPLY_NO, "[NONEXISTENT] no such mailbox");
	leave_if_selected(s, folder);
	if (!folder_delete(s->root, folder, &e))
		return say_err(&e);
	return say_done(s);
}

/* INBOX stays and its messages move into a new folder, RFC 3501 6.3.5. */
static struct reply empty_inbox_into(struct imap *s, const char *to)
{
	struct err e;

	if (!folder_create(s->root, to, &e) || !transfer_whole(s, "", to, &e))
		return say_err(&e);
	return say_done(s);
}

struct reply do_rename(struct imap *s, struct span arg)
{
	struct span from, to;
	const char *old, *new;
	struct err e;

	if (!name_parse_arg(s, &arg, &from) || !parse_space(&arg) || !parse_only_name(s, arg, &to))
		return say_syntax(s, "RENAME mailbox mailbox");
	if (!name_to_folder(s, from, &old, &e) ||
	    !name_to_folder(s, without_last_separator(to), &new, &e))
		return say_err(&e);
	if (exists(s, new))
		return say(REPLY_NO, "[ALREADYEXISTS] there is one of that name");
	if (!*old)
		return empty_inbox_into(s, new);
	leave_if_selected(s, old);
	if (!folder_rename(s->root, old, new, &e))
		return say_err(&e);
	return say_done(s);
}

static struct reply subscribe(struct imap *s, struct span arg, bool yes)
{
	const char *folder;
	struct span name;
	struct err e;

	if (!parse_only_name(s, arg, &name))
		return say_syntax(s, yes ? "SUBSCRIBE mailbox" : "UNSUBSCRIBE mailbox");
	name = without_last_separator(name);
	if (!name_to_folder(s, name, &folder, &e))
		return say_err(&e);
	if (!folder_subscribe(s->root, *folder ? folder + 1 : "INBOX", yes, &e))
		return say_err(&e);
	return say_done(s);
}

struct reply do_subscribe(struct imap *s, struct span arg)
{
	return subscribe(s, arg, true);
}

struct reply do_unsubscribe(struct imap *s, struct span arg)
{
	return subscribe(s, arg, false);
}
