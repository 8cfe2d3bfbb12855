/* The start: who waits in out/ is found piece by piece, while what is due goes out. See sched.h. */
#include "mta/sched.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/os/fd.h"
#include "common/os/log.h"

enum {
	PIECE		= 1 << 18,	/* names that are sorted together */
	TURN_MS		= 20,		/* then others get a turn, */
	REST_MS		= 1,		/* for so long at least */
	LOOK_EACH	= 64,		/* names, at the clock */
};

struct name { ino_t inode; char id[WAIT_ID]; };

struct loading {
	DIR		*dir;
	struct name	*names;
	size_t		 count, at;
	bool		 all_read;	/* of the directory */
	bool		 now;		/* a person asked for all of them */
};

/*
 * Files that were made one after the other lie side by side on the disk, while a directory has their names
 * in any order: looked at in the order of their inodes, a cold disk reads ahead of us.
 */
static int by_inode(const void *a, const void *b)
{
	ino_t x = ((const struct name *)a)->inode, y = ((const struct name *)b)->inode;

	return x < y ? -1 : x > y;
}

/* False: the time is up. */
static bool read_names(struct loading *l, ms_t until)
{
	const struct dirent *entry;
	char id[ID_SIZE];

	for (unsigned i = 1; l->count < PIECE; i++) {
		if (i % LOOK_EACH == 0 && clock_ms() >= until)
			return false;
		entry = readdir(l->dir);
		if (!entry)
			break;
		if (!queue_id_of(entry->d_name, id))
			continue;
		l->names[l->count].inode = entry->d_ino;
		memcpy(l->names[l->count++].id, id, WAIT_ID);
	}
	l->all_read = l->count < PIECE;
	qsort(l->names, l->count, sizeof *l->names, by_inode);
	return true;
}

/* Only its file's time is looked at. One too far off was written by a wrong clock, or is a release: it is read. */
static void find(struct sched *s, const char *id, time_t now, time_t latest)
{
	time_t next;

	if (message_find(s, id) || waits_has(&s->waits, id))
		return;
	next = queue_next_try(&s->out, id);
	if (next)
		waits_add(&s->waits, id, s->loading->now ? 0 : next > latest ? now : next);
}

static bool look_at_files(struct sched *s, ms_t until)
{
	time_t now = clock_wall(), latest = now + plan_longest(&s->plan);
	struct loading *l = s->loading;

	while (l->at < l->count) {
		find(s, l->names[l->at++].id, now, latest);
		if (l->at % LOOK_EACH == 0 && clock_ms() >= until)
			return false;
	}
	l->at = l->count = 0;
	return true;
}

static void end(struct sched *s)
{
	closedir(s->loading->dir);
	free(s->loading->names);
	free(s->loading);
	s->loading = NULL;
	log_info("scheduling waiting=%zu", s->waits.count);
}

static void load_more(void *arg)
{
	struct sched *s = arg;
	struct loading *l = s->loading;
	ms_t until = clock_ms() + TURN_MS;

	if (l->at || read_names(l, until)) {
		if (look_at_files(s, until) && l->all_read) {
			end(s);
			message_arm(s);
			return;
		}
	}
	message_arm(s);
	loop_at(s->loop, clock_ms() + REST_MS, load_more, s);
}

void load_begin(struct sched *s)
{
	int fd = openat(s->out.fresh, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	due_look_at_clock(s);		/* from now on a jump is seen */
	message_arm(s);
	if (!dir) {
		fd_close(&fd);
		log_error("out: cannot list the queue");
		return;
	}
	s->loading = mem_get(sizeof *s->loading);
	s->loading->dir = dir;
	s->loading->names = mem_more(NULL, PIECE, sizeof *s->loading->names);
	load_more(s);
}

void load_all_now(struct sched *s)
{
	if (s->loading)
		s->loading->now = true;
}
