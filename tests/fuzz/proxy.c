/* The beginning of a connection: read without harm, and the same however it is cut. */
#include <assert.h>

#include "common/net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct proxy_client whole, part;
	size_t used, part_used;
	enum proxy_step step = proxy_parse(in, &whole, &used);

	assert(step != PROXY_DONE || (used > 0 && used <= n && used <= PROXY_MAX));
	assert(!whole.named ||
	    (step == PROXY_DONE && (whole.who.family == 4 || whole.who.family == 6)));
	assert(whole.port < 65536 && whole.here_port < 65536);
	for (size_t i = 0; i < n && i < 200; i++) {
		enum proxy_step early = proxy_parse(span_to(in, i), &part, &part_used);

		if (early == PROXY_NONE)
			assert(step == PROXY_NONE);
		if (early == PROXY_DONE)
			assert(step == PROXY_DONE && part_used == used && part.named == whole.named);
	}
	return 0;
}
