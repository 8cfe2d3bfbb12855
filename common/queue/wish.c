/* A person's wishes. See wish.h. */
#include "common/queue/wish.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/os/file.h"

enum { WISHES = 5 };

static const char *const names[WISHES] = { "", "retry", "hold", "delete", "bounce" };

const char *wish_name(enum wish wish)
{
	return names[wish];
}

bool wish_parse(const char *name, char id[ID_SIZE], enum wish *wish)
{
	struct span verb = span_of(name), head;

	if (!span_cut(&verb, '.', &head) ||
	    (!queue_is_id(head) && !span_same(head, SPAN(WISH_ALL))))
		return false;
	for (int i = 1; i < WISHES; i++) {
		if (!span_same(verb, span_of(names[i])))
			continue;
		*wish = (enum wish)i;
		return span_copy(head, id, ID_SIZE);
	}
	return false;
}

static void name_of(const char *id, enum wish wish, char out[64])
{
	snprintf(out, 64, "%s.%s", id, names[wish]);
}

int wish_open(const struct station *st)
{
	return file_open_beneath(st->dir, "ask", O_RDONLY | O_DIRECTORY, 0);
}

bool wish_leave(int ask, const char *id, enum wish wish, struct err *e)
{
	char name[64];
	int fd;

	name_of(id, wish, name);
	fd = openat(ask, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0660);
	if (fd < 0)
		return err_sys(e, "cannot leave the wish %s", name);
	close(fd);
	return true;
}

bool wish_waits(int ask, const char *id, enum wish wish)
{
	char name[64];

	name_of(id, wish, name);
	return faccessat(ask, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void wish_done(int ask, const char *id, enum wish wish)
{
	char name[64];

	name_of(id, wish, name);
	unlinkat(ask, name, 0);
}

bool station_lock(const struct station *st)
{
	return flock(st->dir, LOCK_EX | LOCK_NB) == 0;
}

bool station_wait(const struct station *st)
{
	int locked;

	do {
		locked = flock(st->dir, LOCK_EX);
	} while (locked < 0 && errno == EINTR);
	return locked == 0;
}

void wish_retry(struct envelope *env)
{
	for (size_t i = 0; i < env->rcpt_count; i++)
		env->rcpts[i].next =
		    env->release; /* nobody's hurry is before the sender's own wish */
}

void wish_bounce(struct envelope *env)
{
	for (size_t i = 0; i < env->rcpt_count; i++) {
		struct rcpt *r = &env->rcpts[i];

		if (r->state != RCPT_WAITING)
			continue;
		r->state = RCPT_FAILED;
		r->status = "5.0.0";
		r->answer = "the administrator gave this message up";
		r->remote = "";
	}
}
