/* Nothing but what we made leads back, and that leads back to where it came from. */
#include <assert.h>

#include "common/mail/srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct srs_keys keys = { { { 1, 2 } }, 1 };
	struct span in = { (const char *)data, n };
	struct str there = STR(SRS_ADDRESS_MAX), back = STR(SRS_ADDRESS_MAX), again = STR(SRS_ADDRESS_MAX);
	const time_t now = 1795660800;

	srs_is(in);
	if (srs_back(&keys, in, now, 86400, &back, NULL))
		assert(back.n);
	str_reset(&back);
	if (srs_forward(&keys, in, SPAN("b.test"), now, &there)) {
		assert(srs_is(str_span(&there)));
		assert(srs_back(&keys, str_span(&there), now, 86400, &back, NULL));
		/* and what comes back is an address of the same kind: it makes the same again */
		assert(srs_forward(&keys, str_span(&back), SPAN("b.test"), now, &again) || back.over);
	}
	str_free(&there);
	str_free(&back);
	str_free(&again);
	return 0;
}
