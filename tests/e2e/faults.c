/*
 * Bad days for a process: preloaded, this makes some system calls fail and the wall clock jump.
 *
 *	FAULT_FLUSH=N	about every N-th fsync(2) is EIO; what it should have flushed may be lost
 *	FAULT_WRITE=N	about every N-th write(2) to a regular file: half of it, then EIO
 *	FAULT_NAME=N	about every N-th link, rename, creation is EIO
 *	FAULT_CLOCK=F	the 8 bytes of file F are seconds that the wall clock is ahead
 *
 * Which one is first depends on the pid: processes that live for one message meet all of them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct fault { unsigned every, count; };

static struct fault flushes, writes, names;
static const volatile int64_t *ahead;

static void read_fault(const char *name, struct fault *f)
{
	const char *text = getenv(name);

	f->every = text ? (unsigned)atoi(text) : 0;
	f->count = f->every ? (unsigned)getpid() % f->every : 0;
}

static void __attribute__((constructor)) begin(void)
{
	const char *clock = getenv("FAULT_CLOCK");
	int fd = clock ? open(clock, O_RDONLY | O_CLOEXEC) : -1;

	read_fault("FAULT_FLUSH", &flushes);
	read_fault("FAULT_WRITE", &writes);
	read_fault("FAULT_NAME", &names);
	if (fd < 0)
		return;
	ahead = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, fd, 0);
	if (ahead == MAP_FAILED)
		abort();
	close(fd);
}

static int hit(struct fault *f)
{
	if (!f->every || ++f->count % f->every)
		return 0;
	errno = EIO;
	return 1;
}

static int is_file(int fd)
{
	struct stat st;

	return fd > 2 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

int fsync(int fd)
{
	return hit(&flushes) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return hit(&flushes) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	if (writes.every && is_file(fd) && hit(&writes)) {
		if (n < 2)
			return -1;
		n /= 2;
		writes.count = (unsigned)-1;	/* and the next one fails */
	}
	return syscall(SYS_write, fd, bytes, n);
}

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *to_at, size_t n, unsigned flags)
{
	return hit(&writes) ? -1 : syscall(SYS_copy_file_range, from, at, to, to_at, n, flags);
}

int linkat(int from, const char *a, int to, const char *b, int flags)
{
	return hit(&names) ? -1 : (int)syscall(SYS_linkat, from, a, to, b, flags);
}

int renameat(int from, const char *a, int to, const char *b)
{
	return hit(&names) ? -1 : (int)syscall(SYS_renameat2, from, a, to, b, 0);
}

int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	return hit(&names) ? -1 : (int)syscall(SYS_renameat2, from, a, to, b, flags);
}

static int open_at(int dir, const char *path, int flags, mode_t mode)
{
	return flags & O_CREAT && hit(&names) ? -1 : (int)syscall(SYS_openat, dir, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_at(dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_at(dir, path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, clock, t);

	if (r == 0 && clock == CLOCK_REALTIME && ahead)
		t->tv_sec += *ahead;
	return r;
}

time_t time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	tv->tv_sec = t.tv_sec;
	tv->tv_usec = t.tv_nsec / 1000;
	return 0;
}
