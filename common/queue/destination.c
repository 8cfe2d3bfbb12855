/* A destination's facts as text. See destination.h. */
#include "common/queue/destination.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/tame.h"
#include "common/queue/plan.h"

enum kind { WIDE, NARROW, TEXT };

struct field { const char *key; enum kind kind; size_t at, size; };

#define WIDE(key, member)	{ key, WIDE, offsetof(struct destination, member), 0 }
#define NARROW(key, member)	{ key, NARROW, offsetof(struct destination, member), 0 }
#define TEXT(key, member)	{ key, TEXT, offsetof(struct destination, member), sizeof(((struct destination *)0)->member) }

static const struct field fields[] = {
	WIDE("first", first),			WIDE("used", used),
	WIDE("taken-at", taken_at),		WIDE("failed-at", failed_at),
	WIDE("dead-until", dead_until),		WIDE("taken", taken),
	WIDE("failed", failed),			NARROW("limit", pace.limit),
	NARROW("polite", pace.polite),		WIDE("refused", pace.refused),
	NARROW("fails", pace.fails),		NARROW("concurrency", pace.ceiling),
	NARROW("family", family),		NARROW("extensions", extensions),
	TEXT("host", host),			TEXT("ip", ip),
	TEXT("tls", tls),			TEXT("status", status),
	TEXT("why", why),
};
enum { FIELDS = sizeof fields / sizeof *fields };

static void print_text(const char *key, const char *text, struct str *out)
{
	size_t from;

	str_addf(out, "%s: ", key);
	from = out->n;
	str_add_text(out, text);
	str_cut(out, from + tame(out->p + from, out->n - from));
	str_add_char(out, '\n');
}

static void print_field(const struct field *f, const struct destination *d, struct str *out)
{
	const char *at = (const char *)d + f->at;
	int64_t number = 0;

	if (f->kind == WIDE)
		number = *(const int64_t *)(const void *)at;
	else if (f->kind == NARROW)
		number = *(const unsigned *)(const void *)at;
	if (f->kind == TEXT && *at)
		print_text(f->key, at, out);
	else if (f->kind != TEXT && number > 0)
		str_addf(out, "%s: %" PRId64 "\n", f->key, number);
}

void destination_print(const struct destination *d, struct str *out)
{
	for (size_t i = 0; i < FIELDS; i++)
		print_field(&fields[i], d, out);
}

static void take_field(const struct field *f, struct span value, struct destination *d)
{
	char *at = (char *)d + f->at;
	uint64_t number;

	if (f->kind == TEXT)
		span_copy(span_to(value, f->size - 1), at, f->size);
	else if (!span_u64(value, f->kind == WIDE ? INT64_MAX : UINT32_MAX, &number))
		return;
	else if (f->kind == WIDE)
		*(int64_t *)(void *)at = (int64_t)number;
	else
		*(unsigned *)(void *)at = (unsigned)number;
}

void destination_parse(struct span text, struct destination *d)
{
	struct span line, key;

	*d = (struct destination){ 0 };
	while (span_cut(&text, '\n', &line)) {
		if (!span_cut(&line, ':', &key))
			continue;
		for (size_t i = 0; i < FIELDS; i++) {
			if (span_same(key, span_of(fields[i].key)))
				take_field(&fields[i], span_trim(line), d);
		}
	}
}

/* --- by a person --- */

static bool edit_dead(struct destination *d, struct span value, int64_t now)
{
	uint64_t seconds;

	if (span_is(value, "no")) {
		d->dead_until = 0;
		d->pace.fails = 0;
		return true;
	}
	if (!span_time(value, &seconds))
		return false;
	d->failed_at = now;
	d->dead_until = now + (int64_t)seconds;
	snprintf(d->status, sizeof d->status, "4.3.2");
	snprintf(d->why, sizeof d->why, "the administrator keeps mail for it back");
	return true;
}

static bool edit_family(struct destination *d, struct span value)
{
	if (!span_is(value, "4") && !span_is(value, "6") && !span_is(value, "any"))
		return false;
	d->family = span_is(value, "any") ? 0 : (unsigned)(*value.p - '0');
	return true;
}

static bool edit_concurrency(struct destination *d, struct span value)
{
	uint64_t n;

	if (!span_u64(value, 1000, &n))
		return false;
	d->pace.ceiling = (unsigned)n;
	if (n && d->pace.limit > n)
		d->pace.limit = (unsigned)n;
	return true;
}

bool destination_edit(struct destination *d, struct span word, int64_t now, struct err *e)
{
	struct span value = word, key;
	bool ok = false;

	if (!span_cut(&value, '=', &key))
		return err_perm(e, "5.3.5", "\"" SPAN_FMT "\" is not KEY=VALUE", SPAN_ARG(word));
	if (span_same(key, SPAN("concurrency")))
		ok = edit_concurrency(d, value);
	else if (span_same(key, SPAN("dead")))
		ok = edit_dead(d, value, now);
	else if (span_same(key, SPAN("family")))
		ok = edit_family(d, value);
	else
		return err_perm(e, "5.3.5",
		    "a destination has no \"" SPAN_FMT "\" to set: concurrency, dead, family",
		    SPAN_ARG(key));
	return ok || err_perm(e, "5.3.5", "\"" SPAN_FMT "\" is nothing that " SPAN_FMT " can be", SPAN_ARG(value), SPAN_ARG(key));
}
