/* Durable files. See file.h. */
#include "common/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/os/fd.h"

int file_open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.mode = flags & (O_CREAT | O_TMPFILE) & ~O_DIRECTORY ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
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
	char name[256];

	while (path.n) {
		struct span level;
		int next;

		if (!span_cut(&path, '/', &level)) {
			level = path;
			path.n = 0;
		}
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
			return n == 0 ? true : err_perm(e, "5.3.4", "a file is larger than %zu bytes", into->max);
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
