/* Zone lines: whatever a line is, what it becomes can be asked for. */
#include "common/net/zone.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ask_back(struct span in, const struct zone_record *r)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	const char *line = arena_text(a, in);
	char ask[DNS_NAME];
	struct dns_answer answer;
	struct zone *z;
	struct err e;

	z = zone_new(&line, 1, a, &e);
	if (z && *line && strlen(line) == in.n && r->type != (enum dns_type)DNS_SOA &&
	    !span_has(in, '#')) {
		assert(zone_find(z, r->name, r->type, a, &answer, ask));
		assert(answer.found == DNS_YES && answer.count == 1);
		assert(span_same(answer.records[0], (struct span){ r->rdata, r->n }));
	}
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct zone_record r;
	struct err e;

	if (zone_line_parse(in, &r, &e)) {
		assert(r.n <= ZONE_RDATA && strlen(r.name) < DNS_NAME);
		ask_back(in, &r);
	} else {
		assert(e.kind == ERR_PERM && e.text[0]);
	}
	return 0;
}
