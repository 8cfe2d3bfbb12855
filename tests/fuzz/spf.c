/*
 * A whole check against records a stranger wrote. Input: the lines of a zone, the first of
 * them "IP HELO SENDER".
 */
#include <assert.h>

#include "common/trust/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { LINES_MAX = 64, LINE_MAX_TEXT = 600 };

static size_t take_lines(struct span in, struct arena *a, const char *lines[LINES_MAX])
{
	struct zone_record ignored;
	struct span line;
	size_t count = 0;

	while (in.n && count < LINES_MAX) {
		if (!span_cut(&in, '\n', &line))
			line = span_take(&in, in.n);
		if (line.n <= LINE_MAX_TEXT && !span_has(line, '\0') &&
		    zone_line_parse(line, &ignored, NULL))
			lines[count++] = arena_text(a, line);
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, first;
	struct arena *a = arena_new(256 << 20, NULL, NULL);
	const char *lines[LINES_MAX];
	struct spf_facts f = { .receiver = "mx.here.test", .until = clock_in(60) };
	struct spf_verdict v;
	struct trust_dns dns;
	struct str out = STR(10000);

	if (span_cut(&in, '\n', &first) && address_parse(span_word(&first), &f.ip)) {
		f.helo = arena_text(a, span_word(&first));
		f.sender = arena_text(a, span_word(&first));
		dns = trust_dns_zone(zone_new(lines, take_lines(in, a, lines), a, NULL));
		spf_check(&f, &dns, a, &v);
		assert(*v.why && v.result != TRUST_POLICY);
		assert(v.lookups <= 2 * SPF_LOOKUPS_MAX + SPF_LOOKUPS_MAX &&
		    v.voids <= SPF_VOIDS_MAX + 1);
		for (const char *p = v.explanation; *p; p++)
			assert(*p >= 0x20 && *p < 0x7f);
		spf_print_received(&f, &v, &out);
	}
	str_free(&out);
	arena_free(a);
	return 0;
}
