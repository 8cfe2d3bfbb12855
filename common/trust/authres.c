/* The field Authentication-Results. See authres.h. */
#include "common/trust/authres.h"

enum {
	NAMES_MAX = 10, /* of one address: as RFC 7208 5.5 for SPF */
	COMMENT_MAX = 400, /* a line has to stay below 998 bytes, or the field is none */
};

/* --- writing --- */

static bool is_value_char(char c)
{
	return is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

static bool is_value(struct span s)
{
	return span_while(&s, is_value_char).n && !s.n;
}

/* A name that a stranger chose, HELO's too: what could be read as more than a value is left out. */
static void add_domain(struct str *out, const char *property, struct span domain)
{
	if (is_value(domain))
		str_addf(out, "\n\t%s=" SPAN_FMT, property, SPAN_ARG(domain));
}

/* An address as RFC 8601 2.2 can have it; else its domain alone. */
static void add_address(struct str *out, const char *property, struct span address)
{
	struct span rest = address, local;

	if (span_cut(&rest, '@', &local) && is_value(local) && is_value(rest))
		str_addf(out, "\n\t%s=" SPAN_FMT, property, SPAN_ARG(address));
	else
		add_domain(out, property, span_from(address, (size_t)(span_rfind(address, '@') + 1)));
}

static void add_comment(struct str *out, const char *text)
{
	const char *end = text + strnlen(text, COMMENT_MAX);

	str_add_text(out, " (");
	for (; text < end; text++)
		str_add_char(out, strchr("()\\", *text) || (unsigned char)*text < 0x20 ? '?' : *text);
	str_add_text(out, ")");
}

static void add_spf(const struct authres *r, struct str *out)
{
	str_addf(out, ";\n\tspf=%s", trust_result_name(r->spf->result));
	if (*r->spf->why)
		add_comment(out, r->spf->why);
	if (*r->who->sender)
		add_address(out, "smtp.mailfrom", span_of(r->who->sender));
	else
		add_domain(out, "smtp.helo", span_of(r->spf->domain));
}

static void add_dkim(const struct authres *r, struct str *out)
{
	if (!r->dkim->count)
		str_add_text(out, ";\n\tdkim=none");
	for (size_t i = 0; i < r->dkim->count; i++) {
		str_add_text(out, ";\n\tdkim=");
		dkim_result_print(&r->dkim->results[i], out);
	}
}

/* RFC 8617 7.1. Without a chain there is nothing to say. */
static void add_arc(const struct authres *r, struct str *out)
{
	if (!r->arc->count)
		return;
	str_addf(out, ";\n\tarc=%s", trust_result_name(r->arc->result));
	if (r->arc->result == TRUST_PASS) {
		str_addf(out, " (i=%u sealed by " SPAN_FMT ")", r->arc->count, SPAN_ARG(r->arc->sealer));
	} else {
		add_comment(out, r->arc->why.text);
	}
}

void authres_print(const struct authres *r, struct str *out)
{
	char ip[ADDRESS_TEXT];

	str_addf(out, " %s", r->us);
	add_spf(r, out);
	add_dkim(r, out);
	add_arc(r, out);
	str_add_text(out, ";\n\tdmarc=");
	dmarc_print(r->dmarc, r->author, out);
	address_print(&r->who->ip, ip);
	str_addf(out, ";\n\tiprev=%s policy.iprev=%s%s%s", trust_result_name(r->iprev),
	    r->who->ip.family == 6 ? "\"" : "", ip, r->who->ip.family == 6 ? "\"" : "");
}

/* --- iprev --- */

static bool leads_back(const struct address *ip, struct span ptr, const struct trust_dns *dns,
    struct arena *a, bool *late)
{
	struct dns_answer answer;
	char name[DNS_NAME];

	if (!dns_name_eat(&ptr, name) || !*name)
		return false;
	dns->ask(dns->arg, name, ip->family == 6 ? DNS_AAAA : DNS_A, a, &answer);
	*late = *late || answer.found == DNS_FAILED;
	for (size_t i = 0; answer.found == DNS_YES && i < answer.count; i++) {
		if (span_same(answer.records[i], (struct span){ (const char *)ip->bytes, ip->family == 6 ? 16 : 4 }))
			return true;
	}
	return false;
}

enum trust_result iprev_check(const struct address *ip, const struct trust_dns *dns, struct arena *a)
{
	struct dns_answer answer;
	char reverse[80];
	bool late = false;

	address_reverse_name(ip, reverse);
	dns->ask(dns->arg, reverse, DNS_PTR, a, &answer);
	if (answer.found != DNS_YES)
		return answer.found == DNS_FAILED ? TRUST_TEMPERROR : TRUST_PERMERROR;
	for (size_t i = 0; i < answer.count && i < NAMES_MAX; i++) {
		if (leads_back(ip, answer.records[i], dns, a, &late))
			return TRUST_PASS;
	}
	return late ? TRUST_TEMPERROR : TRUST_FAIL;
}
