/*
 * NAME
 *	fd - descriptors: making, closing, passing on
 */
#ifndef COMMON_OS_FD_H
#define COMMON_OS_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/base/err.h"

enum { FD_PASS_MAX = 4 };

void fd_close(int *fd);					/* closes and sets -1; -1 is fine */
bool fd_pair(int pair[2], struct err *e);		/* SOCK_SEQPACKET, CLOEXEC */
bool fd_stream_pair(int pair[2], struct err *e);	/* SOCK_STREAM, CLOEXEC */
bool fd_set_blocking(int fd, bool blocking);
/* One packet with up to FD_PASS_MAX descriptors. The sender keeps its copies. */
bool fd_send(int sock, const void *bytes, size_t n, const int *fds, size_t fd_count, struct err *e);
/*
 * Receive one packet; got descriptors are CLOEXEC and ours to close; unused places are
 * -1. Returns bytes, 0 for the end, -1 with errno (EMSGSIZE when cut). flags as recvmsg.
 */
ssize_t fd_recv(int sock, void *buf, size_t size, int fds[FD_PASS_MAX], int flags);
/* Wait until fd is readable (or writable). False: the deadline passed. */
bool fd_wait_read(int fd, int64_t until_ms);
bool fd_wait_write(int fd, int64_t until_ms);

#endif
