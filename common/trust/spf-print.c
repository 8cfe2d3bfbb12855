/* The field Received-SPF, RFC 7208 9.1. See spf.h. */
#include "common/trust/spf.h"

static const char *sentence(const struct spf_verdict *v)
{
	static const char *const sentences[TRUST_RESULTS] = {
		[TRUST_NONE] = "says nothing about", [TRUST_NEUTRAL] = "neither permits nor denies",
		[TRUST_PASS] = "permits", [TRUST_FAIL] = "does not permit", [TRUST_SOFTFAIL] = "rather does not permit",
		[TRUST_POLICY] = "permits", [TRUST_TEMPERROR] = "could not be asked about",
		[TRUST_PERMERROR] = "makes no sense about",
	};

	return sentences[v->result];
}

/* A value as RFC 7208 9.1 has it: dot-atom or quoted string. */
static void add_pair(struct str *out, const char *key, struct span value)
{
	str_addf(out, "\n\t%s=\"", key);
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"' || value.p[i] == '\\')
			str_add_char(out, '\\');
		str_add_char(out, (unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f ? '?' : value.p[i]);
	}
	str_add_text(out, "\";");
}

/* Comments may hold no parentheses of their own but balanced ones: none is simpler. */
static void add_comment(struct str *out, const char *text)
{
	for (; *text; text++)
		str_add_char(out, strchr("()\\", *text) || (unsigned char)*text < 0x20 ? '?' : *text);
}

void spf_print_received(const struct spf_facts *facts, const struct spf_verdict *v, struct str *out)
{
	char ip[ADDRESS_TEXT];

	address_print(&facts->ip, ip);
	str_addf(out, " %s (", trust_result_name(v->result));
	add_comment(out, v->domain);
	str_addf(out, " %s %s:\n\t", sentence(v), ip);
	add_comment(out, v->why);
	str_add_text(out, ")");
	str_addf(out, "\n\tclient-ip=%s;", ip);
	add_pair(out, "envelope-from", span_of(facts->sender));
	add_pair(out, "helo", span_of(facts->helo));
	str_addf(out, "\n\tidentity=%s;", *facts->sender ? "mailfrom" : "helo");
	add_pair(out, "receiver", span_of(facts->receiver));
	str_cut(out, out->n - 1);
}
