/* Records, rows and sums. See tlsrpt.h. */
#include "common/trust/tlsrpt.h"

#include <inttypes.h>

static const char *const policies[] = {
	[TLSRPT_NO_POLICY] = "no-policy-found", [TLSRPT_STS] = "sts", [TLSRPT_TLSA] = "tlsa",
};

static const char *const results[] = {
	[TLSRPT_SUCCESS] = "",
	[TLSRPT_NO_STARTTLS] = "starttls-not-supported",
	[TLSRPT_HOST_MISMATCH] = "certificate-host-mismatch",
	[TLSRPT_EXPIRED] = "certificate-expired", [TLSRPT_NOT_TRUSTED] = "certificate-not-trusted",
	[TLSRPT_VALIDATION] = "validation-failure", [TLSRPT_TLSA_INVALID] = "tlsa-invalid",
	[TLSRPT_DNSSEC_INVALID] = "dnssec-invalid", [TLSRPT_DANE_REQUIRED] = "dane-required",
	[TLSRPT_STS_FETCH] = "sts-policy-fetch-error", [TLSRPT_STS_INVALID] = "sts-policy-invalid",
	[TLSRPT_STS_WEBPKI] = "sts-webpki-invalid",
};

const char *tlsrpt_result_name(enum tlsrpt_result r)
{
	return results[r];
}

/* --- the record --- */

bool tlsrpt_record_parse(struct span text, struct span *rua)
{
	struct span field;

	*rua = (struct span){ text.p, 0 };
	if (!span_cut(&text, ';', &field) || !span_same(span_trim(field), SPAN("v=TLSRPTv1")))
		return false;
	while (!rua->n && span_piece(&text, ';', &field)) {
		field = span_trim(field);
		if (span_same(span_to(field, 4), SPAN("rua=")))
			*rua = span_trim(span_from(field, 4));
	}
	return rua->n;
}

bool tlsrpt_record_find(const struct dns_answer *txt, struct str *out, struct span *rua)
{
	return trust_dns_only(txt, "v=TLSRPTv1;", out) && tlsrpt_record_parse(str_span(out), rua);
}

bool tlsrpt_eat_uri(struct span *rua, struct span *uri)
{
	while (span_piece(rua, ',', uri)) {
		*uri = span_trim(*uri);
		if (uri->n)
			return true;
	}
	return false;
}

/* RFC 3986 2.1. What is no printable ASCII then becomes '?'; where it stands for '\n' a bar does. */
static const char *decode(struct span s, struct arena *a)
{
	char *text = arena_get(a, s.n + 1), *at = text;

	for (; s.n; s = span_from(s, 1)) {
		bool coded =
		    *s.p == '%' && s.n > 2 && hex_value(s.p[1]) >= 0 && hex_value(s.p[2]) >= 0;
		char c = coded ? (char)(hex_value(s.p[1]) << 4 | hex_value(s.p[2])) : *s.p;

		*at++ = !coded && c == '|' ? '\n' : is_print(c) ? c : '?';
		s = coded ? span_from(s, 2) : s;
	}
	return text;
}

const char *tlsrpt_mailto(struct span uri, struct arena *a)
{
	struct span address;
	const char *text;

	if (!span_eat(&uri, "mailto:"))
		return NULL;
	if (!span_cut(&uri, '?', &address))
		address = uri;
	text = decode(address, a);
	return strchr(text, '@') && !strchr(text, '\n') ? text : NULL;
}

static bool is_path(char c)
{
	return c > ' ' && c <= '~' && !strchr("\"<>\\^`{|}#", c);
}

static bool is_host_or_port(char c)
{
	return is_alnum(c) || c == '.' || c == '-' || c == ':';
}

/* No user, no password, no address for a host: none of these is in a report's URI for an honest reason. */
bool tlsrpt_https(struct span uri, struct arena *a, const char **host, unsigned *port,
    const char **path)
{
	struct span place, name, rest;
	char clean[DNS_NAME];
	uint64_t number = *port;

	if (!span_eat(&uri, "https://"))
		return false;
	place = span_while(&uri, is_host_or_port);
	rest = uri;
	span_while(&rest, is_path);
	if (rest.n || (uri.n && *uri.p != '/' && *uri.p != '?'))
		return false;
	if (!span_cut(&place, ':', &name))
		name = place;
	else if (!span_u64(place, 65535, &number) || !number)
		return false;
	if (!dns_name_clean(name, clean) || !strchr(clean, '.') ||
	    is_digit(clean[strlen(clean) - 1]))
		return false;
	*host = arena_text(a, span_of(clean));
	*port = (unsigned)number;
	*path = arena_printf(a, "%s" SPAN_FMT, uri.n && *uri.p == '/' ? "" : "/", SPAN_ARG(uri));
	return true;
}

/* --- rows --- */

static bool is_plain(char c)
{
	return is_alnum(c) || (c && strchr(".-_:/=;,@()[]*+", c));
}

/* One word: never empty, at most n bytes of text. A line end becomes a bar, what else is not plain %XX. */
static void add_word(struct str *out, const char *text, size_t n)
{
	struct span s = span_to(span_of(text), n);

	if (!s.n || span_same(s, SPAN("-")))
		str_add_char(out, '-');
	else for (; s.n; s = span_from(s, 1)) {
		if (is_plain(*s.p) || *s.p == '\n')
			str_add_char(out, *s.p == '\n' ? '|' : *s.p);
		else
			str_addf(out, "%%%02x", (unsigned char)*s.p);
	}
	str_add_char(out, ' ');
}

/* Whole lines only: half of one would be another policy. */
static size_t fitting(const char *lines)
{
	size_t n = 0, next, cost = 0;

	for (const char *at = lines; *at; at += next) {
		next = strcspn(at, "\n");
		next += at[next] == '\n';
		for (size_t i = 0; i < next; i++)
			cost += is_plain(at[i]) ? 1 : 3;
		if (cost > TLSRPT_STRING_MAX)
			break;
		n += next;
	}
	return n;
}

void tlsrpt_row_print(const struct tlsrpt_row *r, struct str *out)
{
	bool bad = r->result != TLSRPT_SUCCESS;

	add_word(out, r->domain, TLSRPT_TEXT);
	str_addf(out, "%" PRIu64 " ", r->count);
	add_word(out, policies[r->policy], TLSRPT_TEXT);
	add_word(out, r->policy_domain, TLSRPT_TEXT);
	add_word(out, r->policy_string, fitting(r->policy_string));
	add_word(out, results[r->result], TLSRPT_TEXT);
	if (bad) {
		add_word(out, r->mx, TLSRPT_TEXT);
		add_word(out, r->ip, TLSRPT_TEXT);
		add_word(out, r->source, TLSRPT_TEXT);
		add_word(out, r->helo, TLSRPT_TEXT);
		add_word(out, r->reason, TLSRPT_TEXT);
	}
	str_cut(out, out->n - 1);
}

bool tlsrpt_row_count(struct span line, struct span *domain, uint64_t *count, struct span *rest)
{
	*domain = span_word(&line);
	if (!domain->n || !span_u64(span_word(&line), UINT32_MAX, count) || !*count)
		return false;
	*rest = span_trim(line);
	return rest->n;
}

static const char *take_word(struct span *line, struct arena *a)
{
	struct span word = span_word(line);

	return span_same(word, SPAN("-")) ? "" : decode(word, a);
}

static bool take_policy(struct span word, enum tlsrpt_policy *out)
{
	for (enum tlsrpt_policy p = TLSRPT_NO_POLICY; p <= TLSRPT_TLSA; p++) {
		if (span_same(word, span_of(policies[p]))) {
			*out = p;
			return true;
		}
	}
	return false;
}

static bool take_result(const char *word, enum tlsrpt_result *out)
{
	for (enum tlsrpt_result r = TLSRPT_SUCCESS; r < TLSRPT_RESULTS; r++) {
		if (strcmp(word, results[r]) == 0) {
			*out = r;
			return true;
		}
	}
	return false;
}

bool tlsrpt_row_parse(struct span line, struct arena *a, struct tlsrpt_row *out)
{
	struct span domain, rest;

	*out = (struct tlsrpt_row){ 0 };
	if (line.n > TLSRPT_ROW_MAX || !tlsrpt_row_count(line, &domain, &out->count, &rest))
		return false;
	out->domain = decode(domain, a);
	if (!take_policy(span_word(&rest), &out->policy))
		return false;
	out->policy_domain = take_word(&rest, a);
	out->policy_string = take_word(&rest, a);
	if (!take_result(take_word(&rest, a), &out->result))
		return false;
	out->mx = take_word(&rest, a);
	out->ip = take_word(&rest, a);
	out->source = take_word(&rest, a);
	out->helo = take_word(&rest, a);
	out->reason = take_word(&rest, a);
	return !span_trim(rest).n;
}

/* --- sums --- */

struct tlsrpt_report *tlsrpt_new(struct arena *a)
{
	struct tlsrpt_report *r = arena_get(a, sizeof *r);

	*r = (struct tlsrpt_report){ .organization = "", .contact = "", .id = "", .arena = a };
	return r;
}

/* RFC 8460 4.2: the patterns of an MTA-STS policy. */
static void find_patterns(struct tlsrpt_sum *s, struct arena *a)
{
	struct span lines = span_of(s->string), line;

	while (s->mx_count < TLSRPT_MX_MAX && span_piece(&lines, '\n', &line)) {
		if (span_eat(&line, "mx:"))
			s->mx[s->mx_count++] = arena_text(a, span_trim(line));
	}
}

static const char *keep(struct tlsrpt_report *r, const char *text)
{
	return arena_text(r->arena, span_of(text));
}

static struct tlsrpt_sum *sum_of(struct tlsrpt_report *r, const struct tlsrpt_row *row)
{
	struct tlsrpt_sum *s;

	for (size_t i = r->count; i > 0; i--) {
		s = r->sums[i - 1];
		if (strcmp(s->policy, policies[row->policy]) == 0 &&
		    strcmp(s->domain, row->policy_domain) == 0 &&
		    strcmp(s->string, row->policy_string) == 0)
			return s;
	}
	if (r->count == TLSRPT_SUMS_MAX)
		return NULL;
	s = r->sums[r->count++] = arena_get(r->arena, sizeof *s);
	*s = (struct tlsrpt_sum){ .policy = policies[row->policy], .domain = keep(r, row->policy_domain),
		.string = keep(r, row->policy_string), .end = &s->details };
	if (row->policy == TLSRPT_STS)
		find_patterns(s, r->arena);
	return s;
}

static bool is_detail(const struct tlsrpt_detail *d, const struct tlsrpt_row *row)
{
	return strcmp(d->result, results[row->result]) == 0 && strcmp(d->mx, row->mx) == 0 &&
	    strcmp(d->ip, row->ip) == 0 && strcmp(d->source, row->source) == 0 &&
	    strcmp(d->helo, row->helo) == 0 && strcmp(d->reason, row->reason) == 0;
}

static void add_detail(struct tlsrpt_report *r, struct tlsrpt_sum *s, const struct tlsrpt_row *row)
{
	struct tlsrpt_detail *d = s->details;

	while (d && !is_detail(d, row))
		d = d->next;
	if (!d && r->details < TLSRPT_DETAILS_MAX) {
		r->details++;
		d = *s->end = arena_get(r->arena, sizeof *d);
		*d = (struct tlsrpt_detail){ .result = results[row->result], .mx = keep(r, row->mx), .ip = keep(r, row->ip),
			.source = keep(r, row->source), .helo = keep(r, row->helo),
			.reason = keep(r, row->reason), .more = "" };
		s->end = &d->next;
	}
	if (d)
		d->count += row->count;
}

void tlsrpt_add(struct tlsrpt_report *r, const struct tlsrpt_row *row)
{
	struct tlsrpt_sum *s = sum_of(r, row);

	if (!s)
		return;
	if (row->result == TLSRPT_SUCCESS) {
		s->good += row->count;
		return;
	}
	s->bad += row->count;
	add_detail(r, s, row);
}
