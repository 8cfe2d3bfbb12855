/*
 * NAME
 *	file - files that are there, whole, after the power fails
 * DESCRIPTION
 *	The only place of the suite that flushes. All paths below a queue or a mailbox
 *	are opened through file_open_beneath() (openat2: no symlinks, never outside
 *	of dir).
 */
#ifndef COMMON_OS_FILE_H
#define COMMON_OS_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/base/str.h"

/*
 * openat2(dir, path) with RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS and O_CLOEXEC; -1 and errno. Nothing
 * goes up, not even to come back: ".." is EXDEV. Where openat2 is not to be had (kernels before
 * 5.6, some containers, valgrind) the path is walked level by level to the same end.
 */
int file_open_beneath(int dir, const char *path, int flags, mode_t mode);
/* Like mkdir -p below dir; every parent of a new directory is flushed. */
bool file_make_dirs(int dir, const char *path, mode_t mode, struct err *e);

/*
 * A directory that belongs to uid and gid (-1: to the caller); one that is there already is given to
 * them. Nobody ever sees it with another owner: who opens it is let in, or does not find it.
 */
bool file_make_owned(const char *path, mode_t mode, int uid, int gid, struct err *e);

bool file_write(int fd, struct span bytes, struct err *e);		/* all of it */
bool file_read_all(int fd, struct str *into, struct err *e); /* too big for into is an error */
bool file_read_at(int dir, const char *name, struct str *into, struct err *e);

/* Flush one file's bytes. After false the file is lost: throw it away, never flush it again. */
bool file_flush(int fd, const char *name, struct err *e);
/* Flush the names in a directory. */
bool file_flush_dir(int dir, const char *what, struct err *e);
/*
 * The durable order for one file: bytes of fd, then its name from tmp/name_tmp to
 * dir/name, then the directory. Without replace an existing name is EEXIST.
 */
bool file_commit(int fd, int tmp, const char *name_tmp, int dir, const char *name, bool replace, struct err *e);
/* Write bytes as dir/name through a temporary neighbour and file_commit(). */
bool file_replace(int dir, const char *name, struct span bytes, mode_t mode, struct err *e);

#endif
