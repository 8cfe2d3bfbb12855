/* MX rdata and names on the wire: what reads is a clean name and writes the same again. */
#include "common/net/dns-name.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, rest = in;
	char name[DNS_NAME], again[DNS_NAME], wire[DNS_WIRE];
	unsigned preference;
	size_t size;

	if (dns_mx_parse(in, &preference, name))
		assert(preference < 65536 && dns_name_clean(span_of(name), again) &&
		    strcmp(name, again) == 0);
	if (dns_name_eat(&rest, name)) {
		assert(dns_name_to_wire(name, wire, &size));
		assert(size == n - rest.n);
	} else {
		assert(rest.p == in.p && rest.n == n);
	}
	if (dns_name_clean(in, name))
		assert(dns_name_to_wire(name, wire, &size) && size <= DNS_WIRE);
	return 0;
}
