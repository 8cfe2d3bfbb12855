/* How much a mailbox holds. See quota.h. */
#include "common/store/quota.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/store/maildir.h"
#include "common/store/name.h"

#define FILE_NAME "maildirsize"

enum { LIMITS_MAX = 8 };		/* words in the first line */

/* --- the text --- */

/* "20480S,500C"; a word with a letter that we do not know is passed over. */
static bool take_limits(struct span line, uint64_t *limit)
{
	struct span word;
	uint64_t n;

	*limit = 0;
	for (unsigned i = 0; i < LIMITS_MAX && span_piece(&line, ',', &word); i++) {
		if (!span_eat_u64(&word, INT64_MAX, &n) || word.n != 1)
			return false;
		if (*word.p == 'S')
			*limit = n;
	}
	return !line.n;
}

static bool take_number(struct span *line, int64_t *out)
{
	bool minus;
	uint64_t n;

	span_while(line, is_blank);
	minus = span_eat_char(line, '-');
	if (!span_eat_u64(line, INT64_MAX, &n))
		return false;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

static bool take_line(struct span line, struct quota *q)
{
	int64_t bytes, count;

	if (!take_number(&line, &bytes) || !line.n || !is_blank(*line.p) ||
	    !take_number(&line, &count))
		return false;
	span_while(&line, is_blank);
	q->lines++;
	return !line.n && !__builtin_add_overflow(q->bytes, bytes, &q->bytes)
	    && !__builtin_add_overflow(q->count, count, &q->count);
}

bool quota_parse(struct span text, struct quota *q)
{
	struct span line;

	*q = (struct quota){ 0 };
	if (!span_cut(&text, '\n', &line) || !take_limits(line, &q->limit))
		return false;
	while (span_cut(&text, '\n', &line)) {
		if (!take_line(line, q))
			return false;
	}
	return !text.n && q->lines && q->bytes >= 0 && q->count >= 0;
}

void quota_print(const struct quota *q, struct str *out)
{
	str_addf(out, "%lluS\n%lld %lld\n", (unsigned long long)q->limit, (long long)q->bytes,
	    (long long)q->count);
}

uint64_t quota_room(const struct quota *q, uint64_t limit)
{
	return (uint64_t)q->bytes < limit ? limit - (uint64_t)q->bytes : 0;
}

bool quota_is_fresh(const struct quota *q, time_t age_s)
{
	return q->lines == 1 && age_s >= 0 && age_s < QUOTA_FRESH_S;
}

/* --- counting --- */

struct counting { int root; struct quota *q; struct err *e; bool bad; };

static void count_file(int dir, const char *name, struct quota *q)
{
	struct maildir_name says;
	struct stat st;

	if (*name == '.')
		return;
	name_parse(span_of(name), &says);
	if (!says.has_size) {
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			return;
		says.size = (uint64_t)st.st_size;
	}
	if (says.size > (uint64_t)(INT64_MAX - q->bytes))
		says.size = (uint64_t)(INT64_MAX - q->bytes);
	q->bytes += (int64_t)says.size;
	q->count++;
}

/* A part that is not there holds nothing. */
static bool count_part(int root, const char *folder, const char *part, struct quota *q, struct err *e)
{
	char path[NAME_ROOM + 8];
	struct dirent *entry;
	bool ok;
	int fd;
	DIR *d;

	snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", part);
	fd = file_open_beneath(root, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return errno == ENOENT || err_sys(e, "cannot open %s", path);
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return err_sys(e, "cannot read %s", path);
	}
	for (errno = 0; (entry = readdir(d)); errno = 0)
		count_file(fd, entry->d_name, q);
	ok = errno == 0 || err_sys(e, "cannot read %s", path);
	closedir(d);
	return ok;
}

static bool count_folder(void *arg, const char *folder)
{
	struct counting *c = arg;
	char path[NAME_ROOM];

	snprintf(path, sizeof path, "%s%s", *folder ? "." : "", folder);
	c->bad |= !count_part(c->root, path, "new", c->q, c->e) ||
	    !count_part(c->root, path, "cur", c->q, c->e);
	return !c->bad;
}

bool quota_count(int root, struct quota *q, struct err *e)
{
	struct counting c = { .root = root, .q = q, .e = e };

	q->bytes = q->count = 0;
	q->lines = 1;
	return count_folder(&c, "") && folders_each(root, count_folder, &c, e) && !c.bad;
}

/* --- the file --- */

/* False: there is none, or none that we understand. */
static bool read_file(int root, time_t now, struct quota *q, time_t *age_s)
{
	struct str text = STR(QUOTA_FILE_MAX);
	int fd = file_open_beneath(root, FILE_NAME, O_RDONLY | O_NONBLOCK, 0);
	struct stat st;
	bool ok;

	ok = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= QUOTA_FILE_MAX
	    && file_read_all(fd, &text, NULL) && quota_parse(str_span(&text), q);
	if (ok)
		*age_s = now - st.st_mtime;
	fd_close(&fd);
	str_free(&text);
	return ok;
}

/* Whole under its name, so that no reader sees half of it. Trouble is for the next one to meet. */
static void write_file(int root, const struct quota *q)
{
	struct str text = STR(QUOTA_FILE_MAX);
	char name[40];
	int fd;

	snprintf(name, sizeof name, "tmp/posthorn-quota.%d", (int)getpid());
	quota_print(q, &text);
	fd = file_open_beneath(root, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd >= 0 &&
	    (!file_write(fd, str_span(&text), NULL) || renameat(root, name, root, FILE_NAME) < 0))
		unlinkat(root, name, 0);
	fd_close(&fd);
	str_free(&text);
}

static bool stamp_of(int root, struct stat *st)
{
	return fstatat(root, FILE_NAME, st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A line that was appended while we counted may be counted already, or not: then the old file goes, and ours too. */
static bool count_anew(int root, uint64_t limit, struct quota *q, struct err *e)
{
	struct stat before = { 0 }, after = { 0 };
	bool was = stamp_of(root, &before), is;

	q->limit = limit;
	if (!quota_count(root, q, e))
		return err_while(e, "counting what the mailbox holds");
	is = stamp_of(root, &after);
	if (was == is && before.st_ino == after.st_ino && before.st_size == after.st_size)
		write_file(root, q);
	else
		quota_forget(root);
	return true;
}

int quota_lock(int root, struct err *e)
{
	int fd = file_open_beneath(root, "tmp", O_RDONLY | O_DIRECTORY, 0);
	ms_t until = clock_in(QUOTA_LOCK_S);

	if (fd < 0) {
		err_sys(e, "cannot open tmp");
		return -1;
	}
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (clock_left(until) == 0) {
			err_temp(e, "4.2.0", "another delivery holds the mailbox");
			fd_close(&fd);
			return -1;
		}
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return fd;
}

bool quota_ask(int root, uint64_t limit, uint64_t wanted, bool sure, time_t now, uint64_t *room, struct err *e)
{
	struct quota q;
	time_t age_s = 0;

	if (read_file(root, now, &q, &age_s) && q.limit == limit) {
		*room = quota_room(&q, limit);
		if (wanted <= *room || (!sure && quota_is_fresh(&q, age_s)))
			return true;
	}
	if (!count_anew(root, limit, &q, e))
		return false;
	*room = quota_room(&q, limit);
	return true;
}

void quota_add(int root, int64_t bytes, int64_t count)
{
	int fd = file_open_beneath(root, FILE_NAME, O_WRONLY | O_APPEND | O_NONBLOCK, 0);
	struct stat st;
	char line[64];
	int n;

	if (fd < 0)
		return;
	n = snprintf(line, sizeof line, "%lld %lld\n", (long long)bytes, (long long)count);
	if (fstat(fd, &st) < 0 || st.st_size + n > QUOTA_FILE_MAX ||
	    write(fd, line, (size_t)n) != n)
		quota_forget(root);
	close(fd);
}

void quota_forget(int root)
{
	unlinkat(root, FILE_NAME, 0);
}
