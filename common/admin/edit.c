/* Change a text that a person also edits. See edit.h. */
#include "common/admin/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/directory/text.h"
#include "common/os/file.h"

static bool split_path(struct edit *ed, const char *path, struct err *e)
{
	char *real = realpath(path, NULL);
	struct span whole = span_of(real ? real : path);
	ptrdiff_t slash = span_rfind(whole, '/');
	bool ok = span_copy(whole, ed->path, sizeof ed->path) && slash >= 0 &&
	    span_copy(span_from(whole, (size_t)slash + 1), ed->name, sizeof ed->name - 40) &&
	    ed->name[0];

	free(real);
	return ok || err_perm(e, "5.3.5", "%s is no absolute path of a file", path);
}

static bool open_and_lock(struct edit *ed, struct err *e)
{
	char dir[sizeof ed->path];
	size_t n = strlen(ed->path) - strlen(ed->name);

	span_copy(span_to(span_of(ed->path), n), dir, sizeof dir);
	ed->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ed->dir < 0)
		return err_sys(e, "cannot open the directory %s", dir);
	if (flock(ed->dir, LOCK_EX) < 0)
		return err_sys(e, "cannot lock the directory %s", dir);
	return true;
}

static bool read_old(struct edit *ed, struct err *e)
{
	int fd = openat(ed->dir, ed->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	struct stat st;
	bool ok;

	if (fd < 0)
		return errno == ENOENT || err_sys(e, "cannot open %s", ed->path);
	ok = file_read_all(fd, &ed->text, e) || err_while(e, "reading %s", ed->path);
	if (ok && fstat(fd, &st) == 0) {
		ed->mode = st.st_mode & 07777;
		ed->uid = st.st_uid;
		ed->gid = st.st_gid;
	}
	close(fd);
	return ok;
}

bool edit_open(struct edit *ed, const char *path, mode_t mode, const char *group, struct err *e)
{
	struct group *known = *group && geteuid() == 0 ? getgrnam(group) : NULL;

	*ed = (struct edit){ .dir = -1, .text = STR(TEXT_FILE_MAX), .mode = mode,
		.uid = geteuid(), .gid = known ? known->gr_gid : getegid() };
	if (split_path(ed, path, e) && open_and_lock(ed, e) && read_old(ed, e))
		return true;
	edit_close(ed);
	return false;
}

void edit_close(struct edit *ed)
{
	if (ed->dir >= 0)
		close(ed->dir);
	ed->dir = -1;
	str_free(&ed->text);
}

void edit_add_line(struct edit *ed, struct span line)
{
	if (ed->text.n && ed->text.p[ed->text.n - 1] != '\n')
		str_add_char(&ed->text, '\n');
	str_add(&ed->text, line);
	str_add_char(&ed->text, '\n');
}

void edit_replace(struct edit *ed, struct span part, struct span with)
{
	struct str old = ed->text, fresh = STR(TEXT_FILE_MAX);
	size_t at = (size_t)(part.p - old.p);

	str_add(&fresh, span_to(str_span(&old), at));
	str_add(&fresh, with);
	str_add(&fresh, span_from(str_span(&old), at + part.n));
	ed->text = fresh;
	str_free(&old);
}

static bool fill(struct edit *ed, int fd, const char *tmp, struct err *e)
{
	/* An owner that we cannot give is an owner that somebody else must have given. */
	if ((ed->uid != geteuid() || ed->gid != getegid()) && fchown(fd, ed->uid, ed->gid) < 0)
		return err_sys(e, "cannot give the new %s its old owner", ed->path);
	if (fchmod(fd, ed->mode) < 0)
		return err_sys(e, "cannot give the new %s its old mode", ed->path);
	return file_write(fd, str_span(&ed->text), e) &&
	    file_commit(fd, ed->dir, tmp, ed->dir, ed->name, true, e);
}

bool edit_commit(struct edit *ed, struct err *e)
{
	char tmp[300];
	bool ok;
	int fd;

	if (ed->text.over)
		return err_perm(e, "5.3.5", "%s would be larger than %d bytes", ed->path, TEXT_FILE_MAX);
	snprintf(tmp, sizeof tmp, ".%s.%d.new", ed->name, (int)getpid());
	unlinkat(ed->dir, tmp, 0);
	fd = file_open_beneath(ed->dir, tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return err_sys(e, "cannot write beside %s", ed->path);
	ok = fill(ed, fd, tmp, e);
	close(fd);
	if (!ok)
		unlinkat(ed->dir, tmp, 0);
	return ok;
}
