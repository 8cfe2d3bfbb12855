/* MTA-STS policies that are a day old, fetched anew. See report.h. */
#include <dirent.h>
#include <fcntl.h>

#include "common/os/fd.h"
#include "mta/report.h"
#include "mta/sts.h"

enum { MINUTES = 10 };		/* then the rest waits for the next run */

/*
 * An attacker who holds off the DNS and the web server has to do so for as long as a policy lasts,
 * from the last time that it was fetched: RFC 8461 10.2. The files are read here, not asked for: that
 * would count as a use, and no policy would ever run out.
 */
void refresh_policies(struct reporter *r)
{
	struct sts_asker s = { &r->self, &r->resolver, &r->memory };
	int fd = openat(r->hints, "sts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	ms_t until = clock_in(60 * MINUTES);
	const struct dirent *entry;
	struct sts_entry policy;
	char domain[DNS_NAME];

	while (d && clock_ms() < until && (entry = readdir(d))) {
		if (sts_domain(span_of(entry->d_name), domain) &&
		    sts_entry_read(fd, entry->d_name, r->arena, &policy) &&
		    sts_is_stale(&policy, clock_wall()))
			sts_refresh(&s, domain, &policy, r->arena);
		arena_reset(r->arena);
	}
	if (d)
		closedir(d);
	else
		fd_close(&fd);
}
