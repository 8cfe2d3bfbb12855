/* The document, written and read (jansson). See tlsrpt.h. */
#include "common/trust/tlsrpt.h"

#include <jansson.h>
#include <stdlib.h>

#include "common/base/tame.h"
#include "common/mail/date.h"

/* RFC 7493 2.2: a number that any reader holds exactly. */
#define NUMBER_MAX	((uint64_t)1 << 53)

/* Of one report: more than an honest one of TLSRPT_READ_MAX bytes has. One may take 300 bytes of memory. */
enum { VALUES_MAX = 400000 };

/* --- written --- */

static void set_text(json_t *object, const char *key, const char *value)
{
	if (*value)
		json_object_set_new(object, key, json_string(value));
}

static void set_number(json_t *object, const char *key, uint64_t n)
{
	n = n < NUMBER_MAX ? n : NUMBER_MAX;
	json_object_set_new(object, key, json_integer((json_int_t)n));
}

static void set_time(json_t *object, const char *key, int64_t when)
{
	struct str text = STR(40);

	date_iso_print((time_t)when, &text);
	set_text(object, key, text.p);
	str_free(&text);
}

static json_t *lines_of(const char *string)
{
	json_t *list = json_array();
	struct span lines = span_of(string), line;

	while (span_piece(&lines, '\n', &line)) {
		if (line.n)
			json_array_append_new(list, json_stringn(line.p, line.n));
	}
	return list;
}

static json_t *policy_of(const struct tlsrpt_sum *s)
{
	json_t *policy = json_object(), *hosts = json_array();

	set_text(policy, "policy-type", s->policy);
	if (*s->string)
		json_object_set_new(policy, "policy-string", lines_of(s->string));
	set_text(policy, "policy-domain", s->domain);
	for (size_t i = 0; i < s->mx_count; i++)
		json_array_append_new(hosts, json_string(s->mx[i]));
	if (s->mx_count)
		json_object_set(policy, "mx-host", hosts);
	json_decref(hosts);
	return policy;
}

static json_t *detail_of(const struct tlsrpt_detail *d)
{
	json_t *detail = json_object();

	set_text(detail, "result-type", d->result);
	set_text(detail, "sending-mta-ip", d->source);
	set_text(detail, "receiving-mx-hostname", d->mx);
	set_text(detail, "receiving-mx-helo", d->helo);
	set_text(detail, "receiving-ip", d->ip);
	set_number(detail, "failed-session-count", d->count);
	set_text(detail, "additional-information", d->more);
	set_text(detail, "failure-reason-code", d->reason);
	return detail;
}

static json_t *sum_of(const struct tlsrpt_sum *s)
{
	json_t *sum = json_object(), *summary = json_object(), *details = json_array();

	json_object_set_new(sum, "policy", policy_of(s));
	set_number(summary, "total-successful-session-count", s->good);
	set_number(summary, "total-failure-session-count", s->bad);
	json_object_set_new(sum, "summary", summary);
	for (const struct tlsrpt_detail *d = s->details; d; d = d->next)
		json_array_append_new(details, detail_of(d));
	if (s->details)
		json_object_set(sum, "failure-details", details);
	json_decref(details);
	return sum;
}

static json_t *document_of(const struct tlsrpt_report *r)
{
	json_t *top = json_object(), *range = json_object(), *sums = json_array();

	set_text(top, "organization-name", r->organization);
	set_time(range, "start-datetime", r->begin);
	set_time(range, "end-datetime", r->end);
	json_object_set_new(top, "date-range", range);
	set_text(top, "contact-info", r->contact);
	set_text(top, "report-id", r->id);
	for (size_t i = 0; i < r->count; i++)
		json_array_append_new(sums, sum_of(r->sums[i]));
	json_object_set_new(top, "policies", sums);
	return top;
}

static int add_piece(const char *piece, size_t n, void *out)
{
	str_add(out, (struct span){ piece, n });
	return 0;
}

bool tlsrpt_print(const struct tlsrpt_report *r, struct str *out)
{
	json_t *document = document_of(r);
	size_t flags = JSON_INDENT(1) | JSON_ENSURE_ASCII;
	bool ok = json_dump_callback(document, add_piece, out, flags) == 0 && !out->over;

	json_decref(document);
	return ok;
}

/* --- read --- */

/* Cut and tame: people see it on a terminal. */
static const char *clean(struct span text, struct arena *a, size_t most)
{
	struct str out = STR(most);
	const char *copy;

	str_add(&out, span_to(text, most));
	str_cut(&out, tame(out.p, out.n));
	copy = arena_text(a, str_span(&out));
	str_free(&out);
	return copy;
}

static const char *text_of(const json_t *v, struct arena *a)
{
	if (!json_is_string(v))
		return "";
	return clean((struct span){ json_string_value(v), json_string_length(v) }, a, TLSRPT_TEXT);
}

static const char *text_at(const json_t *object, const char *key, struct arena *a)
{
	return text_of(json_object_get(object, key), a);
}

static uint64_t number_at(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return 0;
	return (uint64_t)json_integer_value(v);
}

static int64_t time_at(const json_t *object, const char *key, struct arena *a)
{
	time_t when;

	return date_iso_parse(span_of(text_at(object, key, a)), &when) ? when : 0;
}

/* A string, or as RFC 8460's own example has it, an array of them. */
static void read_hosts(const json_t *v, struct arena *a, struct tlsrpt_sum *s)
{
	size_t n = json_is_array(v) ? json_array_size(v) : json_is_string(v);

	for (size_t i = 0; i < n && s->mx_count < TLSRPT_MX_MAX; i++)
		s->mx[s->mx_count++] = text_of(json_is_array(v) ? json_array_get(v, i) : v, a);
}

static const char *read_lines(const json_t *v, struct arena *a)
{
	struct str lines = STR(TLSRPT_STRING_MAX);
	const char *copy;

	for (size_t i = 0; i < json_array_size(v) && !lines.over; i++) {
		str_add_text(&lines, text_of(json_array_get(v, i), a));
		str_add_char(&lines, '\n');
	}
	copy = arena_text(a, str_span(&lines));
	str_free(&lines);
	return copy;
}

static void read_detail(const json_t *v, struct tlsrpt_report *r, struct tlsrpt_sum *s)
{
	struct tlsrpt_detail *d = *s->end = arena_get(r->arena, sizeof *d);

	*d = (struct tlsrpt_detail){
		.result = text_at(v, "result-type", r->arena),
		.source = text_at(v, "sending-mta-ip", r->arena),
		.mx = text_at(v, "receiving-mx-hostname", r->arena),
		.helo = text_at(v, "receiving-mx-helo", r->arena),
		.ip = text_at(v, "receiving-ip", r->arena),
		.count = number_at(v, "failed-session-count"),
		.more = text_at(v, "additional-information", r->arena),
		.reason = text_at(v, "failure-reason-code", r->arena),
	};
	s->end = &d->next;
	r->details++;
}

static void read_sum(const json_t *v, struct tlsrpt_report *r)
{
	const json_t *policy = json_object_get(v, "policy");
	const json_t *summary = json_object_get(v, "summary");
	const json_t *details = json_object_get(v, "failure-details");
	struct tlsrpt_sum *s = r->sums[r->count++] = arena_get(r->arena, sizeof *s);

	*s = (struct tlsrpt_sum){ .policy = text_at(policy, "policy-type", r->arena),
		.domain = text_at(policy, "policy-domain", r->arena),
		.string = read_lines(json_object_get(policy, "policy-string"), r->arena),
		.good = number_at(summary, "total-successful-session-count"),
		.bad = number_at(summary, "total-failure-session-count"), .end = &s->details };
	read_hosts(json_object_get(policy, "mx-host"), r->arena, s);
	for (size_t i = 0; i < json_array_size(details) && r->details < TLSRPT_DETAILS_MAX; i++)
		read_detail(json_array_get(details, i), r, s);
}

static void read_document(const json_t *top, struct tlsrpt_report *r)
{
	const json_t *range = json_object_get(top, "date-range");
	const json_t *sums = json_object_get(top, "policies");

	r->organization = text_at(top, "organization-name", r->arena);
	r->contact = text_at(top, "contact-info", r->arena);
	r->id = text_at(top, "report-id", r->arena);
	r->begin = time_at(range, "start-datetime", r->arena);
	r->end = time_at(range, "end-datetime", r->arena);
	for (size_t i = 0; i < json_array_size(sums) && r->count < TLSRPT_SUMS_MAX; i++)
		read_sum(json_array_get(sums, i), r);
}

/* At least as many as there are, before there is a tree of them: each has one of these before it. */
static size_t count_values(struct span json)
{
	bool quoted = false;
	size_t n = 1;

	for (size_t i = 0; i < json.n; i++) {
		char c = json.p[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else
			n += !quoted && (c == '[' || c == '{' || c == ',');
	}
	return n;
}

bool tlsrpt_read(struct span json, struct arena *a, struct tlsrpt_report **out, struct err *e)
{
	json_error_t why;
	json_t *top;
	bool ok;

	*out = tlsrpt_new(a);
	if (count_values(json) > VALUES_MAX)
		return err_perm(e, "5.6.0", "it is a report of more than %d values", VALUES_MAX);
	top = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, &why);
	ok = json_is_object(top) && json_is_array(json_object_get(top, "policies"));
	if (ok)
		read_document(top, *out);
	else if (!top)
		err_perm(e, "5.6.0", "it is no JSON: line %d: %s", why.line, why.text);
	else
		err_perm(e, "5.6.0", "it is JSON, but no TLS report");
	json_decref(top);
	return ok;
}
