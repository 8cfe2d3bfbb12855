/* Durable files. See file.h. */
#include "common/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/os/fd.h"

/* The mode counts only for what may be made, and openat2 refuses one that does not. */
static mode_t mode_for(int flags, mode_t mode)
{
	return flags & (O_CREAT | O_TMPFILE) & ~O_DIRECTORY ? mode : 0;
}

static int open_by_kernel(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.mode = mode_for(flags, mode),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

/* A link is no level: O_NOFOLLOW says ENOTDIR for it, and openat2 ELOOP. O_PATH would open the link itself. */
static int open_level(int at, const char *name, int flags, mode_t mode)
{
	int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode_for(flags, mode));
	struct stat st;

	if (fd < 0 && errno == ENOTDIR) {
		errno = fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) ?
		    ELOOP :
		    ENOTDIR;
	} else if (fd >= 0 && (flags & O_PATH) && (fstat(fd, &st) < 0 || S_ISLNK(st.st_mode))) {
		close(fd);
		errno = ELOOP;
		return -1;
	}
	return fd;
}

/* Open the directory that holds the last level of path; path becomes that level. */
static int walk_to_last(int dir, struct span *path)
{
	int at = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	struct span level;

	while (at >= 0 && span_cut(path, '/', &level)) {
		char name[NAME_MAX + 1];
		int next = -1;

		if (!level.n)
			continue;
		if (span_copy(level, name, sizeof name))
			next = open_level(at, name, O_PATH | O_DIRECTORY, 0);
		else
			errno = ENAMETOOLONG;
		fd_close(&at);
		at = next;
	}
	return at;
}

static int open_by_hand(int dir, const char *path, int flags, mode_t mode)
{
	struct span last = span_of(path);
	int at = walk_to_last(dir, &last), fd;

	if (at < 0)
		return -1;
	/* behind a last slash stands the directory itself */
	fd = open_level(at, last.n ? last.p : ".", flags, mode);
	close(at);
	return fd;
}

/* Does a level of path go up, or does it begin at the top? */
static bool leaves(struct span path)
{
	struct span level;

	if (span_starts(path, "/"))
		return true;
	while (span_cut(&path, '/', &level)) {
		if (span_same(level, SPAN("..")))
			return true;
	}
	return span_same(path, SPAN(".."));
}

int file_open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	static bool by_hand;		/* this kernel has no openat2 */

	if (!*path || leaves(span_of(path))) {
		errno = *path ? EXDEV : ENOENT;
		return -1;
	}
	if (!by_hand) {
		int fd = open_by_kernel(dir, path, flags, mode);

		if (fd >= 0 || errno != ENOSYS)
			return fd;
		by_hand = true;
	}
	return open_by_hand(dir, path, flags, mode);
}

/* Make and flush one level. An existing one is fine. */
static bool make_level(int parent, const char *name, mode_t mode, struct err *e)
{
	if (mkdirat(parent, name, mode) < 0)
		return errno == EEXIST ? true : err_sys(e, "cannot make the directory %s", name);
	return file_flush_dir(parent, name, e);
}

static bool make_levels(int *at, struct span path, mode_t mode, struct err *e)
{
	struct span level;
	char name[256];

	while (span_piece(&path, '/', &level)) {
		int next;

		if (!level.n)
			continue;
		if (!span_copy(level, name, sizeof name))
			return err_perm(e, "5.3.0", "the name of a directory is too long");
		if (!make_level(*at, name, mode, e))
			return false;
		next = file_open_beneath(*at, name, O_RDONLY | O_DIRECTORY, 0);
		if (next < 0)
			return err_sys(e, "cannot open the directory %s", name);
		close(*at);
		*at = next;
	}
	return true;
}

bool file_make_dirs(int dir, const char *path, mode_t mode, struct err *e)
{
	int at = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	bool ok;

	if (at < 0)
		return err_sys(e, "cannot open the directory above %s", path);
	ok = make_levels(&at, span_of(path), mode, e);
	close(at);
	return ok;
}

static bool give_to(const char *path, int uid, int gid, struct err *e)
{
	if (uid < 0 || fchownat(AT_FDCWD, path, (uid_t)uid, (gid_t)gid, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	return err_sys(e, "cannot give %s to its owner", path);
}

bool file_make_owned(const char *path, mode_t mode, int uid, int gid, struct err *e)
{
	char fresh[4096];
	bool ok;

	if (access(path, F_OK) == 0)
		return give_to(path, uid, gid, e);
	snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid());
	rmdir(fresh);			/* of one that had our pid and was killed here */
	if (mkdir(fresh, mode) < 0)
		return err_sys(e, "cannot make %s", path);
	ok = give_to(fresh, uid, gid, e) && (renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_NOREPLACE) == 0 ||
	    errno == EEXIST || err_sys(e, "cannot make %s", path));
	rmdir(fresh);			/* where it is still: somebody was faster */
	return ok;
}

bool file_write(int fd, struct span bytes, struct err *e)
{
	while (bytes.n) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot write %zu bytes", bytes.n);
		bytes = span_from(bytes, (size_t)n);
	}
	return true;
}

bool file_read_all(int fd, struct str *into, struct err *e)
{
	for (;;) {
		size_t room = into->max - into->n < 65536 ? into->max - into->n : 65536;
		char *at = str_room(into, room ? room : 1);
		ssize_t n;

		if (!at) {
			char one;

			into->over = false;
			n = read(fd, &one, 1);
			return n == 0 ?
			    true :
			    err_perm(e, "5.3.4", "a file is larger than %zu bytes", into->max);
		}
		n = read(fd, at, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read");
		if (n == 0)
			return true;
		str_grew(into, (size_t)n);
	}
}

bool file_read_at(int dir, const char *name, struct str *into, struct err *e)
{
	int fd = file_open_beneath(dir, name, O_RDONLY, 0);
	bool ok;

	if (fd < 0)
		return err_sys(e, "cannot open %s", name);
	ok = file_read_all(fd, into, e) || err_while(e, "reading %s", name);
	close(fd);
	return ok;
}

bool file_flush(int fd, const char *name, struct err *e)
{
	/* Nobody retries: after an error Linux forgets which pages were dirty. */
	if (fsync(fd) < 0)
		return err_sys(e, "cannot flush %s", name);
	return true;
}

bool file_flush_dir(int dir, const char *what, struct err *e)
{
	if (fsync(dir) < 0)
		return err_sys(e, "cannot flush the directory that holds %s", what);
	return true;
}

bool file_commit(int fd, int tmp, const char *name_tmp, int dir, const char *name, bool replace, struct err *e)
{
	if (!file_flush(fd, name_tmp, e))
		return false;
	if (renameat2(tmp, name_tmp, dir, name, replace ? 0 : RENAME_NOREPLACE) < 0)
		return err_sys(e, "cannot move %s to its place", name);
	return file_flush_dir(dir, name, e);
}

bool file_replace(int dir, const char *name, struct span bytes, mode_t mode, struct err *e)
{
	char tmp[300];
	bool ok;
	int fd;

	snprintf(tmp, sizeof tmp, ".%s.%d.new", name, (int)getpid());
	unlinkat(dir, tmp, 0);		/* ours, left by a crash under the same pid */
	fd = file_open_beneath(dir, tmp, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd < 0)
		return err_sys(e, "cannot create %s beside %s", tmp, name);
	ok = file_write(fd, bytes, e) && file_commit(fd, dir, tmp, dir, name, true, e);
	close(fd);
	if (!ok)
		unlinkat(dir, tmp, 0);
	return ok || err_while(e, "replacing %s", name);
}
