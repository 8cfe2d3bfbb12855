/* The forgetful disk. See disk.h. */
#include "tests/crash/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { OPS = 400, INODES = 100, DIRS = 100, NAMES = 200, VARIANTS = 3 };

enum kind { CREATE, RENAME, LINK, UNLINK, TRUNCATE, FLUSH_FILE, FLUSH_DIR, OTHER };

struct place { ino_t dir; char name[128]; };
struct op { enum kind kind; struct place from, to; int inode; };

struct inode {
	ino_t	ino;
	int	fd;		/* held, so that its number is not given again */
	char	*start;		/* bytes before the test, NULL: it was made by it */
	size_t	start_n;
};
struct flushed { size_t op; int inode; char *bytes; size_t n; };
struct name { struct place at; int inode; };

static struct {
	bool		 on;
	char		 root[200];
	struct op	 ops[OPS];
	size_t		 op_n;
	struct inode	 inodes[INODES];
	int		 inode_n;
	struct flushed	 flushed[OPS];
	size_t		 flushed_n;
	struct name	 names[NAMES];	/* at the start */
	size_t		 name_n;
	struct { ino_t ino; char path[200]; } dirs[DIRS];
	size_t		 dir_n;
	int		 flushes, skip, fail;
	size_t		 cut, *told;
} d = { .skip = -1, .fail = -1 };

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	abort();
}

/* --- the real calls --- */

int __real_openat(int dir, const char *path, int flags, ...);
long __real_syscall(long number, ...);
ssize_t __real_write(int fd, const void *buf, size_t n);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_renameat(int from, const char *a, int to, const char *b);
int __real_renameat2(int from, const char *a, int to, const char *b, unsigned flags);
int __real_linkat(int from, const char *a, int to, const char *b, int flags);
int __real_unlinkat(int dir, const char *name, int flags);
int __real_ftruncate(int fd, off_t n);
int __real_futimens(int fd, const struct timespec times[2]);

int __wrap_openat(int dir, const char *path, int flags, ...);
long __wrap_syscall(long number, ...);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_renameat(int from, const char *a, int to, const char *b);
int __wrap_renameat2(int from, const char *a, int to, const char *b, unsigned flags);
int __wrap_linkat(int from, const char *a, int to, const char *b, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_ftruncate(int fd, off_t n);
int __wrap_futimens(int fd, const struct timespec times[2]);

/* With 64-bit file offsets the headers call these by their other name. */
int __wrap_openat64(int dir, const char *path, int flags, ...)
    __attribute__((alias("__wrap_openat")));
int __wrap_ftruncate64(int fd, off_t n) __attribute__((alias("__wrap_ftruncate")));

static void read_bytes(int fd, char **bytes, size_t *n)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		die("fstat");
	*n = (size_t)st.st_size;
	*bytes = malloc(*n + 1);
	if (!*bytes || pread(fd, *bytes, *n, 0) != (ssize_t)*n)
		die("pread");
}

static ino_t ino_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		die("fstat");
	return st.st_ino;
}

/* Which inode of ours is this descriptor? A new one is held open from now on. */
static int inode_of(int fd)
{
	char path[64];
	ino_t ino = ino_of(fd);

	for (int i = 0; i < d.inode_n; i++) {
		if (d.inodes[i].ino == ino)
			return i;
	}
	if (d.inode_n == INODES)
		die("too many inodes");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	d.inodes[d.inode_n].ino = ino;
	d.inodes[d.inode_n].fd = open(path, O_RDONLY | O_CLOEXEC);
	return d.inode_n++;
}

static struct op *note(enum kind kind)
{
	struct op *op = &d.ops[d.op_n++];

	if (d.op_n > OPS)
		die("too many calls");
	*op = (struct op){ .kind = kind, .inode = -1 };
	if (d.told)
		*d.told = d.op_n;
	return op;
}

/* The directory and last name of a path below dir. */
static struct place place_of(int dir, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct place p;
	char way[256];
	int fd;

	snprintf(p.name, sizeof p.name, "%s", slash ? slash + 1 : path);
	if (!slash) {
		p.dir = ino_of(dir);
		return p;
	}
	snprintf(way, sizeof way, "%.*s", (int)(slash - path), path);
	fd = __real_openat(dir, way, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		die(way);
	p.dir = ino_of(fd);
	close(fd);
	return p;
}

static bool exists(int dir, const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void note_open(int dir, const char *path, int flags, bool was, int fd)
{
	struct op *op;

	if (flags & O_CREAT && !was) {
		op = note(CREATE);
		op->to = place_of(dir, path);
	} else if (flags & O_TRUNC) {
		op = note(TRUNCATE);
	} else {
		return;
	}
	op->inode = inode_of(fd);
}

int __wrap_openat(int dir, const char *path, int flags, ...)
{
	bool was = d.on && exists(dir, path);
	mode_t mode = 0;
	va_list args;
	int fd;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	fd = __real_openat(dir, path, flags, mode);
	if (d.on && fd >= 0)
		note_open(dir, path, flags, was, fd);
	return fd;
}

long __wrap_syscall(long number, ...)
{
	long a, b, c, e, f, r;
	va_list args;
	bool was;

	va_start(args, number);
	a = va_arg(args, long);
	b = va_arg(args, long);
	c = va_arg(args, long);
	e = va_arg(args, long);
	f = va_arg(args, long);
	va_end(args);
	was = d.on && number == SYS_openat2 && exists((int)a, (const char *)b);
	r = __real_syscall(number, a, b, c, e, f);
	if (d.on && number == SYS_openat2 && r >= 0)
		note_open((int)a, (const char *)b, (int)((const struct open_how *)c)->flags, was, (int)r);
	return r;
}

ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
	if (d.on && fd > 2)
		note(OTHER);
	return __real_write(fd, buf, n);
}

static int flush(int fd, int (*real)(int fd))
{
	struct flushed *f;
	struct stat st;
	struct op *op;

	if (!d.on)
		return real(fd);
	if (d.flushes == d.fail) {
		d.flushes++;
		errno = EIO;
		return -1;
	}
	if (d.flushes++ == d.skip)
		return 0;
	if (fstat(fd, &st) < 0)
		die("fstat");
	op = note(S_ISDIR(st.st_mode) ? FLUSH_DIR : FLUSH_FILE);
	if (op->kind == FLUSH_DIR)
		return 0;
	op->inode = inode_of(fd);
	f = &d.flushed[d.flushed_n++];
	f->op = d.op_n - 1;
	f->inode = op->inode;
	read_bytes(d.inodes[op->inode].fd, &f->bytes, &f->n);
	return 0;
}

int __wrap_fsync(int fd)
{
	return flush(fd, __real_fsync);
}

int __wrap_fdatasync(int fd)
{
	return flush(fd, __real_fdatasync);
}

static int moved(int r, enum kind kind, int from, const char *a, int to, const char *b)
{
	struct op *op;

	if (!d.on || r < 0)
		return r;
	op = note(kind);
	op->from = place_of(from, a);
	op->to = place_of(to, b);
	return r;
}

int __wrap_renameat(int from, const char *a, int to, const char *b)
{
	return moved(__real_renameat(from, a, to, b), RENAME, from, a, to, b);
}

int __wrap_renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	return moved(__real_renameat2(from, a, to, b, flags), RENAME, from, a, to, b);
}

int __wrap_linkat(int from, const char *a, int to, const char *b, int flags)
{
	return moved(__real_linkat(from, a, to, b, flags), LINK, from, a, to, b);
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
	int r = __real_unlinkat(dir, name, flags);

	if (d.on && r == 0)
		note(UNLINK)->from = place_of(dir, name);
	return r;
}

int __wrap_ftruncate(int fd, off_t n)
{
	if (d.on)
		note(TRUNCATE)->inode = inode_of(fd);
	return __real_ftruncate(fd, n);
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
	if (d.on)
		note(OTHER);
	return __real_futimens(fd, times);
}

/* --- before and after --- */

static void add_start(int dir, const char *name)
{
	int fd = __real_openat(dir, name, O_RDONLY);
	struct name *at = &d.names[d.name_n++];
	struct inode *inode;

	if (fd < 0 || d.name_n > NAMES)
		die(name);
	at->at = place_of(dir, name);
	at->inode = inode_of(fd);
	inode = &d.inodes[at->inode];
	if (!inode->start)
		read_bytes(fd, &inode->start, &inode->start_n);
	close(fd);
}

static void look(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char below[500];

	if (!dir || d.dir_n == DIRS)
		die(path);
	d.dirs[d.dir_n].ino = ino_of(dirfd(dir));
	snprintf(d.dirs[d.dir_n++].path, sizeof d.dirs->path, "%s", path + strlen(d.root));
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR)
			look(below);
		else
			add_start(dirfd(dir), entry->d_name);
	}
	closedir(dir);
}

static void forget(void)
{
	for (int i = 0; i < d.inode_n; i++) {
		close(d.inodes[i].fd);
		free(d.inodes[i].start);
	}
	for (size_t i = 0; i < d.flushed_n; i++)
		free(d.flushed[i].bytes);
	memset(d.inodes, 0, sizeof d.inodes);
	d.inode_n = 0;
	d.op_n = d.flushed_n = d.name_n = d.dir_n = 0;
	d.flushes = 0;
}

void disk_begin(const char *root)
{
	forget();
	snprintf(d.root, sizeof d.root, "%s", root);
	look(root);
	d.on = true;
}

void disk_end(void)
{
	d.on = false;
	d.skip = d.fail = -1;
}

void disk_skip_flush(int nth)
{
	d.skip = nth;
}

void disk_fail_flush(int nth)
{
	d.fail = nth;
}

int disk_flushes(void)
{
	return d.flushes;
}

size_t disk_calls(void)
{
	return d.op_n;
}

void disk_tell(size_t *calls)
{
	d.told = calls;
}

size_t disk_cut(void)
{
	return d.cut;
}

void disk_remove(const char *root)
{
	char command[500];

	snprintf(command, sizeof command, "rm -rf %s %s.after", root, root);
	if (system(command) != 0)
		die("rm");
}

/* --- building a state --- */

struct state { struct name names[NAMES]; size_t n; };

static struct name *find(struct state *s, const struct place *p)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->names[i].at.dir == p->dir && strcmp(s->names[i].at.name, p->name) == 0)
			return &s->names[i];
	}
	return NULL;
}

static void set(struct state *s, const struct place *p, int inode)
{
	struct name *at = find(s, p);

	if (!at)
		at = &s->names[s->n++];
	at->at = *p;
	at->inode = inode;
}

static void unset(struct state *s, const struct place *p)
{
	struct name *at = find(s, p);

	if (at)
		*at = s->names[--s->n];
}

static void apply(struct state *s, const struct op *op)
{
	struct name *from = find(s, &op->from);

	switch (op->kind) {
	case CREATE:
		set(s, &op->to, op->inode);
		break;
	case LINK:
		if (from)
			set(s, &op->to, from->inode);
		break;
	case RENAME:
		if (from)
			set(s, &op->to, from->inode);
		unset(s, &op->from);
		break;
	case UNLINK:
		unset(s, &op->from);
		break;
	default:
		break;
	}
}

static bool changes_names(const struct op *op)
{
	return op->kind == CREATE || op->kind == RENAME || op->kind == LINK || op->kind == UNLINK;
}

/* The bytes of an inode when the power fails before op `cut`. True: others were possible. */
static bool bytes_of(int inode, size_t cut, int variant, char **bytes, size_t *n)
{
	const struct inode *it = &d.inodes[inode];
	const struct flushed *last = NULL;
	bool dirty = !it->start;

	for (size_t i = 0; i < cut; i++)
		dirty = dirty || (d.ops[i].kind == TRUNCATE && d.ops[i].inode == inode);
	for (size_t i = 0; i < d.flushed_n && d.flushed[i].op < cut; i++) {
		if (d.flushed[i].inode == inode)
			last = &d.flushed[i];
	}
	if (last || !dirty) {
		*n = last ? last->n : it->start_n;
		*bytes = malloc(*n + 1);
		memcpy(*bytes, last ? last->bytes : it->start, *n);
		return false;
	}
	read_bytes(it->fd, bytes, n);
	*n = variant == 0 ? 0 : variant == 1 ? *n / 2 : *n;
	return true;
}

static void path_after(const struct place *p, char out[600])
{
	for (size_t i = 0; i < d.dir_n; i++) {
		if (d.dirs[i].ino == p->dir) {
			snprintf(out, 600, "%s.after%s/%s", d.root, d.dirs[i].path, p->name);
			return;
		}
	}
	die("a directory that was not there at the start");
}

static bool write_file(const char *path, int inode, size_t cut, int variant)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	char *bytes;
	size_t n;
	bool varies = bytes_of(inode, cut, variant, &bytes, &n);

	if (fd < 0 || __real_write(fd, bytes, n) != (ssize_t)n)
		die(path);
	close(fd);
	free(bytes);
	return varies;
}

/* False: no other variant looks different. */
static bool build(const struct state *s, size_t cut, int variant)
{
	char path[600], first[INODES][600];
	char command[300];
	bool varies = false;

	snprintf(command, sizeof command, "%s.after", d.root);
	disk_remove(command);
	for (size_t i = 0; i < d.dir_n; i++) {
		snprintf(path, sizeof path, "%s.after%s", d.root, d.dirs[i].path);
		if (mkdir(path, 0700) < 0)
			die(path);
	}
	memset(first, 0, sizeof first);
	for (size_t i = 0; i < s->n; i++) {
		int inode = s->names[i].inode;

		path_after(&s->names[i].at, path);
		if (*first[inode]) {
			if (link(first[inode], path) < 0)
				die(path);
			continue;
		}
		varies |= write_file(path, inode, cut, variant);
		memcpy(first[inode], path, sizeof path);
	}
	return varies;
}

/* How many operations, seen from the first, are sure to be on disk when the power fails before cut. */
static size_t sure(size_t cut)
{
	size_t n = 0;

	for (size_t i = 0; i < cut; i++) {
		if (d.ops[i].kind == FLUSH_DIR)
			n = i;
	}
	return n;
}

static int look_at(size_t cut, size_t kept, bool (*check)(void *arg, const char *root, bool over), void *arg)
{
	struct state s = { .n = d.name_n };
	char after[300];
	bool varies = true;
	int bad = 0;

	d.cut = cut;
	memcpy(s.names, d.names, sizeof s.names);
	for (size_t i = 0; i < kept; i++)
		apply(&s, &d.ops[i]);
	snprintf(after, sizeof after, "%s.after", d.root);
	for (int variant = 0; variant < VARIANTS && varies; variant++) {
		varies = build(&s, cut, variant);
		bad += !check(arg, after, cut == d.op_n);
	}
	return bad;
}

int disk_cuts(bool (*check)(void *arg, const char *root, bool over), void *arg)
{
	int bad = 0;

	for (size_t cut = 0; cut <= d.op_n; cut++) {
		for (size_t kept = sure(cut); kept <= cut; kept++) {
			/* Two counts that differ in no name are one state. */
			if (kept > sure(cut) && !changes_names(&d.ops[kept - 1]))
				continue;
			bad += look_at(cut, kept, check, arg);
		}
	}
	return bad;
}
