/* Who a message is from: what is taken names somebody, with whole addresses, and one From. */
#include <assert.h>

#include "common/mail/author.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool all(void *arg, const char *address, struct err *e)
{
	(void)arg;
	(void)e;
	assert(strchr(address, '@'));
	return true;
}

static bool ours(void *arg, const char *address, bool *is, struct err *e)
{
	*is = true;
	return all(arg, address, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(64 << 20, NULL, NULL);
	struct author_ask ask = { all, ours, NULL };
	struct span in = { (const char *)data, n };
	struct author x;
	struct header h;
	struct err e = { 0 };
	bool add;

	header_index(in, a, &h);
	if (!author_read(&h, a, &x, &e))
		assert(e.kind == ERR_PERM && e.text[0]);
	else if (author_check(&x, &ask, n % 2, &add, &e))
		assert(x.from.count && header_find(&h, "From") && x.sender.count <= 1 &&
		    !(add && x.sender.count));
	arena_free(a);
	return 0;
}
