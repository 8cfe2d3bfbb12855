/* The stations of a queue: making, opening, listing, sweeping. See queue.h. */
#include "common/queue/queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/file.h"

enum { ID_LENGTH = 14, ABANDONED_TMP_S = 24 * 3600, ABANDONED_TEXT_S = 3600 };

/* Every station, and who writes into it; sched and pick are in the group, and read all. */
static const struct { const char *name, *owner; } stations[] = {
	{ "in/sub",	"posthorn-sub" },
	{ "in/net",	"posthorn-in" },
	{ "in/own",	"posthorn-mta" },
	{ "out",	"posthorn-mta" },
	{ "local",	"posthorn-mda" },
	{ "hold",	"posthorn-mta" },
};
static const char *const parts[] = { "", "/tmp", "/new", "/ask" };

/* Who keeps marks (made.h), and what became of messages (os/history.h; sched removes what is old). */
static const struct { const char *name, *owner; } beside[] = {
	{ "local/made",	"posthorn-mda" },
	{ "out/made",	"posthorn-mta" },
	{ "history/sub", "posthorn-sub" },
	{ "history/net", "posthorn-in" },
	{ "history/mta", "posthorn-mta" },
	{ "history/mda", "posthorn-mda" },
};

/* --- ids --- */

void queue_new_id(char id[ID_SIZE])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	static int64_t last;
	int64_t us = clock_wall_us();
	uint64_t pid = (uint64_t)getpid();

	/* The time makes it unique in this process, the pid among all that live now. */
	if (us <= last)
		us = last + 1;
	last = us;
	for (int i = 9; i >= 0; i--, us /= 36)
		id[i] = digits[us % 36];
	for (int i = ID_LENGTH - 1; i >= 10; i--, pid /= 36)
		id[i] = digits[pid % 36];
	id[ID_LENGTH] = '\0';
}

bool queue_is_id(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]) && !(s.p[i] >= 'a' && s.p[i] <= 'z'))
			return false;
	}
	return s.n == ID_LENGTH;
}

bool queue_id_of(const char *name, char id[ID_SIZE])
{
	struct span s = span_of(name);

	return s.n == ID_LENGTH + 2 && span_same(span_from(s, ID_LENGTH), SPAN(".e"))
	    && queue_is_id(span_to(s, ID_LENGTH)) && span_copy(span_to(s, ID_LENGTH), id, ID_SIZE);
}

/* --- making --- */

/* As root: the owner from the table. Where the installation made no such users, leave it. */
static bool give(int dir, const char *path, const char *owner, struct err *e)
{
	const struct passwd *who = getpwnam(owner);
	const struct group *group = getgrnam("posthorn");

	if (!who || !group)
		return true;
	if (fchownat(dir, path, who->pw_uid, group->gr_gid, AT_SYMLINK_NOFOLLOW) < 0
	    || fchmodat(dir, path, 02770, 0) < 0)
		return err_sys(e, "cannot give %s to %s", path, owner);
	return true;
}

static bool make_station(int queue, const char *name, const char *owner, struct err *e)
{
	char path[32];

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		snprintf(path, sizeof path, "%s%s", name, parts[i]);
		if (!file_make_dirs(queue, path, 0700, e))
			return false;
		if (geteuid() == 0 && !give(queue, path, owner, e))
			return false;
	}
	return true;
}

static bool make_beside(int queue, struct err *e)
{
	if (mkdirat(queue, "history", 0755) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make history/");
	for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
		if (!file_make_dirs(queue, beside[i].name, 0700, e)
		    || (geteuid() == 0 && !give(queue, beside[i].name, beside[i].owner, e)))
			return false;
	}
	return true;
}

static bool make_all(int queue, struct err *e)
{
	if (mkdirat(queue, "in", 0755) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make in/");
	for (size_t i = 0; i < sizeof stations / sizeof *stations; i++) {
		if (!make_station(queue, stations[i].name, stations[i].owner, e))
			return false;
	}
	return make_beside(queue, e);
}

bool queue_make(const char *path, struct err *e)
{
	bool ok;
	int fd;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make the queue %s", path);
	fd = queue_open(path, e);
	if (fd < 0)
		return false;
	ok = make_all(fd, e) || err_while(e, "making the queue %s", path);
	close(fd);
	return ok;
}

/* --- opening --- */

int queue_open(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		err_sys(e, "cannot open the queue %s", path);
	return fd;
}

static int open_dir(int at, const char *name, struct err *e)
{
	int fd = file_open_beneath(at, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		err_sys(e, "cannot open %s of the queue", name);
	return fd;
}

bool station_open(int queue, const char *name, struct station *st, struct err *e)
{
	*st = (struct station){ .name = name, .dir = -1, .tmp = -1, .fresh = -1 };
	st->dir = open_dir(queue, name, e);
	if (st->dir >= 0)
		st->tmp = open_dir(st->dir, "tmp", e);
	if (st->tmp >= 0)
		st->fresh = open_dir(st->dir, "new", e);
	if (st->fresh < 0) {
		station_close(st);
		return err_while(e, "station %s", name);
	}
	umask(0007);
	return true;
}

void station_close(struct station *st)
{
	fd_close(&st->dir);
	fd_close(&st->tmp);
	fd_close(&st->fresh);
}

/* --- listing --- */

static DIR *list(int dir, struct err *e)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		err_sys(e, "cannot list the queue");
		fd_close(&fd);
	}
	return d;
}

bool queue_each(const struct station *st, bool (*each)(void *arg, const char *id), void *arg, struct err *e)
{
	DIR *d = list(st->fresh, e);
	const struct dirent *entry;
	char id[ID_SIZE];

	if (!d)
		return false;
	while ((entry = readdir(d))) {
		if (queue_id_of(entry->d_name, id) && !each(arg, id))
			break;
	}
	closedir(d);
	return true;
}

/*
 * By the time of the last change of the inode: writing and linking both renew it, so a text
 * on its way into or out of the station is never old.
 */
static void sweep_one(int dir, const char *name, nlink_t names, time_t before)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    st.st_nlink <= names && st.st_ctime < before)
		unlinkat(dir, name, 0);
}

/* Is it a text, and is its envelope not there? */
static bool lonely_text(int dir, const char *name)
{
	struct span s = span_of(name);
	char envelope[ID_LENGTH + 3];

	if (s.n != ID_LENGTH + 2 || !span_ends(s, ".m") || !queue_is_id(span_to(s, ID_LENGTH)))
		return false;
	snprintf(envelope, sizeof envelope, "%.*s.e", ID_LENGTH, name);
	return faccessat(dir, envelope, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

void queue_sweep(const struct station *st, time_t now)
{
	const struct dirent *entry;
	DIR *d = list(st->tmp, NULL);

	while (d && (entry = readdir(d)))
		sweep_one(st->tmp, entry->d_name, 1, now - ABANDONED_TMP_S);	/* more: it has a mark, made.h */
	if (d)
		closedir(d);
	d = list(st->fresh, NULL);
	while (d && (entry = readdir(d))) {
		if (lonely_text(st->fresh, entry->d_name))
			sweep_one(st->fresh, entry->d_name, (nlink_t)-1, now - ABANDONED_TEXT_S);
	}
	if (d)
		closedir(d);
}
