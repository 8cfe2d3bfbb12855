/* How much a login has sent, and whether that is too much. See tally.h. */
#include "common/directory/tally.h"

enum { VERSION = 1, HOUR_S = 3600, DAY_S = 86400 };

/* ---- counts ---- */

static bool read_tally(struct span value, struct tally *t)
{
	if (value.n != sizeof *t)
		return false;
	memcpy(t, value.p, sizeof *t);
	return t->version == VERSION && t->hour >= 0;
}

/* A clock that was set back by more than a day makes all of it worthless. */
void tally_read(struct span value, time_t now, struct tally *t)
{
	int64_t hour = now / HOUR_S;

	if (!read_tally(value, t) || hour - t->hour >= TALLY_HOURS ||
	    t->hour - hour > TALLY_HOURS) {
		int64_t told = read_tally(value, t) ? t->told : 0;

		*t = (struct tally){ .version = VERSION, .hour = hour, .told = told };
		return;
	}
	while (t->hour < hour) {
		t->hour++;
		memset(t->counts[t->hour % TALLY_HOURS], 0, sizeof t->counts[0]);
	}
}

struct span tally_value(const struct tally *t)
{
	return (struct span){ (const char *)t, sizeof *t };
}

uint64_t tally_sum(const struct tally *t, enum tally_kind kind)
{
	uint64_t sum = 0;

	for (int i = 0; i < TALLY_HOURS; i++)
		sum += t->counts[i][kind];
	return sum;
}

enum tally_kind tally_judge(const struct tally *t, const uint64_t limits[TALLY_KINDS],
    const uint64_t more[TALLY_KINDS])
{
	for (enum tally_kind kind = 0; kind < TALLY_KINDS; kind++) {
		if (limits[kind] && more[kind] && tally_sum(t, kind) + more[kind] > limits[kind])
			return kind;
	}
	return TALLY_KINDS;
}

void tally_add(struct tally *t, const uint64_t more[TALLY_KINDS])
{
	uint32_t *now = t->counts[t->hour % TALLY_HOURS];

	for (enum tally_kind kind = 0; kind < TALLY_KINDS; kind++)
		now[kind] = more[kind] > UINT32_MAX - now[kind] ? UINT32_MAX : now[kind] + (uint32_t)more[kind];
}

bool tally_tell(struct tally *t, time_t now)
{
	if (t->told && t->told <= now && now - t->told < DAY_S)
		return false;
	t->told = now;
	return true;
}

bool tally_is_over(struct span value, time_t now)
{
	struct tally t;

	return !read_tally(value, &t) ||
	    (now / HOUR_S - t.hour >= TALLY_HOURS && now - t.told >= DAY_S);
}

/* ---- recipients ---- */

static bool is_fresh(const struct shelf_place *p, int64_t today)
{
	return p->day > 0 && p->day <= today + 1 && today - p->day <= SHELF_DAYS;
}

void recipients_read(struct span value, time_t now, struct recipients *r)
{
	*r = (struct recipients){ .places[0].day = 0 };
	if (value.n == sizeof *r)
		memcpy(r, value.p, sizeof *r);
	for (int i = 0; i < SHELF_PLACES; i++) {
		if (!is_fresh(&r->places[i], now / DAY_S))
			r->places[i] = (struct shelf_place){ 0, 0 };
	}
}

struct span recipients_value(const struct recipients *r)
{
	return (struct span){ (const char *)r, sizeof *r };
}

bool recipients_know(const struct recipients *r, uint64_t hash)
{
	for (int i = 0; i < SHELF_PLACES; i++) {
		if (r->places[i].day && r->places[i].hash == hash)
			return true;
	}
	return false;
}

void recipients_note(struct recipients *r, uint64_t hash, time_t now)
{
	struct shelf_place *oldest = &r->places[0];

	for (int i = 0; i < SHELF_PLACES; i++) {
		struct shelf_place *p = &r->places[i];

		if (p->day && p->hash == hash) {
			oldest = p;
			break;
		}
		if (p->day < oldest->day)
			oldest = p;
	}
	*oldest = (struct shelf_place){ hash, now / DAY_S };
}

bool recipients_are_over(struct span value, time_t now)
{
	struct recipients r;

	recipients_read(value, now, &r);
	for (int i = 0; i < SHELF_PLACES; i++) {
		if (r.places[i].day)
			return false;
	}
	return true;
}
