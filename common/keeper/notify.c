/* sd_notify(3) in our own few lines. See notify.h. */
#include "common/keeper/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/span.h"

void notify(const char *state)
{
	const char *where = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = where ? strlen(where) : 0;
	ssize_t ignored;
	int fd;

	if (n < 2 || n >= sizeof to.sun_path || (*where != '/' && *where != '@'))
		return;
	memcpy(to.sun_path, where, n);
	if (*where == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	ignored = sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
	    (const struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	(void)ignored;
	close(fd);
}

ms_t notify_every(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t n;

	if (!us || !span_u64(span_of(us), INT64_MAX, &n))
		return 0;
	if (pid) {
		uint64_t who;

		if (!span_u64(span_of(pid), INT32_MAX, &who) || (pid_t)who != getpid())
			return 0;
	}
	return (ms_t)(n / 1000 / 2);
}
