/* Header edits: op, number, then name, value and header, parted by NULs. Ours stays; one value is one field. */
#include <assert.h>

#include "common/mail/edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define OURS "Received: by us\n\tfor you\n"

static unsigned count(const struct edit *d)
{
	struct field f;
	unsigned n = 0;

	for (size_t at = 0; edit_next(d, &at, &f);)
		n++;
	return n;
}

static bool run(struct edit *d, unsigned op, unsigned nth, struct span name, struct span value)
{
	switch (op) {
	case 0:  return edit_insert(d, nth, name, value, NULL);
	case 1:  return edit_change(d, name, nth, value, NULL);
	case 2:  return edit_delete(d, name, nth);
	default: return edit_remove(d, name, NULL, NULL) > 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, op = span_take(&in, 2), name, value;
	unsigned before, after, what;
	struct edit d;
	bool changed;

	if (op.n < 2 || !span_cut(&in, 0, &name) || !span_cut(&in, 0, &value) ||
	    (in.n && is_blank(*in.p)))
		return 0;
	what = (unsigned char)op.p[0] % 4;
	edit_init(&d, SPAN(OURS), in);
	before = count(&d);
	changed = run(&d, what, (unsigned char)op.p[1], name, value);
	after = count(&d);
	assert(changed == (d.changes > 0));
	assert(span_same(span_to(span_from(str_span(&d.text), d.ours_at), d.ours_n), SPAN(OURS)));
	if (what < 2 && changed)
		assert(after == before + 1 || (what == 1 && after == before));
	if (what == 2 && changed)
		assert(after + 1 == before);
	edit_free(&d);
	return 0;
}
