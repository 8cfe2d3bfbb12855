/* Reports that strangers send: packed or not, XML or not. */
#include <assert.h>

#include "common/trust/dmarc-read.h"
#include "common/trust/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct arena *a = arena_new(256 << 20, NULL, NULL);
	struct str xml = STR(1 << 20);
	struct dmarc_read r;
	struct err e;

	if (!unpack(in, &xml, &e)) {
		assert(e.text[0] && xml.n <= xml.max);
	} else if (!dmarc_read(str_span(&xml), a, &r, &e)) {
		assert(e.kind && e.text[0]);
	} else {
		assert(r.count <= DMARC_READ_ROWS && strlen(r.id) <= DMARC_READ_TEXT);
		for (size_t i = 0; i < r.count; i++)
			assert(r.rows[i].row.dkim_count <= DMARC_ROW_DKIM &&
			    strlen(r.rows[i].row.ip) <= DMARC_READ_TEXT);
	}
	str_free(&xml);
	arena_free(a);
	return 0;
}
