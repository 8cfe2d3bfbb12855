/* TLSA rdata: what is usable says the same again, and no length is believed. */
#include "common/net/dane.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span rdata = { (const char *)data, n };
	struct dns_answer answer = { .found = DNS_YES, .secure = true, .why = "", .records = &rdata, .count = 1 };
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str text = STR(1 << 16);
	struct tlsa t, *usable;
	size_t count;
	enum dane is;

	if (tlsa_parse(rdata, &t)) {
		assert(t.data.n && t.data.n + 3 == n);
		tlsa_print(&t, &text);
		assert(text.over || text.n > 2 * t.data.n);
	}
	is = dane_read(&answer, a, &usable, &count);
	assert(is == DANE_USABLE ? count == 1 && tlsa_usable(usable) : is == DANE_UNUSABLE && !count);
	str_free(&text);
	arena_free(a);
	return 0;
}
