/* inotify. See watch.h. */
#include "common/os/watch.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

int watch_open(void)
{
	return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

int watch_add(int watch, const char *path, bool gone)
{
	uint32_t mask = IN_MOVED_TO | IN_CREATE | IN_ONLYDIR;

	if (gone)
		mask |= IN_MOVED_FROM | IN_DELETE;
	return inotify_add_watch(watch, path, mask);
}

int watch_add_moved(int watch, const char *path)
{
	return inotify_add_watch(watch, path, IN_MOVED_TO | IN_ONLYDIR);
}

bool watch_each(int watch, void (*each)(void *arg, int which, const char *name), void *arg)
{
	alignas(struct inotify_event) char buf[16384];
	bool all = true;
	ssize_t n;

	while ((n = read(watch, buf, sizeof buf)) > 0) {
		for (char *at = buf; at < buf + n; ) {
			struct inotify_event ev;

			memcpy(&ev, at, sizeof ev);
			if (ev.mask & IN_Q_OVERFLOW)
				all = false;
			else if (ev.len && each)
				each(arg, ev.wd, at + sizeof ev);
			at += sizeof ev + ev.len;
		}
	}
	return all;
}
