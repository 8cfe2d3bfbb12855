/* Giving UIDs. See inside.h and uidlist.h. */
#include "common/store/inside.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/store/lock.h"

enum { DEAD_MIN = 100 }; /* dead lines that are worth a rewrite, if they are a quarter */

/* One line of the list that we had not read before. */
static void take_line(void *arg, const struct uidlist_line *line)
{
	struct mailbox *m = arg;
	struct entry *x = entries_find(m, line->base);

	if (!x || x->pub.gone) {
		m->dead++;
		return;
	}
	if ((size_t)(x - m->entry) < m->told)
		return;
	if (line->uid <= m->top) {
		x->late = true;		/* IMAP can not show it before messages it has shown */
		return;
	}
	x->late = false;
	x->pub.uid = line->uid;
	free(x->fields);
	x->fields = NULL;
	if (line->fields.n) {
		x->fields = mem_get(line->fields.n + 1);
		memcpy(x->fields, line->fields.p, line->fields.n);
	}
}

static bool read_list(struct mailbox *m, struct err *e)
{
	uint32_t was = m->list.uidvalidity;
	struct uidlist before = m->list;
	bool again = false;
	size_t dead = m->dead;

	m->dead = 0;
	if (!uidlist_read(m->folder, &m->list, take_line, m, &again, e))
		return false;
	if (!again)
		m->dead += dead;
	if (m->told && m->list.uidvalidity != was) {
		m->list = before;
		return err_temp(e, "4.2.0", "dovecot-uidlist was replaced or lost: UIDVALIDITY changes");
	}
	return true;
}

static size_t count_without(const struct mailbox *m)
{
	size_t n = 0;

	for (size_t i = m->told; i < m->n; i++)
		n += m->entry[i].pub.uid == 0;
	return n;
}

static void settle_tail(struct mailbox *m)
{
	for (size_t i = m->told; i < m->n; i++)
		measure_entry(m, &m->entry[i], NULL);
	entries_sort_tail(m);
	m->told = m->n;
	if (m->n && m->entry[m->n - 1].pub.uid > m->top)
		m->top = m->entry[m->n - 1].pub.uid;
}

/* The order of arrival, as far as names tell. */
static int by_arrival(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	if (x->pub.date != y->pub.date)
		return x->pub.date < y->pub.date ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void print_entry(const struct entry *x, struct str *out)
{
	struct uidlist_line line = { x->pub.uid, x->fields ? span_of(x->fields) : SPAN(""),
		entry_base(x) };

	uidlist_print_line(&line, out);
}

/* Number those without, in order of arrival, and print their lines. True: one needs its old line removed. */
static bool number_tail(struct mailbox *m, size_t without, struct str *lines)
{
	struct entry **x = mem_more(NULL, without, sizeof *x);
	size_t n = 0;
	bool late = false;

	for (size_t i = m->told; i < m->n; i++) {
		if (m->entry[i].pub.uid == 0)
			x[n++] = &m->entry[i];
	}
	qsort(x, n, sizeof *x, by_arrival);
	for (size_t i = 0; i < n; i++) {
		measure_entry(m, x[i], NULL);	/* unreadable: its size stays what the name says */
		late |= x[i]->late;
		x[i]->pub.uid = m->list.uidnext++;
		x[i]->late = false;
		print_entry(x[i], lines);
	}
	m->list.last = m->list.uidnext - 1;
	m->list.lines += n;
	free(x);
	return late;
}

struct keeping { struct mailbox *m; struct str *out; bool drop_dead; };

static void keep_line(void *arg, const struct uidlist_line *line)
{
	struct keeping *k = arg;
	struct entry *x = entries_find(k->m, line->base);

	bool living = x && !x->pub.gone;

	if (living && x->pub.uid == line->uid && k->m->measured)
		print_entry(x, k->out);
	else if (living ? x->pub.uid == line->uid : !k->drop_dead)
		uidlist_print_line(line, k->out);
}

/* Under the lock: all lines that count, then more, as a new file. */
static bool rewrite(struct mailbox *m, struct span more, bool drop_dead, struct err *e)
{
	struct str lines = STR(UIDLIST_BYTES_MAX);
	struct keeping k = { m, &lines, drop_dead };
	struct uidlist again = { 0 };
	bool ok = uidlist_read(m->folder, &again, keep_line, &k, NULL, e);

	if (ok) {
		str_add(&lines, more);
		ok = lines.over ? err_temp(e, "4.3.0", "too many messages in one folder")
		    : uidlist_replace(m->folder, &m->list, str_span(&lines), e);
	}
	str_free(&lines);
	return ok;
}

/* The list is not there (any more), or its numbers are used up: all messages get new ones. */
static bool begin_list(struct mailbox *m, struct err *e)
{
	m->list = (struct uidlist){ .uidnext = 1 };
	for (size_t i = 0; i < m->n; i++)
		m->entry[i].pub.uid = 0;
	return uidlist_new_validity(m->root, &m->list.uidvalidity, e);
}

static bool give_locked(struct mailbox *m, struct err *e)
{
	struct str lines = STR(UIDLIST_BYTES_MAX);
	struct uidlist before;
	size_t without;
	bool ok, late;

	if (!read_list(m, e))
		return false;
	before = m->list;
	if (m->told == 0 && (m->list.uidvalidity == 0 || m->list.uidnext > UINT32_MAX - m->n - 1)
	    && !begin_list(m, e))
		return false;
	without = count_without(m);
	if (!without && before.uidvalidity && m->list.uidvalidity == before.uidvalidity)
		return true;
	late = without && number_tail(m, without, &lines);
	if (before.uidvalidity != m->list.uidvalidity)
		ok = uidlist_replace(m->folder, &m->list, str_span(&lines), e);
	else if (before.whole && !late)
		ok = uidlist_append(m->folder, &m->list, str_span(&lines), e);
	else
		ok = rewrite(m, str_span(&lines), false, e);
	str_free(&lines);
	if (!ok)
		m->list = before;
	return ok;
}

/* A failure leaves those out that could not get a UID. */
bool uids_give(struct mailbox *m, struct err *e)
{
	struct store_lock lock;
	bool ok = true;

	if (m->n == m->told && m->list.uidvalidity)
		return true;
	if (!read_list(m, e))
		ok = false;
	else if (count_without(m) || !m->list.uidvalidity)
		ok = store_lock(m->folder, "dovecot-uidlist", &lock, e);
	else {
		settle_tail(m);
		return true;
	}
	if (ok) {
		ok = give_locked(m, e);
		store_unlock(&lock);
	}
	if (ok)
		settle_tail(m);
	else
		entries_cut_tail(m);
	return ok;
}

void uids_compact(struct mailbox *m)
{
	struct store_lock lock;

	if (!m->measured && (m->dead < DEAD_MIN || m->dead < m->list.lines / 4))
		return;
	if (!store_lock(m->folder, "dovecot-uidlist", &lock, NULL))
		return;
	/* nothing came or went since we looked: what has no file now has none at all */
	if (read_list(m, NULL) && rewrite(m, SPAN(""), !scan_stirred(m), NULL)) {
		m->measured = false;
		m->dead = 0;
	}
	store_unlock(&lock);
}
