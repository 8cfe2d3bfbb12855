/* Address lists: groups are closed, parts are not longer than what was there. */
#include <assert.h>

#include "common/mail/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(256 << 20, NULL, NULL);
	struct str s = STR(1 << 22);
	struct addrs got;
	bool in_group = false;
	size_t bytes = 0;

	addr_parse((struct span){ (const char *)data, n }, a, &got);
	for (size_t i = 0; i < got.count; i++) {
		const struct addr *one = &got.list[i];

		if (one->kind != ADDR_MAILBOX)
			assert(in_group == (one->kind == ADDR_GROUP_END));
		in_group = one->kind == ADDR_GROUP || (in_group && one->kind == ADDR_MAILBOX);
		bytes += one->name.n + one->route.n + one->local.n + one->domain.n;
		addr_print(one->local, one->domain, &s);
		str_reset(&s);
	}
	assert(!in_group &&
	    bytes <= 3 * n + 2); /* a name may be an address once more; an open "[" is closed */
	str_free(&s);
	arena_free(a);
	return 0;
}
