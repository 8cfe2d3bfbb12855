/* What a person wants done with a message here (common/queue/wish.h). See pick.h. */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/os/log.h"
#include "mda/pick.h"

static void wish_for(struct pick *p, struct message *m, enum wish wish)
{
	if (wish == WISH_RETRY)
		m->urgent = true;
	m->wish = wish;
	if (!m->at_work)
		pick_now(p, m);
}

static void wish_all(struct pick *p)
{
	for (size_t i = 0; i < p->slots; i++) {
		for (struct message *m = p->known[i]; m; m = m->next_known) {
			if (!m->at_work && m->wish == WISH_NONE)
				wish_for(p, m, WISH_RETRY);
		}
	}
}

/* Noted is done: what is at work ends first, what rests is next in the line. */
void wishes_heard(struct pick *p, const char *name)
{
	struct message *m;
	char id[ID_SIZE];
	enum wish wish;

	if (!wish_parse(name, id, &wish))
		return;
	log_info("%s wish %s", id, wish_name(wish));
	m = pick_find(p, id);
	if (m)
		wish_for(p, m, wish);
	else if (strcmp(id, WISH_ALL) == 0 && wish == WISH_RETRY)
		wish_all(p);
	wish_done(p->ask, id, wish);
}

void wishes_look(struct pick *p)
{
	int fd = p->ask < 0 ? -1 : openat(p->ask, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		wishes_heard(p, entry->d_name);
	if (d)
		closedir(d);
	else
		fd_close(&fd);
}
