/* A heap of times, lots, and an index of both. See waits.h. */
#include "mta/waits.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"

#define GONE	UINT32_MAX		/* places of those that are not in the heap */
#define PARKED	(UINT32_MAX - 1)
#define IN_HURRY (UINT32_MAX - 2)

enum { ROOM_FIRST = 1024 };

struct waits_one {
	char	 id[WAIT_ID];
	uint32_t
	    at; /* place in the heap; PARKED or IN_HURRY; GONE: taken, but its lot still knows it */
	uint32_t chain;		/* the next of its bucket, or of the spare ones */
	uint32_t link;		/* the next of its lot */
};

/* --- the index --- */

static uint32_t bucket_of(const struct waits *w, const char *id)
{
	uint32_t h = 2166136261u;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 16777619u;
	return (h ^ h >> 15) & (w->bucket_n - 1);
}

static void enter(struct waits *w, uint32_t one)
{
	uint32_t *bucket = &w->buckets[bucket_of(w, w->all[one].id)];

	w->all[one].chain = *bucket;
	*bucket = one;
}

/* As many buckets as places: all are entered anew. */
static void grow(struct waits *w)
{
	uint32_t room = w->all_room ? w->all_room * 2 : ROOM_FIRST;

	w->all = mem_more(w->all, room, sizeof *w->all);
	w->buckets = mem_more(w->buckets, room, sizeof *w->buckets);
	memset(w->buckets, 0, room * sizeof *w->buckets);
	w->all_room = w->bucket_n = room;
	if (!w->used)
		w->used = 1;
	for (uint32_t i = 1; i < w->used; i++) {
		if (w->all[i].at != GONE)
			enter(w, i);
	}
}

static uint32_t find(const struct waits *w, const char *id)
{
	uint32_t one = w->bucket_n ? w->buckets[bucket_of(w, id)] : 0;

	while (one && strcmp(w->all[one].id, id) != 0)
		one = w->all[one].chain;
	return one;
}

static uint32_t make(struct waits *w, const char *id)
{
	uint32_t one = w->spare;

	if (one) {
		w->spare = w->all[one].chain;
	} else {
		if (w->used == w->all_room)
			grow(w);
		one = w->used++;
	}
	w->all[one] = (struct waits_one){ .at = PARKED };
	snprintf(w->all[one].id, WAIT_ID, "%s", id);
	enter(w, one);
	return one;
}

static void leave(struct waits *w, uint32_t one)
{
	uint32_t *at = &w->buckets[bucket_of(w, w->all[one].id)];

	while (*at != one)
		at = &w->all[*at].chain;
	*at = w->all[one].chain;
}

static void reuse(struct waits *w, uint32_t one)
{
	w->all[one] = (struct waits_one){ .at = GONE, .chain = w->spare };
	w->spare = one;
}

/* --- the heap --- */

static void put(struct waits *w, size_t i, struct waits_slot it)
{
	w->heap[i] = it;
	w->all[it.one].at = (uint32_t)i;
}

static void sift_up(struct waits *w, size_t i)
{
	struct waits_slot it = w->heap[i];

	for (; i && it.next < w->heap[(i - 1) / 2].next; i = (i - 1) / 2)
		put(w, i, w->heap[(i - 1) / 2]);
	put(w, i, it);
}

static void sift_down(struct waits *w, size_t i)
{
	struct waits_slot it = w->heap[i];
	size_t child;

	while ((child = 2 * i + 1) < w->count) {
		if (child + 1 < w->count && w->heap[child + 1].next < w->heap[child].next)
			child++;
		if (it.next <= w->heap[child].next)
			break;
		put(w, i, w->heap[child]);
		i = child;
	}
	put(w, i, it);
}

static void set_time(struct waits *w, uint32_t one, time_t next)
{
	if (w->count == w->room) {
		w->room = w->room ? w->room * 2 : ROOM_FIRST;
		w->heap = mem_more(w->heap, w->room, sizeof *w->heap);
	}
	w->heap[w->count] = (struct waits_slot){ next < 0 ? 0 : next > UINT32_MAX ? UINT32_MAX : (uint32_t)next, one };
	sift_up(w, w->count++);
}

static void remove_at(struct waits *w, size_t i)
{
	struct waits_slot last = w->heap[--w->count];

	if (i == w->count)
		return;
	put(w, i, last);
	sift_up(w, i);
	sift_down(w, w->all[last.one].at);
}

/* --- for all to see --- */

bool waits_has(const struct waits *w, const char *id)
{
	return find(w, id) != 0;
}

bool waits_take_id(struct waits *w, const char *id)
{
	uint32_t one = find(w, id);

	if (!one)
		return false;
	leave(w, one);
	if (w->all[one].at >= IN_HURRY) {
		w->all[one].at = GONE;		/* its lot goes past it when its turn has come */
	} else {
		remove_at(w, w->all[one].at);
		reuse(w, one);
	}
	return true;
}

void waits_add(struct waits *w, const char *id, time_t next)
{
	waits_take_id(w, id);
	set_time(w, make(w, id), next);
}

bool waits_first(const struct waits *w, time_t *next)
{
	if (!w->count)
		return false;
	*next = (time_t)w->heap[0].next;
	return true;
}

bool waits_take(struct waits *w, time_t now, struct wait *out)
{
	uint32_t one;

	if (!w->count || (time_t)w->heap[0].next > now)
		return false;
	one = w->heap[0].one;
	out->next = w->heap[0].next;
	memcpy(out->id, w->all[one].id, WAIT_ID);
	remove_at(w, 0);
	leave(w, one);
	reuse(w, one);
	return true;
}

void waits_all_now(struct waits *w)
{
	for (size_t i = 0; i < w->count; i++)
		w->heap[i].next = 0;
}

void waits_recall(struct waits *w, time_t latest, time_t now)
{
	for (size_t i = 0; i < w->count; i++) {
		if ((time_t)w->heap[i].next > latest)
			w->heap[i].next = (uint32_t)now;
	}
	for (size_t i = w->count / 2; i-- > 0; )
		sift_down(w, i);
}

/* --- lots --- */

void waits_park(struct waits *w, struct waits_lot *lot, const char *id, bool hurry)
{
	uint32_t one;

	waits_take_id(w, id);
	one = make(w, id);
	w->all[one].at = hurry ? IN_HURRY : PARKED;
	if (lot->last)
		w->all[lot->last].link = one;
	else
		lot->first = one;
	lot->last = one;
}

bool waits_unpark(struct waits *w, struct waits_lot *lot, time_t next)
{
	while (lot->first) {
		uint32_t one = lot->first, at = w->all[one].at;

		lot->first = w->all[one].link;
		if (!lot->first)
			lot->last = 0;
		if (at != GONE) {
			set_time(w, one, at == IN_HURRY ? 0 : next);
			return true;
		}
		reuse(w, one);
	}
	return false;
}

void waits_free(struct waits *w)
{
	free(w->heap);
	free(w->all);
	free(w->buckets);
	*w = (struct waits){ 0 };
}
