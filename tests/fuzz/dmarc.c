/*
 * From a header to a verdict, with records that a stranger wrote; and Authentication-Results read
 * back. Input: the lines of a zone, a line "--", a header.
 */
#include <assert.h>

#include "common/trust/authres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { LINES_MAX = 64, LINE_MAX_TEXT = 600 };

static struct zone *take_zone(struct span *in, struct arena *a)
{
	const char *lines[LINES_MAX];
	struct zone_record ignored;
	struct span line;
	size_t count = 0;

	while (span_cut(in, '\n', &line) && !span_same(line, SPAN("--"))) {
		if (count < LINES_MAX && line.n <= LINE_MAX_TEXT && !span_has(line, '\0') &&
		    zone_line_parse(line, &ignored, NULL))
			lines[count++] = arena_text(a, line);
	}
	return zone_new(lines, count, a, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, address;
	struct arena *a = arena_new(256 << 20, NULL, NULL);
	struct trust_dns dns = trust_dns_zone(take_zone(&in, a));
	struct dmarc_vouch dkim[] = { { "a.test", TRUST_PASS }, { "b.a.test", TRUST_TEMPERROR } };
	struct dmarc_facts f = { .spf = { "c.a.test", TRUST_PASS }, .dkim = dkim, .dkim_count = 2 };
	struct dmarc_verdict v;
	struct header h;
	struct err e;

	header_index(in, a, &h);
	for (size_t i = 0; i < h.count; i++)
		authres_claims(h.fields[i].value, "mx.a.test");
	if (dmarc_author(&h, a, &f.author, &e)) {
		assert(strlen(f.author) < DNS_NAME);
		dmarc_check(&f, &dns, a, &v);
		assert(*v.why && v.policy <= v.wanted && v.wanted <= DMARC_REJECT);
		assert(v.result != TRUST_FAIL || v.wanted);
		while (dmarc_eat_mailto(&v.record.rua, &address))
			assert(address.n >= 2);
	} else {
		assert(e.kind == ERR_PERM && e.text[0]);
	}
	arena_free(a);
	return 0;
}
