/* SPF: records, macros, and check_host() against a table of records. Section numbers are RFC 7208's. */
#include "common/trust/spf.h"

#include "common/trust/spf-macro.h"
#include "common/trust/spf-record.h"
#include "tests/unit/unit.h"

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct arena *arena(void)
{
	return arena_new(16 << 20, NULL, NULL);
}

/* --- records --- */

static const struct { const char *text; bool ok; } records[] = {
	{ "v=spf1", true },
	{ "v=spf1 ", true },
	{ "V=SpF1 -ALL", true },
	{ "v=spf1  a   mx  -all ", true },
	{ "v=spf1 +a ~mx ?ptr -all", true },
	{ "v=spf1 a/0 a/32 a//0 a//128 a/24//64", true },
	{ "v=spf1 a:a.test/24 mx:b.test//64 mx:c.test/8//8", true },
	{ "v=spf1 a:foo:bar/baz.test", true },		/* 7.1: macro-literal is any visible character */
	{ "v=spf1 ip4:192.0.2.0/24 ip4:192.0.2.1 ip4:0.0.0.0/0", true },
	{ "v=spf1 ip6:2001:db8::/32 ip6:::1 ip6:::/0 ip6:::ffff:192.0.2.1", true },
	{ "v=spf1 include:a.test exists:%{i}.b.test ptr ptr:c.test", true },
	{ "v=spf1 redirect=a.test exp=b.test unknown=%{d}/x: other-1.x_y=", true },
	{ "v=spf1 exists:%{d1r.-+,/_=}.a.test exists:%%%_%-.a.test", true },
	{ "v=spf1 a:%{d/}", true },
	{ "v=spf1 a:%{d}/24", true },
	{ "v=spf1 a:test.1-2", true },
	{ "v=spf1 a:a.test.", true },
	{ "v=spf1 a:a..test", true },			/* 4.8 leaves that to the DNS: no such name */
	{ "v=spf10", false },
	{ "v=spf1 all.", false },
	{ "v=spf1 all:a.test", false },
	{ "v=spf1 all/8", false },
	{ "v=spf1 moo", false },
	{ "v=spf1 a:", false },
	{ "v=spf1 a:/24", false },
	{ "v=spf1 a/33", false },
	{ "v=spf1 a//129", false },
	{ "v=spf1 a/", false },
	{ "v=spf1 a/024", false },
	{ "v=spf1 a/+8", false },
	{ "v=spf1 a/24/24", false },
	{ "v=spf1 a:test", false },			/* 7.1: domain-end begins with a dot */
	{ "v=spf1 a:1.2.3.4", false },
	{ "v=spf1 a:test.-a", false },
	{ "v=spf1 a:test.a-", false },
	{ "v=spf1 a:%{x}", false },
	{ "v=spf1 a:%{d", false },
	{ "v=spf1 a:%{d0}", false },
	{ "v=spf1 a:%{dr2}", false },
	{ "v=spf1 a:%d", false },
	{ "v=spf1 a:a.test%", false },
	{ "v=spf1 a:%{d}x", false },
	{ "v=spf1 a:%%", false },
	{ "v=spf1 exists:%{c}.a.test", false },		/* 7.2: only in explanations */
	{ "v=spf1 exists:%{r}.a.test", false },
	{ "v=spf1 exists:%{t}.a.test", false },
	{ "v=spf1 ip4", false },
	{ "v=spf1 ip4:", false },
	{ "v=spf1 ip4:1.2.3", false },
	{ "v=spf1 ip4:1.2.3.4/33", false },
	{ "v=spf1 ip4:1.2.3.4/", false },
	{ "v=spf1 ip4:1.2.3.4//32", false },
	{ "v=spf1 ip4:2001:db8::1", false },
	{ "v=spf1 ip6:2001:db8::1/129", false },
	{ "v=spf1 ip6:1.2.3.4", false },
	{ "v=spf1 ip6:2001:db8::g", false },
	{ "v=spf1 include", false },
	{ "v=spf1 include:", false },
	{ "v=spf1 include:a.test/24", false },
	{ "v=spf1 exists", false },
	{ "v=spf1 ptr/24", false },
	{ "v=spf1 ptr:", false },
	{ "v=spf1 redirect=", false },
	{ "v=spf1 redirect=a.test redirect=a.test", false },
	{ "v=spf1 exp=a.test exp=a.test", false },
	{ "v=spf1 exp=", false },
	{ "v=spf1 redirect:a.test", false },
	{ "v=spf1 =a.test", false },
	{ "v=spf1 1a=b", false },
	{ "v=spf1 a.b=%{x}", false },
	{ "v=spf1 moo/x=y", false },
	{ "v=spf1 -", false },
	{ "v=spf1 --all", false },
	{ "v=spf1 a\tmx", false },
	{ "v=spf1 a:\xc3\xbc.test", false },
	{ "v=spf1 \x80" "a -all", false },
};

START_TEST(record_parses)
{
	struct spf_record *r = calloc(1, sizeof *r);
	struct err e = { 0 };
	bool ok = spf_record_parse(span_of(records[_i].text), r, &e);

	ck_assert_msg(ok == records[_i].ok, "%s: %s", records[_i].text, e.text);
	ck_assert_int_eq(e.kind, ok ? ERR_NONE : ERR_PERM);
	free(r);
}
END_TEST

/* --- macros: the examples of 7.4, and more --- */

static const char *no_name(void *arg)
{
	(void)arg;
	return "unknown";
}

static const struct { const char *macro; bool six; const char *text; } macros[] = {
	{ "%{s}", false, "strong-bad@email.example.com" },
	{ "%{o}", false, "email.example.com" },
	{ "%{d}", false, "email.example.com" },
	{ "%{d4}", false, "email.example.com" },
	{ "%{d3}", false, "email.example.com" },
	{ "%{d2}", false, "example.com" },
	{ "%{d1}", false, "com" },
	{ "%{dr}", false, "com.example.email" },
	{ "%{d2r}", false, "example.email" },
	{ "%{l}", false, "strong-bad" },
	{ "%{l-}", false, "strong.bad" },
	{ "%{lr}", false, "strong-bad" },
	{ "%{lr-}", false, "bad.strong" },
	{ "%{l1r-}", false, "strong" },
	{ "%{ir}.%{v}._spf.%{d2}", false, "3.2.0.192.in-addr._spf.example.com" },
	{ "%{lr-}.lp._spf.%{d2}", false, "bad.strong.lp._spf.example.com" },
	{ "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", false, "bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
	{ "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", false, "3.2.0.192.in-addr.strong.lp._spf.example.com" },
	{ "%{d2}.trusted-domains.example.net", false, "example.com.trusted-domains.example.net" },
	{ "%{ir}.%{v}._spf.%{d2}", true,
	  "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com" },
	{ "%{c}", true, "2001:db8::cb01" },
	{ "%{c}", false, "192.0.2.3" },
	{ "%{h} %{r} %{t} %{p}", false, "a+b/c mx.example.org 1234567890 unknown" },
	{ "%{H}", false, "a%2Bb%2Fc" },
	{ "%{S}", false, "strong-bad%40email.example.com" },
	{ "%{h+/}", false, "a.b.c" },
	{ "%{d99999999}", false, "email.example.com" },
	{ "%%%_%-", false, "% %20" },
};

START_TEST(macro_expands)
{
	struct spf_macro_facts f = { .helo = "a+b/c", .local = SPAN("strong-bad"), .domain = "email.example.com",
		.sender_domain = SPAN("email.example.com"), .receiver = "mx.example.org", .now = 1234567890, .reverse = no_name };
	struct str out = STR(1000);

	ck_assert(address_parse(macros[_i].six ? SPAN("2001:db8::cb01") : SPAN("192.0.2.3"), &f.ip));
	ck_assert(spf_macro_valid(span_of(macros[_i].macro), true, NULL));
	spf_macro_expand(span_of(macros[_i].macro), &f, &out);
	ck_assert_str_eq(out.p, macros[_i].text);
	str_free(&out);
}
END_TEST

/* 7.3: what is longer than a name loses its left labels. */
START_TEST(long_name_is_shortened)
{
	struct spf_macro_facts f = { .helo = "",
		.domain = LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ".example.com",
		.receiver = "",
		.reverse = no_name };
	struct str out = STR(1000);

	spf_macro_name(SPAN("%{d}."), &f, &out);
	ck_assert_str_eq(out.p, LABEL63 "." LABEL63 "." LABEL63 ".example.com");
	str_free(&out);
}
END_TEST

/* --- check_host() --- */

static const char *const zone_lines[] = {
	"test SOA x", "in-addr.arpa SOA x", "ip6.arpa SOA x",
	"all.test TXT \"v=spf1 -all exp=why.all.test\"",
	"why.all.test TXT \"%{l} at %{d} from %{c}: %{p}, see http://%{o}/?s=%{S}&r=%{r}\"",
	"plus.test TXT \"v=spf1 +all\"", "soft.test TXT \"v=spf1 ~all\"", "unsure.test TXT \"v=spf1 ?all\"",
	"empty.test TXT \"v=spf1\"",
	"none.test TXT \"other text\"", "none.test TXT \"\"", "none.test TXT v=spf10",
	"split.test TXT \"v=spf\" \"1 ip4:192.0.\" \"2.1 -all\"",
	"nospace.test TXT \"v=spf1\" \"mx\"",
	"two.test TXT \"v=spf1 -all\"", "two.test TXT \"V=spf1 +all\"",
	"broken.test TXT \"v=spf1 ip4:192.0.2.1 -all moo\"",
	/* A and MX */
	"host.test A 192.0.2.1", "host.test AAAA 2001:db8::1", "host.test A 192.0.2.200",
	"a.test TXT \"v=spf1 a:host.test -all\"", "a24.test TXT \"v=spf1 a:host.test/24//32 -all\"",
	"a0.test TXT \"v=spf1 a:host.test/0 -all\"", "a0six.test TXT \"v=spf1 a:host.test//0 -all\"",
	"self.test TXT \"v=spf1 a mx -all\"", "self.test A 192.0.2.5",
	"mx.test TXT \"v=spf1 mx -all\"", "mx.test MX 10 host.test", "mx.test MX 5 other.test", "other.test A 192.0.2.7",
	"nomx.test TXT \"v=spf1 mx:host.test -all\"",
	"manymx.test TXT \"v=spf1 mx -all\"", "manymx.test MX 1 a.mx.test", "manymx.test MX 1 b.mx.test",
	"manymx.test MX 1 c.mx.test", "manymx.test MX 1 d.mx.test", "manymx.test MX 1 e.mx.test", "manymx.test MX 1 f.mx.test",
	"manymx.test MX 1 g.mx.test", "manymx.test MX 1 h.mx.test", "manymx.test MX 1 i.mx.test", "manymx.test MX 1 j.mx.test",
	"manymx.test MX 1 k.mx.test",
	"nullmx.test TXT \"v=spf1 mx -all\"", "nullmx.test MX 0 .",
	"alias.test CNAME a.test",
	/* ip4, ip6 */
	"ip.test TXT \"v=spf1 ip4:192.0.2.0/25 ip6:2001:db8:1::/48 -all\"",
	"mapped.test TXT \"v=spf1 ip6:::ffff:192.0.2.1 -all\"",
	"any.test TXT \"v=spf1 ip4:198.51.100.9/0 -all\"",
	/* include, redirect, exp */
	"inc.test TXT \"v=spf1 include:ip.test ~all exp=why.all.test\"",
	"incnone.test TXT \"v=spf1 include:none.test -all\"", "incbad.test TXT \"v=spf1 include:broken.test -all\"",
	"inclate.test TXT \"v=spf1 include:late.test -all\"", "incneutral.test TXT \"v=spf1 include:unsure.test -all\"",
	"incexp.test TXT \"v=spf1 include:all.test -all\"",
	"incmacro.test TXT \"v=spf1 include:%{h} -all\"",
	"redir.test TXT \"v=spf1 ip4:198.51.100.1 redirect=all.test exp=none.test\"",
	"redirnone.test TXT \"v=spf1 redirect=none.test\"", "rediroff.test TXT \"v=spf1 redirect=rediroff.test ~all\"",
	"redirloop.test TXT \"v=spf1 redirect=redirloop.test\"", "incloop.test TXT \"v=spf1 include:incloop.test\"",
	"expvoid.test TXT \"v=spf1 -all exp=nothing.test\"", "exptwo.test TXT \"v=spf1 -all exp=none.test\"",
	"expbad.test TXT \"v=spf1 -all exp=why.expbad.test\"", "why.expbad.test TXT \"%{x} bad\"",
	"explate.test TXT \"v=spf1 -all exp=late.test\"", "expwide.test TXT \"v=spf1 -all exp=why.expwide.test\"",
	"why.expwide.test TXT \"f\303\274r\"",
	/* ptr and %{p} */
	"1.2.0.192.in-addr.arpa PTR host.test", "1.2.0.192.in-addr.arpa PTR liar.other.test",
	"liar.other.test A 198.51.100.1",
	"5.2.0.192.in-addr.arpa PTR mail.ptr.test", "mail.ptr.test A 192.0.2.5",
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR host.test",
	"ptr.test TXT \"v=spf1 ptr -all exp=p.test\"", "ptrhost.test TXT \"v=spf1 ptr:HOST.test -all\"",
	"ptrliar.test TXT \"v=spf1 ptr:other.test -all\"",
	"p.test TXT \"%{p}\"",
	/* exists and macros */
	"exists.test TXT \"v=spf1 exists:%{ir}.%{l1r+}.allow.test -all\"", "1.2.0.192.ann.allow.test A 127.0.0.2",
	"whole.test TXT \"v=spf1 exists:%{s}.whole.test -all\"", "ann@whole.test.whole.test A 127.0.0.2",
	"existslate.test TXT \"v=spf1 exists:late.test -all\"",
	"dots.test TXT \"v=spf1 a:host...test -all\"", "longlabel.test TXT \"v=spf1 a:" LABEL63 "a.test -all\"",
	/* limits */
	"ten.test TXT \"v=spf1 a:host.test a:host.test a:host.test a:host.test a:host.test a:host.test a:host.test a:host.test "
	    "a:host.test a:host.test ip4:198.51.100.77 -all\"",
	"eleven.test TXT \"v=spf1 a:host.test a:host.test a:host.test a:host.test a:host.test a:host.test a:host.test a:host.test "
	    "a:host.test a:host.test a:host.test ip4:198.51.100.77 -all\"",
	"early.test TXT \"v=spf1 ip4:198.51.100.77 a:host.test a:host.test a:host.test a:host.test a:host.test a:host.test "
	    "a:host.test a:host.test a:host.test a:host.test a:host.test -all\"",
	"void2.test TXT \"v=spf1 a:x.test exists:y.test ip4:198.51.100.77 -all\"",
	"void3.test TXT \"v=spf1 a:x.test exists:y.test mx:z.test ip4:198.51.100.77 -all\"",
};

static const struct {
	const char *ip, *helo, *from;
	enum trust_result result;
	const char *explanation;		/* NULL: not looked at */
} cases[] = {
	/* 4.3, 4.4, 4.5: what has a record */
	{ "192.0.2.1", "mail.test", "ann@all.test", TRUST_FAIL,
	  "ann at all.test from 192.0.2.1: host.test, see http://all.test/?s=ann%40all.test&r=mx.here.test" },
	{ "192.0.2.1", "mail.test", "@all.test", TRUST_FAIL,
	  "postmaster at all.test from 192.0.2.1: host.test, see http://all.test/?s=postmaster%40all.test&r=mx.here.test" },
	{ "192.0.2.1", "all.test", "", TRUST_FAIL, NULL },
	{ "192.0.2.1", "plus.test", "", TRUST_PASS, "" },
	{ "192.0.2.1", "MAIL", "", TRUST_NONE, "" },
	{ "192.0.2.1", "[192.0.2.1]", "", TRUST_NONE, "" },
	{ "192.0.2.1", "", "", TRUST_NONE, "" },
	{ "192.0.2.1", "x.test", "ann@[192.0.2.1]", TRUST_NONE, "" },
	{ "192.0.2.1", "x.test", "ann@a...test", TRUST_NONE, "" },
	{ "192.0.2.1", "x.test", "ann@" LABEL63 "a.test", TRUST_NONE, "" },
	{ "192.0.2.1", "x.test", "ann@nothing.test", TRUST_NONE, "" },
	{ "192.0.2.1", "x.test", "ann@none.test", TRUST_NONE, "" },
	{ "192.0.2.1", "x.test", "ann@nospace.test", TRUST_NONE, "" },
	{ "192.0.2.1", "x.test", "ann@late.test", TRUST_TEMPERROR, "" },
	{ "192.0.2.1", "x.test", "ann@split.test", TRUST_PASS, "" },
	{ "192.0.2.1", "x.test", "ann@two.test", TRUST_PERMERROR, "" },
	{ "192.0.2.1", "x.test", "ann@alias.test", TRUST_PASS, "" },
	/* 4.6: mistakes anywhere */
	{ "192.0.2.1", "x.test", "ann@broken.test", TRUST_PERMERROR, "" },
	/* 4.7, 5.1: qualifiers and the default */
	{ "192.0.2.1", "x.test", "ann@plus.test", TRUST_PASS, "" },
	{ "192.0.2.1", "x.test", "ann@soft.test", TRUST_SOFTFAIL, "" },
	{ "192.0.2.1", "x.test", "ann@unsure.test", TRUST_NEUTRAL, "" },
	{ "192.0.2.1", "x.test", "ann@empty.test", TRUST_NEUTRAL, "" },
	/* 5.3: a */
	{ "192.0.2.1", "x.test", "ann@a.test", TRUST_PASS, "" },
	{ "192.0.2.2", "x.test", "ann@a.test", TRUST_FAIL, "" },
	{ "2001:db8::1", "x.test", "ann@a.test", TRUST_PASS, "" },
	{ "2001:db8::2", "x.test", "ann@a.test", TRUST_FAIL, "" },
	{ "::ffff:192.0.2.1", "x.test", "ann@a.test", TRUST_PASS, "" },
	{ "192.0.2.77", "x.test", "ann@a24.test", TRUST_PASS, "" },
	{ "192.0.3.1", "x.test", "ann@a24.test", TRUST_FAIL, "" },
	{ "2001:db8:ffff::1", "x.test", "ann@a24.test", TRUST_PASS, "" },
	{ "203.0.113.1", "x.test", "ann@a0.test", TRUST_PASS, "" },
	{ "2001:db9::1", "x.test", "ann@a0.test", TRUST_FAIL, "" },
	{ "2001:db9::1", "x.test", "ann@a0six.test", TRUST_PASS, "" },
	{ "203.0.113.1", "x.test", "ann@a0six.test", TRUST_FAIL, "" },
	{ "192.0.2.5", "x.test", "ann@self.test", TRUST_PASS, "" },
	{ "192.0.2.1", "x.test", "ann@dots.test", TRUST_FAIL, "" },
	{ "192.0.2.1", "x.test", "ann@longlabel.test", TRUST_FAIL, "" },
	/* 5.4: mx */
	{ "192.0.2.1", "x.test", "ann@mx.test", TRUST_PASS, "" },
	{ "192.0.2.7", "x.test", "ann@mx.test", TRUST_PASS, "" },
	{ "192.0.2.8", "x.test", "ann@mx.test", TRUST_FAIL, "" },
	{ "192.0.2.1", "x.test", "ann@nomx.test", TRUST_FAIL, "" },	/* no implicit MX */
	{ "192.0.2.1", "x.test", "ann@manymx.test", TRUST_PERMERROR, "" },
	{ "192.0.2.1", "x.test", "ann@nullmx.test", TRUST_FAIL, "" },
	/* 5.5: ptr */
	{ "192.0.2.5", "x.test", "ann@ptr.test", TRUST_PASS, "" },
	{ "192.0.2.1", "x.test", "ann@ptr.test", TRUST_FAIL, "host.test" },
	{ "192.0.2.9", "x.test", "ann@ptr.test", TRUST_FAIL, "unknown" },
	{ "192.0.2.1", "x.test", "ann@ptrhost.test", TRUST_PASS, "" },
	{ "2001:db8::1", "x.test", "ann@ptrhost.test", TRUST_PASS, "" },
	{ "192.0.2.1", "x.test", "ann@ptrliar.test", TRUST_FAIL, "" },
	/* 5.6: ip4, ip6 */
	{ "192.0.2.127", "x.test", "ann@ip.test", TRUST_PASS, "" },
	{ "192.0.2.128", "x.test", "ann@ip.test", TRUST_FAIL, "" },
	{ "2001:db8:1:2::3", "x.test", "ann@ip.test", TRUST_PASS, "" },
	{ "2001:db8:2::3", "x.test", "ann@ip.test", TRUST_FAIL, "" },
	{ "192.0.2.1", "x.test", "ann@mapped.test", TRUST_FAIL, "" },
	{ "203.0.113.1", "x.test", "ann@any.test", TRUST_PASS, "" },
	{ "2001:db8::1", "x.test", "ann@any.test", TRUST_FAIL, "" },
	/* 5.7, 7: exists and macros */
	{ "192.0.2.1", "x.test", "ann+box@exists.test", TRUST_PASS, "" },
	{ "192.0.2.1", "x.test", "ann@exists.test", TRUST_PASS, "" },
	{ "192.0.2.1", "x.test", "box+ann@exists.test", TRUST_FAIL, "" },
	{ "2001:db8::1", "x.test", "ann@existslate.test", TRUST_TEMPERROR, "" },
	{ "192.0.2.1", "x.test", "ann@whole.test", TRUST_PASS, "" },
	{ "192.0.2.1", "x.test", "\xc3\xa4nn@whole.test", TRUST_FAIL, "" },	/* RFC 8616 4 */
	{ "192.0.2.1", "x.test", "\xc3\xa4nn@all.test", TRUST_FAIL, "" },
	/* 5.2: include */
	{ "192.0.2.1", "x.test", "ann@inc.test", TRUST_PASS, "" },
	{ "192.0.2.200", "x.test", "ann@inc.test", TRUST_SOFTFAIL, "" },
	{ "192.0.2.1", "x.test", "ann@incnone.test", TRUST_PERMERROR, "" },
	{ "192.0.2.1", "x.test", "ann@incbad.test", TRUST_PERMERROR, "" },
	{ "192.0.2.1", "x.test", "ann@inclate.test", TRUST_TEMPERROR, "" },
	{ "192.0.2.1", "x.test", "ann@incneutral.test", TRUST_FAIL, "" },
	{ "192.0.2.1", "x.test", "ann@incexp.test", TRUST_FAIL, "" },	/* its explanation is not ours */
	{ "192.0.2.1", "plus.test", "ann@incmacro.test", TRUST_PASS, "" },
	{ "192.0.2.1", "%%%", "ann@incmacro.test", TRUST_PERMERROR, "" },
	/* 6.1: redirect */
	{ "198.51.100.1", "x.test", "ann@redir.test", TRUST_PASS, "" },
	{ "192.0.2.9", "x.test", "ann@redir.test", TRUST_FAIL,
	  "ann at all.test from 192.0.2.9: unknown, see http://redir.test/?s=ann%40redir.test&r=mx.here.test" },
	{ "192.0.2.1", "x.test", "ann@redirnone.test", TRUST_PERMERROR, "" },
	{ "192.0.2.1", "x.test", "ann@rediroff.test", TRUST_SOFTFAIL, "" },
	/* 6.2: explanations that can not be had */
	{ "192.0.2.1", "x.test", "ann@expvoid.test", TRUST_FAIL, "" },
	{ "192.0.2.1", "x.test", "ann@exptwo.test", TRUST_FAIL, "" },
	{ "192.0.2.1", "x.test", "ann@expbad.test", TRUST_FAIL, "" },
	{ "192.0.2.1", "x.test", "ann@explate.test", TRUST_FAIL, "" },
	{ "192.0.2.1", "x.test", "ann@expwide.test", TRUST_FAIL, "" },
	/* 4.6.4: limits */
	{ "192.0.2.1", "x.test", "ann@redirloop.test", TRUST_PERMERROR, "" },
	{ "192.0.2.1", "x.test", "ann@incloop.test", TRUST_PERMERROR, "" },
	{ "198.51.100.77", "x.test", "ann@ten.test", TRUST_PASS, "" },
	{ "198.51.100.77", "x.test", "ann@eleven.test", TRUST_PERMERROR, "" },
	{ "198.51.100.77", "x.test", "ann@early.test", TRUST_PASS, "" },
	{ "198.51.100.77", "x.test", "ann@void2.test", TRUST_PASS, "" },
	{ "198.51.100.77", "x.test", "ann@void3.test", TRUST_PERMERROR, "" },
};

/* late.test does not answer. */
static void ask_table(void *arg, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out)
{
	struct trust_dns zone = trust_dns_zone(arg);

	zone.ask(zone.arg, name, type, a, out);
	if (span_is(span_of(name), "late.test"))
		*out = (struct dns_answer){ .found = DNS_FAILED, .why = "no answer in time" };
}

START_TEST(host_is_checked)
{
	struct arena *a = arena();
	struct err e = { 0 };
	struct zone *zone = zone_new(zone_lines, sizeof zone_lines / sizeof *zone_lines, a, &e);
	struct trust_dns dns = { ask_table, zone };
	struct spf_facts f = { .helo = cases[_i].helo,
		.sender = cases[_i].from,
		.receiver = "mx.here.test",
		.now = 1,
		.until = clock_in(60) };
	struct spf_verdict v;

	ck_assert_msg(zone != NULL, "%s", e.text);
	ck_assert(address_parse(span_of(cases[_i].ip), &f.ip));
	spf_check(&f, &dns, a, &v);
	ck_assert_msg(v.result == cases[_i].result, "%s from %s (%s): %s, %s", cases[_i].from,
	    cases[_i].ip, cases[_i].helo, trust_result_name(v.result), v.why);
	ck_assert(*v.why);
	if (cases[_i].explanation)
		ck_assert_str_eq(v.explanation, cases[_i].explanation);
	ck_assert_uint_le(v.lookups, SPF_LOOKUPS_MAX + 2);
	arena_free(a);
}
END_TEST

START_TEST(time_is_limited)
{
	struct arena *a = arena();
	struct trust_dns dns = trust_dns_zone(zone_new(zone_lines, 4, a, NULL));
	struct spf_facts f = { .helo = "x.test", .sender = "ann@all.test", .receiver = "", .until = clock_ms() - 1 };
	struct spf_verdict v;

	ck_assert(address_parse(SPAN("192.0.2.1"), &f.ip));
	spf_check(&f, &dns, a, &v);
	ck_assert_int_eq(v.result, TRUST_TEMPERROR);
	arena_free(a);
}
END_TEST

START_TEST(received_spf_is_printed)
{
	struct spf_facts f = { .helo = "x.test", .sender = "a\"n\\n@all.test", .receiver = "mx.here.test" };
	struct spf_verdict v = { .result = TRUST_FAIL, .domain = "all.test", .why = "-all (of) all.test" };
	struct str out = STR(1000);

	ck_assert(address_parse(SPAN("192.0.2.1"), &f.ip));
	spf_print_received(&f, &v, &out);
	ck_assert_str_eq(out.p,
	    " fail (all.test does not permit 192.0.2.1:\n\t-all ?of? all.test)\n"
	    "\tclient-ip=192.0.2.1;\n\tenvelope-from=\"a\\\"n\\\\n@all.test\";\n\thelo=\"x.test\";\n"
	    "\tidentity=mailfrom;\n\treceiver=\"mx.here.test\"");
	str_free(&out);
}
END_TEST

START_TEST(txt_strings_are_joined)
{
	static const struct { const char *rdata; size_t n; const char *text; } rows[] = {
		{ "\3abc\2de", 7, "abcde" }, { "\0", 1, "" }, { "\0\1x", 3, "x" }, { "", 0, "" },
		{ "\4abc", 4, NULL }, { "\3abc\1", 5, NULL },
	};
	struct str out = STR(100);

	for (int i = 0; i < COUNT(rows); i++) {
		str_reset(&out);
		ck_assert_int_eq(trust_dns_text((struct span){ rows[i].rdata, rows[i].n }, &out),
		    rows[i].text != NULL);
		ck_assert_str_eq(out.p, rows[i].text ? rows[i].text : "");
	}
	str_free(&out);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("spf");

	tcase_add_loop_test(tc, record_parses, 0, COUNT(records));
	tcase_add_loop_test(tc, macro_expands, 0, COUNT(macros));
	tcase_add_test(tc, long_name_is_shortened);
	tcase_add_loop_test(tc, host_is_checked, 0, COUNT(cases));
	tcase_add_test(tc, time_is_limited);
	tcase_add_test(tc, received_spf_is_printed);
	tcase_add_test(tc, txt_strings_are_joined);
	return unit_end();
}
