/* MIME parameters. */
#include <assert.h>

#include "common/mail/charset.h"
#include "common/mail/param.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(256 << 20, NULL, NULL);
	struct params all;
	struct span first;

	param_parse((struct span){ (const char *)data, n }, a, &first, &all);
	assert(first.n <= n && all.count <= PARAM_MAX);
	for (size_t i = 0; i < all.count; i++) {
		assert(all.list[i].name.n && !span_has(all.list[i].name, '*'));
		assert(utf8_ok(param_utf8(&all.list[i], a)));
	}
	param_find(&all, "filename");
	arena_free(a);
	return 0;
}
