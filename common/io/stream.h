/*
 * NAME
 *	stream - bytes from and to one other side, whoever that is
 * DESCRIPTION
 *	What line and out stand on: a wire to a front (server sessions), a TCP socket
 *	with or without TLS (send), a plain descriptor (tests). Blocking, with a
 *	deadline on each call.
 */
#ifndef COMMON_IO_STREAM_H
#define COMMON_IO_STREAM_H

#include <sys/types.h>

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/os/clock.h"

struct stream {
	/* > 0 bytes; 0 the other side has ended; -1 with errno, ETIMEDOUT at the deadline */
	ssize_t	(*read)(struct stream *s, void *buf, size_t n, ms_t until);
	/* all bytes or false; 4.4.2 when the deadline passed or the connection is gone */
	bool	(*write)(struct stream *s, struct span bytes, ms_t until, struct err *e);
};

/* A stream over a blocking or non-blocking descriptor, which stays the caller's. */
struct fd_stream { struct stream stream; int fd; };
void fd_stream_init(struct fd_stream *s, int fd);

#endif
