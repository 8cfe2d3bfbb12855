/* Reports as others send them: what is read, what is refused, what is bounded. */
#include "common/trust/dmarc-read.h"

#include "common/trust/unpack.h"
#include "tests/unit/unit.h"

#define RECORD "<record><row><source_ip>192.0.2.1</source_ip><count>3</count><policy_evaluated>" \
	"<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf><reason><type>forwarded</type></reason>" \
	"</policy_evaluated></row><identifiers><header_from> a.test </header_from></identifiers><auth_results>" \
	"<dkim><domain>b.test</domain><selector>s</selector><result>permerror</result></dkim>" \
	"<dkim><domain>a.test</domain><result>pass</result></dkim>" \
	"<spf><domain>c.test</domain><result>softfail</result></spf></auth_results></record>"
#define TOP "<report_metadata><org_name>A &amp; B</org_name><email>x@b.test</email><report_id>42</report_id>" \
	"<date_range><begin>1</begin><end>86400</end></date_range></report_metadata>" \
	"<policy_published><domain>a.test</domain><p>reject</p><sp>none</sp><pct>100</pct></policy_published>"

static const struct { const char *xml; int rows; } texts[] = {
	{ "<?xml version=\"1.0\"?><feedback>" TOP RECORD "</feedback>", 1 },
	{ "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">" TOP RECORD RECORD "<more><x/></more></feedback>", 2 },
	{ "<d:feedback xmlns:d=\"urn:x\"><d:policy_published/></d:feedback>", 0 },
	{ "<feedback>" RECORD TOP "</feedback>", 1 },
	{ "<feedback>" TOP, -1 },
	{ "<feedback>" TOP "</feed>", -1 },
	{ "<other>" TOP RECORD "</other>", -1 },
	{ "", -1 },
	{ "no xml", -1 },
	{ "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><x>&b;</x>", -1 },
	{ "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a></a></a>"
	  "</a></a></a></a></a></a></a></a>", -1 },
};

START_TEST(report_is_read)
{
	struct arena *a = arena_new(16 << 20, NULL, NULL);
	struct dmarc_read r;
	struct err e = { 0 };
	bool ok = dmarc_read(span_of(texts[_i].xml), a, &r, &e);

	ck_assert_msg(ok == (texts[_i].rows >= 0), "%s: %s", texts[_i].xml, e.text);
	if (ok) {
		ck_assert_int_eq((int)r.count, texts[_i].rows);
	} else {
		ck_assert(e.text[0]);
	}
	arena_free(a);
}
END_TEST

START_TEST(fields_are_found)
{
	struct arena *a = arena_new(16 << 20, NULL, NULL);
	const struct dmarc_row *row;
	struct dmarc_read r;

	ck_assert(dmarc_read(span_of(texts[0].xml), a, &r, NULL));
	ck_assert_str_eq(r.organization, "A & B");
	ck_assert_str_eq(r.id, "42");
	ck_assert_uint_eq(r.end, 86400);
	ck_assert_str_eq(r.policy_domain, "a.test");
	ck_assert_str_eq(r.policy, "reject");
	row = &r.rows[0].row;
	ck_assert_uint_eq(r.rows[0].count, 3);
	ck_assert_str_eq(row->ip, "192.0.2.1");
	ck_assert_str_eq(row->author, "a.test");
	ck_assert_str_eq(row->reason, "forwarded");
	ck_assert(row->dkim_aligned && !row->spf_aligned);
	ck_assert_int_eq(row->spf, TRUST_SOFTFAIL);
	ck_assert_uint_eq(row->dkim_count, 2);
	ck_assert_str_eq(row->dkim[0].selector, "s");
	ck_assert_int_eq(row->dkim[1].result, TRUST_PASS);
	ck_assert_str_eq(row->dkim[1].selector, "");
	arena_free(a);
}
END_TEST

/* A report is a stranger's, and a person sees it on a terminal, a line for each row. */
START_TEST(words_are_tame)
{
	struct arena *a = arena_new(16 << 20, NULL, NULL);
	struct dmarc_read r;

	ck_assert(dmarc_read(SPAN("<feedback><report_metadata><org_name>a&#10;b\xc2\x9b" "31m&#x9b;\xc3\xa4</org_name></report_metadata>"
	    "<policy_published><domain>a.test</domain></policy_published></feedback>"), a, &r, NULL));
	ck_assert_str_eq(r.organization, "a?b?31m?\xc3\xa4");
	arena_free(a);
}
END_TEST

START_TEST(our_own_report_is_read)
{
	struct arena *a = arena_new(16 << 20, NULL, NULL);
	struct dmarc_record record = { .policy = DMARC_REJECT };
	struct dmarc_report report = { "mx.test", "p@mx.test", "1", 0, 86399, "a.test", &record };
	struct str xml = STR(10000);
	struct dmarc_row row;
	struct dmarc_read r;

	ck_assert(dmarc_row_parse(SPAN("a.test pass - 192.0.2.1 b.a.test a.test pass fail none c.test s pass"), a, &row));
	dmarc_report_begin(&report, &xml);
	dmarc_report_row(&row, 7, &xml);
	dmarc_report_end(&xml);
	ck_assert(dmarc_read(str_span(&xml), a, &r, NULL));
	ck_assert_uint_eq(r.count, 1);
	ck_assert_uint_eq(r.rows[0].count, 7);
	ck_assert_str_eq(r.rows[0].row.author, "b.a.test");
	ck_assert_str_eq(r.rows[0].row.dkim[0].domain, "c.test");
	ck_assert(r.rows[0].row.dkim_aligned);
	str_free(&xml);
	arena_free(a);
}
END_TEST

/* 200,000 bytes of nothing, by gzip and by zip. */
static const char gzip_bomb[] =
	"\037\213\010\000\000\000\000\000\002\003\355\301\061\001\000\000\000\302\240\365\117\155\006\177"
	"\240\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\200\327\000\173\130\340\134\100\015\003\000";
static const char zip_bomb[] =
	"\120\113\003\004\024\000\000\000\010\000\000\000\041\000\173\130\340\134\323\000\000\000\100\015"
	"\003\000\001\000\000\000\141\355\301\061\001\000\000\000\302\240\365\117\155\006\177\240\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
	"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\200"
	"\327\000\120\113\001\002\024\003\024\000\000\000\010\000\000\000\041\000\173\130\340\134\323\000"
	"\000\000\100\015\003\000\001\000\000\000\000\000\000\000\000\000\000\000\200\001\000\000\000\000"
	"\141\120\113\005\006\000\000\000\000\001\000\001\000\057\000\000\000\362\000\000\000\000\000";

/* gzip of gzip of <feedback/> */
static const char packed_twice[] =
    "\037\213\010\000\000\000\000\000\002\003\223\357\346\140\000\001\046\346\315\236\336\276\276\236"
    "\136\076\347\256\155\147\146\150\331\316\145\315\015\024\006\000\016\115\017\070\037\000\000\000";

START_TEST(bombs_are_stopped)
{
	const struct span twice = { packed_twice, sizeof packed_twice - 1 };
	const struct span bombs[] = { { gzip_bomb, sizeof gzip_bomb - 1 },
		{ zip_bomb, sizeof zip_bomb - 1 } };
	struct str out = STR(100000);
	struct err e;

	ck_assert(unpack(SPAN("<feedback/>"), &out, &e));
	ck_assert_str_eq(out.p, "<feedback/>");
	str_reset(&out);
	ck_assert(!unpack(SPAN("\x1f\x8b\x08\0broken"), &out, &e));
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert(!unpack(twice, &out, &e));
	ck_assert_msg(strstr(e.text, "more than once"), "%s", e.text);
	for (int i = 0; i < COUNT(bombs); i++) {
		struct str all = STR(300000);

		str_reset(&out);
		ck_assert(!unpack(bombs[i], &out, &e));
		ck_assert_msg(strstr(e.text, "more than 100000 bytes"), "%s", e.text);
		ck_assert_msg(unpack(bombs[i], &all, &e), "%s", e.text);
		ck_assert_uint_eq(all.n, 200000);
		str_free(&all);
	}
	str_free(&out);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("dmarc-read");

	tcase_add_loop_test(tc, report_is_read, 0, COUNT(texts));
	tcase_add_test(tc, fields_are_found);
	tcase_add_test(tc, words_are_tame);
	tcase_add_test(tc, our_own_report_is_read);
	tcase_add_test(tc, bombs_are_stopped);
	return unit_end();
}
