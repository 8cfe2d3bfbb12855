/*
 * The subscriptions file, as Dovecot keeps it: version 2 ("V\t2", an empty line, then one
 * name a line with its levels separated by tabs), or the older plain lines.
 */
#include "common/store/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/os/file.h"
#include "common/store/folder.h"
#include "common/store/lock.h"

enum { SUBSCRIPTIONS_BYTES_MAX = 1 << 20 };

static const char file_name[] = "subscriptions";

static bool read_file(int root, struct str *text, struct err *e)
{
	int fd = file_open_beneath(root, file_name, O_RDONLY | O_NONBLOCK, 0);
	bool ok;

	if (fd < 0)
		return errno == ENOENT || err_sys(e, "cannot open %s", file_name);
	ok = file_read_all(fd, text, e) || err_while(e, "%s", file_name);
	close(fd);
	return ok;
}

/* One line as a folder name: levels with dots. False: not one of ours. */
static bool line_name(struct span line, bool tabs, char name[FOLDER_ROOM])
{
	if (!span_copy(line, name, FOLDER_ROOM) || !*name)
		return false;
	for (char *p = name; tabs && *p; p++) {
		if (*p == '\t')
			*p = '.';
	}
	return true;
}

/* Call each with every name in text. */
static void names_each(struct span text, bool (*each)(void *arg, const char *folder), void *arg)
{
	bool tabs = span_eat(&text, "V\t2\n\n");
	char name[FOLDER_ROOM];
	struct span line;

	while (span_cut(&text, '\n', &line)) {
		if (line_name(line, tabs, name) && !each(arg, name))
			return;
	}
}

bool folder_subscribed(int root, bool (*each)(void *arg, const char *folder), void *arg, struct err *e)
{
	struct str text = STR(SUBSCRIPTIONS_BYTES_MAX);
	bool ok = read_file(root, &text, e);

	if (ok)
		names_each(str_span(&text), each, arg);
	str_free(&text);
	return ok;
}

static void add_name(struct str *out, const char *name)
{
	for (; *name; name++)
		str_add_char(out, *name == '.' ? '\t' : *name);
	str_add_char(out, '\n');
}

struct change { struct str *out; const char *folder; bool found; };

static bool copy_other(void *arg, const char *folder)
{
	struct change *c = arg;

	if (strcmp(folder, c->folder) == 0)
		c->found = true;
	else
		add_name(c->out, folder);
	return true;
}

/* Under the lock. */
static bool change_locked(int root, const char *folder, bool yes, struct err *e)
{
	struct str now = STR(SUBSCRIPTIONS_BYTES_MAX), then = STR(SUBSCRIPTIONS_BYTES_MAX);
	struct change c = { &then, folder, false };
	bool ok = read_file(root, &now, e);

	if (ok) {
		str_add_text(&then, "V\t2\n\n");
		names_each(str_span(&now), copy_other, &c);
		if (yes)
			add_name(&then, folder);
		if (c.found != yes)
			ok = !then.over ? file_replace(root, file_name, str_span(&then), 0600, e)
			    : err_perm(e, "5.2.2", "too many subscriptions");
	}
	str_free(&now);
	str_free(&then);
	return ok;
}

bool folder_subscribe(int root, const char *folder, bool yes, struct err *e)
{
	char path[FOLDER_ROOM];
	const char *name = "INBOX";
	struct store_lock lock;
	bool ok;

	if (!folder_path(folder, path, e))
		return false;
	if (*path)
		name = path + 1;
	if (!store_lock(root, file_name, &lock, e))
		return false;
	ok = change_locked(root, name, yes, e);
	store_unlock(&lock);
	return ok;
}
