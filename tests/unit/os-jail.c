/* The jail really forbids: each row is a process that enters one and tries. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/os/filter.h"
#include "common/os/jail.h"
#include "tests/unit/unit.h"

#if defined(__SANITIZE_ADDRESS__)
enum { FILTERED = false };
#else
enum { FILTERED = true };
#endif

enum { NOBODY = 65534 };

static char home[] = "/tmp/posthorn-jail.XXXXXX";
static int home_fd;

static int as_errno(int result)
{
	return result < 0 ? errno : 0;
}

static int read_inside(void) { return as_errno(open("inside", O_RDONLY)); }
static int read_inside_beneath(void) { return as_errno(openat(home_fd, "inside", O_RDONLY)); }
static int write_inside(void) { return as_errno(openat(home_fd, "new", O_WRONLY | O_CREAT, 0600)); }
static int rename_inside(void) { return as_errno(renameat(home_fd, "inside", home_fd, "inside")); }
static int move_inside(void) { return as_errno(renameat(home_fd, "d1/x", home_fd, "d2/x")); }
static int read_outside(void) { return as_errno(open("/etc/passwd", O_RDONLY)); }
static int climb_out(void) { return as_errno(openat(home_fd, "../../etc/passwd", O_RDONLY)); }
static int write_outside(void) { return as_errno(open("/tmp/posthorn-jail-outside", O_WRONLY | O_CREAT, 0600)); }
static int tcp_socket(void) { return as_errno(socket(AF_INET, SOCK_STREAM, 0)); }
static int unix_socket(void) { return as_errno(socket(AF_UNIX, SOCK_STREAM, 0)); }
static int watch(void) { return as_errno(inotify_init1(0)); }
static int process(void) { return as_errno((int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }
static int execute(void) { return as_errno(execl("/bin/true", "true", NULL)); }
static int root_again(void) { return as_errno(setuid(0)); }
static int trace(void) { return as_errno((int)syscall(SYS_ptrace, 0, 0, 0, 0)); }
static int mount_it(void) { return as_errno((int)syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, 0)); }
static int kill_parent(void) { return as_errno(kill(getppid(), 0)); }
static int signal_parent(void) { return as_errno((int)syscall(SYS_tgkill, getppid(), getppid(), 0)); }
static int old_world(void) { return as_errno((int)syscall(0x40000000 + 1, 1, "", 0)); }
static int compute(void) { return 0; }
static int print(void) { char s[64]; return snprintf(s, sizeof s, "%g", 0.5) == 3 ? 0 : EINVAL; }


static int executable_memory(void)
{
	void *p = (void *)syscall(SYS_mmap, NULL, 4096, 7, 0x22, -1, 0);

	return p == (void *)-1 ? errno : 0;
}

static int much_memory(void)
{
	size_t n = (size_t)512 << 20;
	char *p = malloc(n);

	if (!p)
		return errno;
	memset(p, 1, n);
	return p[n / 2] == 1 ? 0 : EINVAL;
}

static int many_files(void)
{
	for (int i = 0; i < 64; i++) {
		if (dup(0) < 0)
			return errno;
	}
	return 0;
}

static int core_limit(void)
{
	struct rlimit r;

	getrlimit(RLIMIT_CORE, &r);
	return r.rlim_max ? EINVAL : 0;
}

enum { KILLED = -1 };

static const struct {
	const char	*name;
	unsigned	 may;
	bool		 has_home, may_write_home;
	int		 (*try)(void);
	int		 wanted;		/* 0, errno, or KILLED */
	bool		 by_filter;		/* not to be seen with a sanitizer */
} cases[] = {
	{ "computes",		  0, false, false, compute, 0, false },
	{ "prints",		  0, false, false, print, 0, false },
	{ "sees no file",	  0, false, false, read_outside, EACCES, true },
	{ "makes no socket",	  0, false, false, tcp_socket, EACCES, true },
	{ "makes no unix socket", 0, false, false, unix_socket, EACCES, true },
	{ "makes no process",	  0, false, false, process, KILLED, true },
	{ "runs nothing",	  0, false, false, execute, KILLED, true },
	{ "is never root again",  0, false, false, root_again, KILLED, true },
	{ "traces nobody",	  0, false, false, trace, KILLED, true },
	{ "mounts nothing",	  0, false, false, mount_it, KILLED, true },
	{ "signals nobody",	  0, false, false, kill_parent, KILLED, true },
	{ "signals no parent",	  0, false, false, signal_parent, EACCES, true },
	{ "has no other ABI",	  0, false, false, old_world, KILLED, true },
	{ "executes no data",	  0, false, false, executable_memory, EACCES, true },
	{ "has little memory",	  0, false, false, much_memory, ENOMEM, true },
	{ "has few descriptors",  0, false, false, many_files, EMFILE, false },
	{ "leaves no core",	  0, false, false, core_limit, 0, false },
	{ "reads its home",	  MAY_READ, true, false, read_inside_beneath, 0, false },
	{ "reads by any path",	  MAY_READ, true, false, read_inside, 0, false },
	{ "reads nothing else",	  MAY_READ, true, false, read_outside, EACCES, false },
	{ "climbs nowhere",	  MAY_READ, true, false, climb_out, EACCES, false },
	{ "reader writes not",	  MAY_READ, true, false, write_inside, EACCES, false },
	{ "reader renames not",	  MAY_READ, true, false, rename_inside, KILLED, true },
	{ "read-only path",	  MAY_READ | MAY_WRITE, true, false, write_inside, EACCES, false },
	{ "writes its home",	  MAY_READ | MAY_WRITE, true, true, write_inside, 0, false },
	{ "moves files",	  MAY_READ | MAY_WRITE, true, true, move_inside, 0, false },
	{ "writes nothing else",  MAY_READ | MAY_WRITE, true, true, write_outside, EACCES, false },
	{ "watches",		  MAY_WATCH, false, false, watch, 0, false },
	{ "does not watch",	  MAY_READ, true, false, watch, KILLED, true },
	{ "makes sockets",	  MAY_NET, false, false, tcp_socket, 0, false },
	{ "asks nss only here",	  MAY_NSS, false, false, tcp_socket, EACCES, true },
	{ "asks nss",		  MAY_NSS, false, false, unix_socket, 0, false },
	{ "threads, no process",  MAY_THREADS, false, false, process, EACCES, true },
};

static void make_home(void)
{
	struct {
		const char *name;
		bool dir;
	} parts[] = { { "inside", false }, { "d1", true }, { "d2", true }, { "d1/x", false } };

	ck_assert_ptr_nonnull(mkdtemp(home));
	home_fd = open(home, O_RDONLY | O_DIRECTORY);
	ck_assert(home_fd >= 0);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (parts[i].dir)
			mkdirat(home_fd, parts[i].name, 0777);
		else
			close(openat(home_fd, parts[i].name, O_WRONLY | O_CREAT, 0666));
		ck_assert_int_eq(fchmodat(home_fd, parts[i].name, 0777, 0), 0);
	}
	ck_assert_int_eq(fchmod(home_fd, 0777), 0);
}

static void remove_home(void)
{
	static const char *const parts[] = { "new", "inside", "d1/x", "d2/x" };

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		unlinkat(home_fd, parts[i], 0);
	unlinkat(home_fd, "d1", AT_REMOVEDIR);
	unlinkat(home_fd, "d2", AT_REMOVEDIR);
	rmdir(home);
}

/* Exit code of one who tried: its errno; 200 for no jail. */
static int try_in_jail(int i, bool as_root)
{
	struct jail j = { .uid = as_root ? NOBODY : -1, .gid = as_root ? NOBODY : -1,
		.may = cases[i].may, .files = 32, .memory_mb = 128 };
	struct err e;
	int got;

	if (cases[i].has_home)
		j.paths[0] = (struct jail_path){ home, cases[i].may_write_home };
	if (chdir(home) < 0 || !jail_enter(&j, NULL, &e)) {
		fprintf(stderr, "no jail: %s\n", e.text);
		_exit(200);
	}
	got = cases[i].try();
	_exit(got);
}

START_TEST(jail_forbids)
{
	bool as_root = geteuid() == 0;
	int status = 0;

	if (cases[_i].by_filter && !FILTERED)
		return;
	make_home();
	if (fork() == 0)
		try_in_jail(_i, as_root);
	wait(&status);
	remove_home();
	if (cases[_i].wanted == KILLED)
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: status %x",
		    cases[_i].name, status);
	else
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == cases[_i].wanted,
		    "%s: %s", cases[_i].name,
		    WIFEXITED(status) ? strerror(WEXITSTATUS(status)) : "killed");
}
END_TEST

START_TEST(root_is_given_up)
{
	struct err e;
	int status;

	if (geteuid() != 0)
		return;
	if (fork() == 0) {
		if (jail_become(0, 0, &e))
			_exit(1);
		if (!jail_become(NOBODY, NOBODY, &e))
			_exit(2);
		_exit(setuid(0) == 0 || getuid() != NOBODY || getgroups(0, NULL) != 0 ? 3 : 0);
	}
	wait(&status);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(entering_is_cheap)
{
	struct timespec from, to;
	struct err e;
	int status;

	if (fork() == 0) {
		struct jail j = { .uid = -1, .gid = -1, .may = MAY_READ | MAY_WRITE, .files = 32, .memory_mb = 128,
			.paths = { { "/tmp", true } } };
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		if (!jail_enter(&j, NULL, &e))
			_exit(1);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		long us = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
		printf("entering the jail: %ld us\n", us);
		fflush(stdout);
		_exit(us > 20000);
	}
	wait(&status);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("os-jail");

	tcase_add_loop_test(tc, jail_forbids, 0, COUNT(cases));
	tcase_add_test(tc, root_is_given_up);
	tcase_add_test(tc, entering_is_cheap);
	return unit_end();
}
