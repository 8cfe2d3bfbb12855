/* System calls by right. See filter.h. */
#include "common/os/filter.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/os/jail.h"

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define FILTER_ARCH AUDIT_ARCH_RISCV64
#else
#error "name this machine's AUDIT_ARCH here"
#endif

enum { CALLS = 512 };		/* call numbers we know are below; all above are unknown */

enum verdict {
	KILL,			/* a healthy process of ours never does this */
	ALLOW,
	REFUSE,			/* EACCES: libc tries it on its own and can do without */
	MISSING,		/* ENOSYS: libc then takes the older call */
	NO_EXEC,		/* memory, but none to be executed */
	ONLY_UNIX,		/* sockets, but only to this machine's services */
	ONLY_THREAD,		/* a thread, not a process */
	ONLY_SELF,		/* a signal to ourselves: abort() */
};

#define FILES	(MAY_READ | MAY_WRITE | MAY_NSS)
#define ALWAYS	(~0u)

/* Any one of the rights in may brings then; without them it is otherwise. Later rows win where they allow. */
static const struct {
	short		nr;
	unsigned	may;
	enum verdict	then, otherwise;
} calls[] = {
	/* open descriptors */
	{ SYS_read, ALWAYS, ALLOW, KILL },
	{ SYS_write, ALWAYS, ALLOW, KILL },
	{ SYS_readv, ALWAYS, ALLOW, KILL },
	{ SYS_writev, ALWAYS, ALLOW, KILL },
	{ SYS_pread64, ALWAYS, ALLOW, KILL },
	{ SYS_pwrite64, ALWAYS, ALLOW, KILL },
	{ SYS_preadv, ALWAYS, ALLOW, KILL },
	{ SYS_pwritev, ALWAYS, ALLOW, KILL },
	{ SYS_lseek, ALWAYS, ALLOW, KILL },
	{ SYS_close, ALWAYS, ALLOW, KILL },
	{ SYS_close_range, ALWAYS, ALLOW, KILL },
	{ SYS_dup, ALWAYS, ALLOW, KILL },
	{ SYS_dup3, ALWAYS, ALLOW, KILL },
	{ SYS_fcntl, ALWAYS, ALLOW, KILL },
	{ SYS_fstat, ALWAYS, ALLOW, KILL },
	{ SYS_newfstatat, ALWAYS, ALLOW, KILL },	/* fstat() of newer libc */
	{ SYS_statx, ALWAYS, ALLOW, KILL },
	{ SYS_ioctl, 0, ALLOW, REFUSE },		/* isatty() */
	{ SYS_sendfile, ALWAYS, ALLOW, KILL },
	{ SYS_copy_file_range, ALWAYS, ALLOW, KILL },
	{ SYS_splice, ALWAYS, ALLOW, KILL },
	{ SYS_fadvise64, ALWAYS, ALLOW, KILL },
	{ SYS_pipe2, ALWAYS, ALLOW, KILL },
	{ SYS_memfd_create, ALWAYS, ALLOW, KILL },
	{ SYS_recvfrom, ALWAYS, ALLOW, KILL },
	{ SYS_recvmsg, ALWAYS, ALLOW, KILL },
	{ SYS_sendto, ALWAYS, ALLOW, KILL },
	{ SYS_sendmsg, ALWAYS, ALLOW, KILL },
	{ SYS_sendmmsg, ALWAYS, ALLOW, KILL },
	{ SYS_recvmmsg, ALWAYS, ALLOW, KILL },
	{ SYS_shutdown, ALWAYS, ALLOW, KILL },
	{ SYS_getsockname, ALWAYS, ALLOW, KILL },
	{ SYS_getpeername, ALWAYS, ALLOW, KILL },
	{ SYS_getsockopt, ALWAYS, ALLOW, KILL },
	{ SYS_setsockopt, ALWAYS, ALLOW, KILL },
	{ SYS_socketpair, ALWAYS, ALLOW, KILL },
	/* waiting */
	{ SYS_ppoll, ALWAYS, ALLOW, KILL },
	{ SYS_pselect6, ALWAYS, ALLOW, KILL },
	{ SYS_epoll_create1, ALWAYS, ALLOW, KILL },
	{ SYS_epoll_ctl, ALWAYS, ALLOW, KILL },
	{ SYS_epoll_pwait, ALWAYS, ALLOW, KILL },
	{ SYS_eventfd2, ALWAYS, ALLOW, KILL },
	{ SYS_signalfd4, ALWAYS, ALLOW, KILL },
	{ SYS_timerfd_create, ALWAYS, ALLOW, KILL },
	{ SYS_timerfd_settime, ALWAYS, ALLOW, KILL },
	{ SYS_timerfd_gettime, ALWAYS, ALLOW, KILL },
	{ SYS_nanosleep, ALWAYS, ALLOW, KILL },
	{ SYS_clock_nanosleep, ALWAYS, ALLOW, KILL },
	{ SYS_setitimer, ALWAYS, ALLOW, KILL },
	{ SYS_futex, ALWAYS, ALLOW, KILL },
	{ SYS_sched_yield, ALWAYS, ALLOW, KILL },
	{ SYS_restart_syscall, ALWAYS, ALLOW, KILL },
	/* memory */
	{ SYS_mmap, ALWAYS, NO_EXEC, KILL },
	{ SYS_mprotect, ALWAYS, NO_EXEC, KILL },
	{ SYS_munmap, ALWAYS, ALLOW, KILL },
	{ SYS_mremap, ALWAYS, ALLOW, KILL },
	{ SYS_brk, ALWAYS, ALLOW, KILL },
	{ SYS_madvise, ALWAYS, ALLOW, KILL },
	{ SYS_msync, ALWAYS, ALLOW, KILL },
	{ SYS_mlock, ALWAYS, ALLOW, KILL },
	{ SYS_munlock, ALWAYS, ALLOW, KILL },
	{ SYS_membarrier, ALWAYS, ALLOW, KILL },
	/* ourselves */
	{ SYS_rt_sigaction, ALWAYS, ALLOW, KILL },
	{ SYS_rt_sigprocmask, ALWAYS, ALLOW, KILL },
	{ SYS_rt_sigreturn, ALWAYS, ALLOW, KILL },
	{ SYS_rt_sigpending, ALWAYS, ALLOW, KILL },
	{ SYS_rt_sigtimedwait, ALWAYS, ALLOW, KILL },
	{ SYS_sigaltstack, ALWAYS, ALLOW, KILL },
	{ SYS_tgkill, ALWAYS, ONLY_SELF, KILL },
	{ SYS_clock_gettime, ALWAYS, ALLOW, KILL },
	{ SYS_clock_getres, ALWAYS, ALLOW, KILL },
	{ SYS_gettimeofday, ALWAYS, ALLOW, KILL },
	{ SYS_getpid, ALWAYS, ALLOW, KILL },
	{ SYS_getppid, ALWAYS, ALLOW, KILL },
	{ SYS_gettid, ALWAYS, ALLOW, KILL },
	{ SYS_getuid, ALWAYS, ALLOW, KILL },
	{ SYS_geteuid, ALWAYS, ALLOW, KILL },
	{ SYS_getgid, ALWAYS, ALLOW, KILL },
	{ SYS_getegid, ALWAYS, ALLOW, KILL },
	{ SYS_getgroups, ALWAYS, ALLOW, KILL },
	{ SYS_prctl, 0, ALLOW, REFUSE },
	{ SYS_prlimit64, ALWAYS, ALLOW, KILL },
	{ SYS_getrusage, ALWAYS, ALLOW, KILL },
	{ SYS_times, ALWAYS, ALLOW, KILL },
	{ SYS_getrandom, ALWAYS, ALLOW, KILL },
	{ SYS_uname, ALWAYS, ALLOW, KILL },
	{ SYS_sysinfo, ALWAYS, ALLOW, KILL },		/* qsort() asks how much memory there is */
	{ SYS_sched_getaffinity, ALWAYS, ALLOW, KILL },
	{ SYS_getcpu, ALWAYS, ALLOW, KILL },
	{ SYS_set_robust_list, ALWAYS, ALLOW, KILL },
	{ SYS_rseq, ALWAYS, ALLOW, KILL },
	{ SYS_exit, ALWAYS, ALLOW, KILL },
	{ SYS_exit_group, ALWAYS, ALLOW, KILL },
	/* files by name */
	{ SYS_openat, FILES, ALLOW, REFUSE },
	{ SYS_openat2, FILES, ALLOW, REFUSE },
	{ SYS_faccessat, FILES, ALLOW, REFUSE },
	{ SYS_faccessat2, FILES, ALLOW, REFUSE },
	{ SYS_readlinkat, FILES, ALLOW, REFUSE },
	{ SYS_getcwd, FILES, ALLOW, REFUSE },
	{ SYS_statfs, FILES, ALLOW, REFUSE },
	{ SYS_fstatfs, FILES, ALLOW, REFUSE },
	{ SYS_getdents64, FILES, ALLOW, KILL },
	{ SYS_chdir, FILES, ALLOW, KILL },
	{ SYS_fchdir, FILES, ALLOW, KILL },
	{ SYS_flock, FILES, ALLOW, KILL },
	{ SYS_getxattr, 0, ALLOW, REFUSE },
	/* files changed */
	{ SYS_renameat, MAY_WRITE, ALLOW, KILL },
	{ SYS_renameat2, MAY_WRITE, ALLOW, KILL },
	{ SYS_linkat, MAY_WRITE, ALLOW, KILL },
	{ SYS_symlinkat, MAY_WRITE, ALLOW, KILL },
	{ SYS_unlinkat, MAY_WRITE, ALLOW, KILL },
	{ SYS_mkdirat, MAY_WRITE, ALLOW, KILL },
	{ SYS_fchmod, MAY_WRITE, ALLOW, KILL },
	{ SYS_fchmodat, MAY_WRITE, ALLOW, KILL },
	{ SYS_utimensat, MAY_WRITE, ALLOW, KILL },
	{ SYS_truncate, MAY_WRITE, ALLOW, KILL },
	{ SYS_ftruncate, MAY_WRITE, ALLOW, KILL },
	{ SYS_fallocate, MAY_WRITE, ALLOW, KILL },
	{ SYS_fsync, MAY_WRITE, ALLOW, KILL },
	{ SYS_fdatasync, MAY_WRITE, ALLOW, KILL },
	{ SYS_sync_file_range, MAY_WRITE, ALLOW, KILL },
	{ SYS_syncfs, MAY_WRITE, ALLOW, KILL },
	{ SYS_umask, MAY_WRITE, ALLOW, KILL },
	/* the network */
	{ SYS_socket, MAY_NSS, ONLY_UNIX, REFUSE },
	{ SYS_socket, MAY_NET, ALLOW, REFUSE },
	{ SYS_connect, MAY_NET | MAY_NSS, ALLOW, REFUSE },
	{ SYS_bind, MAY_NET, ALLOW, KILL },
	{ SYS_accept, MAY_ACCEPT, ALLOW, KILL },
	{ SYS_accept4, MAY_ACCEPT, ALLOW, KILL },
	/* what changes by itself */
	{ SYS_inotify_init1, MAY_WATCH, ALLOW, KILL },
	{ SYS_inotify_add_watch, MAY_WATCH, ALLOW, KILL },
	{ SYS_inotify_rm_watch, MAY_WATCH, ALLOW, KILL },
	/* threads and processes */
	{ SYS_clone, MAY_THREADS, ONLY_THREAD, KILL },
	{ SYS_clone, MAY_FORK, ALLOW, KILL },
	{ SYS_clone3, MAY_THREADS, MISSING, KILL },
	{ SYS_set_tid_address, MAY_THREADS, ALLOW, KILL },
	{ SYS_sched_setaffinity, 0, ALLOW, REFUSE },
	{ SYS_sched_getparam, MAY_THREADS, ALLOW, KILL },
	{ SYS_sched_getscheduler, MAY_THREADS, ALLOW, KILL },
	{ SYS_execve, MAY_FORK, ALLOW, KILL },
	{ SYS_wait4, MAY_FORK, ALLOW, KILL },
	{ SYS_waitid, MAY_FORK, ALLOW, KILL },
	{ SYS_kill, MAY_FORK, ALLOW, KILL },
#ifdef SYS_open		/* the older calls that x86_64 still has */
	{ SYS_open, FILES, ALLOW, REFUSE },
	{ SYS_creat, MAY_WRITE, ALLOW, REFUSE },
	{ SYS_stat, ALWAYS, ALLOW, KILL },
	{ SYS_lstat, ALWAYS, ALLOW, KILL },
	{ SYS_access, FILES, ALLOW, REFUSE },
	{ SYS_readlink, FILES, ALLOW, REFUSE },
	{ SYS_dup2, ALWAYS, ALLOW, KILL },
	{ SYS_pipe, ALWAYS, ALLOW, KILL },
	{ SYS_poll, ALWAYS, ALLOW, KILL },
	{ SYS_select, ALWAYS, ALLOW, KILL },
	{ SYS_epoll_wait, ALWAYS, ALLOW, KILL },
	{ SYS_alarm, ALWAYS, ALLOW, KILL },
	{ SYS_time, ALWAYS, ALLOW, KILL },
	{ SYS_rename, MAY_WRITE, ALLOW, KILL },
	{ SYS_link, MAY_WRITE, ALLOW, KILL },
	{ SYS_unlink, MAY_WRITE, ALLOW, KILL },
	{ SYS_mkdir, MAY_WRITE, ALLOW, KILL },
	{ SYS_rmdir, MAY_WRITE, ALLOW, KILL },
	{ SYS_chmod, MAY_WRITE, ALLOW, KILL },
	{ SYS_inotify_init, MAY_WATCH, ALLOW, KILL },
	{ SYS_fork, MAY_FORK, ALLOW, KILL },
	{ SYS_vfork, MAY_FORK, ALLOW, KILL },
#endif
};

struct code {
	struct sock_filter	*at;
	size_t			 n;
	int			 pid;
	bool			 only_log;
};

static void add(struct code *c, unsigned op, uint32_t k, unsigned yes, unsigned no)
{
	assert(c->n < FILTER_MAX && yes <= UINT8_MAX && no <= UINT8_MAX);
	c->at[c->n++] = (struct sock_filter){ (uint16_t)op, (uint8_t)yes, (uint8_t)no, k };
}

static void give(struct code *c, uint32_t answer)
{
	add(c, BPF_RET | BPF_K, answer, 0, 0);
}

static void give_kill(struct code *c)
{
	give(c, c->only_log ? SECCOMP_RET_LOG : SECCOMP_RET_KILL_PROCESS);
}

static void load_argument(struct code *c, unsigned which)
{
	add(c, BPF_LD | BPF_W | BPF_ABS,
	    (uint32_t)(offsetof(struct seccomp_data, args) + 8 * which), 0, 0);
}

/* if (test against k) allow; else EACCES */
static void allow_if(struct code *c, unsigned argument, unsigned test, uint32_t k, bool when)
{
	load_argument(c, argument);
	add(c, BPF_JMP | BPF_K | test, k, when ? 0 : 1, when ? 1 : 0);
	give(c, SECCOMP_RET_ALLOW);
	give(c, SECCOMP_RET_ERRNO | EACCES);
}

static void leaf(struct code *c, enum verdict v)
{
	switch (v) {
	case KILL:	  give_kill(c); return;
	case ALLOW:	  give(c, SECCOMP_RET_ALLOW); return;
	case REFUSE:	  give(c, SECCOMP_RET_ERRNO | EACCES); return;
	case MISSING:	  give(c, SECCOMP_RET_ERRNO | ENOSYS); return;
	case NO_EXEC:	  allow_if(c, 2, BPF_JSET, PROT_EXEC, false); return;
	case ONLY_UNIX:	  allow_if(c, 0, BPF_JEQ, AF_UNIX, true); return;
	case ONLY_THREAD: allow_if(c, 0, BPF_JSET, CLONE_THREAD, true); return;
	case ONLY_SELF:	  allow_if(c, 0, BPF_JEQ, (uint32_t)c->pid, true); return;
	}
}

/* A run of call numbers from here up to the next run has one verdict. */
struct run { uint32_t from; enum verdict verdict; };

static void search(struct code *c, const struct run *runs, size_t count)
{
	size_t half = count / 2, fork = c->n;

	if (count == 1) {
		leaf(c, runs->verdict);
		return;
	}
	add(c, BPF_JMP | BPF_JGE | BPF_K, runs[half].from, 0, 0);
	search(c, runs, half);
	assert(c->n - fork - 1 <= UINT8_MAX);
	c->at[fork].jt = (uint8_t)(c->n - fork - 1);
	search(c, runs + half, count - half);
}

static void judge(unsigned may, enum verdict *verdicts)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		enum verdict *v = &verdicts[calls[i].nr];

		if (calls[i].may == ALWAYS || (calls[i].may & may))
			*v = calls[i].then;
		else if (*v == KILL)
			*v = calls[i].otherwise;
	}
}

size_t filter_build(unsigned may, int pid, bool only_log, struct sock_filter *program)
{
	struct code c = { .at = program, .pid = pid, .only_log = only_log };
	enum verdict verdicts[CALLS + 1] = {
		KILL
	}; /* the last is all that we do not know, x32 too */
	struct run runs[CALLS + 1];
	size_t count = 0;

	judge(may, verdicts);
	for (uint32_t nr = 0; nr <= CALLS; nr++) {
		if (!count || verdicts[nr] != runs[count - 1].verdict)
			runs[count++] = (struct run){ nr, verdicts[nr] };
	}
	add(&c, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	add(&c, BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0);
	give_kill(&c);
	add(&c, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	search(&c, runs, count);
	return c.n;
}

bool filter_load(unsigned may, bool only_log, struct err *e)
{
	struct sock_filter program[FILTER_MAX];
	struct sock_fprog all = { .filter = program };

	all.len = (unsigned short)filter_build(may, getpid(), only_log, program);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) < 0)
		return err_sys(e, "cannot load the system call filter");
	return true;
}
