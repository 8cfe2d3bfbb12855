/* TLSA records and what they ask. See dane.h. */
#include "common/net/dane.h"

#include <stdio.h>

bool tlsa_parse(struct span rdata, struct tlsa *out)
{
	if (rdata.n < 4)
		return false;
	*out = (struct tlsa){ (uint8_t)rdata.p[0], (uint8_t)rdata.p[1], (uint8_t)rdata.p[2], span_from(rdata, 3) };
	return true;
}

bool tlsa_usable(const struct tlsa *t)
{
	static const size_t lengths[] = { [TLSA_EXACT] = 0, [TLSA_SHA256] = 32, [TLSA_SHA512] = 64 };

	if ((t->usage != TLSA_DANE_TA && t->usage != TLSA_DANE_EE) || t->selector > TLSA_PUBLIC_KEY)
		return false;
	return t->matching <= TLSA_SHA512 &&
	    (!lengths[t->matching] || t->data.n == lengths[t->matching]);
}

void tlsa_print(const struct tlsa *t, struct str *out)
{
	str_addf(out, "%u %u %u ", t->usage, t->selector, t->matching);
	for (size_t i = 0; i < t->data.n; i++)
		str_addf(out, "%02x", (uint8_t)t->data.p[i]);
}

bool dane_name(const char *base, unsigned port, char name[DNS_NAME])
{
	char text[DNS_NAME + 32];

	snprintf(text, sizeof text, "_%u._tcp.%s", port, base);
	return dns_name_clean(span_of(text), name);
}

enum dane dane_read(const struct dns_answer *answer, struct arena *a, struct tlsa **records, size_t *count)
{
	struct tlsa *list = arena_array(a, DANE_RECORDS_MAX, sizeof *list);

	*records = list;
	*count = 0;
	if (answer->found == DNS_FAILED)
		return DANE_FAILED;
	if (answer->found != DNS_YES || !answer->secure)
		return DANE_ABSENT;
	for (size_t i = 0; i < answer->count && *count < DANE_RECORDS_MAX; i++) {
		if (tlsa_parse(answer->records[i], &list[*count]) && tlsa_usable(&list[*count]))
			++*count;
	}
	return *count ? DANE_USABLE : DANE_UNUSABLE;
}
