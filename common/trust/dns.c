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

	if (!dns_name_clean_ask(span_of(name), clean) ||
	    !zone_find(arg, clean, type, a, out, elsewhere))
		*out = (struct dns_answer){ .found = DNS_NO_NAME, .why = "" };
}

struct trust_dns trust_dns_zone(const struct zone *zone)
{
	return (struct trust_dns){ ask_zone, (void *)zone };
}

static void ask_memo(void *arg, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out)
{
	struct dns_memo *m = arg;

	(void)a;
	for (size_t i = 0; i < m->count; i++) {
		if (m->seen[i].type == type &&
		    span_alike(span_of(m->seen[i].name), span_of(name))) {
			*out = m->seen[i].answer;
			return;
		}
	}
	*out = (struct dns_answer){ .found = DNS_FAILED, .why = "it took too long" };
	if (clock_ms() >= m->until)
		return;
	m->next.ask(m->next.arg, name, type, m->arena, out);
	if (m->count == DNS_MEMO_MAX)
		return;
	m->seen[m->count].name = arena_text(m->arena, span_of(name));
	m->seen[m->count].type = type;
	m->seen[m->count++].answer = *out;
}

struct trust_dns trust_dns_memo(struct dns_memo *m)
{
	return (struct trust_dns){ ask_memo, m };
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

static bool begins_so(struct span text, const char *begins)
{
	return span_same(span_to(text, strlen(begins)), span_of(begins));
}

bool trust_dns_only(const struct dns_answer *answer, const char *begins, struct str *out)
{
	const struct span *only = NULL;
	size_t count = 0;

	for (size_t i = 0; answer->found == DNS_YES && i < answer->count; i++) {
		str_reset(out);
		if (!trust_dns_text(answer->records[i], out) || !begins_so(str_span(out), begins))
			continue;
		only = &answer->records[i];
		count++;
	}
	str_reset(out);
	return count == 1 && trust_dns_text(*only, out);
}
