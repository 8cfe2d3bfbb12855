/* Any bytes: read without harm; what was read prints to something that reads the same. */
#include <assert.h>
#include <string.h>

#include "common/base/crc.h"
#include "common/queue/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(64 << 20, NULL, NULL);
	struct str text = STR(ENVELOPE_MAX), again = STR(ENVELOPE_MAX);
	struct envelope env, got;
	struct err e;

	/* The fuzzer can not guess a checksum, so it is given one. The same bytes stand behind, and who is done. */
	str_add(&text, (struct span){ (const char *)data, n });
	str_addf(&text, "end: %08x\n", crc32c(0, str_span(&text)));
	str_add(&text, (struct span){ (const char *)data, n });
	envelope_print_done((unsigned[]){ n ? data[0] : 0, 0, 1 }, 3, &text);
	if (envelope_parse(str_span(&text), a, &env, &e)) {
		str_reset(&text);
		envelope_print(&env, &text);
		assert(envelope_parse(str_span(&text), a, &got, &e));
		envelope_print(&got, &again);
		assert(strcmp(text.p, again.p) == 0);
	} else {
		assert(e.kind == ERR_PERM && e.text[0]);
	}
	str_free(&text);
	str_free(&again);
	arena_free(a);
	return 0;
}
