/* Rows and the XML of RFC 9990. See dmarc-report.h. */
#include "common/trust/dmarc-report.h"

#include <inttypes.h>

enum {
	WORD_MAX = 255,
	OTHERS_MAX = 100
}; /* OTHERS_MAX: a disposition and a reason, which come later */

/* --- rows --- */

static bool is_plain(char c)
{
	return is_alnum(c) || (c && strchr(".-_:/+=@", c));
}

/* One word of a row: never empty, never with a blank in it. */
static void add_word(struct str *out, const char *text)
{
	struct span s = span_to(span_of(text), WORD_MAX);

	if (!s.n)
		str_add_char(out, '-');
	for (; s.n; s = span_from(s, 1))
		str_add_char(out, is_plain(*s.p) ? *s.p : '?');
	str_add_char(out, ' ');
}

void dmarc_row_print(const struct dmarc_row *r, struct str *out)
{
	add_word(out, r->policy_domain);
	add_word(out, r->disposition);
	add_word(out, r->reason);
	add_word(out, r->ip);
	add_word(out, r->author);
	add_word(out, r->envelope_from);
	add_word(out, r->dkim_aligned ? "pass" : "fail");
	add_word(out, r->spf_aligned ? "pass" : "fail");
	add_word(out, trust_result_name(r->spf));
	for (size_t i = 0; i < r->dkim_count; i++) {
		if (out->n + 2 * (WORD_MAX + 1) + OTHERS_MAX > out->max)
			break;		/* a row without the last of many signatures, not no row */
		add_word(out, r->dkim[i].domain);
		add_word(out, r->dkim[i].selector);
		add_word(out, trust_result_name(r->dkim[i].result));
	}
	str_cut(out, out->n - 1);
}

static bool take_result(struct span word, enum trust_result *out)
{
	for (enum trust_result r = TRUST_NONE; r < TRUST_RESULTS; r++) {
		if (span_is(word, trust_result_name(r))) {
			*out = r;
			return true;
		}
	}
	return false;
}

static const char *take_word(struct span *line, struct arena *a)
{
	struct span word = span_word(line);

	return arena_text(a, span_same(word, SPAN("-")) ? SPAN("") : word);
}

static bool take_signatures(struct span line, struct arena *a, struct dmarc_row *out)
{
	while (line.n && out->dkim_count < DMARC_ROW_DKIM) {
		out->dkim[out->dkim_count].domain = take_word(&line, a);
		out->dkim[out->dkim_count].selector = take_word(&line, a);
		if (!take_result(span_word(&line), &out->dkim[out->dkim_count].result))
			return false;
		out->dkim_count++;
	}
	return !line.n;
}

bool dmarc_row_parse(struct span line, struct arena *a, struct dmarc_row *out)
{
	*out = (struct dmarc_row){ 0 };
	if (line.n > DMARC_ROW_MAX)
		return false;
	line = span_trim(line);
	out->policy_domain = take_word(&line, a);
	out->disposition = take_word(&line, a);
	out->reason = take_word(&line, a);
	out->ip = take_word(&line, a);
	out->author = take_word(&line, a);
	out->envelope_from = take_word(&line, a);
	out->dkim_aligned = span_is(span_word(&line), "pass");
	out->spf_aligned = span_is(span_word(&line), "pass");
	return *out->policy_domain && *out->ip && *out->author &&
	    take_result(span_word(&line), &out->spf) && take_signatures(line, a, out);
}

/* --- XML --- */

static void add_text(struct str *xml, const char *text)
{
	static const struct { char c; const char *as; } entities[] = {
		{ '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
	};

	for (; *text; text++) {
		const char *as = NULL;

		for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
			as = entities[i].c == *text ? entities[i].as : as;
		if (as)
			str_add_text(xml, as);
		else
			str_add_char(xml, (unsigned char)*text < 0x20 ? '?' : *text);
	}
}

static void element(struct str *xml, unsigned depth, const char *name, const char *text)
{
	str_addf(xml, "%*s<%s>", (int)depth, "", name);
	add_text(xml, text);
	str_addf(xml, "</%s>\n", name);
}

static void optional(struct str *xml, unsigned depth, const char *name, const char *text)
{
	if (*text)
		element(xml, depth, name, text);
}

static void metadata(const struct dmarc_report *r, struct str *xml)
{
	str_add_text(xml, " <report_metadata>\n");
	element(xml, 2, "org_name", r->organization);
	element(xml, 2, "email", r->email);
	element(xml, 2, "report_id", r->id);
	str_addf(xml,
	    "  <date_range>\n   <begin>%" PRId64 "</begin>\n   <end>%" PRId64
	    "</end>\n  </date_range>\n",
	    r->begin, r->end);
	element(xml, 2, "generator", "Posthorn");
	str_add_text(xml, " </report_metadata>\n");
}

/* sp and np where they are not said are those that count in their place. */
static void published(const struct dmarc_report *r, struct str *xml)
{
	const struct dmarc_record *rec = r->record;
	enum dmarc_policy sub = rec->sub ? rec->sub : rec->policy;

	str_add_text(xml, " <policy_published>\n");
	element(xml, 2, "domain", r->policy_domain);
	element(xml, 2, "discovery_method", "treewalk");
	element(xml, 2, "p", dmarc_policy_name(rec->policy));
	element(xml, 2, "sp", dmarc_policy_name(sub));
	element(xml, 2, "np", dmarc_policy_name(rec->nowhere ? rec->nowhere : sub));
	element(xml, 2, "adkim", rec->strict_dkim ? "s" : "r");
	element(xml, 2, "aspf", rec->strict_spf ? "s" : "r");
	element(xml, 2, "testing", rec->testing ? "y" : "n");
	str_add_text(xml, " </policy_published>\n");
}

void dmarc_report_begin(const struct dmarc_report *r, struct str *xml)
{
	str_add_text(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n <version>1.0</version>\n");
	metadata(r, xml);
	published(r, xml);
}

static void row(const struct dmarc_row *r, uint64_t count, struct str *xml)
{
	str_add_text(xml, "  <row>\n");
	element(xml, 3, "source_ip", r->ip);
	str_addf(xml, "   <count>%" PRIu64 "</count>\n   <policy_evaluated>\n", count);
	element(xml, 4, "disposition", r->disposition);
	element(xml, 4, "dkim", r->dkim_aligned ? "pass" : "fail");
	element(xml, 4, "spf", r->spf_aligned ? "pass" : "fail");
	if (*r->reason) {
		str_add_text(xml, "    <reason>\n");
		element(xml, 5, "type", r->reason);
		str_add_text(xml, "    </reason>\n");
	}
	str_add_text(xml, "   </policy_evaluated>\n  </row>\n");
}

static void signature(const struct dmarc_row *r, size_t i, struct str *xml)
{
	str_add_text(xml, "   <dkim>\n");
	element(xml, 4, "domain", r->dkim[i].domain);
	element(xml, 4, "selector", r->dkim[i].selector);
	element(xml, 4, "result", trust_result_name(r->dkim[i].result));
	str_add_text(xml, "   </dkim>\n");
}

void dmarc_report_row(const struct dmarc_row *r, uint64_t count, struct str *xml)
{
	str_add_text(xml, " <record>\n");
	row(r, count, xml);
	str_add_text(xml, "  <identifiers>\n");
	element(xml, 3, "header_from", r->author);
	optional(xml, 3, "envelope_from", r->envelope_from);
	str_add_text(xml, "  </identifiers>\n  <auth_results>\n");
	for (size_t i = 0; i < r->dkim_count; i++)
		signature(r, i, xml);
	if (*r->envelope_from) {
		str_add_text(xml, "   <spf>\n");
		element(xml, 4, "domain", r->envelope_from);
		element(xml, 4, "scope", "mfrom");
		element(xml, 4, "result", trust_result_name(r->spf));
		str_add_text(xml, "   </spf>\n");
	}
	str_add_text(xml, "  </auth_results>\n </record>\n");
}

void dmarc_report_end(struct str *xml)
{
	str_add_text(xml, "</feedback>\n");
}
