/*
 * NAME
 *	spawn - start a program with nothing of ours but what we name
 * DESCRIPTION
 *	The new process has the descriptors fds[0] to fds[SPAWN_FDS - 1] as its 0, 1,
 *	2 ... (-1: closed there) and no others, an environment of PATH and what
 *	environment adds, all signals as they are at birth, and gets SIGKILL when we
 *	die. It is our child: we reap it.
 */
#ifndef COMMON_OS_SPAWN_H
#define COMMON_OS_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/err.h"

enum { SPAWN_FDS = 6 };

struct spawn {
	const char	*program;	/* path */
	const char	*argv[5];	/* argv[0] is what ps(1) shows; ends with NULL */
	const char	*environment;	/* one "NAME=value", or NULL */
	int		 fds[SPAWN_FDS];
};

/* False: nothing was started. A program that is not there is PERM. */
bool spawn(const struct spawn *s, pid_t *pid, struct err *e);

#endif
