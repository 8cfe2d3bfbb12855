/* DNS block and allow lists. See gate-list.h. */
#include "common/trust/gate-list.h"

#include "common/trust/gate.h"

/* "2" or "2-11" */
static bool eat_codes(struct span *in, struct gate_codes *out)
{
	uint64_t low, high;

	if (!span_eat_u64(in, 255, &low))
		return false;
	high = low;
	if (span_eat_char(in, '-') && !span_eat_u64(in, 255, &high))
		return false;
	*out = (struct gate_codes){ (uint8_t)low, (uint8_t)high };
	return low <= high;
}

static bool parse_codes(struct span s, struct gate_list *l)
{
	for (int i = 0; i < 4; i++) {
		if ((i && !span_eat_char(&s, '.')) || !eat_codes(&s, &l->codes[i]))
			return false;
	}
	return !s.n && l->codes[0].low == 127 && l->codes[0].high == 127;
}

bool gate_list_parse(struct span word, struct gate_list *out)
{
	struct gate_list got = { .any = true };
	struct span zone, weight = word;
	ptrdiff_t colon = span_rfind(word, ':');
	uint64_t n;
	bool less;

	if (colon < 1)
		return false;
	weight = span_from(word, (size_t)colon + 1);
	word = span_to(word, (size_t)colon);
	less = span_eat_char(&weight, '-');
	if (!span_u64(weight, GATE_WEIGHT_MAX, &n) || !n)
		return false;
	got.weight = less ? -(int)n : (int)n;
	if (span_cut(&word, '=', &zone)) {
		got.any = false;
		if (!parse_codes(word, &got))
			return false;
	} else {
		zone = word;
	}
	if (!dns_name_clean(zone, got.zone) || !strchr(got.zone, '.'))
		return false;
	*out = got;
	return true;
}

bool gate_list_has(const struct gate_list *l, struct span rdata)
{
	uint8_t ip[4];

	if (rdata.n != sizeof ip)
		return false;
	memcpy(ip, rdata.p, sizeof ip);
	if (l->any)
		return ip[0] == 127 && !(ip[1] == 255 && ip[2] == 255) &&
		    !(!ip[1] && !ip[2] && ip[3] == 1);
	for (int i = 0; i < 4; i++) {
		if (ip[i] < l->codes[i].low || ip[i] > l->codes[i].high)
			return false;
	}
	return true;
}

bool gate_list_domain(struct span domain, const char *zone, char name[DNS_NAME])
{
	char text[2 * DNS_NAME];
	int n =
	    snprintf(text, sizeof text, SPAN_FMT ".%s", SPAN_ARG(span_to(domain, DNS_NAME)), zone);

	return domain.n && n > 0 && (size_t)n < sizeof text &&
	    dns_name_clean((struct span){ text, (size_t)n }, name);
}

bool gate_list_address(const struct address *a, const char *zone, char name[DNS_NAME])
{
	char reverse[80];
	struct span s;

	address_reverse_name(a, reverse);
	s = span_of(reverse);
	s = span_to(s, s.n - (a->family == 6 ? sizeof ".ip6.arpa." : sizeof ".in-addr.arpa.") + 1);
	return a->family && gate_list_domain(s, zone, name);
}
