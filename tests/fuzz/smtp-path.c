/* Stay inside the bytes given; eat all or nothing; what was printed reads the same again. */
#include <assert.h>

#include "common/smtp/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The canonical form is an address, and its own canonical form. */
static void there_and_back(const struct path *p, enum path_kind kind, bool utf8)
{
	struct str text = STR(PATH_TEXT_MAX), again = STR(PATH_TEXT_MAX), framed = STR(PATH_TEXT_MAX + 2);
	struct path second;
	struct span in;

	path_print(p, &text);
	assert(!text.over);
	assert(!p->domain.n || path_is_address(str_span(&text), utf8));
	str_addf(&framed, "<%s>", text.p);
	in = str_span(&framed);
	assert(path_parse(&in, kind, utf8, &second, NULL) && !in.n);
	path_print(&second, &again);
	assert(span_same(str_span(&text), str_span(&again)));
	for (size_t i = 0; i < text.n; i++)
		assert((unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7f);
	str_free(&text);
	str_free(&again);
	str_free(&framed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum path_kind kind = n && data[0] & 1 ? PATH_FORWARD : PATH_REVERSE;
	bool utf8 = n && data[0] & 2;
	struct span in = { (const char *)data + (n > 0), n - (n > 0) }, was = in;
	struct path got;
	struct err e = { .kind = ERR_NONE };

	if (path_parse(&in, kind, utf8, &got, &e)) {
		assert(in.p > was.p && in.p + in.n == was.p + was.n);
		assert(!got.local.n || (got.local.p > was.p && got.local.p + got.local.n < in.p));
		there_and_back(&got, kind, utf8);
	} else {
		assert(in.p == was.p && in.n == was.n && e.kind == ERR_PERM && e.text[0]);
	}
	return 0;
}
