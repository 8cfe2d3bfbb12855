/* Any text as what is remembered of a destination: it is read, printed and read back the same. */
#include <assert.h>
#include <string.h>

#include "common/queue/destination.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct destination d, back;
	struct span words = { (const char *)data, n }, word;
	struct str text = STR(1 << 16);
	struct err e;

	destination_parse(words, &d);
	while ((word = span_word(&words)).n)
		destination_edit(&d, word, 1764000000, &e);
	destination_print(&d, &text);
	destination_parse(str_span(&text), &back);
	str_reset(&text);
	destination_print(&back, &text);
	destination_parse(str_span(&text), &d);
	assert(memcmp(&d, &back, sizeof d) == 0);
	str_free(&text);
	return 0;
}
