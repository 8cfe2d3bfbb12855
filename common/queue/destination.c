/* A destination's facts as text. See destination.h. */
#include "common/queue/destination.h"

#include <inttypes.h>
#include <stddef.h>

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

static void print_field(const struct field *f, const struct destination *d, struct str *out)
{
	const char *at = (const char *)d + f->at;
	int64_t number = 0;

	if (f->kind == WIDE)
		number = *(const int64_t *)(const void *)at;
	else if (f->kind == NARROW)
		number = *(const unsigned *)(const void *)at;
	if (f->kind == TEXT && *at)
		str_addf(out, "%s: %s\n", f->key, at);
	else if (f->kind != TEXT && number > 0)
		str_addf(out, "%s: %" PRId64 "\n", f->key, number);
}

/* Control characters would be lines of their own. */
static void tame(struct str *out, size_t from)
{
	for (size_t i = from; i < out->n; i++) {
		if (((unsigned char)out->p[i] < 0x20 && out->p[i] != '\n') || out->p[i] == 0x7f)
			out->p[i] = '?';
	}
}

void destination_print(const struct destination *d, struct str *out)
{
	size_t from = out->n;

	for (size_t i = 0; i < FIELDS; i++)
		print_field(&fields[i], d, out);
	tame(out, from);
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
