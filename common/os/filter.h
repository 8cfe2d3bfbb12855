/*
 * NAME
 *	filter - which system calls are left to this process (seccomp)
 * DESCRIPTION
 *	A table in filter.c names each call a healthy process of ours makes, and the rights (enum may)
 *	that bring it. The filter is a binary search over ranges of call numbers,
 *	built by hand in a few microseconds: libseccomp took 0.45 ms to build the
 *	same list and 0.3 ms of kernel time to load its linear one, at every start of a session.
 */
#ifndef COMMON_OS_FILTER_H
#define COMMON_OS_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

struct sock_filter;

enum { FILTER_MAX = 1024 };

/* The program for these rights into at most FILTER_MAX instructions; only_log kills nobody. Pure. */
size_t filter_build(unsigned may, int pid, bool only_log, struct sock_filter *program);
/* From here on; there must be no new privileges already. */
bool filter_load(unsigned may, bool only_log, struct err *e);

#endif
