/*
 * NAME
 *	watch - wake up when a directory stirs (inotify)
 * DESCRIPTION
 *	A hint, never the truth: a slow scan stands behind every use, in case a wake-up
 *	was missed (queue overflow, network filesystem).
 */
#ifndef COMMON_OS_WATCH_H
#define COMMON_OS_WATCH_H

#include <stdint.h>

#include "common/base/err.h"

int watch_open(void); /* non-blocking descriptor, readable when something stirs; -1 errno */
/* Names that appear (created, renamed into), and with gone also those that leave, in dir. -1: errno. */
int watch_add(int watch, const char *path, bool gone);
/* Only names that are renamed into it: what is made under its last name in steps stays quiet. */
int watch_add_moved(int watch, const char *path);
/* Call each with every name that stirred since; false: some were missed (overflow), look at everything. */
bool watch_each(int watch, void (*each)(void *arg, int which, const char *name), void *arg);

#endif
