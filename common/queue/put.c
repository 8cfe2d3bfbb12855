/* A message comes into a station. See queue.h; this file keeps the promise of a 250. */
#include "common/queue/queue.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/crc.h"
#include "common/base/mem.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/queue/plan.h"

enum {
	NAME_SIZE = ID_SIZE + 2,
	QUEUE_FILE_MODE = 0660,
	READ_PIECE = 32768,
	DONE_MAX = 1 << 20,
	MARKS_MAX = 2 * ENVELOPE_MAX,	/* as many as an envelope has room for recipients */
};

struct queue_put {
	const struct station	*st;
	char			 id[ID_SIZE];
	char			 text_name[NAME_SIZE], envelope_name[NAME_SIZE];
	int			 fd;		/* of the text; -1 as long as all of it is held */
	struct str		 held;
	uint64_t		 bytes, lines;
	uint32_t		 crc;
	int			 mark_dir;
	struct str		 marks;		/* names, each with its NUL */
	bool			 marked;
	bool			 failed;
	struct err		 why;
};

/* Asked at most once a second; a second's mail fits into what the reserve leaves. */
static bool has_room(const struct station *st, struct err *e)
{
	static ms_t asked = -1000;
	static bool room;
	struct statvfs fs;
	ms_t now;

	if (!st->reserve)
		return true;
	now = clock_ms();
	if (now - asked >= 1000) {
		asked = now;
		if (fstatvfs(st->fresh, &fs) < 0)
			return err_sys(e, "cannot ask for free space");
		room = (uint64_t)fs.f_bavail * fs.f_frsize >= st->reserve &&
		    fs.f_favail >= fs.f_files / 20;
	}
	return room || err_temp(e, "4.3.1", "too little space is left on the queue's disk");
}

struct queue_put *queue_put_open(const struct station *st, const char *id, struct err *e)
{
	struct queue_put *q;

	if (!has_room(st, e))
		return NULL;
	q = mem_get(sizeof *q);
	q->st = st;
	q->fd = -1;
	q->held = STR(QUEUE_HELD);
	q->marks = STR(MARKS_MAX);
	snprintf(q->id, sizeof q->id, "%s", id);
	snprintf(q->text_name, sizeof q->text_name, "%s.m", id);
	snprintf(q->envelope_name, sizeof q->envelope_name, "%s.e", id);
	return q;
}

static bool write_held(struct queue_put *q)
{
	if (q->fd < 0)
		q->fd = openat(q->st->fresh, q->text_name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, QUEUE_FILE_MODE);
	if (q->fd < 0)
		return err_sys(&q->why, "cannot create %s", q->text_name);
	if (!file_write(q->fd, str_span(&q->held), &q->why))
		return false;
	str_reset(&q->held);
	return true;
}

static void measure(struct queue_put *q, struct span bytes)
{
	q->lines += span_count(bytes, '\n');
	q->bytes += bytes.n;
	q->crc = crc32c(q->crc, bytes);
}

void queue_put_bytes(struct queue_put *q, struct span lf_text)
{
	if (q->failed)
		return;
	measure(q, lf_text);
	while (lf_text.n && !q->failed) {
		size_t room = q->held.max - q->held.n;

		str_add(&q->held, span_take(&lf_text, room));
		if (lf_text.n)
			q->failed = !write_held(q);
	}
}

/* --- a text in the making: looked at, and begun anew --- */

/* From the file, where the bytes before the held ones are. */
static bool read_written(const struct queue_put *q, uint64_t at, uint64_t end, struct sink to, struct err *e)
{
	char buf[READ_PIECE];

	while (at < end) {
		size_t want = end - at < sizeof buf ? (size_t)(end - at) : sizeof buf;
		ssize_t n = pread(q->fd, buf, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read %s again", q->text_name);
		if (n == 0)
			return err_temp(e, "4.3.0", "%s is shorter than what was put", q->text_name);
		to.put(to.arg, (struct span){ buf, (size_t)n });
		at += (uint64_t)n;
	}
	return true;
}

bool queue_put_read(const struct queue_put *q, uint64_t from, uint64_t bytes, struct sink to, struct err *e)
{
	uint64_t written = q->bytes - q->held.n, end = bytes < q->bytes - from ? from + bytes : q->bytes;
	struct span held = str_span(&q->held);

	if (q->failed) {
		*e = q->why;
		return false;
	}
	if (from < written && !read_written(q, from, end < written ? end : written, to, e))
		return false;
	if (end <= written)
		return true;
	held = span_to(held, (size_t)(end - written));
	to.put(to.arg, from > written ? span_from(held, (size_t)(from - written)) : held);
	return true;
}

static void put_again(void *arg, struct span lf_text)
{
	queue_put_bytes(arg, lf_text);
}

/*
 * The file that was begun loses its name and is read once more; nothing of it was
 * flushed, so it never costs the disk anything.
 */
static bool begin_anew(struct queue_put *q, const struct queue_put *old, uint64_t first, struct span instead)
{
	struct err why;

	if (old->fd >= 0)
		unlinkat(q->st->fresh, q->text_name, 0);
	q->fd = -1;
	q->held = STR(QUEUE_HELD);
	q->bytes = q->lines = q->crc = 0;
	queue_put_bytes(q, instead);
	if (!queue_put_read(old, first, UINT64_MAX, (struct sink){ put_again, q }, &why) &&
	    !q->failed) {
		q->failed = true;
		q->why = why;
	}
	return !q->failed;
}

bool queue_put_replace(struct queue_put *q, uint64_t first, struct span instead, struct err *e)
{
	struct queue_put old = *q;
	bool ok;

	assert(first <= q->bytes);
	if (q->failed) {
		*e = q->why;
		return false;
	}
	ok = begin_anew(q, &old, first, instead);
	fd_close(&old.fd);
	str_free(&old.held);
	if (!ok)
		*e = q->why;
	return ok;
}

static int memory_file(const struct queue_put *q, struct err *e)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	if (fd < 0)
		err_sys(e, "cannot make a memory file for %s", q->text_name);
	else if (!file_write(fd, str_span(&q->held), e) || lseek(fd, 0, SEEK_SET) < 0)
		fd_close(&fd);
	return fd;
}

int queue_put_text_fd(struct queue_put *q, struct err *e)
{
	int fd;

	if (q->failed) {
		*e = q->why;
		return -1;
	}
	if (q->fd < 0)
		return memory_file(q, e);
	q->failed = !write_held(q);
	if (q->failed) {
		*e = q->why;
		return -1;
	}
	fd = openat(q->st->fresh, q->text_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		err_sys(e, "cannot open %s again", q->text_name);
	return fd;
}

/* --- the commit --- */

void queue_put_mark(struct queue_put *q, int dir, const char *name)
{
	q->mark_dir = dir;
	str_add_text(&q->marks, name);
	str_add_char(&q->marks, '\0');
}

static void fill(const struct queue_put *q, struct envelope *env)
{
	snprintf(env->id, sizeof env->id, "%s", q->id);
	if (!env->arrived_us)
		env->arrived_us = env->arrived ? (int64_t)env->arrived * 1000000 : clock_wall_us();
	env->arrived = (time_t)(env->arrived_us / 1000000);
	env->text_bytes = q->bytes;
	env->wire_bytes = q->bytes + q->lines;
	env->text_crc = q->crc;
}

/* The file's time is that of the next try: a start reads a million names, not a million files. */
static void set_time(int fd, const struct envelope *env)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = plan_first(env) } };

	if (times[1].tv_sec > 0)
		futimens(fd, times);
}

struct written { int fd; size_t bytes; bool ok; struct err why; };

static void write_piece(void *arg, struct span piece)
{
	struct written *w = arg;

	w->bytes += piece.n;
	if (w->ok && w->bytes > ENVELOPE_MAX)
		w->ok = err_perm(&w->why, "5.5.3", "the envelope is too large: too many recipients");
	w->ok = w->ok && file_write(w->fd, piece, &w->why);
}

static bool write_envelope(int fd, const struct envelope *env, struct err *e)
{
	struct written w = { .fd = fd, .ok = true };

	envelope_print_to(env, (struct sink){ write_piece, &w });
	if (!w.ok && e)
		*e = w.why;
	return w.ok;
}

/* Owner of fd is the caller; -1 when it could not be made. */
static int create_envelope(const struct station *st, const char *name, const struct envelope *env, struct err *e)
{
	int fd = openat(st->tmp, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, QUEUE_FILE_MODE);

	if (fd < 0)
		err_sys(e, "cannot create %s", name);
	if (fd >= 0 && !write_envelope(fd, env, e)) {
		fd_close(&fd);
		unlinkat(st->tmp, name, 0);	/* it may be large, and the disk be full */
	}
	if (fd >= 0)
		set_time(fd, env);
	return fd;
}

/* A sweep that was led astray by the clock may have taken it for abandoned, as long as it had no envelope. */
static bool has_name(const struct queue_put *q, struct err *e)
{
	struct stat st;

	if (fstat(q->fd, &st) < 0)
		return err_sys(e, "cannot look at %s", q->text_name);
	return st.st_nlink > 0 ||
	    err_temp(e, "4.3.0", "%s was removed while it was written", q->text_name);
}

/* Before the flushes, which they ride along with. */
static bool put_marks(struct queue_put *q, struct err *e)
{
	struct span marks = str_span(&q->marks), name;

	while (span_cut(&marks, '\0', &name)) {
		if (linkat(q->st->tmp, q->envelope_name, q->mark_dir, name.p, 0) == 0)
			q->marked = true;
		else if (errno == EMLINK)
			return true;	/* better twice after a crash than never */
		else
			return err_sys(e, "cannot mark %s as %s", q->id, name.p);
	}
	return true;
}

/*
 * The order of the promise. Where both are new, the envelope's bytes are started on their
 * way first, so that they ride in the journal's commit that the text's flush makes, and
 * the envelope's own flush finds nothing left to do.
 */
static bool flush_and_name(struct queue_put *q, int envelope, struct err *e)
{
	const struct station *st = q->st;

	sync_file_range(envelope, 0, 0, SYNC_FILE_RANGE_WRITE);
	return file_flush(q->fd, q->text_name, e) && has_name(q, e) &&
	    file_commit(envelope, st->tmp, q->envelope_name, st->fresh, q->envelope_name, false, e);
}

static bool commit(struct queue_put *q, struct envelope *env, struct err *e)
{
	int envelope;
	bool ok;

	if (q->failed || !write_held(q)) {
		*e = q->why;
		return false;
	}
	fill(q, env);
	envelope = create_envelope(q->st, q->envelope_name, env, e);
	if (envelope < 0)
		return false;
	ok = put_marks(q, e) && flush_and_name(q, envelope, e);
	close(envelope);
	return ok;
}

static void put_free(struct queue_put *q)
{
	fd_close(&q->fd);
	str_free(&q->held);
	str_free(&q->marks);
	free(q);
}

bool queue_put_commit(struct queue_put *q, struct envelope *env, struct err *e)
{
	struct err why;
	bool ok = commit(q, env, &why);

	if (!ok) {
		if (e)
			*e = why;
		err_while(e, "queueing %s", q->id);
		queue_put_drop(q);
		return false;
	}
	put_free(q);
	return true;
}

static bool remove_marks(const struct queue_put *q)
{
	struct span marks = str_span(&q->marks), name;

	while (span_cut(&marks, '\0', &name)) {
		if (unlinkat(q->mark_dir, name.p, 0) < 0 && errno != ENOENT)
			return false;
	}
	return true;
}

static void remove_names(const struct queue_put *q)
{
	/* It has its place, and only the last flush failed: who is next may have taken it, so it was made. */
	if (q->marked && faccessat(q->st->tmp, q->envelope_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	/* A mark alone would say that it was made: where it can not go, all stays. */
	if (q->marked && !remove_marks(q))
		return;
	/* Envelope first: it may have got its name before the last flush failed. */
	unlinkat(q->st->fresh, q->envelope_name, 0);
	unlinkat(q->st->tmp, q->envelope_name, 0);
	unlinkat(q->st->fresh, q->text_name, 0);
}

void queue_put_drop(struct queue_put *q)
{
	if (!q)
		return;
	if (q->fd >= 0)
		remove_names(q);
	put_free(q);
}

bool queue_write_envelope(const struct station *st, const struct envelope *env, struct err *e)
{
	char name[NAME_SIZE];
	bool ok;
	int fd;

	snprintf(name, sizeof name, "%s.e", env->id);
	fd = create_envelope(st, name, env, e);
	if (fd < 0)
		return err_while(e, "noting the state of %s", env->id);
	/* Without a flush of the directory: a crash may show the state before, which costs a
	   try made twice. Half an envelope it can not show. */
	ok = file_flush(fd, name, e);
	close(fd);
	if (ok && renameat(st->tmp, name, st->fresh, name) < 0)
		ok = err_sys(e, "cannot move %s to its place", name);
	if (!ok)
		unlinkat(st->tmp, name, 0);
	return ok || err_while(e, "noting the state of %s", env->id);
}

bool queue_note_done(const struct station *st, const char *id, const unsigned *numbers, size_t count, struct err *e)
{
	struct str line = STR(DONE_MAX);
	char name[NAME_SIZE];
	bool ok = false;
	int fd;

	snprintf(name, sizeof name, "%s.e", id);
	envelope_print_done(numbers, count, &line);
	/* NONBLOCK: whoever may write there can make a FIFO, and we would wait for its reader */
	fd = openat(st->fresh, name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		err_sys(e, "cannot open %s", name);
	else
		ok = file_write(fd, str_span(&line), e);
	fd_close(&fd);
	str_free(&line);
	return ok || err_while(e, "noting who has %s", id);
}
