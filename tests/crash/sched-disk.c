/*
 * The half of crash sched that lies inside mta-sched: its jail is left out, the queue becomes a
 * disk that forgets (disk.h), and at the end of the process each state in which a power cut may
 * leave the queue is shown to the other half (sched.c), which starts another mta-sched on it.
 *
 * Descriptor 3 is the keeper's, 4 the settings, 5 ours: a socket to the other half, which sends
 * first where the number of calls is to be kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/io/packet.h"
#include "common/keeper/role.h"
#include "tests/crash/disk.h"

void __wrap_role_jail(struct role_self *self);

static int other;

static bool ask(void *arg, const char *after, bool over)
{
	static struct packet p;
	struct err e;

	(void)arg;
	(void)after;
	packet_begin(&p, 'S');
	packet_put_u64(&p, disk_cut());
	packet_put_u64(&p, over);
	if (!packet_ask(other, &p, MS_NEVER, &e)) {
		fprintf(stderr, "crash sched: %s\n", e.text);
		_exit(2);
	}
	return p.verb == '+';
}

static void cut(void)
{
	static struct packet p;

	disk_end();
	packet_begin(&p, 'E');
	packet_put_u64(&p, (uint64_t)disk_cuts(ask, NULL));
	packet_put_u64(&p, disk_calls());
	packet_send(other, &p, NULL);
}

void __wrap_role_jail(struct role_self *self)
{
	static struct packet p;
	void *at;

	other = self->work;
	if (packet_recv(other, &p, MS_NEVER) != PACKET_OK)
		_exit(2);
	at = mmap(NULL, sizeof(size_t), PROT_READ | PROT_WRITE, MAP_SHARED, packet_take_fd(&p), 0);
	if (at == MAP_FAILED)
		_exit(2);
	disk_tell(at);
	atexit(cut);
	disk_begin(self->conf.queue_directory);
}
