/* Marks of messages that were made because of others. See made.h. */
#include "common/queue/made.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os/fd.h"
#include "common/os/file.h"

enum { ID_LENGTH = 14, MARK_OLD_S = 24 * 3600 };

void made_name(const char *id, unsigned number, const char *what, char name[MADE_NAME])
{
	snprintf(name, MADE_NAME, "%s.%u.%s", id, number, what);
}

int made_open(const struct station *st, struct err *e)
{
	int fd = file_open_beneath(st->dir, "made", O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		err_sys(e, "cannot open %s/made of the queue", st->name);
	return fd;
}

/* The id of what was made. PERM: not all of it was written. */
static bool read_mark(int mark, char id[ID_SIZE], struct err *e)
{
	struct arena *a = arena_new(8 * ENVELOPE_MAX, NULL, NULL);
	struct str text = STR(ENVELOPE_MAX);
	struct envelope env;
	bool ok = file_read_all(mark, &text, e) && envelope_parse(str_span(&text), a, &env, e);

	if (ok)
		memcpy(id, env.id, ID_SIZE);
	str_free(&text);
	arena_free(a);
	return ok;
}

/* Not another one of that name: who has it now may write a later state of it. */
static bool is_in_tmp(int mark, const struct station *to, const char *id, bool *is, struct err *e)
{
	struct stat marked, there;
	char name[ID_SIZE + 2];

	snprintf(name, sizeof name, "%s.e", id);
	*is = false;
	if (fstat(mark, &marked) < 0)
		return err_sys(e, "cannot look at a mark");
	if (fstatat(to->tmp, name, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || err_sys(e, "cannot look for %s", name);
	*is = there.st_ino == marked.st_ino && there.st_dev == marked.st_dev;
	return true;
}

/* The marks first: without one nobody takes what is gone for what was made. id "": the sweep finds it. */
static bool clear(int mark, int dir, const char *mark_name, const struct station *to, const char *id, struct err *e)
{
	char name[ID_SIZE + 2];
	struct stat st;

	if (unlinkat(dir, mark_name, 0) < 0)
		return err_sys(e, "cannot remove the mark %s", mark_name);
	if (!*id || fstat(mark, &st) < 0 || st.st_nlink > 1)
		return true;
	snprintf(name, sizeof name, "%s.e", id);
	unlinkat(to->tmp, name, 0);
	snprintf(name, sizeof name, "%s.m", id);
	unlinkat(to->fresh, name, 0);
	return true;
}

static bool look(int mark, int dir, const char *name, const struct station *to, bool *is_made, struct err *e)
{
	char id[ID_SIZE];
	bool waits;

	if (!read_mark(mark, id, e))
		return e->kind == ERR_PERM && clear(mark, dir, name, to, "", e);
	if (!is_in_tmp(mark, to, id, &waits, e))
		return false;
	*is_made = !waits;
	return *is_made || clear(mark, dir, name, to, id, e);
}

bool made_look(int dir, const char *name, const struct station *to, bool *is_made, struct err *e)
{
	int mark = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool ok;

	*is_made = false;
	if (mark < 0)
		return errno == ENOENT || err_sys(e, "cannot open the mark %s", name);
	ok = look(mark, dir, name, to, is_made, e);
	close(mark);
	return ok;
}

void made_noted(int dir, const char *name)
{
	unlinkat(dir, name, 0);		/* else the sweep */
}

static bool is_old(int dir, const char *name, time_t now)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    st.st_ctime < now - MARK_OLD_S;
}

/* In that order: who goes on while we look is seen where he comes. */
static bool is_anywhere(const char *mark, const struct station *const *where, size_t count)
{
	char name[ID_SIZE + 2];

	snprintf(name, sizeof name, "%.*s.e", ID_LENGTH, mark);
	for (size_t i = 0; i < count; i++) {
		if (faccessat(where[i]->fresh, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
			return true;
	}
	return false;
}

void made_sweep(int dir, const struct station *const *where, size_t count, time_t now)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!d) {
		fd_close(&fd);
		return;
	}
	while ((entry = readdir(d))) {
		if (is_old(dir, entry->d_name, now) && !is_anywhere(entry->d_name, where, count))
			unlinkat(dir, entry->d_name, 0);
	}
	closedir(d);
}
