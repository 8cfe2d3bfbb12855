/* A stream over a plain descriptor. See stream.h. */
#include "common/io/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/os/fd.h"

static ssize_t fd_stream_read(struct stream *s, void *buf, size_t n, ms_t until)
{
	int fd = ((struct fd_stream *)s)->fd;

	for (;;) {
		ssize_t got;

		if (!fd_wait_read(fd, until)) {
			errno = ETIMEDOUT;
			return -1;
		}
		got = read(fd, buf, n);
		if (got >= 0 || (errno != EINTR && errno != EAGAIN))
			return got;
	}
}

/* A socket says EPIPE instead of SIGPIPE; a pipe or file takes write(2). */
static ssize_t write_some(int fd, struct span bytes)
{
	ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno == ENOTSOCK)
		n = write(fd, bytes.p, bytes.n);
	return n;
}

static bool fd_stream_write(struct stream *s, struct span bytes, ms_t until, struct err *e)
{
	int fd = ((struct fd_stream *)s)->fd;

	while (bytes.n) {
		ssize_t n = write_some(fd, bytes);

		if (n < 0 && errno == EAGAIN) {
			if (!fd_wait_write(fd, until))
				return err_temp(e, "4.4.2", "the other side did not take our bytes in time");
			continue;
		}
		if (n < 0 && errno != EINTR)
			return err_temp(e, "4.4.2", "the connection is gone");
		if (n > 0)
			bytes = span_from(bytes, (size_t)n);
	}
	return true;
}

void fd_stream_init(struct fd_stream *s, int fd)
{
	*s = (struct fd_stream){ { fd_stream_read, fd_stream_write }, fd };
}
