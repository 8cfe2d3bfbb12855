/*
 * NAME
 *	store-tool - do to a Maildir by hand what the daemons do
 * SYNOPSIS
 *	store-tool MAILDIR put FOLDER BASE [FLAGS] <text	("-" is INBOX)
 *	store-tool MAILDIR list FOLDER
 *	store-tool MAILDIR mark FOLDER UID LETTERS [KEYWORD...]
 *	store-tool MAILDIR expunge FOLDER UID
 *	store-tool MAILDIR create|delete|subscribe|unsubscribe FOLDER
 *	store-tool MAILDIR rename FOLDER FOLDER
 *	store-tool MAILDIR folders|subscribed
 * DESCRIPTION
 *	list prints "uidvalidity uidnext", then for each message "uid letters keywords size wire-size".
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os/file.h"
#include "common/store/maildir.h"

enum { TEXT_MAX = 64 << 20 };

static const struct { char letter; unsigned flag; } letters[] = {
	{ 'D', FLAG_DRAFT }, { 'F', FLAG_FLAGGED }, { 'R', FLAG_ANSWERED }, { 'S', FLAG_SEEN }, { 'T', FLAG_DELETED },
};

static const char *folder_of(const char *arg)
{
	return strcmp(arg, "-") == 0 ? "" : arg;
}

static bool do_put(int root, char **arg, struct err *e)
{
	struct str text = STR(TEXT_MAX);
	struct maildir_put *m = maildir_put_open(root, folder_of(arg[0]), arg[1], false, e);
	bool ok = m && file_read_all(0, &text, e);

	if (ok) {
		maildir_put_bytes(m, str_span(&text));
		ok = maildir_put_commit(m, arg[2], 0, e);
	}
	str_free(&text);
	return ok;
}

static void print_message(struct mailbox *m, const struct mailbox_msg *x)
{
	printf("%u ", x->uid);
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
		if (x->flags & letters[i].flag)
			putchar(letters[i].letter);
	}
	putchar(' ');
	for (unsigned i = 0; i < 26; i++) {
		if (x->keywords >> i & 1)
			printf("%s,", mailbox_keyword(m, i) ? mailbox_keyword(m, i) : "?");
	}
	printf(" %llu %llu\n", (unsigned long long)x->size, (unsigned long long)x->wire_size);
}

static bool list(struct mailbox *m, char **arg, struct err *e)
{
	(void)arg, (void)e;
	printf("%u %u\n", mailbox_uidvalidity(m), mailbox_uidnext(m));
	for (size_t i = 0; i < mailbox_count(m); i++)
		print_message(m, mailbox_msg(m, i));
	return true;
}

static bool find(struct mailbox *m, const char *uid, size_t *at, struct err *e)
{
	for (*at = 0; *at < mailbox_count(m); ++*at) {
		if (mailbox_msg(m, *at)->uid == strtoul(uid, NULL, 10))
			return true;
	}
	return err_perm(e, "5.0.0", "no message has uid %s", uid);
}

static bool mark(struct mailbox *m, char **arg, struct err *e)
{
	unsigned flags = 0, bit;
	uint32_t keywords = 0;
	size_t at;

	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		flags |= strchr(arg[2], letters[i].letter) ? letters[i].flag : 0;
	for (char **name = arg + 3; *name; name++) {
		if (!mailbox_add_keyword(m, span_of(*name), &bit, e))
			return false;
		keywords |= 1u << bit;
	}
	return find(m, arg[1], &at, e) && mailbox_set_flags(m, at, flags, keywords, e) &&
	    mailbox_sync(m, e);
}

static bool expunge(struct mailbox *m, char **arg, struct err *e)
{
	size_t at;

	return find(m, arg[1], &at, e) && mailbox_expunge(m, at, e) && mailbox_sync(m, e);
}

static bool in_mailbox(int root, char **arg, bool (*act)(struct mailbox *m, char **arg, struct err *e), struct err *e)
{
	struct mailbox *m = mailbox_open(root, folder_of(arg[0]), false, e);
	bool ok = m && act(m, arg, e);

	mailbox_close(m);
	return ok;
}

static bool do_list(int root, char **arg, struct err *e)
{
	return in_mailbox(root, arg, list, e);
}

static bool do_mark(int root, char **arg, struct err *e)
{
	return in_mailbox(root, arg, mark, e);
}

static bool do_expunge(int root, char **arg, struct err *e)
{
	return in_mailbox(root, arg, expunge, e);
}

static bool do_create(int root, char **arg, struct err *e)
{
	return folder_create(root, arg[0], e);
}

static bool do_delete(int root, char **arg, struct err *e)
{
	return folder_delete(root, arg[0], e);
}

static bool do_rename(int root, char **arg, struct err *e)
{
	return folder_rename(root, arg[0], arg[1], e);
}

static bool do_subscribe(int root, char **arg, struct err *e)
{
	return folder_subscribe(root, folder_of(arg[0]), true, e);
}

static bool do_unsubscribe(int root, char **arg, struct err *e)
{
	return folder_subscribe(root, folder_of(arg[0]), false, e);
}

static bool print_name(void *arg, const char *folder)
{
	(void)arg;
	puts(folder);
	return true;
}

static bool do_folders(int root, char **arg, struct err *e)
{
	(void)arg;
	return folders_each(root, print_name, NULL, e);
}

static bool do_subscribed(int root, char **arg, struct err *e)
{
	(void)arg;
	return folder_subscribed(root, print_name, NULL, e);
}

static const struct { const char *name; int args; bool (*run)(int root, char **arg, struct err *e); } verbs[] = {
	{ "put", 2, do_put }, { "list", 1, do_list }, { "mark", 3, do_mark }, { "expunge", 2, do_expunge },
	{ "create", 1, do_create }, { "delete", 1, do_delete }, { "rename", 2, do_rename },
	{ "subscribe", 1, do_subscribe }, { "unsubscribe", 1, do_unsubscribe },
	{ "folders", 0, do_folders }, { "subscribed", 0, do_subscribed },
};

int main(int argc, char **argv)
{
	int root = argc > 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
	struct err e = { 0 };

	umask(0077);
	if (root < 0 || !maildir_make(root, "", &e)) {
		fprintf(stderr, "store-tool: no Maildir\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(argv[2], verbs[i].name) != 0 || argc < 3 + verbs[i].args)
			continue;
		if (verbs[i].run(root, argv + 3, &e))
			return 0;
		fprintf(stderr, "store-tool: %s\n", e.text);
		return 1;
	}
	return 2;
}
