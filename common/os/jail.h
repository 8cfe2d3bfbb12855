/*
 * NAME
 *	jail - give up for good what this process will not need
 * DESCRIPTION
 *	jail_enter() goes one way: resource limits, uid, no core and no tracer, no new
 *	privileges, no capabilities, an empty root directory or Landlock, seccomp, in
 *	this order, because each step takes away what the one before needed. What can be verified
 *	is verified: the way back to root must fail. A process that gets false must end.
 *	Calls that libc tries on its own and can do without (opening a file, a socket)
 *	fail with EACCES; all others that may does not name kill the process.
 *	Descriptors that are open stay open and usable.
 * BUGS
 *	Built with a sanitizer, system calls are only logged, and memory is not limited,
 *	because the sanitizer's own calls and mappings are not ours to know. The same
 *	for system calls where POSTHORN_SECCOMP=log is in the environment of a process
 *	that was not started as root (for valgrind and for finding out what is missing).
 */
#ifndef COMMON_OS_JAIL_H
#define COMMON_OS_JAIL_H

#include <stdbool.h>

#include "common/base/err.h"

enum may {			/* 0: compute, and talk on open descriptors */
	MAY_READ	= 1 << 0,	/* open files for reading, below its root */
	MAY_WRITE	= 1 << 1,	/* make, rename, remove, flush files below its root */
	MAY_NET		= 1 << 2,	/* socket, connect (TCP/UDP) */
	MAY_ACCEPT	= 1 << 3,	/* accept on descriptors it was given */
	MAY_FORK	= 1 << 4,	/* start processes */
	MAY_WATCH	= 1 << 5,	/* inotify */
	MAY_NSS		= 1 << 6,	/* look up system users: reads /etc, sockets to nscd and friends */
	MAY_THREADS	= 1 << 7,	/* clone of a thread (libunbound) */
};

enum { JAIL_PATHS_MAX = 16 };

struct jail_path { const char *path; bool write; };	/* one that is not there is passed over */

struct jail {
	int			uid, gid;	/* to become; -1 when we stay who we are */
	unsigned		may;		/* enum may */
	struct jail_path
	    paths[JAIL_PATHS_MAX]; /* all of the file system it keeps; ends with NULL */
	const char *make; /* directory to be made, as whom we become, where missing; or NULL */
	const char *empty; /* root directory when started as root and paths is empty */
	unsigned		files;		/* RLIMIT_NOFILE; 0 leaves it */
	unsigned		memory_mb;	/* RLIMIT_DATA; 0 leaves it */
};

/* Where not NULL, *without is set to what this kernel could not give, "" for nothing. */
bool jail_enter(const struct jail *j, const char **without, struct err *e);
/* No core, no tracer: for those who hold secrets outside of a jail. */
bool jail_hide(struct err *e);
/* Only the uid part: groups, gid, uid, and the proof that there is no way back. */
bool jail_become(int uid, int gid, struct err *e);

#endif
