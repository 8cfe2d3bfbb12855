/* Any bytes: a line is read without harm; what it consists of stands in it, in order. */
#include <assert.h>

#include "common/mail/logline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void within(struct span part, struct span whole)
{
	assert(!part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void each_field(struct span fields, struct span line)
{
	struct span key, raw, before = fields;
	struct str plain = STR(1 << 20);

	while (logline_next(&fields, &key, &raw)) {
		within(key, before);
		within(raw, before);
		assert(key.n && fields.n < before.n);
		str_reset(&plain);
		logline_plain(raw, &plain);
		assert(plain.n <= raw.n);
		within(logline_address(raw), line);
		before = fields;
	}
	str_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span line = { (const char *)data, n }, id;
	struct logline got;
	bool has_id = logline_id(line, &id);

	if (logline_parse(line, &got)) {
		assert(has_id && span_same(id, got.id) && got.verb.n && got.program.n &&
		    got.us >= INT64_MIN);
		within(got.when, line);
		within(got.program, line);
		within(got.verb, line);
		each_field(got.fields, line);
	}
	return 0;
}
