/* Descriptors. See fd.h. */
#include "common/os/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/os/clock.h"

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool fd_pair(int pair[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "cannot make a channel between two processes");
	return true;
}

bool fd_stream_pair(int pair[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "cannot make a pair of sockets");
	return true;
}

bool fd_set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return false;
	flags = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) == 0;
}

bool fd_send(int sock, const void *bytes, size_t n, const int *fds, size_t fd_count, struct err *e)
{
	union {
		char room[CMSG_SPACE(FD_PASS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec io = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = n };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	ssize_t sent;

	assert(fd_count <= FD_PASS_MAX);
	if (fd_count) {
		struct cmsghdr *c;

		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	do
		sent = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return err_sys(e, "cannot send to another process");
	return true;
}

/* Put what came into fds; close what there is no place for. */
static void take_fds(struct msghdr *m, int fds[FD_PASS_MAX])
{
	size_t used = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (used < FD_PASS_MAX)
				fds[used++] = fd;
			else
				close(fd);
		}
	}
}

ssize_t fd_recv(int sock, void *buf, size_t size, int fds[FD_PASS_MAX], int flags)
{
	union { char room[CMSG_SPACE(FD_PASS_MAX * sizeof(int))]; struct cmsghdr align; } control;
	struct iovec io = { .iov_base = buf, .iov_len = size };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1,
	    .msg_control = control.room, .msg_controllen = sizeof control.room };
	ssize_t n;

	for (int i = 0; i < FD_PASS_MAX; i++)
		fds[i] = -1;
	do
		n = recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	take_fds(&m, fds);
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (int i = 0; i < FD_PASS_MAX; i++)
			fd_close(&fds[i]);
		errno = EMSGSIZE;
		return -1;
	}
	return n;
}

static bool wait_for(int fd, short what, int64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = what };
	int n;

	do
		n = poll(&p, 1, clock_left(until_ms));
	while (n < 0 && errno == EINTR);
	return n > 0;
}

bool fd_wait_read(int fd, int64_t until_ms)
{
	return wait_for(fd, POLLIN, until_ms);
}

bool fd_wait_write(int fd, int64_t until_ms)
{
	return wait_for(fd, POLLOUT, until_ms);
}
