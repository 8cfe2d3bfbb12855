/* Any bytes as dovecot-uidlist: what is read and printed reads back the same. */
#include <assert.h>

#include "common/store/keywords.h"
#include "common/store/uidlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_back(struct span printed, const struct uidlist_line *line)
{
	struct uidlist u = { .whole = true };
	struct uidlist_line got;

	assert(uidlist_take_line(&printed, &u, &got) && u.whole && printed.n == 0);
	assert(got.uid == line->uid && span_same(got.base, line->base) &&
	    span_same(got.fields, line->fields));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, was = in;
	struct str out = STR(2 * n + 256);
	struct uidlist_line line;
	struct uidlist u = { 0 };
	struct keywords k;
	uint32_t last = 0;

	keywords_parse(in, &k);
	if (!uidlist_take_head(&in, &u)) {
		assert(in.p == was.p && in.n == was.n && u.uidvalidity == 0);
		return 0;
	}
	while (uidlist_take_line(&in, &u, &line)) {
		assert(line.uid > last && u.uidnext >= line.uid && line.base.n);
		last = line.uid;
		str_reset(&out);
		uidlist_print_line(&line, &out);
		read_back(str_span(&out), &line);
	}
	str_free(&out);
	return 0;
}
