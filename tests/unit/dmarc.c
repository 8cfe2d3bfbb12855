/* DMARC: records, the author's domain, the tree walk, alignment, policy. Sections are RFC 9989's. */
#include "common/trust/dmarc.h"

#include "tests/unit/unit.h"

static const struct {
	const char *text;
	int policy;			/* -1: no record */
	enum dmarc_policy sub, nowhere;
	bool strict_dkim, strict_spf, testing;
	enum dmarc_psd psd;
	const char *rua;
} records[] = {
	{ "v=DMARC1; p=reject", DMARC_REJECT, 0, 0, false, false, false, 0, "" },
	{ "v=DMARC1;p=none;", DMARC_ACCEPT, 0, 0, false, false, false, 0, "" },
	{ " v = DMARC1 ; p = Quarantine ; adkim=s; aspf=r; t=y", DMARC_QUARANTINE, 0, 0, true, false, true, 0, "" },
	{ "v=DMARC1; p=reject; sp=none; np=quarantine; psd=y; aspf=s", DMARC_REJECT, DMARC_ACCEPT, DMARC_QUARANTINE,
	  false, true, false, DMARC_PSD_YES, "" },
	{ "v=DMARC1; p=reject; psd=n; psdx=y; pct=0; ri=1; rf=afrf; unknown=a b", DMARC_REJECT, 0, 0,
	  false, false, false, DMARC_PSD_NO, "" },
	{ "v=DMARC1; rua=mailto:a@b.test", DMARC_ACCEPT, 0, 0, false, false, false, 0, "mailto:a@b.test" },
	{ "v=DMARC1; p=moo; rua=mailto:a@b.test", DMARC_ACCEPT, 0, 0, false, false, false, 0, "mailto:a@b.test" },
	{ "v=DMARC1; p=reject; sp=moo; np=; adkim=x; t=maybe; psd=u", DMARC_REJECT, 0, 0, false, false, false, 0, "" },
	{ "v=DMARC1", -1, 0, 0, 0, 0, 0, 0, NULL },
	{ "v=DMARC1; p=moo", -1, 0, 0, 0, 0, 0, 0, NULL },
	{ "v=DMARC1; p=moo; rua=https://a.test", -1, 0, 0, 0, 0, 0, 0, NULL },
	{ "v=dmarc1; p=reject", -1, 0, 0, 0, 0, 0, 0, NULL },
	{ "p=reject; v=DMARC1", -1, 0, 0, 0, 0, 0, 0, NULL },
	{ "v=DMARC10; p=reject", -1, 0, 0, 0, 0, 0, 0, NULL },
	{ "v=DMARC1; p=reject; p=none", -1, 0, 0, 0, 0, 0, 0, NULL },
	{ "", -1, 0, 0, 0, 0, 0, 0, NULL },
};

START_TEST(record_parses)
{
	struct dmarc_record r;
	struct err e = { 0 };
	bool ok = dmarc_record_parse(span_of(records[_i].text), &r, &e);

	ck_assert_msg(ok == (records[_i].policy >= 0), "%s: %s", records[_i].text, e.text);
	if (!ok)
		return;
	ck_assert_int_eq((int)r.policy, records[_i].policy);
	ck_assert_int_eq(r.sub, records[_i].sub);
	ck_assert_int_eq(r.nowhere, records[_i].nowhere);
	ck_assert_int_eq(r.strict_dkim, records[_i].strict_dkim);
	ck_assert_int_eq(r.strict_spf, records[_i].strict_spf);
	ck_assert_int_eq(r.testing, records[_i].testing);
	ck_assert_int_eq(r.psd, records[_i].psd);
	ck_assert(span_same(r.rua, span_of(records[_i].rua)));
}
END_TEST

START_TEST(report_addresses_are_read)
{
	struct span list = SPAN(" mailto:a@b.test!10m , https://x.test, mailto:nobody,MAILTO:c@d.test?subject=x,"), address;

	ck_assert(dmarc_eat_mailto(&list, &address));
	ck_assert(span_same(address, SPAN("a@b.test")));
	ck_assert(dmarc_eat_mailto(&list, &address));
	ck_assert(span_same(address, SPAN("c@d.test")));
	ck_assert(!dmarc_eat_mailto(&list, &address));
}
END_TEST

static const struct { const char *header, *domain; } authors[] = {
	{ "From: Ann <ann@Example.TEST>\n\n", "example.test" },
	{ "from: ann@example.test, bob@example.test\n\n", "example.test" },
	{ "From: Group: ann@example.test;\n\n", "example.test" },
	{ "From: (evil@other.test) ann@example.test (more)\n\n", "example.test" },
	{ "From: \"ann@other.test\" <ann@example.test>\n\n", "example.test" },
	{ "From: Ann\n <ann@example.test>\n\n", "example.test" },
	{ "From: ann@b\xc3\xbc" "cher.test\n\n", "xn--bcher-kva.test" },
	{ "From: ann@example.test, eve@other.test\n\n", NULL },
	{ "From: ann@example.test\nFrom: ann@example.test\n\n", NULL },
	{ "From: ann\n\n", "" },
	{ "From: root, ann@example.test\n\n", "example.test" },
	{ "From: \"ann@example.test\"\n\n", NULL },	/* all of it the local part, and who sees that? */
	{ "From: ann@[192.0.2.1], ann@example.test\n\n", "example.test" },
	{ "From: nobody:;\nTo: a@b.test\nFrom: eve@other.test\n\n", NULL },
	{ "From:\n\n", "" },
	{ "From: nobody:;\n\n", "" },		/* RFC 6854 */
	{ "From: ann@[192.0.2.1]\n\n", "" },
	{ "From: ann@a..test\n\n", NULL },
	{ "To: ann@example.test\n\n", "" },
};

/* Behind a thousand fields there may be another: what a reader shows is not what we saw. */
START_TEST(author_behind_a_bomb)
{
	struct arena *a = arena_new(4 << 20, NULL, NULL);
	struct str text = STR(1 << 20);
	const char *domain;
	struct header h;
	struct err e;

	for (int i = 0; i < HEADER_FIELDS_MAX; i++)
		str_add_text(&text, "X: y\n");
	str_add_text(&text, "From: ann@example.test\n\n");
	header_index(str_span(&text), a, &h);
	ck_assert(!dmarc_author(&h, a, &domain, &e) && strcmp(e.status, "5.7.26") == 0);
	str_free(&text);
	arena_free(a);
}
END_TEST

START_TEST(author_is_found)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	const char *domain = NULL;
	struct header h;
	struct err e;
	bool ok;

	header_index(span_of(authors[_i].header), a, &h);
	ok = dmarc_author(&h, a, &domain, &e);
	ck_assert_msg(ok == (authors[_i].domain != NULL), "%s", authors[_i].header);
	if (ok)
		ck_assert_str_eq(domain, authors[_i].domain);
	else
		ck_assert_str_eq(e.status, "5.7.26");
	arena_free(a);
}
END_TEST

static const char *const zone_lines[] = {
	"test SOA x",
	"_dmarc.reject.test TXT \"v=DMARC1; p=reject; sp=quarantine; np=none\"", "sub.reject.test A 192.0.2.1",
	"_dmarc.own.reject.test TXT \"v=DMARC1; p=none; adkim=s; aspf=s\"",
	"_dmarc.trial.test TXT \"v=DMARC1; p=reject; t=y\"", "_dmarc.trialq.test TXT \"v=DMARC1; p=quarantine; t=y\"",
	"_dmarc.two.test TXT \"v=DMARC1; p=reject\"", "_dmarc.two.test TXT \"v=DMARC1; p=none\"",
	"_dmarc.own.late.test TXT \"v=DMARC1; p=reject\"",
	"_dmarc.noise.test TXT \"hello\"", "_dmarc.noise.test TXT \"v=DMARC1; p=quarantine\"",
	/* a public suffix, and a domain that says that it is one organization */
	"_dmarc.suffix.test TXT \"v=DMARC1; p=quarantine; psd=y; np=reject\"", "a.suffix.test A 192.0.2.1",
	"_dmarc.b.suffix.test TXT \"v=DMARC1; p=reject\"",
	"_dmarc.island.b.suffix.test TXT \"v=DMARC1; p=reject; psd=n\"",
	/* many labels: 4.10 skips from nine to seven */
	"_dmarc.a.b.c.d.e.f.deep.test TXT \"v=DMARC1; p=reject\"", "_dmarc.c.d.e.f.deep.test TXT \"v=DMARC1; p=quarantine\"",
	"x.y.a.b.c.d.e.f.deep.test A 192.0.2.1",
};

static const struct {
	const char *author, *spf,
	    *dkim[2]; /* domains that passed; NULL: none, "?x" a temporary error */
	enum trust_result result;
	const char *organization, *published_at;
	enum dmarc_policy wanted, policy;
} cases[] = {
	{ "none.example", NULL, { NULL }, TRUST_NONE, "", "", 0, 0 },
	{ "none.example", NULL, { "none.example" }, TRUST_NONE, "", "", 0, 0 },
	{ "reject.test", NULL, { NULL }, TRUST_FAIL, "reject.test", "reject.test", DMARC_REJECT, DMARC_REJECT },
	{ "reject.test", "reject.test", { NULL }, TRUST_PASS, "reject.test", "reject.test", DMARC_REJECT, DMARC_REJECT },
	{ "reject.test", "mail.reject.test", { NULL }, TRUST_PASS, "reject.test", "reject.test", DMARC_REJECT, DMARC_REJECT },
	{ "reject.test", "evil.example", { NULL, "sub.reject.test" }, TRUST_PASS, "reject.test", "reject.test",
	  DMARC_REJECT, DMARC_REJECT },
	{ "reject.test", "notreject.test", { "test" }, TRUST_FAIL, "reject.test", "reject.test", DMARC_REJECT, DMARC_REJECT },
	{ "sub.reject.test", "reject.test", { NULL }, TRUST_PASS, "reject.test", "reject.test",
	  DMARC_QUARANTINE, DMARC_QUARANTINE },
	{ "sub.reject.test", NULL, { NULL }, TRUST_FAIL, "reject.test", "reject.test", DMARC_QUARANTINE, DMARC_QUARANTINE },
	{ "no.reject.test", NULL, { NULL }, TRUST_FAIL, "reject.test", "reject.test", DMARC_ACCEPT, DMARC_ACCEPT },
	{ "own.reject.test", "reject.test", { "sub.own.reject.test" }, TRUST_FAIL, "reject.test", "own.reject.test",
	  DMARC_ACCEPT, DMARC_ACCEPT },
	{ "own.reject.test", NULL, { "own.reject.test" }, TRUST_PASS, "reject.test", "own.reject.test", DMARC_ACCEPT, DMARC_ACCEPT },
	{ "trial.test", NULL, { NULL }, TRUST_FAIL, "trial.test", "trial.test", DMARC_REJECT, DMARC_QUARANTINE },
	{ "trialq.test", NULL, { NULL }, TRUST_FAIL, "trialq.test", "trialq.test", DMARC_QUARANTINE, DMARC_ACCEPT },
	{ "two.test", NULL, { NULL }, TRUST_NONE, "", "", 0, 0 },
	{ "noise.test", NULL, { NULL }, TRUST_FAIL, "noise.test", "noise.test", DMARC_QUARANTINE, DMARC_QUARANTINE },
	/* 4.10.2: below a public suffix each is an organization */
	{ "a.suffix.test", "b.suffix.test", { NULL }, TRUST_FAIL, "a.suffix.test", "suffix.test",
	  DMARC_QUARANTINE, DMARC_QUARANTINE },
	{ "a.suffix.test", "m.a.suffix.test", { NULL }, TRUST_PASS, "a.suffix.test", "suffix.test",
	  DMARC_QUARANTINE, DMARC_QUARANTINE },
	{ "x.suffix.test", NULL, { NULL }, TRUST_FAIL, "x.suffix.test", "suffix.test", DMARC_REJECT, DMARC_REJECT },
	{ "b.suffix.test", "m.b.suffix.test", { NULL }, TRUST_PASS, "b.suffix.test", "b.suffix.test", DMARC_REJECT, DMARC_REJECT },
	{ "b.suffix.test", "island.b.suffix.test", { NULL }, TRUST_FAIL, "b.suffix.test", "b.suffix.test",
	  DMARC_REJECT, DMARC_REJECT },
	{ "suffix.test", "a.suffix.test", { NULL }, TRUST_FAIL, "suffix.test", "suffix.test",
	  DMARC_QUARANTINE, DMARC_QUARANTINE },
	/* 4.10: nine labels: itself, then seven and less */
	{ "x.y.a.b.c.d.e.f.deep.test", NULL, { NULL }, TRUST_FAIL, "c.d.e.f.deep.test", "c.d.e.f.deep.test",
	  DMARC_QUARANTINE, DMARC_QUARANTINE },
	/* what the DNS can not tell */
	{ "late.test", NULL, { NULL }, TRUST_TEMPERROR, "", "", 0, 0 },
	{ "reject.test", "?reject.test", { NULL }, TRUST_TEMPERROR, "reject.test", "reject.test", 0, 0 },
	{ "reject.test", "?reject.test", { "reject.test" }, TRUST_PASS, "reject.test", "reject.test", DMARC_REJECT, DMARC_REJECT },
	{ "reject.test", "slow.reject.test", { NULL }, TRUST_PASS, "reject.test", "reject.test", DMARC_REJECT, DMARC_REJECT },
	{ "reject.test", NULL, { "?reject.test", NULL }, TRUST_TEMPERROR, "reject.test", "reject.test", 0, 0 },
	{ "reject.test", NULL, { "?m.reject.test", NULL }, TRUST_TEMPERROR, "reject.test", "reject.test", 0, 0 },
	/* who brings domains of his own that do not answer can not make it undecided */
	{ "reject.test", "?evil.test", { NULL }, TRUST_FAIL, "reject.test", "reject.test", DMARC_REJECT, DMARC_REJECT },
	{ "reject.test", NULL, { "?evil.test", "?late.test" }, TRUST_FAIL, "reject.test", "reject.test",
	  DMARC_REJECT, DMARC_REJECT },
	{ "reject.test", "late.test", { "m.late.test" }, TRUST_FAIL, "reject.test", "reject.test", DMARC_REJECT, DMARC_REJECT },
	{ "own.reject.test", "?reject.test", { "?x.own.reject.test" }, TRUST_FAIL, "reject.test", "own.reject.test",
	  DMARC_ACCEPT, DMARC_ACCEPT },
	/* its own record is there, what is above does not answer: whose organization is it? */
	{ "own.late.test", "late.test", { NULL }, TRUST_TEMPERROR, "own.late.test", "own.late.test", 0, 0 },
	{ "own.late.test", "evil.example", { NULL }, TRUST_FAIL, "own.late.test", "own.late.test", DMARC_REJECT, DMARC_REJECT },
	{ "own.late.test", "own.late.test", { NULL }, TRUST_PASS, "own.late.test", "own.late.test", DMARC_REJECT, DMARC_REJECT },
};

static unsigned asked;

static void ask_table(void *arg, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out)
{
	struct trust_dns zone = trust_dns_zone(arg);

	asked++;
	zone.ask(zone.arg, name, type, a, out);
	if ((span_ends(span_of(name), "late.test") && !span_ends(span_of(name), "own.late.test")) ||
	    span_ends(span_of(name), "slow.reject.test"))
		*out = (struct dns_answer){ .found = DNS_FAILED, .why = "no answer in time" };
}

static struct dmarc_vouch vouch(const char *text)
{
	struct dmarc_vouch v = { "", TRUST_NONE };

	if (text) {
		v.result = *text == '?' ? TRUST_TEMPERROR : TRUST_PASS;
		v.domain = *text == '?' ? text + 1 : text;
	}
	return v;
}

START_TEST(message_is_judged)
{
	struct arena *a = arena_new(4 << 20, NULL, NULL);
	struct zone *zone = zone_new(zone_lines, sizeof zone_lines / sizeof *zone_lines, a, NULL);
	struct dmarc_vouch dkim[2] = { vouch(cases[_i].dkim[0]), vouch(cases[_i].dkim[1]) };
	struct dmarc_facts f = { .author = cases[_i].author,
		.spf = vouch(cases[_i].spf),
		.dkim = dkim,
		.dkim_count = 2 };
	struct trust_dns dns = { ask_table, zone };
	struct dmarc_verdict v;

	asked = 0;
	dmarc_check(&f, &dns, a, &v);
	ck_assert_msg(v.result == cases[_i].result, "%s: %s, %s", cases[_i].author,
	    trust_result_name(v.result), v.why);
	ck_assert_str_eq(v.organization, cases[_i].organization);
	ck_assert_str_eq(v.published_at, cases[_i].published_at);
	ck_assert_int_eq(v.wanted, cases[_i].wanted);
	ck_assert_int_eq(v.policy, cases[_i].policy);
	if (cases[_i].dkim[0] &&
	    strcmp(cases[_i].dkim[0], cases[_i].author) == 0) /* also where there is no policy */
		ck_assert(v.dkim_aligned);
	ck_assert(*v.why && asked <= 3 * DMARC_WALK_MAX + 3);
	arena_free(a);
}
END_TEST

/* A thousand signatures of as many domains of one suffix cost no thousand walks. */
START_TEST(walks_are_limited)
{
	struct arena *a = arena_new(64 << 20, NULL, NULL);
	struct dmarc_vouch dkim[1000];
	struct dmarc_facts f = { .author = "reject.test", .spf = vouch(NULL), .dkim = dkim, .dkim_count = 1000 };
	struct trust_dns dns = { ask_table, zone_new(zone_lines, 2, a, NULL) };
	struct dmarc_verdict v;

	for (int i = 0; i < 1000; i++)
		dkim[i] = (struct dmarc_vouch){ arena_printf(a, "a.b.c.d.e.f.g.x%d.test", i),
			TRUST_PASS };
	asked = 0;
	dmarc_check(&f, &dns, a, &v);
	ck_assert_int_eq(v.result, TRUST_FAIL);
	ck_assert_uint_le(asked, DMARC_WALKS * DMARC_WALK_MAX);
	arena_free(a);
}
END_TEST

static void ask_count(void *arg, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out)
{
	(void)arg;
	asked++;
	*out = (struct dns_answer){ .found = DNS_YES, .why = arena_printf(a, "%s %d", name, type) };
}

/* What was asked in time stays known when the time is over; nothing is asked twice, nor without end. */
START_TEST(what_was_asked_is_remembered)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct dns_memo m = { .next = { ask_count, NULL }, .arena = a, .until = clock_in(60) };
	struct trust_dns dns = trust_dns_memo(&m);
	struct dns_answer out;

	asked = 0;
	dns.ask(dns.arg, "a.test", DNS_TXT, a, &out);
	dns.ask(dns.arg, "A.test", DNS_TXT, a, &out);
	ck_assert_uint_eq(asked, 1);
	dns.ask(dns.arg, "a.test", DNS_A, a, &out);
	ck_assert_uint_eq(asked, 2);
	ck_assert_str_eq(out.why, "a.test 1");
	for (int i = 0; i < 2 * DNS_MEMO_MAX; i++)
		dns.ask(dns.arg, arena_printf(a, "n%d.test", i), DNS_A, a, &out);
	ck_assert_uint_eq(asked, 2 + 2 * DNS_MEMO_MAX);
	m.until = clock_ms();
	dns.ask(dns.arg, "a.test", DNS_TXT, a, &out);
	ck_assert_int_eq(out.found, DNS_YES);
	dns.ask(dns.arg, "b.test", DNS_TXT, a, &out);
	ck_assert_int_eq(out.found, DNS_FAILED);
	ck_assert_uint_eq(asked, 2 + 2 * DNS_MEMO_MAX);
	arena_free(a);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("dmarc");

	tcase_add_loop_test(tc, record_parses, 0, COUNT(records));
	tcase_add_test(tc, report_addresses_are_read);
	tcase_add_loop_test(tc, author_is_found, 0, COUNT(authors));
	tcase_add_test(tc, author_behind_a_bomb);
	tcase_add_loop_test(tc, message_is_judged, 0, COUNT(cases));
	tcase_add_test(tc, walks_are_limited);
	tcase_add_test(tc, what_was_asked_is_remembered);
	return unit_end();
}
