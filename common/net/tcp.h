/*
 * NAME
 *	tcp - connections to other servers
 */
#ifndef COMMON_NET_TCP_H
#define COMMON_NET_TCP_H

#include "common/base/err.h"
#include "common/os/clock.h"

/*
 * Connect to ip (text of an address) and port, from the local address source ("" = the
 * kernel's choice), with TCP_NODELAY. The descriptor is non-blocking and the caller's.
 * False is always TEMP: 4.4.1 refused, out of reach or deadline passed.
 */
bool tcp_connect(const char *ip, unsigned port, const char *source, ms_t until, int *fd, struct err *e);

/* The same in two steps: it is on its way, and when fd is writable tcp_end() tells whether it came there. */
bool tcp_begin(const char *ip, unsigned port, const char *source, int *fd, struct err *e);
bool tcp_end(int fd, struct err *e);

/* A stream socket in the filesystem; who listens there, answers at once. */
bool tcp_local(const char *path, int *fd, struct err *e);

#endif
