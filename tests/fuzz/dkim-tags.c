/* Tag lists: names stand once, all points into the text, and what was read is in there. */
#include <assert.h>

#include "common/trust/tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ck_inside(struct span part, struct span whole)
{
	assert(!part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data, n }, list, word;
	struct str out = STR(1 << 20);
	struct tags t;
	struct err e = { 0 };

	if (!tags_parse(text, &t, &e)) {
		assert(e.kind == ERR_PERM && e.text[0]);
		return 0;
	}
	assert(t.count <= TAGS_MAX);
	for (size_t i = 0; i < t.count; i++) {
		ck_inside(t.list[i].name, text);
		ck_inside(t.list[i].value, text);
		ck_inside(t.list[i].raw, text);
		assert(t.list[i].name.n && !span_has(t.list[i].raw, ';'));
		for (size_t k = 0; k < i; k++)
			assert(!span_same(t.list[i].name, t.list[k].name));
		for (list = t.list[i].value; tag_word(&list, &word);)
			assert(!span_has(word, ':'));
		if (tag_base64(t.list[i].value, &out))
			assert(out.n <= t.list[i].value.n);
		str_reset(&out);
		tag_squeeze(t.list[i].value, &out);
		assert(!span_has(str_span(&out), ' ') && !span_has(str_span(&out), '\n'));
		str_reset(&out);
	}
	str_free(&out);
	return 0;
}
