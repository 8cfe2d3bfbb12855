/* Messages on their way from station to station. See queue.h. */
#include "common/queue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os/file.h"

enum { NAME_SIZE = ID_SIZE + 2 };

struct names { char text[NAME_SIZE], envelope[NAME_SIZE]; };

static struct names names_of(const char *id)
{
	struct names n;

	snprintf(n.text, sizeof n.text, "%s.m", id);
	snprintf(n.envelope, sizeof n.envelope, "%s.e", id);
	return n;
}

static bool gone_or_sys(const char *what, const char *name, struct err *e)
{
	if (errno == ENOENT)
		return err_perm(e, "5.3.0", "%s is gone", name);
	return err_sys(e, "cannot %s %s", what, name);
}

/* Before each step the message is whole in `from`, after it in one of them. */
bool queue_move(const struct station *from, const struct station *to, const char *id, struct err *e)
{
	struct names n = names_of(id);

	if (linkat(from->fresh, n.text, to->fresh, n.text, 0) < 0 && errno != EEXIST)
		return gone_or_sys("link", n.text, e);
	if (renameat(from->fresh, n.envelope, to->fresh, n.envelope) < 0)
		return gone_or_sys("move", n.envelope, e);
	unlinkat(from->fresh, n.text, 0);	/* else the sweeper */
	return true;
}

/* A name that is there is never replaced. Some filesystems can not promise that: then by looking first. */
static int rename_new(int from, int to, const char *name)
{
	if (renameat2(from, name, to, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	if (faccessat(to, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return renameat(from, name, to, name);
	errno = EEXIST;
	return -1;
}

/* What is there already counts; a recipient's number is its own for life. */
static void merge(struct envelope *env, const struct envelope *more, struct arena *a)
{
	struct rcpt *rcpts = arena_array(a, env->rcpt_count + more->rcpt_count, sizeof *rcpts);
	size_t n = env->rcpt_count, at = 0;

	memcpy(rcpts, env->rcpts, n * sizeof *rcpts);
	for (size_t i = 0; i < more->rcpt_count; i++) {
		if (!envelope_rcpt(env, more->rcpts[i].number, &at))
			rcpts[n++] = more->rcpts[i];
	}
	env->rcpts = rcpts;
	env->rcpt_count = n;
	if (!*env->hold)
		env->hold = more->hold;
}

static bool gather_rcpts(const struct station *from, const struct station *to, const char *id, struct err *e)
{
	struct arena *a = arena_new(8 * ENVELOPE_MAX, NULL, NULL);
	struct envelope env, more;
	bool ok =
	    queue_read_envelope(from, id, a, &more, e) && queue_read_envelope(to, id, a, &env, e);

	if (ok) {
		merge(&env, &more, a);
		ok = queue_write_envelope(to, &env, e);
	}
	arena_free(a);
	return ok && queue_remove(from, id, e);
}

bool queue_gather(const struct station *from, const struct station *to, const char *id, struct err *e)
{
	struct names n = names_of(id);

	if (linkat(from->fresh, n.text, to->fresh, n.text, 0) < 0 && errno != EEXIST)
		return gone_or_sys("link", n.text, e);
	if (rename_new(from->fresh, to->fresh, n.envelope) < 0) {
		if (errno == EEXIST)
			return gather_rcpts(from, to, id, e);
		return gone_or_sys("move", n.envelope, e);
	}
	unlinkat(from->fresh, n.text, 0);	/* else the sweeper */
	return true;
}

bool queue_link(const struct station *from, const struct station *to, const char *id,
    const struct envelope *env, struct err *e)
{
	struct names n = names_of(id);

	if (linkat(from->fresh, n.text, to->fresh, n.text, 0) < 0 && errno != EEXIST)
		return gone_or_sys("link", n.text, e);
	return queue_write_envelope(to, env, e);
}

bool queue_remove(const struct station *st, const char *id, struct err *e)
{
	struct names n = names_of(id);

	if (unlinkat(st->fresh, n.envelope, 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove %s", n.envelope);
	if (unlinkat(st->fresh, n.text, 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove %s", n.text);
	return true;
}

/* Most envelopes fit into this; one read, no memory. */
static bool read_small(int fd, struct arena *a, struct envelope *env, bool *fits, struct err *e)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof buf);

	if (n < 0)
		return err_sys(e, "cannot read an envelope");
	*fits = (size_t)n < sizeof buf;
	return !*fits || envelope_parse((struct span){ buf, (size_t)n }, a, env, e);
}

static bool read_large(int fd, struct arena *a, struct envelope *env, struct err *e)
{
	struct str text = STR(ENVELOPE_MAX);
	bool ok;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "cannot read an envelope");
	ok = file_read_all(fd, &text, e) && envelope_parse(str_span(&text), a, env, e);
	str_free(&text);
	return ok;
}

static int open_file(const struct station *st, const char *name, struct err *e)
{
	/* NONBLOCK: whoever may write there can make a FIFO, and we would wait for its writer */
	int fd = openat(st->fresh, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		gone_or_sys("open", name, e);
	return fd;
}

bool queue_read_envelope(const struct station *st, const char *id, struct arena *a, struct envelope *env,
    struct err *e)
{
	struct names n = names_of(id);
	int fd = open_file(st, n.envelope, e);
	bool fits = false, ok;

	if (fd < 0)
		return false;
	ok = read_small(fd, a, env, &fits, e) && (fits || read_large(fd, a, env, e));
	close(fd);
	if (ok && !span_same(span_of(env->id), span_of(id)))
		ok = err_perm(e, "5.3.0", "it is the envelope of %s", env->id);
	return ok || err_while(e, "reading the envelope of %s", id);
}

int queue_open_text(const struct station *st, const char *id, struct err *e)
{
	struct names n = names_of(id);

	return open_file(st, n.text, e);
}

time_t queue_next_try(const struct station *st, const char *id)
{
	struct names n = names_of(id);
	struct stat at;

	return fstatat(st->fresh, n.envelope, &at, AT_SYMLINK_NOFOLLOW) == 0 ? at.st_mtime : 0;
}
