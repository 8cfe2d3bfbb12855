/* What is remembered of destinations, and what a person wants of it. See dest.h, queue/destination.h. */
#include <unistd.h>

#include "common/os/file.h"
#include "common/os/log.h"
#include "mta/dest.h"

enum { WRITE_S = 10 };		/* after something was learned it is on disk */

/* A clock that was wrong when it was written down does not make it longer. */
void dest_recall(struct dests *all, struct dest *d)
{
	time_t now = clock_wall(), left;

	destinations_get(all->memory, d->name, &d->known);
	left = d->known.failed_at > all->forgiven ? d->known.dead_until - now : 0;
	d->down_until = left > 0 ?
	    clock_in((int)(left < all->rules.down_most ? left : all->rules.down_most)) :
	    0;
}

void dest_write_down(struct dests *all, struct dest *d)
{
	if (d->learned)
		destinations_set(all->memory, d->name, &d->known);
	d->learned = false;
}

static void write_all(struct sched *s)
{
	for (size_t i = 0; i < DEST_BUCKETS; i++) {
		for (struct dest *d = s->dests->buckets[i]; d; d = d->same)
			dest_write_down(s->dests, d);
	}
	destinations_sync(s->dests->memory);
}

static void time_to_write(void *arg)
{
	struct sched *s = arg;

	s->dests->writer = NULL;
	write_all(s);
}

void dest_learned(struct sched *s, struct dest *d)
{
	d->learned = true;
	if (!s->dests->writer)
		s->dests->writer = loop_at(s->loop, clock_in(WRITE_S), time_to_write, s);
}

void dests_begin(struct sched *s)
{
	struct err e;

	s->dests->memory = destinations_open(s->self.conf.queue_directory, &e);
	dests_sift(s);
}

void dests_end(struct sched *s)
{
	write_all(s);
	destinations_close(s->dests->memory);
}

void dests_sift(struct sched *s)
{
	const struct conf *c = &s->self.conf;

	destinations_sift(s->dests->memory, clock_wall(), (int64_t)c->mta_destinations_keep,
	    c->mta_destinations_max);
}

/* Who is at work knows again what a person may have changed. */
static void recall_all(struct dests *all)
{
	for (size_t i = 0; i < DEST_BUCKETS; i++) {
		for (struct dest *d = all->buckets[i]; d; d = d->same)
			dest_recall(all, d);
	}
}

void dests_wish(struct sched *s, const char *name)
{
	struct str words = STR(DESTINATIONS_WORDS), list = STR(DESTINATIONS_PRINT);
	struct dests *all = s->dests;
	struct err e = { .kind = ERR_NONE };

	write_all(s);
	if (file_read_at(s->ask, name, &words, &e) &&
	    destinations_do(all->memory, str_span(&words), clock_wall(), &e)) {
		recall_all(all);
		destinations_print(all->memory, &list);
		if (file_replace(s->out.dir, DESTINATIONS_LIST, str_span(&list), 0640, &e))
			destinations_sync(all->memory);
	}
	if (e.kind != ERR_NONE)
		log_error("%s: %s", name, e.text);
	unlinkat(s->ask, name, 0);
	str_free(&words);
	str_free(&list);
}
