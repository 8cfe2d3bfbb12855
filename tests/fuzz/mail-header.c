/* Header fields: all bytes are accounted for, words decode to clean UTF-8 without controls. */
#include <assert.h>

#include "common/mail/charset.h"
#include "common/mail/header.h"
#include "common/mail/trace.h"
#include "common/mail/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ck_inside(struct span part, struct span whole)
{
	assert(!part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void ck_words(struct span value)
{
	struct str out = STR(1 << 20), coded = STR(1 << 22), back = STR(1 << 20);

	word_decode(value, &out);
	assert(utf8_ok(str_span(&out)));
	for (size_t i = 0; i < out.n; i++)
		assert((unsigned char)out.p[i] >= ' ');
	word_encode(str_span(&out), 9, &coded);
	assert(span_is_ascii(str_span(&coded)));
	word_decode(str_span(&coded), &back);
	assert(span_same(str_span(&out), str_span(&back)));
	str_free(&out);
	str_free(&coded);
	str_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data, n }, in = text;
	struct arena *a = arena_new(64 << 20, NULL, NULL);
	struct field f;
	struct header h;
	size_t bytes = 0;

	while (header_next(&in, &f)) {
		assert(f.whole.n > 0 && f.whole.p == text.p + bytes);
		ck_inside(f.name, f.whole);
		ck_inside(f.value, f.whole);
		ck_words(f.value);
		bytes += f.whole.n;
	}
	header_index(text, a, &h);
	assert(h.bytes == bytes && h.body_at >= bytes && h.body_at - bytes <= 2);
	assert(header_length(text) == h.body_at);
	trace_hops(text);
	arena_free(a);
	return 0;
}
