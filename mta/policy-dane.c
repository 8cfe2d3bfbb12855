/* What a server's TLSA records ask for. See policy-own.h, net/dane.h. */
#include "common/net/address.h"
#include "mta/lookup.h"
#include "mta/policy-own.h"
#include "mta/trace.h"

/*
 * Where the TLSA records may be: RFC 7672 2.2.2. A server's name must be sure to be one, and lie in a signed
 * zone; where CNAMEs lead from it, and all is signed, the name at their end comes first.
 */
static bool bases(struct finding *f, const char *base[2], size_t *n, struct err *e)
{
	const struct host_addresses *at = &f->s->at;
	const char *name = f->s->mx->name;
	struct dns_answer alias;
	struct address literal;

	*n = 0;
	if (!f->s->mx->secure || address_parse(span_of(name), &literal))
		return true;
	if (at->secure) {
		if (*at->alias_of)
			base[(*n)++] = at->alias_of;
		base[(*n)++] = name;
	} else if (*at->alias_of) {		/* its first CNAME may be signed still */
		if (!lookup_record(f->c, name, DNS_CNAME, f->a, &alias, e))
			return false;
		if (alias.found == DNS_FAILED)
			return err_temp(e, "4.4.3", "cannot look up where %s leads: %s", name, alias.why);
		if (alias.found == DNS_YES && alias.secure)
			base[(*n)++] = name;
	}
	return true;
}

static void tell_records(struct finding *f, const char *name, const struct dns_answer *answer)
{
	struct str text = STR(1000);
	struct tlsa t;

	if (answer->found != DNS_YES || !answer->secure)
		trace(f->c, TRACE_NOTE, "tlsa",
		    answer->found == DNS_YES ? "the records at %s are not signed" : "none at %s",
		    name);
	for (size_t i = 0; answer->secure && i < answer->count; i++) {
		str_reset(&text);
		if (tlsa_parse(answer->records[i], &t))
			tlsa_print(&t, &text);
		trace(f->c, TRACE_GOOD, "tlsa", "%s %s%s", name, text.p,
		    text.n && tlsa_usable(&t) ? "" : " (can not be used)");
	}
	str_free(&text);
}

static bool records_of(struct finding *f, const char *base, enum dane *is, struct err *e)
{
	struct tls_want *want = &f->out->want;
	struct dns_answer answer;
	struct tlsa *records;
	char name[DNS_NAME];
	size_t n = 0;

	*is = DANE_ABSENT;
	if (!dane_name(base, f->s->port, name))
		return true;
	if (!lookup_record(f->c, name, DNS_TLSA, f->a, &answer, e))
		return false;
	*is = dane_read(&answer, f->a, &records, &want->record_count);
	if (*is == DANE_FAILED)
		return err_temp(e, "4.7.5", "cannot look up the TLSA records of %s: %s", base, answer.why);
	for (size_t i = 0; i < want->record_count; i++) {
		if (tls_can_match(&records[i]))
			records[n++] = records[i];
	}
	want->records = records;
	want->record_count = n;
	tell_records(f, name, &answer);
	if (*is == DANE_USABLE && !n)
		*is = DANE_UNUSABLE;
	return true;
}

/* RFC 7672 3.2.2 */
static void ask_for_record(struct finding *f, const char *base)
{
	struct tls_want *want = &f->out->want;

	want->host = base;
	want->proof = TLS_PROOF_TLSA;
	want->must = true;
	policy_expect(want, base);
	policy_expect(want, f->s->mx->name);
	if (!*f->j->way.via)
		policy_expect(want, f->j->destination);
}

bool policy_dane(struct finding *f, enum dane *is, struct err *e)
{
	const char *base[2];
	size_t n;

	*is = DANE_ABSENT;
	if (!bases(f, base, &n, e))
		return policy_refuse(f, POLICY_TLSA, TLSRPT_DNSSEC_INVALID, e);
	for (size_t i = 0; i < n && *is == DANE_ABSENT; i++) {
		f->out->domain = base[i];
		if (!records_of(f, base[i], is, e))
			return policy_refuse(f, POLICY_TLSA, TLSRPT_DNSSEC_INVALID, e);
	}
	if (*is == DANE_ABSENT) {
		f->out->domain = f->j->destination;
		return true;
	}
	f->out->source = POLICY_TLSA;
	f->out->tls = POLICY_MUST;
	if (*is == DANE_USABLE) {
		ask_for_record(f, f->out->domain);
	} else {
		f->out->result = TLSRPT_TLSA_INVALID;
		f->out->why = "none of its TLSA records can be used";
	}
	return true;
}

bool policy_dane_only(struct finding *f, struct err *e)
{
	enum dane is;

	if (!policy_dane(f, &is, e))
		return false;
	if (is == DANE_USABLE)
		return true;
	err_temp(e, "4.7.5", "DANE must be there, and %s", !f->s->mx->secure ? "DNSSEC does not vouch for the MX records"
	    : is == DANE_ABSENT ? "there is no TLSA record that DNSSEC vouches for" : "no TLSA record can be used");
	return policy_refuse(f, POLICY_TLSA, TLSRPT_DANE_REQUIRED, e);
}
