/*
 * NAME
 *	disk - a disk that forgets what was not flushed
 * SYNOPSIS
 *	disk_begin(root);		... the code under test, on real files below root ...
 *	disk_end();
 *	bad = disk_cuts(check, arg);
 * DESCRIPTION
 *	Between begin and end every system call that changes files is carried out and noted
 *	(linked in by -Wl,--wrap). disk_cuts() then cuts the power before each of them and after
 *	the last, and builds below ROOT.after every state in which the disk may be found:
 *
 *	Names: changes are kept in order, as ext4, xfs and btrfs do: all before the last flush
 *	of a directory, then any number of those that follow.
 *	Bytes: what fsync saw is there. What no fsync has seen is lost, half there, or there.
 *
 *	check looks at such a state; over says that the code had returned before the cut.
 *	disk_skip_flush(n) makes the n-th fsync a lie, to prove that it is needed; disk_fail_flush(n) makes
 *	it fail.
 */
#ifndef TESTS_CRASH_DISK_H
#define TESTS_CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>

void disk_begin(const char *root);
void disk_end(void);
void disk_skip_flush(int nth);			/* counted from 0; -1: none. For the next begin */
void disk_fail_flush(int nth);			/* likewise */
int disk_flushes(void);				/* made between begin and end */
size_t disk_calls(void);
void disk_tell(size_t *calls); /* the number is also kept there, for another process to see */
size_t disk_cut(void);				/* for check: the calls before the power failed */
/* In how many states did check say no? */
int disk_cuts(bool (*check)(void *arg, const char *root, bool over), void *arg);
void disk_remove(const char *root);		/* rm -rf ROOT ROOT.after */

#endif
