/* Where lines come from: our history, or log files. See trace.h. */
#include "common/admin/trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/base/mem.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/os/history.h"

enum { DAY_S = 86400 };
#define LOG_MAX ((size_t)4 << 30)		/* of one that cannot be mapped */

static void add_source(struct trace *t, struct span text, time_t day, bool is_mapped)
{
	if (t->source_n == t->source_room) {
		t->source_room = t->source_room ? t->source_room * 2 : 64;
		t->sources = mem_more(t->sources, t->source_room, sizeof *t->sources);
	}
	t->sources[t->source_n++] = (struct source){ text, day, is_mapped };
}

static bool map(struct trace *t, int fd, time_t day)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	if (!st.st_size)
		return true;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	add_source(t, (struct span){ p, (size_t)st.st_size }, day, true);
	return true;
}

static bool read_all(struct trace *t, int fd, struct err *e)
{
	struct str text = STR(LOG_MAX);

	if (!file_read_all(fd, &text, e)) {
		str_free(&text);
		return false;
	}
	add_source(t, str_span(&text), 0, false);
	return true;
}

bool trace_load_log(struct trace *t, const char *path)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct err e;
	bool ok = fd >= 0 || err_sys(&e, "cannot open %s", path);

	if (ok)
		ok = map(t, fd, 0) || (read_all(t, fd, &e) || err_while(&e, "%s", path));
	fd_close(&fd);
	if (!ok)
		t->code = admin_fail(&e);
	return ok;
}

/* --- the history --- */

static bool is_wanted(const struct trace *t, time_t day, time_t since)
{
	return day + DAY_S > since && (!t->loaded || day < t->loaded);
}

static void load_dir(struct trace *t, int dir, const char *name, time_t since)
{
	DIR *d = fdopendir(dir);
	const struct dirent *entry;
	struct err e;
	time_t day;

	while (d && (entry = readdir(d))) {
		int fd;

		if (!history_day(entry->d_name, &day) || !is_wanted(t, day, since))
			continue;
		fd =
		    openat(dirfd(d), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 || !map(t, fd, day)) {
			err_sys(&e, "cannot read %s/%s of the history", name, entry->d_name);
			t->code = admin_fail(&e);
		}
		fd_close(&fd);
	}
	if (d)
		closedir(d);
}

static int by_day(const void *a, const void *b)
{
	const struct source *x = a, *y = b;

	return (x->day > y->day) - (x->day < y->day);
}

void trace_load_history(struct trace *t, time_t since)
{
	int top = openat(t->desk->queue, "history", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = top < 0 ? NULL : fdopendir(top);
	const struct dirent *entry;
	struct err e;

	while (d && (entry = readdir(d))) {
		int dir;

		if (*entry->d_name == '.')
			continue;
		dir = openat(dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (dir >= 0) {
			load_dir(t, dir, entry->d_name, since);
		} else {
			err_sys(&e, "cannot look into %s of the history", entry->d_name);
			t->code = admin_fail(&e);
		}
	}
	if (d)
		closedir(d);
	t->loaded = since > 0 ? since - since % DAY_S : 1;
	if (t->source_n)
		qsort(t->sources, t->source_n, sizeof *t->sources, by_day);
}

void trace_unload(struct trace *t)
{
	for (size_t i = 0; i < t->source_n; i++) {
		if (t->sources[i].is_mapped)
			munmap((void *)t->sources[i].text.p, t->sources[i].text.n);
		else
			free((void *)t->sources[i].text.p);
	}
	free(t->sources);
}
