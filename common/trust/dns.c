/* Who answers the checks' questions. See dns.h. */
#include "common/trust/dns.h"

static void ask_channel(void *arg, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out)
{
	const int *resolver = arg;
	struct err e;

	if (!resolve(*resolver, name, type, a, out, &e))
		*out = (struct dns_answer){ .found = DNS_FAILED, .why = arena_text(a, span_of(e.text)) };
}

struct trust_dns trust_dns_channel(const int *resolver)
{
	return (struct trust_dns){ ask_channel, (void *)resolver };
}

static void ask_zone(void *arg, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out)
{
	char clean[DNS_NAME], elsewhere[DNS_NAME];

	if (!dns_name_clean_ask(span_of(name), clean) || !zone_find(arg, clean, type, a, out, elsewhere))
		*out = (struct dns_answer){ .found = DNS_NO_NAME, .why = "" };
}

struct trust_dns trust_dns_zone(const struct zone *zone)
{
	return (struct trust_dns){ ask_zone, (void *)zone };
}

bool trust_dns_text(struct span rdata, struct str *out)
{
	size_t was = out->n;

	while (rdata.n) {
		size_t n = (unsigned char)rdata.p[0];

		if (n >= rdata.n) {
			str_cut(out, was);
			return false;
		}
		str_add(out, span_to(span_from(rdata, 1), n));
		rdata = span_from(rdata, n + 1);
	}
	return !out->over;
}
