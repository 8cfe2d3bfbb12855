/* Rows of TLS reports. See tally.h. */
#include "mta/tally.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/siphash.h"
#include "common/base/str.h"
#include "common/os/log.h"
#include "common/trust/tlsrpt.h"
#include "mta/rows.h"

enum { DAY_S = 86400 };

/* "DOMAIN REST", where rest begins. */
static char *key_of(struct span domain, struct span rest, size_t *at)
{
	struct str key = STR(TLSRPT_ROW_MAX);
	char *text;

	str_addf(&key, SPAN_FMT " ", SPAN_ARG(domain));
	*at = key.n;
	str_add(&key, rest);
	text = mem_text(key.p);
	str_free(&key);
	return text;
}

static struct counted *find(struct tally *t, uint64_t hash, const char *text)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->rows[i].hash == hash && strcmp(t->rows[i].text, text) == 0)
			return &t->rows[i];
	}
	return NULL;
}

bool tally_add(struct tally *t, int directory, struct span row, int64_t now)
{
	static const uint64_t key[2] = { 0 };	/* a comparison follows, and there are few */
	struct span domain, rest;
	struct counted *c, fresh = { .count = 0 };
	uint64_t count;

	if (row.n > TLSRPT_ROW_MAX - 2 || span_has(row, '\n') || span_has(row, '\0') ||
	    !tlsrpt_row_count(row, &domain, &count, &rest))
		return false;
	if (t->count == TALLY_ROWS || (t->count && now / DAY_S != t->since / DAY_S))
		tally_flush(t, directory);
	fresh.text = key_of(domain, rest, &fresh.rest);
	fresh.hash = siphash(key, span_of(fresh.text));
	c = find(t, fresh.hash, fresh.text);
	if (c) {
		free(fresh.text);
	} else {
		t->since = t->count ? t->since : now;
		c = &t->rows[t->count++];
		*c = fresh;
	}
	c->count += count;
	return true;
}

void tally_flush(struct tally *t, int directory)
{
	struct str row = STR(TLSRPT_ROW_MAX + 32);
	bool ok = directory >= 0;
	struct err e;

	for (size_t i = 0; i < t->count; i++) {
		struct counted *c = &t->rows[i];

		str_reset(&row);
		str_add(&row, span_to(span_of(c->text), c->rest));
		str_addf(&row, "%" PRIu64 " %s", c->count, c->text + c->rest);
		if (ok && !row.over &&
		    !rows_add(directory, "tlsrpt", str_span(&row), t->since, &e)) {
			log_error("TLS reports: %s", e.text);
			ok = false;
		}
		free(c->text);
	}
	t->count = 0;
	str_free(&row);
}
