/* Whoever has questions. See askers.h. */
#include "common/keeper/askers.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/log.h"

enum { ASKERS_MAX = 8192 };

bool asker_nonsense(void)
{
	log_warn("a channel asked something that is no question, closing it");
	return false;
}

void asker_hang_up(struct asker *a)
{
	if (a->all->gone)
		a->all->gone(a);
	loop_remove(a->io);
	fd_close(&a->fd);
	a->all->count--;
	free(a);
}

static void on_asker(void *arg, unsigned ready)
{
	struct asker *a = arg;

	(void)ready;
	switch (packet_recv(a->fd, &a->all->packet, MS_NEVER)) {
	case PACKET_OK:
		if (!a->all->serve(a))
			asker_hang_up(a);
		return;
	case PACKET_LATE:
		return;
	default:
		asker_hang_up(a);
	}
}

static void add(struct askers *all, int fd)
{
	struct asker *a;

	if (all->count >= ASKERS_MAX) {
		log_warn("more than %d channels, refusing another", ASKERS_MAX);
		fd_close(&fd);
		return;
	}
	a = mem_get(all->size);
	fd_set_blocking(fd, false);
	a->all = all;
	a->fd = fd;
	a->io = loop_add(all->loop, fd, LOOP_READ, on_asker, a);
	all->count++;
}

static void on_keeper(void *arg, unsigned ready)
{
	struct askers *all = arg;
	int fd;

	(void)ready;
	switch (packet_recv(all->keeper, &all->packet, clock_ms())) {
	case PACKET_OK:
		fd = all->packet.verb == 'c' ? packet_take_fd(&all->packet) : -1;
		packet_drop_fds(&all->packet);
		if (fd >= 0)
			add(all, fd);
		return;
	case PACKET_LATE:
		return;
	default:
		loop_stop(all->loop);
	}
}

void askers_begin(struct askers *all)
{
	loop_add(all->loop, all->keeper, LOOP_READ, on_keeper, all);
}
