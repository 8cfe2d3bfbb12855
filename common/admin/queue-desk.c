/* The queue, open, and the places of the messages in question. See queue.h. */
#include "common/admin/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/base/mem.h"
#include "common/os/clock.h"

const char *const queue_stations[STATIONS] = { "in/sub", "in/net", "in/own", "out", "local",
	"hold" };

/* One station that may not be read does not keep from the others. */
int desk_open(struct desk *d)
{
	struct err e;

	*d = (struct desk){ .queue = -1 };
	if (!admin_conf(&d->conf))
		return EX_CONFIG;
	d->queue = queue_open(d->conf.queue_directory, &e);
	if (d->queue < 0)
		return admin_fail(&e);
	for (int i = 0; i < STATIONS; i++) {
		d->open[i] = station_open(d->queue, queue_stations[i], &d->st[i], &e);
		if (!d->open[i])
			d->code = admin_fail(&e);
	}
	d->memory = arena_new(QUEUE_MEMORY, NULL, NULL);
	return EX_OK;
}

void desk_close(struct desk *d)
{
	for (int i = 0; i < STATIONS; i++) {
		if (d->open[i])
			station_close(&d->st[i]);
	}
	arena_free(d->memory);
	free(d->places);
	close(d->queue);
}

void desk_add(struct desk *d, int station, const char *id)
{
	if (d->count == d->room) {
		d->room = d->room ? d->room * 2 : 64;
		d->places = mem_more(d->places, d->room, sizeof *d->places);
	}
	d->places[d->count].station = station;
	span_copy(span_of(id), d->places[d->count++].id, ID_SIZE);
}

void desk_find(struct desk *d, const char *id)
{
	size_t before = d->count;

	if (!queue_is_id(span_of(id))) {
		d->code = admin_usage("\"%s\" is no id of a message", id);
		return;
	}
	for (int i = 0; i < STATIONS; i++) {
		if (d->open[i] && queue_next_try(&d->st[i], id))
			desk_add(d, i, id);
	}
	if (d->count > before)
		return;
	fprintf(stderr, "posthorn: no message %s is in the queue\n", id);
	d->code = EX_NOINPUT;
}

bool desk_read(struct desk *d, const struct place *p, struct envelope *env)
{
	struct err e;

	arena_reset(d->memory);
	if (queue_read_envelope(&d->st[p->station], p->id, d->memory, env, &e))
		return true;
	if (queue_next_try(&d->st[p->station], p->id))	/* else it was delivered meanwhile */
		d->code = admin_fail(&e);
	return false;
}

struct choosing { struct desk *d; const struct choice *c; int station; time_t now; };

static bool choose(void *arg, const char *id)
{
	const struct choosing *k = arg;
	struct place p = { .station = k->station };
	struct envelope env;

	span_copy(span_of(id), p.id, sizeof p.id);
	if (!choice_asks(k->c) || (desk_read(k->d, &p, &env) && choice_fits(k->c, &env, k->now)))
		desk_add(k->d, k->station, id);
	return true;
}

void desk_choose(struct desk *d, const struct choice *c)
{
	struct choosing k = { .d = d, .c = c, .now = clock_wall() };
	struct err e;

	for (k.station = 0; k.station < STATIONS; k.station++) {
		if (c->in[k.station] && d->open[k.station] &&
		    !queue_each(&d->st[k.station], choose, &k, &e))
			d->code = admin_fail(&e);
	}
}
