/*
 * The table of addresses: PEERS_BYTES of shared memory, a head and then rows in buckets
 * of eight. Any number of processes change it at once, with atomics only. Races
 * can make a count wrong by one for a while, never wild. See peers.h.
 */
#include "common/keeper/peers.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/siphash.h"

enum {
	COLUMNS		= 24,		/* fronts of all daemons together that can count */
	BUCKET		= 8,
	MARKS		= 9,		/* wrong passwords remembered, to count each once */
	MINUTE		= 60,
	HOUR		= 3600,
};

static const uint64_t magic = 0x313073726565700a;	/* the layout: another one, another number */

/* 128 bytes: two cache lines. An "age count" keeps a period's number above its count. */
struct row {
	_Atomic uint64_t who;		/* 0: free */
	_Atomic uint64_t connects;	/* minute and count */
	_Atomic uint64_t refused;	/* minute and count */
	_Atomic uint64_t guesses;	/* hour and count of distinct wrong passwords */
	_Atomic uint32_t seen, good, barred;	/* times, seconds */
	_Atomic uint32_t marks[MARKS];
	_Atomic uint16_t open[COLUMNS];	/* connections that each front has */
};

struct head {
	_Atomic uint64_t magic;
	_Atomic uint64_t key[2];
	_Atomic uint64_t beats[COLUMNS];	/* when each front last said that it lives */
	char		 room[4096 - (3 + COLUMNS) * 8];
};

enum { BUCKETS = (PEERS_BYTES - sizeof(struct head)) / sizeof(struct row) / BUCKET };

_Static_assert(sizeof(struct head) == 4096 && sizeof(struct row) == 128, "the layout is the file's");

struct peers {
	struct head	*head;
	struct row	*rows;
	int		 column;	/* ours, or -1 */
};

/* Several may begin at once: all write zeros, one of them wins the key. */
static void begin_table(struct head *h)
{
	uint64_t key[2], none = 0;

	if (getrandom(key, sizeof key, 0) != sizeof key)
		abort();
	memset((char *)h + sizeof *h, 0, PEERS_BYTES - sizeof *h);
	atomic_store(&h->key[0], 0);
	atomic_compare_exchange_strong(&h->key[0], &none, key[0]);
	atomic_store(&h->key[1], key[1]);
	for (int i = 0; i < COLUMNS; i++)
		atomic_store(&h->beats[i], 0);
	atomic_store(&h->magic, magic);
}

struct peers *peers_map(int fd, struct err *e)
{
	struct peers *p;
	struct stat st;
	void *mem;

	if (fstat(fd, &st) < 0 || (st.st_size < PEERS_BYTES && ftruncate(fd, PEERS_BYTES) < 0)) {
		err_sys(e, "cannot use the table of addresses");
		return NULL;
	}
	mem = mmap(NULL, PEERS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED) {
		err_sys(e, "cannot map the table of addresses");
		return NULL;
	}
	p = mem_get(sizeof *p);
	p->head = mem;
	p->rows = (struct row *)((char *)mem + sizeof *p->head);
	p->column = -1;
	if (atomic_load(&p->head->magic) != magic)
		begin_table(p->head);
	return p;
}

void peers_unmap(struct peers *p)
{
	if (!p)
		return;
	if (p->column >= 0)
		atomic_store(&p->head->beats[p->column], 0);
	munmap(p->head, PEERS_BYTES);
	free(p);
}

/* One number per address; IPv6 by /64. IPv4 sits in ::/8, where no IPv6 client comes from. */
static uint64_t name_of(const struct address *who)
{
	uint64_t n = 0;

	for (int i = 0; i < (who->family == 4 ? 4 : 8); i++)
		n = n << 8 | who->bytes[i];
	if (who->family == 4)
		n |= (uint64_t)1 << 32;
	return n ? n : 1;
}

static bool lives(uint64_t beat, time_t now)
{
	int64_t silent = (int64_t)now - (int64_t)beat;

	return beat && silent <= PEERS_SILENT && silent >= -PEERS_SILENT;
}

static unsigned open_now(struct peers *p, struct row *r, time_t now)
{
	unsigned n = 0;

	for (int i = 0; i < COLUMNS; i++) {
		if (lives(atomic_load_explicit(&p->head->beats[i], memory_order_relaxed), now))
			n += atomic_load_explicit(&r->open[i], memory_order_relaxed);
	}
	return n;
}

/* A row that nobody is connected from and that was not seen for longest; NULL when all are in use. */
static struct row *oldest(struct peers *p, struct row *bucket, time_t now)
{
	struct row *old = NULL;

	for (struct row *r = bucket; r < bucket + BUCKET; r++) {
		if (!atomic_load(&r->who))
			return r;
		if (!open_now(p, r, now) && (!old || atomic_load(&r->seen) < atomic_load(&old->seen)))
			old = r;
	}
	return old;
}

static void wipe(struct row *r)
{
	atomic_store(&r->connects, 0);
	atomic_store(&r->refused, 0);
	atomic_store(&r->guesses, 0);
	atomic_store(&r->good, 0);
	atomic_store(&r->barred, 0);
	for (int i = 0; i < MARKS; i++)
		atomic_store(&r->marks[i], 0);
	for (int i = 0; i < COLUMNS; i++)
		atomic_store(&r->open[i], 0);
}

/* The row of an address; made when it is not there. NULL: its bucket is full of connected ones. */
static struct row *row_of(struct peers *p, const struct address *who, time_t now)
{
	uint64_t name = name_of(who), was;
	uint64_t key[2] = { atomic_load(&p->head->key[0]), atomic_load(&p->head->key[1]) };
	uint64_t at = siphash(key, (struct span){ (const char *)&name, sizeof name }) % BUCKETS;
	struct row *bucket = p->rows + at * BUCKET, *r;

	for (r = bucket; r < bucket + BUCKET; r++) {
		if (atomic_load(&r->who) == name)
			return r;
	}
	r = oldest(p, bucket, now);
	if (!r)
		return NULL;
	was = atomic_load(&r->who);
	if (!atomic_compare_exchange_strong(&r->who, &was, name))
		return NULL;			/* somebody was faster; next time */
	wipe(r);
	return r;
}

/* Count one more in the period that now is in; returns the count. */
static unsigned count_in(_Atomic uint64_t *cell, time_t now, unsigned period)
{
	uint64_t age = (uint64_t)now / period, was = atomic_load(cell), is;

	do
		is = was >> 32 == (age & 0xffffffff) ? was + 1 : (age << 32) + 1;
	while (!atomic_compare_exchange_weak(cell, &was, is));
	return (unsigned)is;
}

static unsigned counted_in(_Atomic uint64_t *cell, time_t now, unsigned period)
{
	uint64_t v = atomic_load(cell);

	return v >> 32 == (((uint64_t)now / period) & 0xffffffff) ? (unsigned)v : 0;
}

/* --- for keepers --- */

static struct row *row_of_text(struct peers *p, const char *ip, time_t now)
{
	struct address who;
	struct row *r;

	if (!p || !address_parse(span_of(ip), &who))
		return NULL;
	r = row_of(p, &who, now);
	if (r)
		atomic_store(&r->seen, (uint32_t)now);
	return r;
}

static bool trusted(struct row *r, time_t now)
{
	uint32_t good = atomic_load(&r->good);

	return good && (int64_t)now - good < PEERS_TRUST;
}

bool peers_may_login(struct peers *p, const char *ip, time_t now, struct err *e)
{
	struct row *r = row_of_text(p, ip, now);

	if (!r || trusted(r, now) || atomic_load(&r->barred) <= (uint32_t)now)
		return true;
	return err_perm(e, "4.7.0", "too many wrong passwords from %s, try again later", ip);
}

/* Has this wrong password been counted? It has now. */
static bool known_mark(struct row *r, uint32_t mark)
{
	for (int i = 0; i < MARKS; i++) {
		if (atomic_load(&r->marks[i]) == mark)
			return true;
	}
	for (int i = MARKS - 1; i > 0; i--)
		atomic_store(&r->marks[i], atomic_load(&r->marks[i - 1]));
	atomic_store(&r->marks[0], mark);
	return false;
}

unsigned peers_login_failed(struct peers *p, const char *ip, uint64_t mark, time_t now)
{
	struct row *r = row_of_text(p, ip, now);
	uint32_t small = (uint32_t)(mark ^ mark >> 32) | 1;
	unsigned n;

	if (!r || known_mark(r, small))
		return 2;
	n = count_in(&r->guesses, now, HOUR);
	if (n >= PEERS_GUESSES)
		atomic_store(&r->barred, (uint32_t)(now + HOUR));
	return n < 4 ? 1u << n : 16;		/* 2, 4, 8, 16 seconds */
}

void peers_login_ok(struct peers *p, const char *ip, time_t now)
{
	struct row *r = row_of_text(p, ip, now);

	if (r)
		atomic_store(&r->good, (uint32_t)now);
}

/* --- for fronts --- */

/* Take a column whose front is dead or never was. Its old counts are nobody's. */
static bool take_column(struct peers *p, int column, time_t now)
{
	uint64_t beat = atomic_load(&p->head->beats[column]);

	if (lives(beat, now) ||
	    !atomic_compare_exchange_strong(&p->head->beats[column], &beat, (uint64_t)now))
		return false;
	for (size_t i = 0; i < (size_t)BUCKETS * BUCKET; i++) {
		/* Look first: writing would give every page of the table memory. */
		if (atomic_load_explicit(&p->rows[i].open[column], memory_order_relaxed))
			atomic_store(&p->rows[i].open[column], 0);
	}
	p->column = column;
	return true;
}

void peers_beat(struct peers *p, time_t now)
{
	if (p->column >= 0) {
		atomic_store(&p->head->beats[p->column], (uint64_t)now);
		return;
	}
	for (int i = 0; i < COLUMNS; i++) {
		if (take_column(p, i, now))
			return;
	}
}

struct peers_seat peers_enter(struct peers *p, const struct address *who, struct peers_limits limits, time_t now)
{
	struct peers_seat seat = { PEERS_WELCOME, -1, 0 };
	struct row *r = row_of(p, who, now);

	if (!r)
		return seat;
	atomic_store(&r->seen, (uint32_t)now);
	if (limits.open && open_now(p, r, now) >= limits.open)
		seat.verdict = PEERS_TOO_MANY;
	else if (limits.per_minute && counted_in(&r->connects, now, MINUTE) >= limits.per_minute)
		seat.verdict = PEERS_TOO_FAST;
	if (seat.verdict != PEERS_WELCOME) {
		seat.refused = count_in(&r->refused, now, MINUTE);
		return seat;
	}
	count_in(&r->connects, now, MINUTE);
	if (p->column < 0)
		return seat;
	atomic_fetch_add(&r->open[p->column], 1);
	seat.place = (int)(r - p->rows);
	return seat;
}

void peers_leave(struct peers *p, int place)
{
	_Atomic uint16_t *open;
	uint16_t was;

	if (place < 0 || p->column < 0)
		return;
	open = &p->rows[place].open[p->column];
	was = atomic_load(open);
	while (was && !atomic_compare_exchange_weak(open, &was, (uint16_t)(was - 1)))
		;
}
