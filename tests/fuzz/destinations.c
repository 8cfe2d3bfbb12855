/* A text of destinations(5): what a line says is a way, and printed it says so again. */
#include <assert.h>

#include "common/directory/destinations.h"
#include "common/directory/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_places(const char *via)
{
	struct span rest = span_of(via);
	struct way_place p;

	while (rest.n) {
		assert(way_place(&rest, &p));
		assert(*p.host && (*p.host == '/' ? p.lmtp : true));
	}
}

static void check_line(struct span line, struct arena *a)
{
	struct destinations_row row;
	struct str once = STR(2 * WAY_TEXT), twice = STR(2 * WAY_TEXT);
	struct way w = way_plain, again = way_plain;
	struct err e;

	if (!destinations_line_parse(line, &row, &e)) {
		assert(e.kind == ERR_PERM && e.text[0]);
		return;
	}
	assert(row.name.n && row.name.p >= line.p && row.words.p + row.words.n <= line.p + line.n);
	assert(way_read(row.words, a, &w, NULL));
	check_places(w.via);
	way_print(&w, &way_plain, &once);
	assert(way_read(str_span(&once), a, &again, NULL));
	way_print(&again, &way_plain, &twice);
	assert(span_same(str_span(&once), str_span(&twice)));
	str_free(&once);
	str_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span all = { (const char *)bytes, n }, line;
	struct arena *a = arena_new(64 << 20, NULL, NULL);
	struct text t;

	text_begin(&t, all, true);
	while (text_next(&t, &line)) {
		check_line(line, a);
		arena_reset(a);
	}
	text_end(&t);
	arena_free(a);
	return 0;
}
