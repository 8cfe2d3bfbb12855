/* Marks of mailboxes without room. See full.h. */
#include "common/directory/full.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os/fd.h"

enum { PATH_ROOM = 4096 + FULL_NAME };

bool full_name(struct span login, char name[FULL_NAME])
{
	size_t n = 0;

	for (size_t i = 0; i < login.n; i++) {
		char c = login.p[i];
		bool plain = is_alnum(c) || (c != '\0' && strchr("@_+=-", c)) || (c == '.' && i);

		if (n + 4 > FULL_NAME)
			return false;
		if (plain)
			name[n++] = c;
		else
			n += (size_t)snprintf(name + n, 4, "%%%02X", (unsigned char)c);
	}
	name[n] = '\0';
	return n > 0;
}

static bool path_of(const char *dir, struct span login, char path[PATH_ROOM])
{
	char name[FULL_NAME];
	int n = full_name(login, name) ? snprintf(path, PATH_ROOM, "%s/%s", dir, name) : -1;

	return n > 0 && n < PATH_ROOM;
}

/* Who reads it while it is written sees nothing, which says nothing. */
void full_mark(const char *dir, struct span login, uint64_t room)
{
	char path[PATH_ROOM], text[32];
	int n = snprintf(text, sizeof text, "%llu\n", (unsigned long long)room), fd;

	if (!path_of(dir, login, path))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd >= 0 && write(fd, text, (size_t)n) != n)
		unlink(path);
	fd_close(&fd);
}

static bool counts(const struct stat *st, time_t now)
{
	return S_ISREG(st->st_mode) && st->st_mtime <= now + 1 &&
	    now - st->st_mtime < FULL_COUNTS_S;
}

static uint64_t read_room(const char *path, time_t now)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint64_t room = FULL_NOT_KNOWN;
	struct span said;
	struct stat st;
	char text[32];
	ssize_t n = -1;

	if (fd >= 0 && fstat(fd, &st) == 0 && counts(&st, now))
		n = read(fd, text, sizeof text);
	fd_close(&fd);
	if (n <= 0)
		return FULL_NOT_KNOWN;
	said = (struct span){ text, (size_t)n };
	if (!span_eat_u64(&said, INT64_MAX, &room) || !span_is(said, "\n"))
		return FULL_NOT_KNOWN;
	return room;
}

uint64_t full_room(const char *dir, struct span login, time_t now)
{
	char path[PATH_ROOM];

	return path_of(dir, login, path) ? read_room(path, now) : FULL_NOT_KNOWN;
}

void full_took(const char *dir, struct span login, uint64_t bytes)
{
	char path[PATH_ROOM];
	struct stat st;

	if (path_of(dir, login, path) && lstat(path, &st) == 0 &&
	    bytes > read_room(path, st.st_mtime))
		unlink(path);
}

void full_sweep(const char *dir, time_t now)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct stat st;

	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] != '.' &&
		    fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !counts(&st, now))
			unlinkat(dirfd(d), entry->d_name, 0);
	}
	if (d)
		closedir(d);
}
