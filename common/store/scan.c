/*
 * Looking at cur/ and new/. See inside.h.
 * Two things make this less than simple. A directory's date has a coarse clock, so a
 * date that is only just past may hide a change made after we read. And a file that is renamed
 * (new flags) while a directory is read may be seen twice or not at all, so what
 * seems to have vanished is looked for again unless the directory stood still.
 */
#include "common/store/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/file.h"

enum {
	PASSES_MAX	= 4,
	FINE_US		= 20000,	/* clock ticks of kernels are 1 to 10 ms */
	COARSE_US	= 1100000,	/* filesystems with whole seconds */
};

bool part_open(struct mailbox *m, struct part *p, const char *name, struct err *e)
{
	int fd = file_open_beneath(m->folder, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0 && errno == ENOENT && mkdirat(m->folder, name, 0700) == 0)
		fd = file_open_beneath(m->folder, name, O_RDONLY | O_DIRECTORY, 0);
	p->name = name;
	p->dir = fd < 0 ? NULL : fdopendir(fd);
	if (p->dir)
		return true;
	err_sys(e, "cannot open the directory %s", name);
	fd_close(&fd);
	return false;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Was the directory left alone since p->mtime, and that long enough before now? */
static bool stands_still(const struct part *p)
{
	struct stat st;

	return p->settled && fstat(dirfd(p->dir), &st) == 0 && same_time(&st.st_mtim, &p->mtime);
}

bool scan_stirred(const struct mailbox *m)
{
	return !stands_still(&m->fresh) || !stands_still(&m->cur);
}

/* Note the date before reading. */
static bool begin_part(struct part *p, struct err *e)
{
	struct stat st;
	int64_t age_us;

	if (fstat(dirfd(p->dir), &st) < 0)
		return err_sys(e, "cannot look at %s", p->name);
	p->mtime = st.st_mtim;
	age_us =
	    clock_wall_us() - ((int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000);
	p->settled = age_us > (st.st_mtim.tv_nsec ? FINE_US : COARSE_US);
	rewinddir(p->dir);
	return true;
}

/* A second file with the base of x gets a base of its own, so that it can be seen. */
static void part_double(struct mailbox *m, const char *name, struct part *p)
{
	static unsigned count;
	struct maildir_name says;
	char own[2 * NAME_ROOM];
	struct entry *x;

	name_parse(span_of(name), &says);
	snprintf(own, sizeof own, "%lld.M%lldP%dQ%u.double%s", (long long)says.date,
	    (long long)clock_wall_us(), (int)getpid(), count++, name + says.unique.n);
	if (m->read_only ||
	    renameat2(dirfd(p->dir), name, dirfd(p->dir), own, RENAME_NOREPLACE) < 0)
		return;
	x = entries_add(m, span_of(own), p == &m->fresh);
	x->scan = m->scan;
}

/* Two names with one base in one pass: renamed under our eyes, half a move, or really two. */
static void settle_double(struct mailbox *m, struct entry *x, const char *name, struct part *p)
{
	struct part *first = x->in_new ? &m->fresh : &m->cur;
	struct stat was, is;

	if (fstatat(dirfd(p->dir), name, &is, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (fstatat(dirfd(first->dir), x->name, &was, AT_SYMLINK_NOFOLLOW) < 0) {
		entries_rename(m, x, name, p == &m->fresh);
		return;
	}
	if (was.st_ino != is.st_ino || was.st_dev != is.st_dev) {
		part_double(m, name, p);
		return;
	}
	if (first == &m->fresh && p == &m->cur && !m->read_only) {
		unlinkat(dirfd(first->dir), x->name, 0);
		entries_rename(m, x, name, false);
	}
}

static void take_name(struct mailbox *m, struct part *p, const char *name)
{
	struct maildir_name says;
	bool in_new = p == &m->fresh;
	struct entry *x;
	unsigned flags;

	name_parse(span_of(name), &says);
	x = entries_find(m, says.base);
	if (!x) {
		entries_add(m, span_of(name), in_new)->scan = m->scan;
		return;
	}
	if (x->pub.gone) {
		p->settled = false; /* it came back: a new message, once the old one is forgotten */
		return;
	}
	if (x->scan == m->scan) {
		settle_double(m, x, name, p);
		return;
	}
	x->scan = m->scan;
	if (x->in_new == in_new && strcmp(x->name, name) == 0)
		return;
	flags = x->pub.flags & ~(unsigned)FLAG_RECENT;
	m->pending.flags_changed |= flags != says.flags || x->pub.keywords != says.keywords;
	entries_rename(m, x, name, in_new);
}

static bool read_part(struct mailbox *m, struct part *p, struct err *e)
{
	struct dirent *d;

	if (!begin_part(p, e))
		return false;
	for (errno = 0; (d = readdir(p->dir)); errno = 0) {
		if (d->d_name[0] != '.' && (d->d_type == DT_REG || d->d_type == DT_UNKNOWN))
			take_name(m, p, d->d_name);
	}
	return errno == 0 || err_sys(e, "cannot read the directory %s", p->name);
}

static size_t count_missing(const struct mailbox *m, unsigned first_scan)
{
	size_t missing = 0;

	for (size_t i = 0; i < m->n; i++)
		missing += !m->entry[i].pub.gone && m->entry[i].scan < first_scan;
	return missing;
}

static void mark_missing(struct mailbox *m, unsigned first_scan)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->entry[i].scan < first_scan)
			m->entry[i].pub.gone = true;
	}
}

/* new/ first: what moves to cur/ meanwhile is then seen twice rather than never. */
bool scan_read(struct mailbox *m, struct err *e)
{
	unsigned first = m->scan + 1;
	bool missing = false;

	for (int pass = 0; pass < PASSES_MAX; pass++) {
		m->scan++;
		if (!read_part(m, &m->fresh, e) || !read_part(m, &m->cur, e))
			return false;
		missing = count_missing(m, first) > 0;
		if (!missing || !scan_stirred(m))
			break;
	}
	m->pending.vanished |= missing;
	if (missing)
		mark_missing(m, first);
	return true;
}
