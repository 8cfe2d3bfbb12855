/* A heap of times. See waits.h. */
#include "mta/waits.h"

#include <stdio.h>

#include "common/base/mem.h"

static void sift_up(struct waits *w, size_t i)
{
	struct wait it = w->heap[i];

	for (; i && it.next < w->heap[(i - 1) / 2].next; i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = it;
}

static void sift_down(struct waits *w, size_t i)
{
	struct wait it = w->heap[i];
	size_t child;

	while ((child = 2 * i + 1) < w->count) {
		if (child + 1 < w->count && w->heap[child + 1].next < w->heap[child].next)
			child++;
		if (it.next <= w->heap[child].next)
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = it;
}

void waits_add(struct waits *w, const char *id, time_t next)
{
	struct wait *at;

	if (w->count == w->room) {
		w->room = w->room ? w->room * 2 : 64;
		w->heap = mem_more(w->heap, w->room, sizeof *w->heap);
	}
	at = &w->heap[w->count++];
	at->next = next < 0 ? 0 : next > UINT32_MAX ? UINT32_MAX : (uint32_t)next;
	snprintf(at->id, sizeof at->id, "%s", id);
	sift_up(w, w->count - 1);
}

const struct wait *waits_first(const struct waits *w)
{
	return w->count ? &w->heap[0] : NULL;
}

static void remove_at(struct waits *w, size_t i)
{
	w->heap[i] = w->heap[--w->count];
	if (i == w->count)
		return;
	sift_up(w, i);
	sift_down(w, i);
}

bool waits_take(struct waits *w, time_t now, struct wait *out)
{
	if (!w->count || (time_t)w->heap[0].next > now)
		return false;
	*out = w->heap[0];
	remove_at(w, 0);
	return true;
}

bool waits_take_id(struct waits *w, const char *id)
{
	for (size_t i = 0; i < w->count; i++) {
		if (strcmp(w->heap[i].id, id) == 0) {
			remove_at(w, i);
			return true;
		}
	}
	return false;
}

void waits_all_now(struct waits *w)
{
	for (size_t i = 0; i < w->count; i++)
		w->heap[i].next = 0;
}
