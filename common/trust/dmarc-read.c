/* The one file that sees expat. See dmarc-read.h. */
#include "common/trust/dmarc-read.h"

#include <expat.h>

#include "common/base/tame.h"

enum { PATH_ROOM = 512, ROWS_FIRST = 64 };

struct reading {
	XML_Parser		 parser;
	struct arena		*arena;
	struct dmarc_read	*out;
	size_t			 room;
	struct dmarc_read_row	 row;		/* the one being read */
	char			 path[PATH_ROOM];	/* "feedback/record/row" */
	unsigned		 depth;
	bool			 is_report;
	struct str		 text;		/* of the innermost element */
};

/* --- what stands where --- */

/* People see it on a terminal. */
static void set_text(struct reading *r, void *at)
{
	struct str clean = STR(DMARC_READ_TEXT);

	str_add(&clean, span_to(span_trim(str_span(&r->text)), DMARC_READ_TEXT));
	str_cut(&clean, tame(clean.p, clean.n));
	*(const char **)at = arena_text(r->arena, str_span(&clean));
	str_free(&clean);
}

static void set_number(struct reading *r, void *at)
{
	span_u64(span_trim(str_span(&r->text)), UINT64_MAX, at);
}

static void set_pass(struct reading *r, void *at)
{
	*(bool *)at = span_is(span_trim(str_span(&r->text)), "pass");
}

static void set_result(struct reading *r, void *at)
{
	for (enum trust_result i = TRUST_NONE; i < TRUST_RESULTS; i++) {
		if (span_is(span_trim(str_span(&r->text)), trust_result_name(i)))
			*(enum trust_result *)at = i;
	}
}

#define REPORT(field)	offsetof(struct dmarc_read, field)
#define ROW(field)	offsetof(struct dmarc_read_row, field)
#define DKIM(field)	(offsetof(struct dmarc_row, dkim[0].field) - offsetof(struct dmarc_row, dkim[0]))

enum whose { OF_REPORT, OF_ROW, OF_DKIM };

static const struct place {
	const char	*path;
	void		(*set)(struct reading *r, void *at);
	enum whose	 whose;
	size_t		 at;
} places[] = {
	{ "feedback/report_metadata/org_name",		set_text,	OF_REPORT,	REPORT(organization) },
	{ "feedback/report_metadata/email",		set_text,	OF_REPORT,	REPORT(email) },
	{ "feedback/report_metadata/report_id",		set_text,	OF_REPORT,	REPORT(id) },
	{ "feedback/report_metadata/date_range/begin",	set_number,	OF_REPORT,	REPORT(begin) },
	{ "feedback/report_metadata/date_range/end",	set_number,	OF_REPORT,	REPORT(end) },
	{ "feedback/policy_published/domain",		set_text,	OF_REPORT,	REPORT(policy_domain) },
	{ "feedback/policy_published/p",		set_text,	OF_REPORT,	REPORT(policy) },
	{ "feedback/policy_published/sp",		set_text,	OF_REPORT,	REPORT(sub) },
	{ "feedback/record/row/source_ip",		set_text,	OF_ROW,		ROW(row.ip) },
	{ "feedback/record/row/count",			set_number,	OF_ROW,		ROW(count) },
	{ "feedback/record/row/policy_evaluated/disposition", set_text,	OF_ROW,		ROW(row.disposition) },
	{ "feedback/record/row/policy_evaluated/dkim",	set_pass,	OF_ROW,		ROW(row.dkim_aligned) },
	{ "feedback/record/row/policy_evaluated/spf",	set_pass,	OF_ROW,		ROW(row.spf_aligned) },
	{ "feedback/record/row/policy_evaluated/reason/type", set_text,	OF_ROW,		ROW(row.reason) },
	{ "feedback/record/identifiers/header_from",	set_text,	OF_ROW,		ROW(row.author) },
	{ "feedback/record/identifiers/envelope_from",	set_text,	OF_ROW,		ROW(row.envelope_from) },
	{ "feedback/record/auth_results/spf/result",	set_result,	OF_ROW,		ROW(row.spf) },
	{ "feedback/record/auth_results/dkim/domain",	set_text,	OF_DKIM,	DKIM(domain) },
	{ "feedback/record/auth_results/dkim/selector",	set_text,	OF_DKIM,	DKIM(selector) },
	{ "feedback/record/auth_results/dkim/result",	set_result,	OF_DKIM,	DKIM(result) },
};

static void *base_of(struct reading *r, enum whose whose)
{
	struct dmarc_row *row = &r->row.row;

	switch (whose) {
	case OF_REPORT:
		return r->out;
	case OF_ROW:
		return &r->row;
	default:
		return row->dkim_count ? &row->dkim[row->dkim_count - 1] : NULL;
	}
}

static void set(struct reading *r)
{
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char *base =
		    strcmp(places[i].path, r->path) == 0 ? base_of(r, places[i].whose) : NULL;

		if (base)
			places[i].set(r, base + places[i].at);
	}
}

/* --- rows --- */

static void row_begins(struct reading *r)
{
	r->row = (struct dmarc_read_row){ .row = { .policy_domain = "", .disposition = "", .reason = "", .ip = "",
		.author = "", .envelope_from = "" } };
}

static void signature_begins(struct reading *r)
{
	struct dmarc_row *row = &r->row.row;

	if (row->dkim_count == DMARC_ROW_DKIM)
		return;
	row->dkim[row->dkim_count].domain = row->dkim[row->dkim_count].selector = "";
	row->dkim[row->dkim_count++].result = TRUST_NONE;
}

static void row_ends(struct reading *r)
{
	struct dmarc_read *out = r->out;

	if (out->count == DMARC_READ_ROWS) {
		out->cut = true;
		return;
	}
	if (out->count == r->room) {
		size_t room = r->room ? 2 * r->room : ROWS_FIRST;
		struct dmarc_read_row *more = arena_array(r->arena, room, sizeof *more);

		if (out->count)
			memcpy(more, out->rows, out->count * sizeof *more);
		out->rows = more;
		r->room = room;
	}
	out->rows[out->count++] = r->row;
}

/* --- expat --- */

static void XMLCALL begins(void *arg, const char *name, const char **attributes)
{
	struct reading *r = arg;
	const char *local = strrchr(name, '|');
	size_t n = strlen(r->path);

	(void)attributes;
	if (++r->depth > DMARC_READ_DEPTH) {
		XML_StopParser(r->parser, XML_FALSE);
		return;
	}
	snprintf(r->path + n, sizeof r->path - n, "%s%.30s", n ? "/" : "", local ? local + 1 : name);
	str_reset(&r->text);
	if (strcmp(r->path, "feedback/record") == 0)
		row_begins(r);
	else if (strcmp(r->path, "feedback/record/auth_results/dkim") == 0)
		signature_begins(r);
	r->is_report = r->is_report || strcmp(r->path, "feedback/policy_published") == 0;
}

static void XMLCALL ends(void *arg, const char *name)
{
	struct reading *r = arg;
	char *slash = strrchr(r->path, '/');

	(void)name;
	set(r);
	if (strcmp(r->path, "feedback/record") == 0)
		row_ends(r);
	*(slash ? slash : r->path) = '\0';
	r->depth--;
	str_reset(&r->text);
}

static void XMLCALL says(void *arg, const char *text, int n)
{
	struct reading *r = arg;

	str_add(&r->text, span_to((struct span){ text, (size_t)n }, DMARC_READ_TEXT - r->text.n));
}

bool dmarc_read(struct span xml, struct arena *a, struct dmarc_read *out, struct err *e)
{
	struct reading r = { .arena = a, .out = out, .text = STR(DMARC_READ_TEXT) };
	bool ok;

	*out = (struct dmarc_read){ .organization = "", .email = "", .id = "", .policy_domain = "", .policy = "", .sub = "" };
	row_begins(&r);
	if (xml.n > DMARC_READ_MAX)
		return err_perm(e, "5.6.0", "the report is larger than %d bytes", DMARC_READ_MAX);
	r.parser = XML_ParserCreateNS(NULL, '|');
	if (!r.parser)
		return err_temp(e, "4.3.0", "no memory to read XML");
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, begins, ends);
	XML_SetCharacterDataHandler(r.parser, says);
	ok = XML_Parse(r.parser, xml.p, (int)xml.n, 1) == XML_STATUS_OK;
	if (!ok)
		err_perm(e, "5.6.0", "line %lu of the XML: %s", (unsigned long)XML_GetCurrentLineNumber(r.parser),
		    r.depth > DMARC_READ_DEPTH ? "nested too deep" : XML_ErrorString(XML_GetErrorCode(r.parser)));
	XML_ParserFree(r.parser);
	str_free(&r.text);
	return ok && (r.is_report || err_perm(e, "5.6.0", "this is XML, but no DMARC report"));
}
