/* Rows of DMARC reports, there and back, and what they become in XML. */
#include "common/trust/dmarc-report.h"

#include "tests/unit/unit.h"

static const struct { const char *line; bool ok; size_t dkim; } lines[] = {
	{ "a.test pass - 192.0.2.1 a.test b.test pass fail none", true, 0 },
	{ "a.test - - 2001:db8::1 a.test - fail fail temperror", true, 0 },
	{ "a.test none local_policy 192.0.2.1 a.test b.test pass fail none c.test s1 pass d.test s2 permerror", true, 2 },
	{ "", false, 0 },
	{ "a.test", false, 0 },
	{ "a.test pass - 192.0.2.1 a.test b.test pass fail", false, 0 },
	{ "a.test pass - 192.0.2.1 a.test b.test pass fail maybe", false, 0 },
	{ "a.test pass - 192.0.2.1 a.test b.test pass fail none c.test s1", false, 0 },
	{ "a.test pass - - a.test b.test pass fail none", false, 0 },
};

START_TEST(row_goes_there_and_back)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str out = STR(DMARC_ROW_MAX);
	struct dmarc_row r;

	ck_assert_msg(dmarc_row_parse(span_of(lines[_i].line), a, &r) == lines[_i].ok, "%s", lines[_i].line);
	if (lines[_i].ok) {
		ck_assert_uint_eq(r.dkim_count, lines[_i].dkim);
		dmarc_row_print(&r, &out);
		ck_assert_str_eq(out.p, lines[_i].line);
	}
	str_free(&out);
	arena_free(a);
}
END_TEST

/* What a stranger chose can not become two words, two rows, or XML. */
START_TEST(strangers_words_are_tamed)
{
	struct dmarc_row r = { .policy_domain = "a.test", .disposition = "none", .reason = "", .ip = "192.0.2.1",
		.author = "a.test", .envelope_from = "b test\n<x>&amp;", .dkim_count = 1 };
	struct str out = STR(DMARC_ROW_MAX), xml = STR(10000);

	r.dkim[0].domain = "";
	r.dkim[0].selector = "s\"\x80";
	dmarc_row_print(&r, &out);
	ck_assert_str_eq(out.p, "a.test none - 192.0.2.1 a.test b?test??x??amp? fail fail none - s?? none");
	dmarc_report_row(&r, 3, &xml);
	ck_assert(strstr(xml.p, "<envelope_from>b test?&lt;x&gt;&amp;amp;</envelope_from>") != NULL);
	str_free(&out);
	str_free(&xml);
}
END_TEST

START_TEST(many_signatures_fit)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct dmarc_row r = { .policy_domain = "a.test", .disposition = "", .reason = "", .ip = "192.0.2.1",
		.author = "a.test", .envelope_from = "b.test", .dkim_count = DMARC_ROW_DKIM }, back;
	struct str out = STR(DMARC_ROW_MAX);
	char name[254];

	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	for (int i = 0; i < DMARC_ROW_DKIM; i++)
		r.dkim[i].domain = r.dkim[i].selector = name;
	for (int i = 0; i < 2; i++) { /* the second time with what is known at the end only */
		str_reset(&out);
		dmarc_row_print(&r, &out);
		ck_assert(!out.over);
		ck_assert(dmarc_row_parse(str_span(&out), a, &back));
		ck_assert_uint_ge(back.dkim_count, 5);
		back.disposition = "quarantine";
		back.reason = "trusted_forwarder";
		r = back;
	}
	str_free(&out);
	arena_free(a);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("dmarc-report");

	tcase_add_loop_test(tc, row_goes_there_and_back, 0, COUNT(lines));
	tcase_add_test(tc, strangers_words_are_tamed);
	tcase_add_test(tc, many_signatures_fit);
	return unit_end();
}
