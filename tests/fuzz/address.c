/* Addresses, networks and "host:port": what reads, prints and reads the same again. */
#include "common/net/address.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void there_and_back(struct span in)
{
	char text[ADDRESS_TEXT + 8];
	struct address a, b;

	if (address_parse(in, &a)) {
		address_print(&a, text);
		assert(address_parse(span_of(text), &b) && address_same(&a, &b));
	}
	if (address_literal_parse(in, &a)) {
		address_literal_print(&a, text);
		assert(address_literal_parse(span_of(text), &b) && address_same(&a, &b));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	char host[HOST_MAX + 1];
	struct network net;
	unsigned port = 1;

	there_and_back(in);
	if (network_parse(in, &net))
		assert(network_has(&net, &net.base));
	if (host_port_parse(in, host, &port))
		assert(port > 0 && port < 65536 && strlen(host) <= HOST_MAX);
	return 0;
}
