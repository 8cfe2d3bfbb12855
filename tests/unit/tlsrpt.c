/* TLS reports: records, rows, sums, and the document both ways. */
#include "common/trust/tlsrpt.h"
#include <stdio.h>

#include "tests/unit/unit.h"

static const struct { const char *text, *rua; } records[] = {
	{ "v=TLSRPTv1; rua=mailto:reports@example.com", "mailto:reports@example.com" },
	{ "v=TLSRPTv1;rua=mailto:a@b.test , https://c.test/x ;", "mailto:a@b.test , https://c.test/x" },
	{ "v=TLSRPTv1; x=1; rua=https://c.test", "https://c.test" },
	{ "v=TLSRPTv1; rua=", NULL },
	{ "v=TLSRPTv1; RUA=mailto:a@b.test", NULL },
	{ "v=TLSRPTv1", NULL },
	{ "v=TLSRPTv2; rua=mailto:a@b.test", NULL },
	{ "", NULL },
};

START_TEST(record_is_read)
{
	struct span rua;
	bool ok = tlsrpt_record_parse(span_of(records[_i].text), &rua);

	ck_assert_msg(ok == !!records[_i].rua, "%s", records[_i].text);
	if (ok)
		ck_assert(span_same(rua, span_of(records[_i].rua)));
}
END_TEST

static const struct { const char *uri, *mail, *host; unsigned port; const char *path; } uris[] = {
	{ "mailto:a@b.test", "a@b.test", NULL, 0, NULL },
	{ "MAILTO:a%21x%40b.test?subject=y", "a!x@b.test", NULL, 0, NULL },
	{ "mailto:a%0a@b.test", "a?@b.test", NULL, 0, NULL },
	{ "mailto:ab.test", NULL, NULL, 0, NULL },
	{ "https://C.test", NULL, "c.test", 443, "/" },
	{ "https://c.test:8443/x/y?z=%20", NULL, "c.test", 8443, "/x/y?z=%20" },
	{ "https://c.test?z", NULL, "c.test", 443, "/?z" },
	{ "http://c.test/x", NULL, NULL, 0, NULL },
	{ "https://me@c.test/x", NULL, NULL, 0, NULL },
	{ "https://127.0.0.1/x", NULL, NULL, 0, NULL },
	{ "https://[::1]/x", NULL, NULL, 0, NULL },
	{ "https://localhost/x", NULL, NULL, 0, NULL },
	{ "https://c.test:0/x", NULL, NULL, 0, NULL },
	{ "https://c.test:99999/x", NULL, NULL, 0, NULL },
	{ "https://c.test/x y", NULL, NULL, 0, NULL },
	{ "https://c.test/x\r\nHost: y", NULL, NULL, 0, NULL },
	{ "https://c.test/x#y", NULL, NULL, 0, NULL },
	{ "https:///x", NULL, NULL, 0, NULL },
	{ "ftp:x", NULL, NULL, 0, NULL },
};

START_TEST(uri_is_read)
{
	struct arena *a = arena_new(1 << 16, NULL, NULL);
	struct span list = span_of(uris[_i].uri), uri;
	const char *mail, *host, *path;
	unsigned port = 443;

	ck_assert(tlsrpt_eat_uri(&list, &uri) && !tlsrpt_eat_uri(&list, &uri));
	uri = span_of(uris[_i].uri);
	mail = tlsrpt_mailto(uri, a);
	ck_assert_msg(!mail == !uris[_i].mail && (!mail || strcmp(mail, uris[_i].mail) == 0),
	    "%s: %s", uri.p, mail);
	if (!uris[_i].host) {
		ck_assert_msg(!tlsrpt_https(uri, a, &host, &port, &path), "%s", uri.p);
	} else {
		ck_assert_msg(tlsrpt_https(uri, a, &host, &port, &path), "%s", uri.p);
		ck_assert_str_eq(host, uris[_i].host);
		ck_assert_str_eq(path, uris[_i].path);
		ck_assert_uint_eq(port, uris[_i].port);
	}
	arena_free(a);
}
END_TEST

static const struct tlsrpt_row good = { .domain = "b.test", .count = 3, .policy = TLSRPT_STS, .policy_domain = "b.test",
	.policy_string = "version: STSv1\nmode: testing\nmx: *.b.test\nmax_age: 5\n", .mx = "", .ip = "", .source = "",
	.helo = "", .reason = "" };
static const struct tlsrpt_row bad = { .domain = "b.test", .count = 2, .policy = TLSRPT_STS, .policy_domain = "b.test",
	.policy_string = "version: STSv1\nmode: testing\nmx: *.b.test\nmax_age: 5\n", .result = TLSRPT_EXPIRED,
	.mx = "mx.b.test", .ip = "2001:db8::1", .source = "192.0.2.1", .helo = "helo\tof b|%", .reason = "it's over" };

START_TEST(row_survives)
{
	struct arena *a = arena_new(1 << 16, NULL, NULL);
	struct str line = STR(TLSRPT_ROW_MAX);
	struct span domain, rest;
	struct tlsrpt_row r;
	uint64_t count;

	tlsrpt_row_print(&bad, &line);
	ck_assert(!line.over && !span_has(str_span(&line), '\n'));
	ck_assert(tlsrpt_row_parse(str_span(&line), a, &r));
	ck_assert_str_eq(r.policy_string, bad.policy_string);
	ck_assert_str_eq(r.helo, "helo?of b|%");
	ck_assert_str_eq(r.reason, bad.reason);
	ck_assert_int_eq(r.result, TLSRPT_EXPIRED);
	ck_assert_uint_eq(r.count, 2);
	ck_assert(tlsrpt_row_count(str_span(&line), &domain, &count, &rest));
	ck_assert(span_same(domain, SPAN("b.test")) && count == 2 &&
	    span_starts(rest, "sts b.test version:%20STSv1|mode:"));
	str_free(&line);
	arena_free(a);
}
END_TEST

START_TEST(long_policy_keeps_whole_lines)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str line = STR(TLSRPT_ROW_MAX), string = STR(1 << 16);
	struct tlsrpt_row r = bad;

	for (int i = 0; i < 100; i++)
		str_addf(&string, "mx: a-rather-long-name-%d.of.a.host.example.test\n", i);
	r.policy_string = string.p;
	tlsrpt_row_print(&r, &line);
	ck_assert(!line.over && tlsrpt_row_parse(str_span(&line), a, &r));
	ck_assert(strlen(r.policy_string) > 1000 && span_ends(span_of(r.policy_string), ".test\n"));
	str_free(&line);
	str_free(&string);
	arena_free(a);
}
END_TEST

static const char *const no_rows[] = { "", "b.test", "b.test 0 sts b.test - -",
	"b.test x sts b.test - -", "b.test 1 xxx b.test - -", "b.test 1 sts b.test - strange",
	"b.test 1 sts b.test - - a b c d e f" };

START_TEST(no_row_is_none)
{
	struct arena *a = arena_new(1 << 16, NULL, NULL);
	struct tlsrpt_row r;

	ck_assert_msg(!tlsrpt_row_parse(span_of(no_rows[_i]), a, &r), "%s", no_rows[_i]);
	arena_free(a);
}
END_TEST

/* RFC 8460 appendix B, with what it leaves out. */
static const char example[] =
	"{\"organization-name\": \"Company-X\", \"date-range\": {\"start-datetime\": \"2016-04-01T00:00:00Z\","
	"\"end-datetime\": \"2016-04-01T23:59:59Z\"}, \"contact-info\": \"sts-reporting@company-x.example\","
	"\"report-id\": \"5065427c-23d3-47ca-b6e0-946ea0e8c4be\", \"policies\": [{\"policy\": {\"policy-type\": \"sts\","
	"\"policy-string\": [\"version: STSv1\",\"mode: testing\",\"mx: *.mail.company-y.example\",\"max_age: 86400\"],"
	"\"policy-domain\": \"company-y.example\",\"mx-host\": [\"*.mail.company-y.example\"]},"
	"\"summary\": {\"total-successful-session-count\": 5326,\"total-failure-session-count\": 303},"
	"\"failure-details\": [{\"result-type\": \"certificate-expired\",\"sending-mta-ip\": \"2001:db8:abcd:0012::1\","
	"\"receiving-mx-hostname\": \"mx1.mail.company-y.example\",\"failed-session-count\": 100},"
	"{\"result-type\": \"starttls-not-supported\",\"sending-mta-ip\": \"2001:db8:abcd:0013::1\","
	"\"receiving-mx-hostname\": \"mx2.mail.company-y.example\",\"receiving-ip\": \"203.0.113.56\","
	"\"failed-session-count\": 200,\"additional-information\": \"https://reports.company-x.example/report_info ?\"}]}]}";

START_TEST(example_is_read)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct tlsrpt_report *r;

	ck_assert(tlsrpt_read(span_of(example), a, &r, NULL));
	ck_assert_str_eq(r->organization, "Company-X");
	ck_assert_int_eq(r->begin, 1459468800);
	ck_assert_int_eq(r->end, 1459555199);
	ck_assert_uint_eq(r->count, 1);
	ck_assert_str_eq(r->sums[0]->mx[0], "*.mail.company-y.example");
	ck_assert_uint_eq(r->sums[0]->good, 5326);
	ck_assert_str_eq(r->sums[0]->details->next->ip, "203.0.113.56");
	ck_assert_uint_eq(r->sums[0]->details->next->count, 200);
	arena_free(a);
}
END_TEST

static struct str document(size_t most, const char *before, const char *each)
{
	struct str json = STR(TLSRPT_READ_MAX + 10);

	str_add_text(&json, before);
	while (json.n + strlen(each) + 10 < most)
		str_add_text(&json, each);
	str_add_text(&json, "{}]}]}");
	return json;
}

/* Two bytes of text may be a hundred in memory. */
START_TEST(values_are_counted)
{
	static const char begin[] = "{\"policies\": [{\"failure-details\": [";
	static const char detail[] =
	    "{\"result-type\": \"certificate-expired\",\"sending-mta-ip\": \"2001:db8:abcd:0012::1\","
	    "\"receiving-mx-hostname\": \"mx1.mail.company-y.example\",\"receiving-ip\": \"203.0.113.56\","
	    "\"additional-information\": \"[{[{,,\\\",,,\",\"failed-session-count\": 100},";
	static const struct { const char *each; bool fine; } pieces[] = {
		{ detail, true }, { "{},", false }, { "0,", false }, { "[[],[]],", false },
	};
	struct arena *a = arena_new(64 << 20, NULL, NULL);

	for (int i = 0; i < COUNT(pieces); i++) {
		struct str json = document(TLSRPT_READ_MAX, begin, pieces[i].each);
		struct tlsrpt_report *r;
		struct err e = { 0 };

		ck_assert_msg(tlsrpt_read(str_span(&json), a, &r, &e) == pieces[i].fine, "%s: %s", pieces[i].each, e.text);
		ck_assert(pieces[i].fine || strstr(e.text, "values"));
		str_free(&json);
		arena_reset(a);
	}
	arena_free(a);
}
END_TEST

START_TEST(sums_are_printed_and_read)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct tlsrpt_report *r = tlsrpt_new(a), *back;
	struct tlsrpt_row plain = good;
	struct str json = STR(1 << 20);
	struct err e;

	plain.policy = TLSRPT_NO_POLICY;
	plain.policy_string = "";
	r->organization = "a.test";
	r->id = "1";
	r->begin = 1459468800;
	r->end = r->begin + 86399;
	for (int i = 0; i < 2; i++) {
		tlsrpt_add(r, &good);
		tlsrpt_add(r, &bad);
		tlsrpt_add(r, &plain);
	}
	ck_assert(tlsrpt_print(r, &json));
	ck_assert_msg(tlsrpt_read(str_span(&json), a, &back, &e), "%s: %s", e.text, json.p);
	ck_assert_uint_eq(back->count, 2);
	ck_assert_int_eq(back->begin, r->begin);
	ck_assert_str_eq(back->sums[0]->string, good.policy_string);
	ck_assert_str_eq(back->sums[0]->mx[0], "*.b.test");
	ck_assert_uint_eq(back->sums[0]->good, 6);
	ck_assert_uint_eq(back->sums[0]->bad, 4);
	ck_assert_uint_eq(back->sums[0]->details->count, 4);
	ck_assert_str_eq(back->sums[0]->details->result, "certificate-expired");
	ck_assert(!back->sums[0]->details->next);
	ck_assert_str_eq(back->sums[1]->policy, "no-policy-found");
	ck_assert_uint_eq(back->sums[1]->good, 6);
	str_free(&json);
	arena_free(a);
}
END_TEST

START_TEST(sums_have_an_end)
{
	struct arena *a = arena_new(8 << 20, NULL, NULL);
	struct tlsrpt_report *r = tlsrpt_new(a);
	struct tlsrpt_row row = bad;
	char name[40];

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof name, "mx%d.test", i);
		row.mx = name;
		row.policy_domain = i % 2 ? name : "b.test";
		tlsrpt_add(r, &row);
	}
	ck_assert_uint_eq(r->count, TLSRPT_SUMS_MAX);
	ck_assert_uint_eq(r->details, TLSRPT_DETAILS_MAX);
	ck_assert_uint_eq(r->sums[0]->bad, 3000);
	arena_free(a);
}
END_TEST

static const char *const no_reports[] = { "", "[]", "{}", "{\"policies\":1}", "{\"policies\":[]",
	"{\"policies\":[],\"policies\":[]}" };

START_TEST(no_report_is_none)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct tlsrpt_report *r;
	struct err e = { 0 };

	ck_assert_msg(!tlsrpt_read(span_of(no_reports[_i]), a, &r, &e) && e.kind == ERR_PERM, "%s",
	    no_reports[_i]);
	arena_free(a);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("tlsrpt");

	tcase_add_loop_test(tc, record_is_read, 0, COUNT(records));
	tcase_add_loop_test(tc, uri_is_read, 0, COUNT(uris));
	tcase_add_test(tc, row_survives);
	tcase_add_test(tc, long_policy_keeps_whole_lines);
	tcase_add_loop_test(tc, no_row_is_none, 0, COUNT(no_rows));
	tcase_add_test(tc, example_is_read);
	tcase_add_test(tc, values_are_counted);
	tcase_add_test(tc, sums_are_printed_and_read);
	tcase_add_test(tc, sums_have_an_end);
	tcase_add_loop_test(tc, no_report_is_none, 0, COUNT(no_reports));
	return unit_end();
}
