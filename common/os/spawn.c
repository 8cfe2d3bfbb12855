/* Starting a program. See spawn.h. */
#include "common/os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { OUT_OF_THE_WAY = 64 };

/* dup2 one by one would trample on sources that are among 0 to 5. */
static bool arrange(const int *fds)
{
	int high[SPAWN_FDS];

	for (int i = 0; i < SPAWN_FDS; i++) {
		high[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
		if (fds[i] >= 0 && high[i] < 0)
			return false;
	}
	for (int i = 0; i < SPAWN_FDS; i++) {
		if (high[i] < 0)
			close(i);
		else if (dup2(high[i], i) < 0)
			return false;
	}
	return close_range(SPAWN_FDS, ~0U, 0) == 0;
}

static void signals_at_birth(void)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * vfork(2): fork(2) copies the page tables of a keeper, 0.1 ms, only for execve(2) to
 * throw them away. The child runs in our memory until then, so it does nothing here
 * but system calls, and its errno is ours to read.
 */
static __attribute__((noinline)) pid_t start(const struct spawn *s, char **environment, pid_t parent, volatile int *failed)
{
	pid_t pid = vfork();

	if (pid != 0)
		return pid;
	if (arrange(s->fds) && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent) {
		signals_at_birth();
		execve(s->program, (char **)s->argv, environment);
	}
	*failed = errno ? errno : ECHILD;
	_exit(127);
}

bool spawn(const struct spawn *s, pid_t *pid, struct err *e)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[3] = { path, (char *)s->environment, NULL };
	volatile int failed = 0;
	pid_t child = start(s, environment, getpid(), &failed);

	if (child < 0)
		return err_sys(e, "cannot start a process for %s", s->program);
	if (failed) {
		errno = failed;
		err_sys(e, "cannot start %s", s->program);
		if (e && (failed == ENOENT || failed == EACCES || failed == ENOEXEC))
			e->kind = ERR_PERM;
		return false;
	}
	*pid = child;
	return true;
}
