/* Putting a message into a Maildir. See maildir.h. */
#include "common/store/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/store/folder.h"
#include "common/store/name.h"

enum {
	PUT_HELD	= 65536,	/* bytes gathered for one write */
	PATH_ROOM	= 1024,
};

struct maildir_put {
	int		dir;		/* the caller's */
	char		path[PATH_ROOM];/* of the folder below dir, with a slash behind, or "" */
	char		base[NAME_ROOM];
	int		tmp, fd;
	bool		done_before, bad;
	struct err	trouble;	/* the first one */
	struct str	held;
	uint64_t	size, wire_size;
};

/* One of cur, new and tmp of the folder; made when it is missing and the folder is not. */
static int open_part(const struct maildir_put *m, const char *part, struct err *e)
{
	char path[PATH_ROOM + 8];
	int fd;

	snprintf(path, sizeof path, "%s%s", m->path, part);
	fd = file_open_beneath(m->dir, path, O_RDONLY | O_DIRECTORY, 0);
	/* another delivery may be making it this very moment */
	if (fd < 0 && errno == ENOENT && (mkdirat(m->dir, path, 0700) == 0 || errno == EEXIST))
		fd = file_open_beneath(m->dir, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		err_sys(e, "cannot open the directory %s", path);
	return fd;
}

/* Is there a file in part that is base, whatever its sizes and flags? */
static bool find_base(const struct maildir_put *m, const char *part, bool *found, struct err *e)
{
	int fd = open_part(m, part, e);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry = NULL;
	bool ok;

	if (!d) {
		fd_close(&fd);
		return false;
	}
	while (!*found && (entry = readdir(d))) {
		struct maildir_name name;

		name_parse(span_of(entry->d_name), &name);
		*found = span_same(name.unique, span_of(m->base));
	}
	/* the try that put it there may have died before it flushed the name */
	ok = !*found || file_flush_dir(dirfd(d), entry->d_name, e);
	closedir(d);
	return ok;
}

static bool look_for_double(struct maildir_put *m, struct err *e)
{
	return find_base(m, "new", &m->done_before, e)
	    && (m->done_before || find_base(m, "cur", &m->done_before, e));
}

static bool create(struct maildir_put *m, struct err *e)
{
	m->tmp = open_part(m, "tmp", e);
	if (m->tmp < 0)
		return false;
	m->fd = file_open_beneath(m->tmp, m->base, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (m->fd < 0 && errno == EEXIST) {
		/* the base is this delivery's alone: an earlier try at it died here */
		unlinkat(m->tmp, m->base, 0);
		m->fd = file_open_beneath(m->tmp, m->base, O_WRONLY | O_CREAT | O_EXCL, 0600);
	}
	return m->fd >= 0 || err_sys(e, "cannot create %stmp/%s", m->path, m->base);
}

static void put_free(struct maildir_put *m)
{
	fd_close(&m->fd);
	fd_close(&m->tmp);
	str_free(&m->held);
	free(m);
}

static bool base_ok(const char *base)
{
	struct span s = span_of(base);

	return s.n && s.n < 180 && s.p[0] != '.' && !span_has(s, '/') && !span_has(s, ':') &&
	    !span_has(s, ',');
}

struct maildir_put *maildir_put_open_at(int dir, const char *path, const char *base, bool check_cur, struct err *e)
{
	struct maildir_put *m;

	if (!base_ok(base) || strlen(path) > PATH_ROOM - 8) {
		err_temp(e, "4.3.0", "cannot name a message %s below %s", base, path);
		return NULL;
	}
	m = mem_get(sizeof *m);
	m->dir = dir;
	m->tmp = m->fd = -1;
	m->held = STR(PUT_HELD);
	snprintf(m->path, sizeof m->path, "%s%s", path, *path ? "/" : "");
	snprintf(m->base, sizeof m->base, "%s", base);
	if ((!check_cur || look_for_double(m, e)) && (m->done_before || create(m, e)))
		return m;
	put_free(m);
	return NULL;
}

struct maildir_put *maildir_put_open(int root, const char *folder, const char *base, bool check_cur, struct err *e)
{
	char path[FOLDER_ROOM];

	if (!folder_path(folder, path, e))
		return NULL;
	return maildir_put_open_at(root, path, base, check_cur, e);
}

bool maildir_put_done_before(const struct maildir_put *m)
{
	return m->done_before;
}

uint64_t maildir_put_size(const struct maildir_put *m)
{
	return m->size;
}

static void write_out(struct maildir_put *m, struct span bytes)
{
	if (!m->bad && !m->done_before)
		m->bad = !file_write(m->fd, bytes, &m->trouble);
}

static void write_held(struct maildir_put *m)
{
	write_out(m, str_span(&m->held));
	str_reset(&m->held);
}

static uint64_t count_lines(struct span in)
{
	uint64_t n = 0;
	ptrdiff_t at;

	while ((at = span_find(in, '\n')) >= 0) {
		in = span_from(in, (size_t)at + 1);
		n++;
	}
	return n;
}

/* Gather small pieces; a large one goes past the buffer. */
static void put_counted(struct maildir_put *m, struct span bytes)
{
	if (bytes.n > PUT_HELD - m->held.n)
		write_held(m);
	if (bytes.n > PUT_HELD)
		write_out(m, bytes);
	else
		str_add(&m->held, bytes);
}

void maildir_put_bytes(struct maildir_put *m, struct span lf_text)
{
	m->size += lf_text.n;
	m->wire_size += lf_text.n + count_lines(lf_text);
	put_counted(m, lf_text);
}

/* The rest of a large text without a copy through our memory, where the filesystems can. */
static void copy_large(struct maildir_put *m, int text, uint64_t left)
{
	off_t at = 0;

	write_held(m);
	while (left && !m->bad) {
		ssize_t n =
		    copy_file_range(text, &at, m->fd, NULL, left < INT32_MAX ? left : INT32_MAX, 0);
		char buf[PUT_HELD];

		if (n <= 0) {
			n = pread(text, buf, left < sizeof buf ? left : sizeof buf, at);
			if (n <= 0) {
				m->bad = true;
				if (n < 0)
					err_sys(&m->trouble, "cannot read the text");
				else
					err_temp(&m->trouble, "4.3.0",
					    "the text is shorter than its envelope says");
				return;
			}
			write_out(m, (struct span){ buf, (size_t)n });
			at += n;
		}
		left -= (uint64_t)n;
	}
}

void maildir_put_text(struct maildir_put *m, int text, uint64_t bytes, uint64_t wire_bytes)
{
	char buf[PUT_HELD / 2];
	ssize_t n;

	m->size += bytes;
	m->wire_size += wire_bytes;
	if (m->bad || m->done_before)
		return;
	if (bytes > sizeof buf) {
		copy_large(m, text, bytes);
		return;
	}
	n = pread(text, buf, sizeof buf, 0);
	if (n < 0 || (uint64_t)n != bytes) {
		m->bad = true;
		err_temp(&m->trouble, "4.3.0", "the text is not as long as its envelope says");
		return;
	}
	put_counted(m, (struct span){ buf, (size_t)n });
}

/* base,S=..,W=..[:2,FLAGS] */
static bool final_name(const struct maildir_put *m, const char *flags, char name[NAME_ROOM], struct err *e)
{
	int n = snprintf(name, NAME_ROOM, "%s,S=%llu,W=%llu%s%s", m->base, (unsigned long long)m->size,
	    (unsigned long long)m->wire_size, flags ? ":2," : "", flags ? flags : "");

	return n < NAME_ROOM || err_temp(e, "4.3.0", "the name for %s is too long", m->base);
}

static bool move_in(struct maildir_put *m, int dir, const char *name, struct err *e)
{
	struct stat st;

	if (file_commit(m->fd, m->tmp, m->base, dir, name, false, e))
		return true;
	/* the same delivery again: what is there is ours, and was made in the same way */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != m->size ||
	    fstatat(m->tmp, m->base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	m->done_before = true;
	unlinkat(m->tmp, m->base, 0);
	return file_flush_dir(dir, name, e);	/* it may have been named, but not flushed, by a try that died */
}

static bool set_date(const struct maildir_put *m, time_t date, struct err *e)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = date } };

	return !date || futimens(m->fd, times) == 0 ||
	    err_sys(e, "cannot set the date of %s", m->base);
}

static bool finish(struct maildir_put *m, const char *flags, time_t date, struct err *e)
{
	char name[NAME_ROOM];
	int dir;
	bool ok;

	if (m->done_before)
		return true;
	write_held(m);
	if (m->bad) {
		if (e)
			*e = m->trouble;
		return false;
	}
	if (!final_name(m, flags, name, e) || !set_date(m, date, e))
		return false;
	dir = open_part(m, flags ? "cur" : "new", e);
	if (dir < 0)
		return false;
	ok = move_in(m, dir, name, e);
	close(dir);
	return ok;
}

bool maildir_put_commit(struct maildir_put *m, const char *flags, time_t date, struct err *e)
{
	bool ok = finish(m, flags, date, e) ||
	    err_while(e, "delivering into %s", *m->path ? m->path : "the Maildir");

	if (!ok && m->fd >= 0)
		unlinkat(m->tmp, m->base, 0);
	put_free(m);
	return ok;
}

void maildir_put_drop(struct maildir_put *m)
{
	if (m->fd >= 0)
		unlinkat(m->tmp, m->base, 0);
	put_free(m);
}

bool maildir_make(int home, const char *path, struct err *e)
{
	static const char *const parts[] = { "tmp", "new", "cur" };
	char part[PATH_ROOM];

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		snprintf(part, sizeof part, "%s%s%s", path, *path ? "/" : "", parts[i]);
		if (!file_make_dirs(home, part, 0700, e))
			return err_while(e, "making the Maildir %s", path);
	}
	return true;
}

int maildir_open(const char *home, const char *mail, struct err *e)
{
	struct span below = span_of(mail), top = span_of(home);
	int dir, root = -1;

	if (span_same(span_to(below, top.n), top))
		below = span_from(below, top.n);
	if (below.p == mail || (below.n && !span_eat_char(&below, '/'))) {
		err_temp(e, "4.3.5", "%s is not below %s", mail, home);
		return -1;
	}
	dir = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		err_sys(e, "cannot open %s", home);
		return -1;
	}
	if (maildir_make(dir, below.p, e)) {
		root = file_open_beneath(dir, below.n ? below.p : ".", O_RDONLY | O_DIRECTORY, 0);
		if (root < 0)
			err_sys(e, "cannot open %s", mail);
	}
	close(dir);
	return root;
}
