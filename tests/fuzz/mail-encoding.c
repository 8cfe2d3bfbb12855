/* Decoders: pieces give the same as the whole; what we encode decodes. */
#include <assert.h>

#include "common/mail/encoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ROOM = 1 << 23 };

static void ck_pieces(enum encoding kind, struct span in)
{
	struct decoder whole = { .kind = kind }, pieces = { .kind = kind };
	struct str a = STR(ROOM), b = STR(ROOM);

	decoder_feed(&whole, in, &a);
	decoder_end(&whole, &a);
	for (size_t step = 1; in.n; step = step % 7 + 1)
		decoder_feed(&pieces, span_take(&in, step), &b);
	decoder_end(&pieces, &b);
	assert(span_same(str_span(&a), str_span(&b)));
	str_free(&a);
	str_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct str coded = STR(ROOM), back = STR(ROOM);
	struct decoder qp = { .kind = ENCODING_QP };

	ck_pieces(ENCODING_BASE64, in);
	ck_pieces(ENCODING_QP, in);
	base64_encode(in, &coded);
	assert(base64_decode(str_span(&coded), &back) && span_same(str_span(&back), in));
	str_reset(&coded);
	str_reset(&back);
	qp_encode(in, &coded);
	decoder_feed(&qp, str_span(&coded), &back);
	decoder_end(&qp, &back);
	assert(span_same(str_span(&back), in));
	str_reset(&back);
	if (base64_decode(in, &back)) {
		str_reset(&coded);
		base64_encode(str_span(&back), &coded);
		assert(span_same(str_span(&coded), in));	/* one text for each content */
	}
	str_free(&coded);
	str_free(&back);
	return 0;
}
