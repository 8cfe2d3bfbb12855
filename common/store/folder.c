/* Maildir++ folders. See maildir.h. */
#include "common/store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/store/maildir.h"
#include "common/store/quota.h"

enum { NAME_BYTES_MAX = 200 };		/* of a whole folder name: NAME_MAX is 255 */

static int base64_of(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* UTF-16 units inside "&...-": pairs must be pairs, and plain ASCII stands for itself. */
static bool unit_ok(unsigned unit, bool *high)
{
	bool is_high = unit >= 0xd800 && unit < 0xdc00, is_low = unit >= 0xdc00 && unit < 0xe000;

	if (is_low != *high || unit < 0x20 || (unit >= 0x20 && unit < 0x7f))
		return false;
	*high = is_high;
	return true;
}

/* Eat the inside of "&...-", without the ampersand. RFC 3501 5.1.3. */
static bool eat_shifted(struct span *in)
{
	unsigned bits = 0, have = 0;
	bool high = false, any = false;

	if (span_eat_char(in, '-'))
		return true;
	for (; in->n && in->p[0] != '-'; *in = span_from(*in, 1)) {
		int v = base64_of(in->p[0]);

		if (v < 0)
			return false;
		bits = (bits << 6 | (unsigned)v) & 0xfffff;
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		any = true;
		if (!unit_ok(bits >> have & 0xffff, &high))
			return false;
	}
	return any && !high && have < 6 && (bits & ((1u << have) - 1)) == 0 &&
	    span_eat_char(in, '-');
}

static bool level_ok(struct span level)
{
	if (!level.n || level.p[0] == '~')
		return false;
	while (level.n) {
		char c = level.p[0];

		level = span_from(level, 1);
		if (!is_print(c) || c == '/' || (c == '&' && !eat_shifted(&level)))
			return false;
	}
	return true;
}

bool folder_name_ok(struct span name, struct err *e)
{
	struct span level;

	if (!name.n || name.n > NAME_BYTES_MAX)
		return err_perm(e, "5.5.4", "a folder name has 1 to %d bytes", NAME_BYTES_MAX);
	do {
		bool last = !span_cut(&name, '.', &level);

		if (last)
			level = span_take(&name, name.n);
		if (!level_ok(level))
			return err_perm(e, "5.5.4",
			    "a folder name can not have a level called '" SPAN_FMT "'",
			    SPAN_ARG(level));
		if (last)
			return true;
	} while (true);
}

bool folder_path(const char *folder, char path[FOLDER_ROOM], struct err *e)
{
	if (*folder == '.')
		folder++;
	if (*folder && !folder_name_ok(span_of(folder), e))
		return false;
	snprintf(path, FOLDER_ROOM, "%s%s", *folder ? "." : "", folder);
	return true;
}

/* --- listing --- */

struct names { char **name; size_t n; };

static void names_add(struct names *names, const char *name)
{
	if ((names->n & (names->n - 1)) == 0)
		names->name =
		    mem_more(names->name, names->n ? 2 * names->n : 1, sizeof *names->name);
	names->name[names->n++] = mem_text(name);
}

static void names_free(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_directory(int dir, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool collect(int root, struct names *names, struct err *e)
{
	int fd = file_open_beneath(root, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!d) {
		err_sys(e, "cannot list the folders");
		fd_close(&fd);
		return false;
	}
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.' && folder_name_ok(span_of(entry->d_name + 1), NULL)
		    && is_directory(fd, entry))
			names_add(names, entry->d_name + 1);
	}
	closedir(d);
	if (names->n)
		qsort(names->name, names->n, sizeof *names->name, by_name);
	return true;
}

bool folders_each(int root, bool (*each)(void *arg, const char *folder), void *arg, struct err *e)
{
	struct names names = { 0 };
	bool ok = collect(root, &names, e);

	for (size_t i = 0; ok && i < names.n; i++) {
		if (!each(arg, names.name[i]))
			break;
	}
	names_free(&names);
	return ok;
}

/* --- one folder --- */

bool folder_exists(int root, const char *folder)
{
	char path[FOLDER_ROOM];
	struct stat st;

	if (!folder_path(folder, path, NULL))
		return false;
	return fstatat(root, *path ? path : ".", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

/* The folders of a user all but INBOX, which is always there. */
static bool path_not_inbox(const char *folder, char path[FOLDER_ROOM], struct err *e)
{
	if (!folder_path(folder, path, e))
		return false;
	return *path || err_perm(e, "5.5.4", "INBOX can not be made, removed or renamed");
}

/* Maildir++ marks what is a folder, so that a delivery program finds the quota of the root. */
static bool mark_folder(int root, const char *path, struct err *e)
{
	int fd = file_open_beneath(root, path, O_RDONLY | O_DIRECTORY, 0);
	bool ok;

	if (fd < 0)
		return err_sys(e, "cannot open the folder %s", path);
	ok = file_replace(fd, "maildirfolder", SPAN(""), 0600, e);
	close(fd);
	return ok;
}

bool folder_create(int root, const char *folder, struct err *e)
{
	char path[FOLDER_ROOM];

	if (!path_not_inbox(folder, path, e))
		return false;
	if (folder_exists(root, folder))
		return err_perm(e, "5.2.0", "the folder %s exists already", path + 1);
	return maildir_make(root, path, e) && mark_folder(root, path, e);
}

enum { TREE_DEPTH_MAX = 8 };		/* Maildirs have 2 */

/* Remove what is in a directory; fd becomes ours. */
static bool empty_tree(int fd, unsigned depth, struct err *e)
{
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!d) {
		fd_close(&fd);
		return err_sys(e, "cannot open a directory to be removed");
	}
	while ((entry = readdir(d))) {
		bool directory = is_directory(fd, entry);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (directory && depth < TREE_DEPTH_MAX)
			empty_tree(file_open_beneath(fd, entry->d_name, O_RDONLY | O_DIRECTORY, 0),
			    depth + 1, e);
		unlinkat(fd, entry->d_name, directory ? AT_REMOVEDIR : 0);
	}
	closedir(d);
	return true;
}

/* What nobody can see any more; what a crash leaves of it goes with the next one. */
static void remove_gone(int root)
{
	int fd = file_open_beneath(root, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!d) {
		fd_close(&fd);
		return;
	}
	while ((entry = readdir(d))) {
		if (strncmp(entry->d_name, "..posthorn-gone.", 16) != 0)
			continue;
		empty_tree(file_open_beneath(root, entry->d_name, O_RDONLY | O_DIRECTORY, 0), 0, NULL);
		unlinkat(root, entry->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

bool folder_delete(int root, const char *folder, struct err *e)
{
	char path[FOLDER_ROOM], gone[64];

	if (!path_not_inbox(folder, path, e))
		return false;
	snprintf(gone, sizeof gone, "..posthorn-gone.%lld.%d", (long long)clock_wall_us(),
	    (int)getpid());
	if (renameat(root, path, root, gone) < 0) {
		if (errno == ENOENT)
			return err_perm(e, "5.2.0", "there is no folder %s", path + 1);
		return err_sys(e, "cannot remove the folder %s", path + 1);
	}
	quota_forget(root);
	if (!file_flush_dir(root, path, e))
		return false;
	remove_gone(root);
	return true;
}

struct renaming { int root; const char *from, *to; bool found; struct err *e; };

/* "from.x" becomes "to.x". */
static bool rename_child(void *arg, const char *folder)
{
	struct renaming *r = arg;
	size_t n = strlen(r->from);
	char old[FOLDER_ROOM], new[2 * FOLDER_ROOM];

	if (strncmp(folder, r->from, n) != 0 || folder[n] != '.')
		return true;
	snprintf(old, sizeof old, ".%s", folder);
	snprintf(new, sizeof new, ".%s%s", r->to, folder + n);
	r->found = true;
	if (!folder_name_ok(span_of(new + 1), r->e))
		return false;
	return renameat2(r->root, old, r->root, new, RENAME_NOREPLACE) == 0
	    || err_sys(r->e, "cannot rename the folder %s", folder);
}

/* Children first, the folder itself last: a rename that was interrupted can be asked for again. */
bool folder_rename(int root, const char *from, const char *to, struct err *e)
{
	char old[FOLDER_ROOM], new[FOLDER_ROOM];
	struct err trouble = { 0 };
	struct renaming r = { .root = root, .from = old + 1, .to = new + 1, .e = &trouble };

	if (!path_not_inbox(from, old, e) || !path_not_inbox(to, new, e))
		return false;
	if (folder_exists(root, to))
		return err_perm(e, "5.2.0", "the folder %s exists already", new + 1);
	if (strncmp(new, old, strlen(old)) == 0 && new[strlen(old)] == '.')
		return err_perm(e, "5.2.0", "a folder can not become its own child");
	if (!folders_each(root, rename_child, &r, e))
		return false;
	if (trouble.kind != ERR_NONE) {
		if (e)
			*e = trouble;
		return false;
	}
	if (renameat2(root, old, root, new, RENAME_NOREPLACE) < 0 &&
	    (errno != ENOENT || !r.found)) {
		if (errno == ENOENT)
			return err_perm(e, "5.2.0", "there is no folder %s", old + 1);
		return err_sys(e, "cannot rename the folder %s", old + 1);
	}
	return file_flush_dir(root, new, e);
}
