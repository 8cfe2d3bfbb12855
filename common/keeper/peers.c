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

static const uint64_t magic = 0x323073726565700a; /* the layout: another one, another number */

enum { BY_MINUTE = TALLY_COUNT - TALLY_NOW };

/* 256 bytes: four cache lines. An "age count" keeps a period's number above its count. */
struct row {
	_Atomic uint64_t who;		/* 0: free */
	_Atomic uint64_t minutes[BY_MINUTE];	/* minute and count, from TALLY_NOW on */
	_Atomic uint64_t refused;	/* minute and count */
	_Atomic uint64_t guesses;	/* hour and count of distinct wrong passwords */
	_Atomic uint32_t seen, good, barred;	/* times, seconds */
	_Atomic uint32_t marks[MARKS];
	_Atomic uint16_t now[TALLY_NOW][COLUMNS];	/* what each front has open */
};

struct head {
	_Atomic uint64_t magic;
	_Atomic uint64_t key[2];
	_Atomic uint64_t beats[COLUMNS];	/* when each front last said that it lives */
	char		 room[4096 - (3 + COLUMNS) * 8];
};

enum { BUCKETS = (PEERS_BYTES - sizeof(struct head)) / sizeof(struct row) / BUCKET };

_Static_assert(sizeof(struct head) == 4096 && sizeof(struct row) == 256, "the layout is the file's");

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

	if (fstat(fd, &st) < 0 || st.st_size < PEERS_BYTES) {
		err_perm(e, "5.3.5", "the table of addresses is too short");
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

/* So many bytes of an address make one row. */
static unsigned bytes_of(const struct address *who, enum whose of)
{
	if (who->family == 4)
		return of == OF_ADDRESS ? 4 : 3;
	return of == OF_ADDRESS ? 8 : 6;
}

/* One number per row. IPv4 and networks sit in ::/8, where no IPv6 client comes from. */
static uint64_t name_of(const struct address *who, enum whose of)
{
	unsigned bytes = bytes_of(who, of);
	uint64_t n = 0;

	for (unsigned i = 0; i < bytes; i++)
		n = n << 8 | who->bytes[i];
	if (bytes < 8)
		n |= (uint64_t)bytes << 48;
	return n ? n : 1;
}

static bool lives(uint64_t beat, time_t now)
{
	int64_t silent = (int64_t)now - (int64_t)beat;

	return beat && silent <= PEERS_SILENT && silent >= -PEERS_SILENT;
}

static unsigned now_of(struct peers *p, struct row *r, enum tally what, time_t now)
{
	unsigned n = 0;

	for (int i = 0; i < COLUMNS; i++) {
		if (lives(atomic_load_explicit(&p->head->beats[i], memory_order_relaxed), now))
			n += atomic_load_explicit(&r->now[what][i], memory_order_relaxed);
	}
	return n;
}

/* Somebody is connected from there; a network only counts strangers. */
static bool in_use(struct peers *p, struct row *r, time_t now)
{
	return now_of(p, r, TALLY_OPEN, now) || now_of(p, r, TALLY_STRANGERS, now);
}

/* A row that nobody is connected from and that was not seen for longest; NULL when all are in use. */
static struct row *oldest(struct peers *p, struct row *bucket, time_t now)
{
	struct row *old = NULL;

	for (struct row *r = bucket; r < bucket + BUCKET; r++) {
		if (!atomic_load(&r->who))
			return r;
		if (!in_use(p, r, now) && (!old || atomic_load(&r->seen) < atomic_load(&old->seen)))
			old = r;
	}
	return old;
}

static void wipe(struct row *r)
{
	for (int i = 0; i < BY_MINUTE; i++)
		atomic_store(&r->minutes[i], 0);
	atomic_store(&r->refused, 0);
	atomic_store(&r->guesses, 0);
	atomic_store(&r->good, 0);
	atomic_store(&r->barred, 0);
	for (int i = 0; i < MARKS; i++)
		atomic_store(&r->marks[i], 0);
	for (int what = 0; what < TALLY_NOW; what++) {
		for (int i = 0; i < COLUMNS; i++)
			atomic_store(&r->now[what][i], 0);
	}
}

static struct row *bucket_of(struct peers *p, uint64_t name)
{
	uint64_t key[2] = { atomic_load(&p->head->key[0]), atomic_load(&p->head->key[1]) };
	uint64_t at = siphash(key, (struct span){ (const char *)&name, sizeof name }) % BUCKETS;

	return p->rows + at * BUCKET;
}

static struct row *find_row(struct peers *p, const struct address *who, enum whose of)
{
	uint64_t name = name_of(who, of);
	struct row *bucket = bucket_of(p, name);

	for (struct row *r = bucket; r < bucket + BUCKET; r++) {
		if (atomic_load(&r->who) == name)
			return r;
	}
	return NULL;
}

/* The row of an address; made when it is not there. NULL: its bucket is full of connected ones. */
static struct row *row_of(struct peers *p, const struct address *who, enum whose of, time_t now)
{
	uint64_t name = name_of(who, of), was;
	struct row *r = find_row(p, who, of);

	if (r)
		return r;
	r = oldest(p, bucket_of(p, name), now);
	if (!r)
		return NULL;
	was = atomic_load(&r->who);
	if (!atomic_compare_exchange_strong(&r->who, &was, name))
		return NULL;			/* somebody was faster; next time */
	wipe(r);
	return r;
}

/* Count n more in the period that now is in; returns the count. It stays far below the 32 bits it has. */
static unsigned count_in(_Atomic uint64_t *cell, unsigned n, time_t now, unsigned period)
{
	uint64_t age = (uint64_t)now / period, was = atomic_load(cell), is;

	do
		is = was >> 32 == (age & 0xffffffff) ? was + n : (age << 32) + n;
	while (!atomic_compare_exchange_weak(cell, &was, is));
	return (unsigned)is;
}

static unsigned counted_in(_Atomic uint64_t *cell, time_t now, unsigned period)
{
	uint64_t v = atomic_load(cell);

	return v >> 32 == (((uint64_t)now / period) & 0xffffffff) ? (unsigned)v : 0;
}

/* One less, where it was counted in this period. */
static void count_back(_Atomic uint64_t *cell, time_t now, unsigned period)
{
	uint64_t age = (uint64_t)now / period, was = atomic_load(cell);

	while (was >> 32 == (age & 0xffffffff) && (uint32_t)was &&
	    !atomic_compare_exchange_weak(cell, &was, was - 1))
		;
}

/* --- for keepers --- */

static struct row *row_of_text(struct peers *p, const char *ip, time_t now)
{
	struct address who;
	struct row *r;

	if (!p || !address_parse(span_of(ip), &who))
		return NULL;
	r = row_of(p, &who, OF_ADDRESS, now);
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
	n = count_in(&r->guesses, 1, now, HOUR);
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

/* Look first: writing would give every page of the table memory. */
static void clear_column(struct row *r, int column)
{
	for (int what = 0; what < TALLY_NOW; what++) {
		if (atomic_load_explicit(&r->now[what][column], memory_order_relaxed))
			atomic_store(&r->now[what][column], 0);
	}
}

/* Take a column whose front is dead or never was. Its old counts are nobody's. */
static bool take_column(struct peers *p, int column, time_t now)
{
	uint64_t beat = atomic_load(&p->head->beats[column]);

	if (lives(beat, now) ||
	    !atomic_compare_exchange_strong(&p->head->beats[column], &beat, (uint64_t)now))
		return false;
	for (size_t i = 0; i < (size_t)BUCKETS * BUCKET; i++)
		clear_column(&p->rows[i], column);
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

static void look_at(struct peers *p, struct row *r, time_t now, uint64_t is[TALLY_COUNT])
{
	for (int what = 0; what < TALLY_COUNT; what++) {
		if (!r)
			is[what] = 0;
		else if (what < TALLY_NOW)
			is[what] = now_of(p, r, (enum tally)what, now);
		else
			is[what] = counted_in(&r->minutes[what - TALLY_NOW], now, MINUTE);
	}
}

void peers_look(struct peers *p, const struct address *who, time_t now, struct counts *is)
{
	look_at(p, find_row(p, who, OF_ADDRESS), now, is->of[OF_ADDRESS]);
	look_at(p, find_row(p, who, OF_NETWORK), now, is->of[OF_NETWORK]);
}

unsigned peers_turned_away(struct peers *p, const struct address *who, time_t now)
{
	struct row *r = row_of(p, who, OF_ADDRESS, now);

	if (!r)
		return 1;
	atomic_store(&r->seen, (uint32_t)now);
	return count_in(&r->refused, 1, now, MINUTE);
}

void peers_count(struct peers *p, const struct address *who, enum tally what, unsigned n, time_t now)
{
	struct row *r = n ? row_of(p, who, OF_ADDRESS, now) : NULL;

	if (!r || what < TALLY_NOW)
		return;
	atomic_store(&r->seen, (uint32_t)now);
	count_in(&r->minutes[what - TALLY_NOW], n, now, MINUTE);
}

static void more_now(struct peers *p, int place, enum tally what)
{
	if (place >= 0 && p->column >= 0)
		atomic_fetch_add(&p->rows[place].now[what][p->column], 1);
}

static void less_now(struct peers *p, int place, enum tally what)
{
	_Atomic uint16_t *cell;
	uint16_t was;

	if (place < 0 || p->column < 0)
		return;
	cell = &p->rows[place].now[what][p->column];
	was = atomic_load(cell);
	while (was && !atomic_compare_exchange_weak(cell, &was, (uint16_t)(was - 1)))
		;
}

/* A row to be counted in from now on. */
static int take_place(struct peers *p, const struct address *who, enum whose of, time_t now)
{
	struct row *r = row_of(p, who, of, now);

	if (!r)
		return -1;
	atomic_store(&r->seen, (uint32_t)now);
	return p->column < 0 ? -1 : (int)(r - p->rows);
}

struct peers_seat peers_enter(struct peers *p, const struct address *who, time_t now)
{
	struct peers_seat seat = { .stranger = true };

	seat.address = take_place(p, who, OF_ADDRESS, now);
	more_now(p, seat.address, TALLY_OPEN);		/* at once: now the row is in use */
	more_now(p, seat.address, TALLY_STRANGERS);
	seat.network = take_place(p, who, OF_NETWORK, now);
	more_now(p, seat.network, TALLY_STRANGERS);
	peers_count(p, who, TALLY_CONNECTS, 1, now);
	return seat;
}

static void stranger_no_more(struct peers *p, struct peers_seat *seat)
{
	if (seat->stranger) {
		less_now(p, seat->address, TALLY_STRANGERS);
		less_now(p, seat->network, TALLY_STRANGERS);
	}
	seat->stranger = false;
}

void peers_leave(struct peers *p, struct peers_seat *seat)
{
	peers_data(p, seat, false);
	stranger_no_more(p, seat);
	less_now(p, seat->address, TALLY_OPEN);
	*seat = PEERS_NOWHERE;
}

void peers_known(struct peers *p, struct peers_seat *seat, time_t now)
{
	bool was_stranger = seat->stranger;

	stranger_no_more(p, seat);
	if (was_stranger && seat->address >= 0)
		count_back(&p->rows[seat->address].minutes[TALLY_CONNECTS - TALLY_NOW], now, MINUTE);
}

void peers_data(struct peers *p, struct peers_seat *seat, bool yes)
{
	if (yes && !seat->in_data)
		more_now(p, seat->address, TALLY_DATA);
	if (!yes && seat->in_data)
		less_now(p, seat->address, TALLY_DATA);
	seat->in_data = yes;
}
