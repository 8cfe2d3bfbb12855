/* Authentication-Results: what we write, and what others write in our name; iprev. */
#include "common/trust/authres.h"

#include "tests/unit/unit.h"

static const struct { const char *value; bool ours; } claims[] = {
	{ " mx.here.test; spf=pass", true },
	{ " MX.Here.Test; none", true },
	{ " mx.here.test. 1; none", true },
	{ "mx.here.test", true },
	{ "\n\tmx.here.test;\n\tspf=pass", true },
	{ " (a comment (in a comment)) mx.here.test; none", true },
	{ " (\\) tricky) mx.here.test; none", true },
	{ " \"mx.here.test\"; none", true },
	{ " \"mx\\.here.test\"; none", true },
	{ " (open", true },			/* who can tell: it goes */
	{ " \"open", true },
	{ "", true },
	{ " mx.here.test/1; spf=pass", true },	/* no token; some read it all the same */
	{ " mx.here.test@x; spf=pass", true },
	{ " mx.other.test; spf=pass", false },
	{ " mx.here.test.other.test; spf=pass", false },
	{ " other; mx.here.test", false },
	{ " (mx.here.test) other; none", false },
	{ " \"mx here test\"; none", false },
};

START_TEST(claim_is_seen)
{
	ck_assert_msg(authres_claims(span_of(claims[_i].value), "mx.here.test") == claims[_i].ours,
	    "%s", claims[_i].value);
}
END_TEST

static struct spf_facts who(const char *ip, const char *sender)
{
	struct spf_facts f = { .helo = "helo.test", .sender = sender };

	ck_assert(address_parse(span_of(ip), &f.ip));
	return f;
}

START_TEST(results_are_printed)
{
	static const struct { const char *ip, *sender, *spf, *iprev; } rows[] = {
		{ "192.0.2.1", "ann@a.test", "smtp.mailfrom=ann@a.test", "policy.iprev=192.0.2.1" },
		{ "2001:db8::1", "\"a b\"@a.test", "smtp.mailfrom=a.test", "policy.iprev=\"2001:db8::1\"" },
		{ "192.0.2.1", "", "smtp.helo=helo.test", "policy.iprev=192.0.2.1" },
		{ "192.0.2.1", "\xc3\xa4@a.test", "smtp.mailfrom=a.test", "policy.iprev=192.0.2.1" },
	};

	for (int i = 0; i < COUNT(rows); i++) {
		struct spf_facts f = who(rows[i].ip, rows[i].sender);
		struct spf_verdict spf = { .result = TRUST_PASS, .domain = "helo.test", .why = "a (of) a.test" };
		struct dmarc_verdict dmarc = { .result = TRUST_FAIL, .wanted = DMARC_REJECT, .why = "say \"no\"\n" };
		struct dkim_verdict dkim = { 0 };
		struct arc arc = { .count = 2, .result = TRUST_PASS, .sealer = SPAN("list.test") };
		struct authres r = { "mx.here.test", &f, &spf, &dkim, &arc, &dmarc, "a.test",
			TRUST_PERMERROR };
		struct str out = STR(2000), want = STR(2000);

		authres_print(&r, &out);
		str_addf(&want, " mx.here.test;\n\tspf=pass (a ?of? a.test)\n\t%s;\n\tdkim=none;\n"
		    "\tarc=pass (i=2 sealed by list.test);\n"
		    "\tdmarc=fail (p=reject) reason=\"say ?no??\" header.from=a.test;\n\tiprev=permerror %s", rows[i].spf, rows[i].iprev);
		ck_assert_str_eq(out.p, want.p);
		ck_assert(authres_claims(str_span(&out), "mx.here.test"));
		str_free(&out);
		str_free(&want);
	}
}
END_TEST

/* HELO and addresses are words that a stranger chose: none of them may look like a result of ours. */
START_TEST(nobody_else_writes_results)
{
	static const struct { const char *sender, *helo, *as; } rows[] = {
		{ "", "x;dmarc=pass", "spf=none;" }, { "", "a(b", "spf=none;" }, { "", "\xc3\xa4.test", "spf=none;" },
		{ "", "[192.0.2.1]", "spf=none;" }, { "", "good.test", "spf=none\n\tsmtp.helo=good.test;" },
		{ "a@[x;dmarc=pass]", "h.test", "spf=none;" }, { "a;dmarc=pass@b.test", "h.test", "spf=none\n\tsmtp.mailfrom=b.test;" },
	};

	for (int i = 0; i < COUNT(rows); i++) {
		struct spf_facts f = who("192.0.2.1", rows[i].sender);
		struct spf_verdict spf = { .domain = rows[i].helo, .why = "" };
		struct dmarc_verdict dmarc = { .result = TRUST_NONE, .why = "" };
		struct dkim_verdict dkim = { 0 };
		struct arc arc = { 0 };
		struct authres r = { "mx.here.test", &f, &spf, &dkim, &arc, &dmarc, "",
			TRUST_PASS };
		struct str out = STR(2000), want = STR(2000);

		authres_print(&r, &out);
		str_addf(&want, " mx.here.test;\n\t%s\n\tdkim=none;\n\tdmarc=none;\n\tiprev=pass policy.iprev=192.0.2.1", rows[i].as);
		ck_assert_str_eq(out.p, want.p);
		str_free(&out);
		str_free(&want);
	}
}
END_TEST

static const struct { const char *value; bool passed; } sealed[] = {
	{ "i=1; list.test; spf=pass; dmarc=pass header.from=a.test", true },
	{ "i=1; list.test;\n\tdmarc=pass (p=none) header.from=a.test", true },
	{ "i=1; list.test; spf=pass (a \"quoted) smtp.mailfrom=a.test; dmarc=pass", true },
	{ "i=1; list.test; spf=pass (a (;) \\) b) smtp.mailfrom=a.test; dmarc=pass", true },
	{ "i=1; list.test; dmarc=fail", false },
	{ "i=1; list.test; dmarc=passable", false },
	{ "i=1; list.test; dmarc=pass-ish", false },
	{ "i=1; list.test; spf=none smtp.mailfrom=\"x; dmarc=pass\"@evil.test; dmarc=fail", false },
	{ "i=1; list.test; spf=none smtp.mailfrom=\"x\\\"; dmarc=pass\"@evil.test; dmarc=fail", false },
	{ "i=1; list.test; spf=none (said; dmarc=pass ) smtp.helo=x; dmarc=fail", false },
	{ "i=1; list.test; spf=none (said (more) ; dmarc=pass", false },
	{ "", false },
};

START_TEST(sealer_saw_a_pass)
{
	ck_assert_msg(arc_has_dmarc_pass(span_of(sealed[_i].value)) == sealed[_i].passed, "%s",
	    sealed[_i].value);
}
END_TEST

static const char *const zone_lines[] = {
	"1.2.0.192.in-addr.arpa PTR liar.test", "1.2.0.192.in-addr.arpa PTR good.test", "good.test A 192.0.2.1",
	"liar.test A 192.0.2.9", "2.2.0.192.in-addr.arpa PTR liar.test",
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR six.test", "six.test AAAA 2001:db8::1",
};

static const struct { const char *ip; enum trust_result result; } reverses[] = {
	{ "192.0.2.1", TRUST_PASS }, { "192.0.2.2", TRUST_FAIL }, { "192.0.2.3", TRUST_PERMERROR },
	{ "2001:db8::1", TRUST_PASS }, { "2001:db8::2", TRUST_PERMERROR },
};

START_TEST(address_leads_back)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct trust_dns dns =
	    trust_dns_zone(zone_new(zone_lines, sizeof zone_lines / sizeof *zone_lines, a, NULL));
	struct spf_facts f = who(reverses[_i].ip, "");

	ck_assert_int_eq(iprev_check(&f.ip, &dns, a), reverses[_i].result);
	arena_free(a);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("authres");

	tcase_add_loop_test(tc, claim_is_seen, 0, COUNT(claims));
	tcase_add_test(tc, results_are_printed);
	tcase_add_test(tc, nobody_else_writes_results);
	tcase_add_loop_test(tc, sealer_saw_a_pass, 0, COUNT(sealed));
	tcase_add_loop_test(tc, address_leads_back, 0, COUNT(reverses));
	return unit_end();
}
