/* The messages of an open folder, and finding one by the base of its name. See inside.h. */
#include "common/store/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "common/base/mem.h"

struct span entry_base(const struct entry *x)
{
	return (struct span){ x->name, x->base_n };
}

/* FNV-1a, from a start that only this process knows: names may come from enemies. */
static uint64_t hash_of(struct span base)
{
	static uint64_t start;
	uint64_t h;

	if (!start) {
		const void *random = (const void *)getauxval(AT_RANDOM);

		start = 0xcbf29ce484222325;
		if (random) {
			memcpy(&h, random, sizeof h);
			start ^= h;
		}
	}
	h = start;
	for (size_t i = 0; i < base.n; i++)
		h = (h ^ (unsigned char)base.p[i]) * 0x100000001b3;
	return h ^ h >> 29;
}

/* The slot of base, or the empty one where it belongs. */
static uint32_t *slot_of(struct mailbox *m, struct span base)
{
	size_t at = hash_of(base) & (m->slots - 1);

	while (m->slot[at] && !span_same(entry_base(&m->entry[m->slot[at] - 1]), base))
		at = (at + 1) & (m->slots - 1);
	return &m->slot[at];
}

static void fill_slots(struct mailbox *m, size_t from)
{
	for (size_t i = from; i < m->n; i++)
		*slot_of(m, entry_base(&m->entry[i])) = (uint32_t)i + 1;
}

static void rebuild_slots(struct mailbox *m)
{
	size_t want = 64;

	while (want < 2 * (m->n + 1))
		want *= 2;
	free(m->slot);
	m->slots = want;
	m->slot = mem_get(want * sizeof *m->slot);
	fill_slots(m, 0);
}

struct entry *entries_find(struct mailbox *m, struct span base)
{
	uint32_t *slot = m->slots ? slot_of(m, base) : NULL;

	return slot && *slot ? &m->entry[*slot - 1] : NULL;
}

void entries_rename(struct mailbox *m, struct entry *x, const char *name, bool in_new)
{
	struct maildir_name says;
	char *copy = mem_text(name);

	(void)m;
	name_parse(span_of(copy), &says);
	free(x->name);
	x->pub.name = x->name = copy;
	x->pub.flags = says.flags | (x->pub.flags & FLAG_RECENT);
	x->pub.keywords = says.keywords;
	x->in_new = in_new;
}

struct entry *entries_add(struct mailbox *m, struct span name, bool in_new)
{
	struct maildir_name says;
	struct entry *x;
	char text[NAME_ROOM];

	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap + m->cap / 2 : 32;
		m->entry = mem_more(m->entry, m->cap, sizeof *m->entry);
	}
	x = &m->entry[m->n++];
	*x = (struct entry){ .in_new = in_new };
	span_copy(name, text, sizeof text);
	entries_rename(m, x, text, in_new);
	name_parse(span_of(x->name), &says);
	x->base_n = (unsigned)says.base.n;
	x->pub.size = says.size;
	x->pub.wire_size = says.wire_size;
	x->pub.date = says.date;
	x->has_wire_size = says.has_size && says.has_wire_size;
	x->pub.flags |= in_new ? FLAG_RECENT : 0;
	if (m->slots < 2 * (m->n + 1))
		rebuild_slots(m);
	else
		fill_slots(m, m->n - 1);
	return x;
}

static int by_uid(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->pub.uid < y->pub.uid ? -1 : x->pub.uid > y->pub.uid;
}

/*
 * Empty the slots of the tail. With linear probing those put in last may be taken out
 * again in reverse order without breaking anybody's chain.
 */
static void clear_tail_slots(struct mailbox *m)
{
	for (size_t i = m->n; i-- > m->told; )
		*slot_of(m, entry_base(&m->entry[i])) = 0;
}

void entries_sort_tail(struct mailbox *m)
{
	if (m->n == m->told)
		return;
	clear_tail_slots(m);
	qsort(m->entry + m->told, m->n - m->told, sizeof *m->entry, by_uid);
	fill_slots(m, m->told);
}

static void entry_free(struct entry *x)
{
	free(x->name);
	free(x->fields);
}

void entries_cut_tail(struct mailbox *m)
{
	if (m->n == m->told)
		return;
	clear_tail_slots(m);
	while (m->n > m->told)
		entry_free(&m->entry[--m->n]);
}

void entries_forget_gone(struct mailbox *m)
{
	size_t kept = 0;

	assert(m->told == m->n);
	for (size_t i = 0; i < m->n; i++) {
		if (m->entry[i].pub.gone)
			entry_free(&m->entry[i]);
		else
			m->entry[kept++] = m->entry[i];
	}
	if (kept == m->n)
		return;
	m->n = m->told = kept;
	rebuild_slots(m);
}

void entries_free(struct mailbox *m)
{
	for (size_t i = 0; i < m->n; i++)
		entry_free(&m->entry[i]);
	free(m->entry);
	free(m->slot);
}
