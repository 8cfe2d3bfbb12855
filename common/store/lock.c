/* Locks of the store. See lock.h. */
#include "common/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/os/clock.h"
#include "common/os/file.h"

enum {
	LOCK_WAIT_S	= 30,		/* a healthy owner needs milliseconds */
	LOCK_STALE_S	= 120,		/* as Dovecot's */
	OURS		= 0700,		/* mode of our dot-locks */
};

static void nap(unsigned turn)
{
	struct timespec t = { 0, (turn < 10 ? 2 : 50) * 1000000L };

	nanosleep(&t, NULL);
}

bool store_lock_is_stale(long long made_s, long long now_s, long long booted_s, bool ours)
{
	if (made_s < booted_s - 1 || ours)
		return true;
	return now_s - made_s > LOCK_STALE_S;
}

static void lock_name(const struct store_lock *lock, char name[64])
{
	snprintf(name, 64, "%s.lock", lock->file);
}

static long long booted_at(void)
{
	struct timespec up;

	clock_gettime(CLOCK_BOOTTIME, &up);
	return (long long)clock_wall() - (long long)up.tv_sec;
}

/* Dovecot is the only other taker; that it makes a new one between our two calls needs it to wait as we do. */
static void break_stale(const struct store_lock *lock, const char *name)
{
	struct stat st;

	if (fstatat(lock->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0
	    && store_lock_is_stale(st.st_mtime, clock_wall(), booted_at(), (st.st_mode & 0777) == OURS))
		unlinkat(lock->dir, name, 0);
}

static void write_owner(int fd)
{
	char text[300], host[256] = "";
	int n;

	gethostname(host, sizeof host - 1);
	n = snprintf(text, sizeof text, "%d:%s", (int)getpid(), host);
	if (write(fd, text, (size_t)n) != n)
		return; /* full disk: an empty lock is one too, aged by its date */
}

static bool dot_lock(const struct store_lock *lock, ms_t until, struct err *e)
{
	char name[64];

	lock_name(lock, name);
	for (unsigned turn = 0; ; turn++) {
		int fd = file_open_beneath(lock->dir, name, O_WRONLY | O_CREAT | O_EXCL, OURS);

		if (fd >= 0) {
			write_owner(fd);
			close(fd);
			return true;
		}
		if (errno != EEXIST)
			return err_sys(e, "cannot create %s", name);
		if (clock_left(until) == 0)
			return err_temp(e, "4.2.0", "another program holds %s", name);
		break_stale(lock, name);
		nap(turn);
	}
}

static bool kernel_lock(const struct store_lock *lock, ms_t until, struct err *e)
{
	for (unsigned turn = 0; flock(lock->dir, LOCK_EX | LOCK_NB) < 0; turn++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, "cannot lock the directory of %s", lock->file);
		if (clock_left(until) == 0)
			return err_temp(e, "4.2.0", "another session holds %s", lock->file);
		nap(turn);
	}
	return true;
}

bool store_lock(int dir, const char *file, struct store_lock *lock, struct err *e)
{
	ms_t until = clock_in(LOCK_WAIT_S);

	*lock = (struct store_lock){ dir, file };
	if (!kernel_lock(lock, until, e))
		return false;
	if (dot_lock(lock, until, e))
		return true;
	flock(dir, LOCK_UN);
	return false;
}

void store_unlock(struct store_lock *lock)
{
	char name[64];

	lock_name(lock, name);
	unlinkat(lock->dir, name, 0);
	flock(lock->dir, LOCK_UN);
}
