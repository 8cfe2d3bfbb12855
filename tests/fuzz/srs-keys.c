/* What is read is printed as it was. */
#include <assert.h>

#include "common/directory/srs-keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data, n };
	struct str again = STR(SRS_KEYS_TEXT);
	struct srs_keys keys;

	if (srs_keys_parse(text, &keys, NULL)) {
		assert(keys.count && keys.count <= SRS_KEYS);
		srs_keys_print(&keys, &again);
		assert(span_same(text, str_span(&again)));
	} else {
		assert(!keys.count);
	}
	str_free(&again);
	return 0;
}
