/*
 * NAME
 *	tcp - a connection to another server, with a deadline
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

#endif
