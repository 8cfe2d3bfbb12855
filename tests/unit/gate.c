/* The gate: one verdict from facts, its settings' words, HELO, lists, and the DNS's part in it. */
#include "common/trust/gate.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "common/io/packet.h"
#include "common/net/zone.h"
#include "common/trust/gate-dns.h"
#include "tests/unit/unit.h"

#define BIT(fact)	(1u << GATE_ ## fact)

static struct gate_policy policy(void)
{
	struct gate_policy p = { .tarpit_at = 2, .greylist_at = 4, .quarantine_at = 8, .reject_at = 10, .tarpit_s = 5,
		.greylist = GATE_GREY_SUSPICIOUS, .postmaster = "postmaster@example.org", .notice = "" };

	for (enum gate_fact i = 0; i < GATE_FACTS; i++)
		p.weights[i] = gate_fact_weight(i);
	return p;
}

static struct facts facts(void)
{
	return (struct facts){ .stage = GATE_RCPT, .ip = "192.0.2.1", .helo = "mx.example.net",
		.sender_domain = "example.net", .recipient = "ann@example.org", .id = "0abc", .spf_words = "" };
}

/* --- the verdict --- */

START_TEST(verdict_is_told_in_the_header)
{
	struct gate_policy p = policy();
	struct facts f = facts();
	struct gate_verdict v;
	struct str out = STR(1000);

	f.stage = GATE_TEXT;
	gate_verdict(&f, &p, &v);
	gate_header_print(&v, &out);
	ck_assert_str_eq(out.p, " accept score=0");
	str_reset(&out);
	f.seen = BIT(HELO_UNKNOWN) | BIT(REVERSE_NONE) | BIT(REVERSE_FALSE) | BIT(KNOWN);
	f.spf = TRUST_SOFTFAIL;
	f.dmarc = TRUST_FAIL;
	f.dmarc_wish = GATE_WISH_QUARANTINE;
	gate_verdict(&f, &p, &v);
	gate_header_print(&v, &out);
	ck_assert_str_eq(out.p, " quarantine score=6\n\t(reverse-none=3, reverse-false=2, helo-unknown=2, spf-softfail=2,"
	    "\n\tknown=-3, dmarc:quarantine=0)");
	str_reset(&out);
	gate_reasons_print(&v, &out);
	ck_assert_str_eq(out.p, "reverse-none=3 reverse-false=2 helo-unknown=2 spf-softfail=2 known=-3 dmarc:quarantine=0");
	str_free(&out);
}
END_TEST

static const struct {
	const char		*what;
	enum gate_stage		 stage;
	uint32_t		 seen;
	struct { bool trusted, relay, dkim_later, aligned; enum gate_greylist mode; enum gate_rcpt to;
		enum trust_result spf, dkim, dmarc; enum gate_wish wish; enum gate_grey grey; int listed; } with;
	enum gate_action	 action;
	int			 score;
	unsigned		 wait_s;
	const char		*status, *words;	/* NULL: any */
} verdicts[] = {
	{ "nothing is seen", GATE_RCPT, 0, { .mode = GATE_GREY_SUSPICIOUS }, GATE_ACCEPT, 0, 0, "", "" },
	{ "who speaks early is refused at once", GATE_CONNECT, BIT(EARLY), { 0 }, GATE_REJECT, 10, 0, "5.5.1", "220" },
	{ "a small thing waits a little", GATE_RCPT, BIT(HELO_SYNTAX), { .mode = GATE_GREY_SUSPICIOUS }, GATE_ACCEPT, 2, 5, "", "" },
	{ "two have to come again", GATE_RCPT, BIT(HELO_SYNTAX) | BIT(REVERSE_NONE), { .mode = GATE_GREY_SUSPICIOUS },
		GATE_ASK_GREYLIST, 5, 5, NULL, NULL },
	{ "they come too early", GATE_RCPT, BIT(HELO_SYNTAX) | BIT(REVERSE_NONE), { .mode = GATE_GREY_SUSPICIOUS, .grey = GATE_GREY_WAIT },
		GATE_DEFER, 5, 5, "4.7.1", "60 seconds" },
	{ "they came back", GATE_RCPT, BIT(HELO_SYNTAX) | BIT(REVERSE_NONE), { .mode = GATE_GREY_SUSPICIOUS, .grey = GATE_GREY_PASSED },
		GATE_ACCEPT, 5, 5, "", "" },
	{ "no greylist when it is off", GATE_RCPT, BIT(HELO_SYNTAX) | BIT(REVERSE_NONE), { 0 }, GATE_ACCEPT, 5, 5, "", "" },
	{ "SPF lets pass", GATE_RCPT, BIT(HELO_SYNTAX) | BIT(REVERSE_NONE), { .mode = GATE_GREY_SUSPICIOUS, .spf = TRUST_PASS },
		GATE_ACCEPT, 4, 5, "", "" },
	{ "DKIM may let pass later", GATE_RCPT, BIT(HELO_SYNTAX) | BIT(REVERSE_NONE), { .mode = GATE_GREY_SUSPICIOUS, .dkim_later = true },
		GATE_ACCEPT, 5, 5, "", "" },
	{ "DKIM lets pass", GATE_TEXT, BIT(HELO_SYNTAX) | BIT(REVERSE_NONE), { .mode = GATE_GREY_SUSPICIOUS, .dkim_later = true, .dkim = TRUST_PASS },
		GATE_ACCEPT, 4, 0, "", "" },
	{ "DKIM did not let pass", GATE_TEXT, BIT(HELO_SYNTAX) | BIT(REVERSE_NONE), { .mode = GATE_GREY_SUSPICIOUS, .dkim_later = true, .dkim = TRUST_FAIL },
		GATE_ASK_GREYLIST, 5, 0, NULL, NULL },
	{ "an allow list lets pass", GATE_RCPT, BIT(HELO_SYNTAX) | BIT(REVERSE_NONE), { .mode = GATE_GREY_SUSPICIOUS, .listed = -1 },
		GATE_ACCEPT, 4, 0, "", "" },
	{ "who is known passes", GATE_RCPT, BIT(HELO_SYNTAX) | BIT(REVERSE_NONE) | BIT(KNOWN) | BIT(HELO_UNKNOWN) | BIT(HELO_ADDRESS),
		{ .mode = GATE_GREY_UNKNOWN }, GATE_ACCEPT, 7, 0, "", "" },
	{ "what is enough alone is not outweighed", GATE_RCPT, BIT(KNOWN) | BIT(HELO_OURS), { .spf = TRUST_PASS }, GATE_REJECT, 6, 0, "5.7.1", "our name" },
	{ "but several small ones are", GATE_RCPT, BIT(KNOWN) | BIT(HELO_SYNTAX), { .listed = 8 }, GATE_ACCEPT, 7, 0, "", "" },
	{ "all unknown are greylisted", GATE_RCPT, 0, { .mode = GATE_GREY_UNKNOWN }, GATE_ASK_GREYLIST, 0, 0, NULL, NULL },
	{ "a listed one is refused", GATE_RCPT, 0, { .listed = 10 }, GATE_REJECT, 10, 5, "5.7.1", "192.0.2.1 is on the list bl.example (spam; ask us)" },
	{ "the heaviest gives the words", GATE_RCPT, BIT(REVERSE_NONE), { .listed = 8 }, GATE_REJECT, 11, 5, "5.7.1", "bl.example" },
	{ "postmaster can be reached", GATE_RCPT, 0, { .listed = 10, .to = GATE_TO_POSTMASTER, .mode = GATE_GREY_UNKNOWN }, GATE_ACCEPT, 10, 5, "", "" },
	{ "but not by who speaks early", GATE_CONNECT, BIT(EARLY), { .to = GATE_TO_POSTMASTER }, GATE_REJECT, 10, 0, "5.5.1", "" },
	{ "unknown recipient", GATE_RCPT, 0, { .to = GATE_TO_UNKNOWN, .trusted = true }, GATE_REJECT, 0, 0, "5.1.1", "ann@example.org" },
	{ "full", GATE_RCPT, 0, { .to = GATE_TO_FULL }, GATE_DEFER, 0, 0, "4.2.2", "full" },
	{ "no relay", GATE_RCPT, 0, { .to = GATE_TO_ELSEWHERE }, GATE_REJECT, 0, 0, "5.7.1", "587" },
	{ "relay for ours", GATE_RCPT, BIT(EARLY), { .to = GATE_TO_ELSEWHERE, .relay = true, .trusted = true }, GATE_ACCEPT, 0, 0, "", "" },
	{ "relay for a relay domain", GATE_RCPT, 0, { .to = GATE_TO_RELAY }, GATE_ACCEPT, 0, 0, "", "" },
	{ "sender's domain is missing", GATE_RCPT, BIT(SENDER_MISSING), { 0 }, GATE_REJECT, 10, 5, "5.1.8", "example.net does not exist" },
	{ "sender's domain has nothing", GATE_RCPT, BIT(SENDER_SILENT), { 0 }, GATE_REJECT, 10, 5, "5.1.8", "MX" },
	{ "null MX", GATE_RCPT, BIT(SENDER_NULL_MX), { 0 }, GATE_REJECT, 10, 5, "5.7.27", "null MX" },
	{ "our name in HELO", GATE_RCPT, BIT(HELO_OURS), { 0 }, GATE_REJECT, 10, 5, "5.7.1", "mx.example.net\" is our name" },
	{ "our domain from a stranger", GATE_RCPT, BIT(SENDER_OURS), { 0 }, GATE_REJECT, 10, 5, "5.7.1", "587" },
	{ "our domain, and SPF says so", GATE_RCPT, BIT(SENDER_OURS), { .spf = TRUST_PASS }, GATE_ACCEPT, -1, 0, "", "" },
	{ "our domain, and DKIM may say so", GATE_RCPT, BIT(SENDER_OURS), { .dkim_later = true }, GATE_ACCEPT, 0, 0, "", "" },
	{ "our domain, and DKIM says so", GATE_TEXT, BIT(SENDER_OURS), { .dkim_later = true, .dkim = TRUST_PASS, .aligned = true },
		GATE_ACCEPT, -1, 0, "", "" },
	{ "our domain, and somebody's DKIM", GATE_TEXT, BIT(SENDER_OURS) | BIT(REVERSE_NONE), { .dkim_later = true, .dkim = TRUST_PASS },
		GATE_REJECT, 12, 0, "5.7.1", "" },
	{ "our domain, and another's author", GATE_TEXT, BIT(SENDER_OURS), { .dkim_later = true, .dkim = TRUST_PASS, .dmarc = TRUST_PASS },
		GATE_REJECT, 8, 0, "5.7.1", "" },
	{ "whose is it?", GATE_TEXT, 0, { .spf = TRUST_PASS, .dkim = TRUST_PASS, .dmarc = TRUST_PERMERROR }, GATE_REJECT, 8, 0, "5.7.26", "From" },
	{ "whose is it? the postmaster may ask", GATE_TEXT, 0, { .to = GATE_TO_POSTMASTER, .dmarc = TRUST_PERMERROR },
		GATE_QUARANTINE, 10, 0, "", "" },
	{ "SPF fails", GATE_RCPT, BIT(REVERSE_NONE) | BIT(HELO_SYNTAX), { .spf = TRUST_FAIL }, GATE_REJECT, 11, 5, "5.7.23", "192.0.2.1" },
	{ "SPF cannot be told", GATE_RCPT, 0, { .spf = TRUST_TEMPERROR }, GATE_ACCEPT, 0, 0, "", "" },
	{ "DMARC: refuse", GATE_TEXT, 0, { .dmarc = TRUST_FAIL, .wish = GATE_WISH_REJECT }, GATE_REJECT, 0, 0, "5.7.26", "DMARC" },
	{ "DMARC: quarantine", GATE_TEXT, 0, { .dmarc = TRUST_FAIL, .wish = GATE_WISH_QUARANTINE }, GATE_QUARANTINE, 0, 0, "", "" },
	{ "DMARC: watch only", GATE_TEXT, 0, { .dmarc = TRUST_FAIL }, GATE_ACCEPT, 0, 0, "", "" },
	{ "DMARC: a pass wants nothing", GATE_TEXT, 0, { .dmarc = TRUST_PASS, .wish = GATE_WISH_REJECT }, GATE_ACCEPT, -1, 0, "", "" },
	{ "held for a person", GATE_TEXT, 0, { .listed = 8, .grey = GATE_GREY_PASSED }, GATE_QUARANTINE, 8, 0, "", "" },
};

START_TEST(verdict)
{
	struct gate_policy p = policy();
	struct facts f = facts();
	struct gate_verdict v;

	f.stage = verdicts[_i].stage;
	f.seen = verdicts[_i].seen;
	f.trusted = verdicts[_i].with.trusted;
	f.may_relay = verdicts[_i].with.relay;
	f.rcpt = verdicts[_i].with.to;
	f.spf = verdicts[_i].with.spf;
	f.dkim = verdicts[_i].with.dkim;
	f.dkim_aligned = verdicts[_i].with.aligned;
	f.dmarc = verdicts[_i].with.dmarc;
	f.dmarc_wish = verdicts[_i].with.wish;
	f.grey = verdicts[_i].with.grey;
	f.grey_left_s = 60;
	if (verdicts[_i].with.listed)
		f.listed[f.listed_count++] = (struct gate_listed){ "bl.example",
			verdicts[_i].with.listed, false, "spam; ask us" };
	p.dkim_later = verdicts[_i].with.dkim_later;
	p.greylist = verdicts[_i].with.mode;
	gate_verdict(&f, &p, &v);
	ck_assert_msg(v.action == verdicts[_i].action, "%s: %s, %s", verdicts[_i].what,
	    gate_action_name(v.action), v.e.text);
	ck_assert_msg(v.score == verdicts[_i].score, "%s: %d", verdicts[_i].what, v.score);
	ck_assert_msg(v.wait_s == verdicts[_i].wait_s, "%s: %u s", verdicts[_i].what, v.wait_s);
	if (verdicts[_i].status)
		ck_assert_msg(strcmp(v.e.status, verdicts[_i].status) == 0, "%s: %s",
		    verdicts[_i].what, v.e.status);
	if (verdicts[_i].words)
		ck_assert_msg(strstr(v.e.text, verdicts[_i].words) != NULL, "%s: %s",
		    verdicts[_i].what, v.e.text);
	if (v.action == GATE_REJECT)
		ck_assert_msg(strstr(v.e.text, "0abc") != NULL, "%s: %s", verdicts[_i].what, v.e.text);
}
END_TEST

START_TEST(words_fit_their_room)
{
	struct gate_policy p = policy();
	struct facts f = facts();
	struct gate_verdict v;
	char name[300];

	memset(name, 'x', sizeof name);
	name[sizeof name - 1] = '\0';
	f.helo = f.sender_domain = name;
	for (enum gate_fact i = 0; i < GATE_FACTS; i++) {
		if (gate_fact_weight(i) <= 0)
			continue;
		p.weights[i] = 100;
		f.seen = 1u << i;
		if (i == GATE_SPF_FAIL || i == GATE_SPF_SOFTFAIL)
			f.spf = i == GATE_SPF_FAIL ? TRUST_FAIL : TRUST_SOFTFAIL;
		gate_verdict(&f, &p, &v);
		ck_assert_int_eq(v.action, GATE_REJECT);
		ck_assert_msg(strstr(v.e.text, "quoting 0abc)") != NULL, "%s", v.e.text);
		p.weights[i] = 0;
	}
}
END_TEST

/* What the domain has to say, and what we have, stand in the refusal; the number is there all the same. */
START_TEST(others_words_are_told)
{
	struct gate_policy p = policy();
	struct facts f = facts();
	struct gate_verdict v;
	char said[GATE_WORDS + 1];

	p.weights[GATE_SPF_FAIL] = 100;
	p.notice = "or see https://mx.example.org/help";
	f.spf = TRUST_FAIL;
	f.spf_words = "only our own servers send for us";
	gate_verdict(&f, &p, &v);
	ck_assert_str_eq(v.e.status, "5.7.23");
	ck_assert_msg(strstr(v.e.text, "; example.net says: only our own servers send for us (for help: postmaster@example.org "
	    "or see https://mx.example.org/help, quoting 0abc)") != NULL, "%s", v.e.text);
	memset(said, 'x', GATE_WORDS);
	said[GATE_WORDS] = '\0';
	f.spf_words = said;
	gate_verdict(&f, &p, &v);
	ck_assert_msg(strstr(v.e.text, ", quoting 0abc)") != NULL, "%s", v.e.text);
}
END_TEST

START_TEST(reasons_print)
{
	struct gate_policy p = policy();
	struct facts f = facts();
	struct gate_verdict v;
	struct str s = STR(1000);

	f.seen = BIT(HELO_SYNTAX) | BIT(KNOWN);
	f.listed[0] = (struct gate_listed){ "bl.example", 8, false, "" };
	f.listed[1] = (struct gate_listed){ "wl.example", -2, true, "" };
	f.listed_count = 2;
	gate_verdict(&f, &p, &v);
	gate_reasons_print(&v, &s);
	ck_assert_str_eq(s.p, "helo-syntax=2 known=-3 listed:bl.example=8 sender-listed:wl.example=-2");
	str_free(&s);
}
END_TEST

/* --- words of the settings --- */

static const struct { const char *in; int fact, weight; } weights[] = {
	{ "early=3", GATE_EARLY, 3 }, { "Known=-20", GATE_KNOWN, -20 }, { "helo-ours=0", GATE_HELO_OURS, 0 },
	{ "early", -1, 0 }, { "early=", -1, 0 }, { "early=x", -1, 0 }, { "late=3", -1, 0 }, { "early=1001", -1, 0 },
	{ "=3", -1, 0 }, { "early=--1", -1, 0 }, { "", -1, 0 },
};

START_TEST(weight_parses)
{
	enum gate_fact fact = 0;
	int weight = 0;
	bool ok = gate_weight_parse(span_of(weights[_i].in), &fact, &weight);

	ck_assert_msg(ok == (weights[_i].fact >= 0), "%s", weights[_i].in);
	if (ok) {
		ck_assert_int_eq(fact, weights[_i].fact);
		ck_assert_int_eq(weight, weights[_i].weight);
	}
}
END_TEST

static const struct { const char *in, *zone; int weight; const char *yes, *no; } lists[] = {
	{ "zen.example:8", "zen.example", 8, "127.0.0.2 127.0.0.11 127.1.2.3", "127.0.0.1 127.255.255.254 192.0.2.1 126.0.0.2" },
	{ "Zen.Example.=127.0.0.2-4:3", "zen.example", 3, "127.0.0.2 127.0.0.4", "127.0.0.5 127.0.1.2" },
	{ "wl.example=127.0-255.0-9.1-3:-4", "wl.example", -4, "127.0.0.1 127.9.9.3", "127.9.10.3 127.0.0.0" },
	{ "x.example=127.255.255.254:1", "x.example", 1, "127.255.255.254", "127.255.255.253" },
	{ "zen.example", NULL, 0, "", "" },
	{ "zen.example:", NULL, 0, "", "" },
	{ "zen.example:0", NULL, 0, "", "" },
	{ "zen.example:x", NULL, 0, "", "" },
	{ ":8", NULL, 0, "", "" },
	{ "zen:8", NULL, 0, "", "" },
	{ "zen..example:8", NULL, 0, "", "" },
	{ "zen.example=:8", NULL, 0, "", "" },
	{ "zen.example=127.0.0:8", NULL, 0, "", "" },
	{ "zen.example=127.0.0.2.3:8", NULL, 0, "", "" },
	{ "zen.example=128.0.0.2:8", NULL, 0, "", "" },
	{ "zen.example=127.0.0.4-2:8", NULL, 0, "", "" },
	{ "zen.example=127.0.0.256:8", NULL, 0, "", "" },
	{ "zen.example=127.0.0.-2:8", NULL, 0, "", "" },
};

static bool list_has(const struct gate_list *l, struct span ip)
{
	struct address a;

	ck_assert(address_parse(ip, &a));
	return gate_list_has(l, (struct span){ (const char *)a.bytes, 4 });
}

START_TEST(list_parses_and_matches)
{
	struct gate_list l;
	struct span words, word;

	ck_assert_msg(gate_list_parse(span_of(lists[_i].in), &l) == (lists[_i].zone != NULL), "%s",
	    lists[_i].in);
	if (!lists[_i].zone)
		return;
	ck_assert_str_eq(l.zone, lists[_i].zone);
	ck_assert_int_eq(l.weight, lists[_i].weight);
	for (words = span_of(lists[_i].yes); (word = span_word(&words)).n;)
		ck_assert_msg(list_has(&l, word), "%.*s", SPAN_ARG(word));
	for (words = span_of(lists[_i].no); (word = span_word(&words)).n;)
		ck_assert_msg(!list_has(&l, word), "%.*s", SPAN_ARG(word));
	ck_assert(!gate_list_has(&l, SPAN("127.0.0.2")));
}
END_TEST

static const struct { const char *ip, *name; } list_names[] = {
	{ "127.0.0.2", "2.0.0.127.bl.example" },
	{ "::ffff:127.0.0.2", "2.0.0.127.bl.example" },
	{ "2001:db8::7f00:2", "2.0.0.0.0.0.f.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example" },
};

START_TEST(list_is_asked_by_name)
{
	char name[DNS_NAME];
	struct address a;

	ck_assert(address_parse(span_of(list_names[_i].ip), &a));
	ck_assert(gate_list_address(&a, "bl.example", name));
	ck_assert_str_eq(name, list_names[_i].name);
	ck_assert(gate_list_domain(SPAN("Bad.Example."), "bl.example", name) ==
	    false); /* an empty label */
	ck_assert(gate_list_domain(SPAN("Bad.Example"), "bl.example", name));
	ck_assert_str_eq(name, "bad.example.bl.example");
	ck_assert(!gate_list_domain(SPAN(""), "bl.example", name));
}
END_TEST

static const struct { const char *helo; uint32_t seen; bool is_name; } helos[] = {
	{ "mx.example.net", 0, true }, { "mx.example.net.", 0, true }, { "[192.0.2.1]", 0, false },
	{ "[192.0.2.9]", BIT(HELO_ADDRESS), false }, { "192.0.2.1", BIT(HELO_ADDRESS), false },
	{ "2001:db8::1", BIT(HELO_ADDRESS), false }, { "[IPv6:2001:db8::1]", BIT(HELO_ADDRESS), false },
	{ "MX.example.ORG", BIT(HELO_OURS), false }, { "[198.51.100.1]", BIT(HELO_OURS), false },
	{ "198.51.100.1", BIT(HELO_OURS), false }, { "localhost", BIT(HELO_SYNTAX), false },
	{ "a_b.example.net", 0, true }, { "a..b", BIT(HELO_SYNTAX), false }, { "[x]", BIT(HELO_SYNTAX), false },
	{ "friend!", BIT(HELO_SYNTAX), false }, { "m\xc3\xbc.example.net", 0, false },
};

START_TEST(helo)
{
	bool is_name;

	ck_assert_msg(gate_helo(span_of(helos[_i].helo), "192.0.2.1",
	    (struct gate_self){ "mx.example.org", "198.51.100.1" }, &is_name) == helos[_i].seen, "%s", helos[_i].helo);
	ck_assert_msg(is_name == helos[_i].is_name, "%s", helos[_i].helo);
}
END_TEST

/* --- the DNS, played by a table --- */

static const char *const zone_lines[] = {
	". SOA",
	"1.2.0.192.in-addr.arpa PTR mx.good.test",
	"2.2.0.192.in-addr.arpa PTR mx.good.test",
	"4.2.0.192.in-addr.arpa PTR far.elsewhere.invalid",
	"mx.good.test A 192.0.2.1",
	"good.test MX 10 mx.good.test",
	"bare.test A 192.0.2.1",
	"null.test MX 0 .",
	"silent.test TXT \"nothing\"",
	"2.2.0.192.bl.test A 127.0.0.2",
	"2.2.0.192.bl.test TXT \"we saw spam\"",
	"1.2.0.192.wl.test A 127.0.3.2",
	"3.2.0.192.bl.test A 127.255.255.254",
	"bad.test.dbl.test A 127.0.1.2",
	"bad.test MX 10 mx.good.test",
};

struct resolver { pthread_t thread; int pair[2]; };

static void *play_resolver(void *arg)
{
	int fd = *(int *)arg;
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct zone *z = zone_new(zone_lines, sizeof zone_lines / sizeof *zone_lines, a, NULL);
	static _Thread_local struct packet p;
	struct dns_question q;
	char other[DNS_NAME], name[DNS_NAME];

	while (packet_recv(fd, &p, MS_NEVER) == PACKET_OK && dns_question_take(&p, &q)) {
		struct dns_answer answer = { .found = DNS_NO_NAME, .why = "" };

		if (dns_name_clean(span_of(q.name), name) && strstr(name, "silence"))
			continue;
		if (dns_name_clean(span_of(q.name), name) && strstr(name, "servfail"))
			answer.found = DNS_FAILED;
		else if (z)
			zone_find(z, name, (enum dns_type)q.type, a, &answer, other);
		dns_answer_put(&p, q.serial, &answer);
		packet_send(fd, &p, NULL);
	}
	arena_free(a);
	return NULL;
}

static const struct { const char *ip, *helo, *sender; uint32_t seen; const char *listed; } dns_cases[] = {
	{ "192.0.2.1", "mx.good.test", "good.test", 0, "wl.test=-4" },
	{ "192.0.2.2", "mx.good.test", "bare.test", BIT(REVERSE_FALSE), "bl.test=8/we saw spam bl.test=1" },
	{ "192.0.2.3", "nowhere.test", "nowhere.test", BIT(REVERSE_NONE) | BIT(HELO_UNKNOWN) | BIT(SENDER_MISSING), "" },
	{ "192.0.2.4", "servfail.test", "servfail.test", BIT(REVERSE_FALSE), "" },
	{ "192.0.2.1", "mx.good.test", "null.test", BIT(SENDER_NULL_MX), "wl.test=-4" },
	{ "192.0.2.1", "mx.good.test", "silent.test", BIT(SENDER_SILENT), "wl.test=-4" },
	{ "192.0.2.1", "mx.good.test", "bad.test", 0, "wl.test=-4 dbl.test=5" },
	{ "192.0.2.1", "mx.good.test", "", 0, "wl.test=-4" },
	{ "192.0.2.1", "", "[192.0.2.1]", 0, "wl.test=-4" },
	{ "192.0.2.1", "silence.test", "silence.test", 0, "wl.test=-4" },
	{ "unknown", "", "", 0, "" },
};

static void print_listed(const struct facts *f, struct str *out)
{
	for (size_t i = 0; i < f->listed_count; i++)
		str_addf(out, "%s%s=%d%s%s", i ? " " : "", f->listed[i].zone, f->listed[i].weight,
		    *f->listed[i].why && f->listed[i].weight > 1 ? "/" : "", f->listed[i].weight > 1 ? f->listed[i].why : "");
}

static void gather(struct gate_dns *d, int fd, int i, struct facts *f)
{
	gate_dns_connect(d, fd, dns_cases[i].ip);
	gate_dns_tend(d);
	gate_dns_hello(d, "silence.earlier.test");	/* said EHLO twice */
	gate_dns_hello(d, dns_cases[i].helo);
	gate_dns_sender(d, SPAN("nowhere.test"));	/* and MAIL */
	gate_dns_sender(d, span_of(dns_cases[i].sender));
	gate_dns_wait(d, clock_ms() + (strstr(dns_cases[i].helo, "silence") ? 300 : 10000));
	gate_dns_facts(d, f);
	gate_dns_end(d);
}

static void begin_lists(struct gate_list rows[4])
{
	ck_assert(gate_list_parse(SPAN("bl.test:8"), &rows[0]) &&
	    gate_list_parse(SPAN("bl.test=127.0.0.2-9:1"), &rows[1]) &&
	    gate_list_parse(SPAN("wl.test=127.0.0-9.2:-4"), &rows[2]) &&
	    gate_list_parse(SPAN("dbl.test:5"), &rows[3]));
}

START_TEST(dns_gives_facts)
{
	struct gate_policy p = policy();
	struct gate_list rows[4];
	struct str listed = STR(1000);
	struct facts f = facts();
	struct gate_dns d;
	struct resolver r;

	begin_lists(rows);
	ck_assert(fd_pair(r.pair, NULL) &&
	    pthread_create(&r.thread, NULL, play_resolver, &r.pair[1]) == 0);
	gate_dns_init(&d, &p, (struct gate_lists){ rows, 3 }, (struct gate_lists){ rows + 3, 1 });
	gather(&d, r.pair[0], _i, &f);
	print_listed(&f, &listed);
	ck_assert_msg(f.seen == dns_cases[_i].seen, "%s %s: %x", dns_cases[_i].ip,
	    dns_cases[_i].sender, f.seen);
	ck_assert_str_eq(listed.p, dns_cases[_i].listed);
	/* the same channel for the next client */
	f = facts();
	gather(&d, r.pair[0], 0, &f);
	ck_assert_uint_eq(f.seen, 0);
	ck_assert_uint_eq(f.listed_count, 1);
	close(r.pair[0]);
	pthread_join(r.thread, NULL);
	close(r.pair[1]);
	gate_dns_free(&d);
	str_free(&listed);
}
END_TEST

START_TEST(nothing_is_asked_for_nothing)
{
	struct gate_policy p = { .reject_at = 10 };
	struct facts f = facts();
	struct gate_dns d;

	gate_dns_init(&d, &p, (struct gate_lists){ NULL, 0 }, (struct gate_lists){ NULL, 0 });
	gate_dns_connect(&d, 99999, "192.0.2.1");
	gate_dns_hello(&d, "mx.example.net");
	gate_dns_sender(&d, SPAN("example.net"));
	ck_assert_uint_eq(d.batch.count, 0);
	gate_dns_wait(&d, MS_NEVER);
	gate_dns_facts(&d, &f);
	ck_assert_uint_eq(f.seen, 0);
	gate_dns_free(&d);
}
END_TEST

START_TEST(a_dead_resolver_is_no_fact)
{
	struct gate_policy p = policy();
	struct facts f = facts();
	struct gate_list rows[4];
	struct gate_dns d;
	int pair[2];

	begin_lists(rows);
	ck_assert(fd_pair(pair, NULL));
	gate_dns_init(&d, &p, (struct gate_lists){ rows, 3 }, (struct gate_lists){ rows + 3, 1 });
	gate_dns_connect(&d, pair[0], "192.0.2.2");
	gate_dns_hello(&d, "mx.example.net");
	close(pair[1]);
	gate_dns_sender(&d, SPAN("example.net"));
	gate_dns_wait(&d, MS_NEVER);
	gate_dns_facts(&d, &f);
	ck_assert_uint_eq(f.seen, 0);
	ck_assert_uint_eq(f.listed_count, 0);
	gate_dns_connect(&d, -1, "192.0.2.2");
	gate_dns_sender(&d, SPAN("example.net"));
	gate_dns_wait(&d, MS_NEVER);
	gate_dns_facts(&d, &f);
	ck_assert_uint_eq(f.seen, 0);
	close(pair[0]);
	gate_dns_free(&d);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("gate");

	tcase_add_test(tc, verdict_is_told_in_the_header);
	tcase_add_loop_test(tc, verdict, 0, COUNT(verdicts));
	tcase_add_test(tc, words_fit_their_room);
	tcase_add_test(tc, others_words_are_told);
	tcase_add_test(tc, reasons_print);
	tcase_add_loop_test(tc, weight_parses, 0, COUNT(weights));
	tcase_add_loop_test(tc, list_parses_and_matches, 0, COUNT(lists));
	tcase_add_loop_test(tc, list_is_asked_by_name, 0, COUNT(list_names));
	tcase_add_loop_test(tc, helo, 0, COUNT(helos));
	tcase_add_loop_test(tc, dns_gives_facts, 0, COUNT(dns_cases));
	tcase_add_test(tc, nothing_is_asked_for_nothing);
	tcase_add_test(tc, a_dead_resolver_is_no_fact);
	return unit_end();
}
