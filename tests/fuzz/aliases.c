/* A text of aliases(5): lines inside their text, and what the parser took it can take again. */
#include <assert.h>

#include "common/directory/aliases.h"
#include "common/directory/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_line(struct span line)
{
	struct aliases_row row;
	struct span target;
	struct err e;
	size_t count = 0;

	if (!aliases_line_parse(line, &row, &e)) {
		assert(e.kind == ERR_PERM && e.text[0]);
		return;
	}
	assert(row.name.n && row.name.p >= line.p && row.name.p + row.name.n <= line.p + line.n);
	while (aliases_target(&row.targets, &target)) {
		struct aliases_part part = aliases_part(target);

		assert(target.n && *target.p != '|' && *target.p != '/');
		assert(part.may && part.name.n && part.name.p >= target.p &&
		    part.name.p + part.name.n <= target.p + target.n);
		aliases_fits(row.name, part.name);
		count++;
	}
	assert(count == row.count && count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span all = { (const char *)bytes, n }, line;
	struct text t;
	size_t raw = 0;

	text_begin(&t, all, true);
	while (text_next(&t, &line)) {
		assert(t.raw.p >= all.p && t.raw.p + t.raw.n <= all.p + all.n);
		raw += t.raw.n;
		check_line(line);
	}
	assert(raw <= all.n);
	text_end(&t);
	return 0;
}
