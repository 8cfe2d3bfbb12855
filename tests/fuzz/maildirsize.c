/* Any bytes as maildirsize: what is understood is never negative, and reads back the same. */
#include <assert.h>

#include "common/store/quota.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str out = STR(200);
	struct quota q, again;

	if (!quota_parse((struct span){ (const char *)data, n }, &q))
		return 0;
	assert(q.bytes >= 0 && q.count >= 0 && q.lines);
	assert(quota_room(&q, q.limit) <= q.limit);
	quota_print(&q, &out);
	assert(!out.over && quota_parse(str_span(&out), &again));
	assert(again.limit == q.limit && again.bytes == q.bytes && again.count == q.count &&
	    again.lines == 1);
	str_free(&out);
	return 0;
}
