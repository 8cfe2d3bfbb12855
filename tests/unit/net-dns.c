/* Names, records and local data of DNS; the order of mail hosts; and questions over a channel. */
#include "common/net/resolve.h"

#include <pthread.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/io/packet.h"
#include "common/net/idna.h"
#include "common/net/zone.h"
#include "tests/unit/unit.h"

static struct arena *arena(void)
{
	return arena_new(1 << 20, NULL, NULL);
}

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct { const char *in, *out; } names[] = {
	{ "Mx.Example.ORG.",	"mx.example.org" },
	{ "_25._tcp.mx.test",	"_25._tcp.mx.test" },
	{ ".",			"" },
	{ "",			"" },
	{ LABEL63 ".test",	LABEL63 ".test" },
	{ LABEL63 "a.test",	NULL },
	{ LABEL63 "." LABEL63 "." LABEL63 "." "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  LABEL63 "." LABEL63 "." LABEL63 "." "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	{ LABEL63 "." LABEL63 "." LABEL63 "." "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
	{ LABEL63 "." LABEL63 "." LABEL63 "." LABEL63, NULL },
	{ "a..b",		NULL },
	{ "a.b..",		NULL },
	{ ".a",			NULL },
	{ "a b.test",		NULL },
	{ "a\\.b.test",		NULL },
	{ "m\xc3\xbcller.test",	NULL },
};

START_TEST(name_cleans_and_goes_to_the_wire_and_back)
{
	char name[DNS_NAME], again[DNS_NAME], wire[DNS_WIRE];
	struct span rdata;
	size_t n;

	ck_assert_int_eq(dns_name_clean(span_of(names[_i].in), name), names[_i].out != NULL);
	if (!names[_i].out)
		return;
	ck_assert_str_eq(name, names[_i].out);
	ck_assert(dns_name_to_wire(name, wire, &n));
	rdata = (struct span){ wire, n };
	ck_assert(dns_name_eat(&rdata, again));
	ck_assert_uint_eq(rdata.n, 0);
	ck_assert_str_eq(again, name);
}
END_TEST

/* What SPF's macros make goes to DNS as it is, but for what would be read as an escape there. */
START_TEST(name_to_ask_for_may_hold_more)
{
	char name[DNS_NAME];

	ck_assert(dns_name_clean_ask(SPAN("Ann@Example.org.+=._spf.test"), name));
	ck_assert_str_eq(name, "ann@example.org.+=._spf.test");
	ck_assert(!dns_name_clean_ask(SPAN("a\\.b.test"), name));
	ck_assert(!dns_name_clean_ask(SPAN("a b.test"), name));
	ck_assert(!dns_name_clean_ask(SPAN("a..test"), name));
	ck_assert(!dns_name_clean_ask(SPAN("\xc3\xbc.test"), name));
}
END_TEST

static const struct { const char *in; size_t n; int preference; const char *name; } mxs[] = {
	{ "\0\12\2mx\4test\0",		11,	10,	"mx.test" },
	{ "\0\0\0",			3,	0,	"" },
	{ "\377\377\1A\0",		5,	65535,	"a" },
	{ "",				0,	-1,	NULL },
	{ "\0\12",			2,	-1,	NULL },
	{ "\0\12\2mx",			5,	-1,	NULL },
	{ "\0\12\2mx\4test\0x",		12,	-1,	NULL },
	{ "\0\12\2m.\0",		6,	-1,	NULL },
	{ "\0\12\300\14",		4,	-1,	NULL },
};

START_TEST(mx_rdata_parses)
{
	char name[DNS_NAME];
	unsigned preference;
	bool ok = dns_mx_parse((struct span){ mxs[_i].in, mxs[_i].n }, &preference, name);

	ck_assert_int_eq(ok, mxs[_i].name != NULL);
	if (!ok)
		return;
	ck_assert_int_eq((int)preference, mxs[_i].preference);
	ck_assert_str_eq(name, mxs[_i].name);
}
END_TEST

static const struct { const char *line, *name; int type; unsigned ttl; const char *rdata; size_t n; } lines[] = {
	{ "mx.test. 60 IN A 127.0.0.1",	"mx.test", DNS_A, 60, "\177\0\0\1", 4 },
	{ "Mx.Test A 127.0.0.1",	"mx.test", DNS_A, ZONE_TTL, "\177\0\0\1", 4 },
	{ "  a.test\tIN\tA\t1.2.3.4 ",	"a.test", DNS_A, ZONE_TTL, "\1\2\3\4", 4 },
	{ "a.test AAAA ::1",		"a.test", DNS_AAAA, ZONE_TTL, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16 },
	{ "a.test MX 10 mx.test.",	"a.test", DNS_MX, ZONE_TTL, "\0\12\2mx\4test\0", 11 },
	{ "a.test MX 0 .",		"a.test", DNS_MX, ZONE_TTL, "\0\0\0", 3 },
	{ "a.test CNAME b.test",	"a.test", DNS_CNAME, ZONE_TTL, "\1b\4test\0", 8 },
	{ "1.0.0.127.in-addr.arpa PTR a.", "1.0.0.127.in-addr.arpa", DNS_PTR, ZONE_TTL, "\1a\0", 3 },
	{ "a.test TXT \"a b\" c",	"a.test", DNS_TXT, ZONE_TTL, "\3a b\1c", 6 },
	{ "a.test TXT \"q\\\"\\\\\"",	"a.test", DNS_TXT, ZONE_TTL, "\3q\"\\", 4 },
	{ "a.test TXT \"\"",		"a.test", DNS_TXT, ZONE_TTL, "\0", 1 },
	{ "_25._tcp.a TLSA 3 1 1 00Ff",	"_25._tcp.a", DNS_TLSA, ZONE_TTL, "\3\1\1\0\377", 5 },
	{ "test SOA",			"test", DNS_SOA, ZONE_TTL, "", 0 },
	{ "",				NULL, 0, 0, NULL, 0 },
	{ "a.test",			NULL, 0, 0, NULL, 0 },
	{ "a.test IN",			NULL, 0, 0, NULL, 0 },
	{ "a.test A",			NULL, 0, 0, NULL, 0 },
	{ "a.test A ::1",		NULL, 0, 0, NULL, 0 },
	{ "a.test AAAA 1.2.3.4",	NULL, 0, 0, NULL, 0 },
	{ "a.test MX mx.test",		NULL, 0, 0, NULL, 0 },
	{ "a.test MX 65536 mx.test",	NULL, 0, 0, NULL, 0 },
	{ "a.test MX 10",		NULL, 0, 0, NULL, 0 },
	{ "a.test MX 10 mx.test more",	NULL, 0, 0, NULL, 0 },
	{ "a.test TXT",			NULL, 0, 0, NULL, 0 },
	{ "a.test TXT \"open",		NULL, 0, 0, NULL, 0 },
	{ "a.test TLSA 3 1 1 0",	NULL, 0, 0, NULL, 0 },
	{ "a.test TLSA 3 1 1 zz",	NULL, 0, 0, NULL, 0 },
	{ "a.test HINFO x y",		NULL, 0, 0, NULL, 0 },
	{ "a..test A 1.2.3.4",		NULL, 0, 0, NULL, 0 },
};

START_TEST(zone_line_reads)
{
	struct zone_record r;
	struct err e;
	bool ok = zone_line_parse(span_of(lines[_i].line), &r, &e);

	ck_assert_msg(ok == (lines[_i].name != NULL), "%s", lines[_i].line);
	if (!ok) {
		ck_assert_str_eq(e.status, "5.3.5");
		return;
	}
	ck_assert_str_eq(r.name, lines[_i].name);
	ck_assert_int_eq((int)r.type, lines[_i].type);
	ck_assert_uint_eq(r.ttl, lines[_i].ttl);
	ck_assert(span_same((struct span){ r.rdata, r.n }, (struct span){ lines[_i].rdata, lines[_i].n }));
}
END_TEST

static const char *const our_lines[] = {
	"alpha.test. MX 20 two.alpha.test", "alpha.test. MX 10 one.alpha.test", "alpha.test. TXT \"x\"",
	"one.alpha.test. A 127.0.0.1", "one.alpha.test. A 127.0.0.2", "one.alpha.test. AAAA ::1",
	"www.alpha.test CNAME one.alpha.test", "out.alpha.test CNAME elsewhere.example",
	"round.alpha.test CNAME again.alpha.test", "again.alpha.test CNAME round.alpha.test",
	"dead.alpha.test CNAME nobody.ours.test", "deep.down.below.test A 127.0.0.3",
	"null.test MX 0 .", "bare.test A 127.0.0.4", "broken.test MX 10 \xff", "mixed.test MX 0 .", "mixed.test MX 5 mx.test",
	"ours.test SOA", "host.ours.test A 127.0.0.5", "# a comment", "",
	"5.0.0.127.in-addr.arpa PTR host.ours.test", "4.0.0.127.in-addr.arpa PTR one.alpha.test",
	"xn--mller-kva.test MX 10 one.alpha.test",
};

/* Of 8192 bits, as posthorn dkim record prints it. */
START_TEST(zone_line_holds_the_longest_key)
{
	struct str line = STR(4000);
	struct zone_record r;
	struct err e;

	str_addf(&line, "a._domainkey.test TXT \"v=DKIM1; k=rsa; p=%01416d\"", 0);
	ck_assert(zone_line_parse(str_span(&line), &r, &e));
	ck_assert_uint_eq(r.n, 18 + 1416 + 6);
	str_free(&line);
}
END_TEST

static struct zone *our_zone(struct arena *a)
{
	const char *good[COUNT(our_lines)];
	size_t n = 0;
	struct err e;
	struct zone *z;

	for (int i = 0; i < COUNT(our_lines); i++) {
		if (!strstr(our_lines[i], "\xff"))
			good[n++] = our_lines[i];
	}
	z = zone_new(good, n, a, &e);
	ck_assert_ptr_nonnull(z);
	ck_assert_ptr_null(zone_new(our_lines, COUNT(our_lines), a, &e));	/* one bad line, and which */
	ck_assert(strstr(e.text, "broken.test"));
	return z;
}

static const struct { const char *name; enum dns_type type; bool ours; enum dns_found found; size_t count; const char *ask; } finds[] = {
	{ "alpha.test",		DNS_MX,		true,	DNS_YES,	2, "alpha.test" },
	{ "alpha.test",		DNS_A,		true,	DNS_NO_DATA,	0, "alpha.test" },
	{ "one.alpha.test",	DNS_A,		true,	DNS_YES,	2, "one.alpha.test" },
	{ "one.alpha.test",	DNS_AAAA,	true,	DNS_YES,	1, "one.alpha.test" },
	{ "www.alpha.test",	DNS_A,		true,	DNS_YES,	2, "one.alpha.test" },
	{ "www.alpha.test",	DNS_CNAME,	true,	DNS_YES,	1, "www.alpha.test" },
	{ "www.alpha.test",	DNS_MX,		true,	DNS_NO_DATA,	0, "one.alpha.test" },
	{ "out.alpha.test",	DNS_A,		false,	DNS_NO_NAME,	0, "elsewhere.example" },
	{ "round.alpha.test",	DNS_A,		true,	DNS_FAILED,	0, NULL },
	{ "dead.alpha.test",	DNS_A,		true,	DNS_NO_NAME,	0, "nobody.ours.test" },
	{ "below.test",		DNS_A,		true,	DNS_NO_DATA,	0, "below.test" },
	{ "down.below.test",	DNS_MX,		true,	DNS_NO_DATA,	0, "down.below.test" },
	{ "ow.test",		DNS_A,		false,	DNS_NO_NAME,	0, "ow.test" },
	{ "nobody.ours.test",	DNS_A,		true,	DNS_NO_NAME,	0, "nobody.ours.test" },
	{ "ours.test",		DNS_A,		true,	DNS_NO_DATA,	0, "ours.test" },
	{ "nobody.alpha.test",	DNS_A,		false,	DNS_NO_NAME,	0, "nobody.alpha.test" },
	{ "elsewhere.example",	DNS_MX,		false,	DNS_NO_NAME,	0, "elsewhere.example" },
	{ "",			DNS_MX,		false,	DNS_NO_NAME,	0, "" },
};

START_TEST(zone_answers)
{
	struct arena *a = arena();
	struct zone *z = our_zone(a);
	struct dns_answer answer;
	char ask[DNS_NAME];

	ck_assert_int_eq(zone_find(z, finds[_i].name, finds[_i].type, a, &answer, ask), finds[_i].ours);
	ck_assert_int_eq(answer.found, finds[_i].found);
	ck_assert_uint_eq(answer.count, finds[_i].count);
	if (finds[_i].ask)
		ck_assert_str_eq(ask, finds[_i].ask);
	arena_free(a);
}
END_TEST

START_TEST(mx_order_is_preference_then_dice)
{
	struct mx_host hosts[] = { { 20, "c", false }, { 10, "a", false }, { 30, "d", false },
		{ 10, "b", false } };
	unsigned a_first = 0;

	for (uint32_t dice = 0; dice < 1000; dice++) {
		mx_sort(hosts, 4, dice);
		ck_assert_uint_eq(hosts[0].preference + hosts[1].preference, 20);
		ck_assert_str_eq(hosts[2].name, "c");
		ck_assert_str_eq(hosts[3].name, "d");
		a_first += *hosts[0].name == 'a';
	}
	ck_assert_uint_gt(a_first, 300);
	ck_assert_uint_lt(a_first, 700);
	mx_sort(hosts, 0, 1);
	mx_sort(hosts, 1, 1);
}
END_TEST

/* A resolver in a thread: the zone, and what is not in it fails. */
static void *play_resolver(void *arg)
{
	int sock = *(int *)arg;
	struct packet *p = malloc(sizeof *p);
	struct arena *a = arena();
	struct zone *z = our_zone(a);
	struct dns_question q;

	while (packet_recv(sock, p, MS_NEVER) == PACKET_OK && dns_question_take(p, &q)) {
		struct dns_answer answer;
		char ask[DNS_NAME], ascii[IDNA_NAME], name[DNS_NAME];
		struct dns_answer stray = { .found = DNS_YES, .why = "" };

		dns_answer_put(p, q.serial - 1, &stray);	/* late: to a question before */
		packet_send(sock, p, NULL);
		ck_assert(idna_to_ascii(span_of(q.name), ascii, NULL));
		ck_assert(dns_name_clean(span_of(ascii), name));
		if (!zone_find(z, name, (enum dns_type)q.type, a, &answer, ask))
			answer = (struct dns_answer){ .found = DNS_FAILED, .why = "nobody to ask" };
		dns_answer_put(p, q.serial, &answer);
		packet_send(sock, p, NULL);
	}
	arena_free(a);
	free(p);
	close(sock);
	return NULL;
}

struct asking { pthread_t thread; int pair[2]; struct arena *a; };

static void begin_asking(struct asking *x)
{
	ck_assert(fd_pair(x->pair, NULL));
	x->a = arena();
	ck_assert(pthread_create(&x->thread, NULL, play_resolver, &x->pair[1]) == 0);
}

static void end_asking(struct asking *x)
{
	close(x->pair[0]);
	pthread_join(x->thread, NULL);
	arena_free(x->a);
}

static const struct { const char *domain; enum mx_found found; size_t count; const char *first, *status; } domains[] = {
	{ "alpha.test",		MX_HOSTS,	2, "one.alpha.test",	NULL },
	{ "ALPHA.test.",	MX_HOSTS,	2, "one.alpha.test",	NULL },
	{ "m\xc3\xbcller.test",	MX_HOSTS,	1, "one.alpha.test",	NULL },
	{ "bare.test",		MX_HOSTS,	1, "bare.test",		NULL },
	{ "mixed.test",		MX_HOSTS,	1, "mx.test",		NULL },
	{ "[192.0.2.1]",	MX_HOSTS,	1, "192.0.2.1",		NULL },
	{ "[IPv6:2001:db8::1]",	MX_HOSTS,	1, "2001:db8::1",	NULL },
	{ "null.test",		MX_NULL,	0, NULL,		"5.1.10" },
	{ "nobody.ours.test",	MX_NO_DOMAIN,	0, NULL,		"5.1.2" },
	{ "below.test",		MX_NO_DOMAIN,	0, NULL,		"5.1.2" },
	{ "elsewhere.example",	MX_FAILED,	0, NULL,		"4.4.3" },
};

START_TEST(mail_hosts_of_a_domain)
{
	struct asking x;
	struct mx_host *hosts;
	size_t count;
	struct err e;

	begin_asking(&x);
	ck_assert_int_eq(resolve_mx(x.pair[0], domains[_i].domain, 1, x.a, &hosts, &count, &e),
	    domains[_i].found);
	if (domains[_i].found == MX_HOSTS) {
		ck_assert_uint_eq(count, domains[_i].count);
		ck_assert_str_eq(hosts[0].name, domains[_i].first);
	} else {
		ck_assert_str_eq(e.status, domains[_i].status);
	}
	end_asking(&x);
}
END_TEST

static const struct { const char *host, *ips, *status; } host_cases[] = {
	{ "one.alpha.test",	"::1 127.0.0.1 127.0.0.2",	NULL },
	{ "www.alpha.test",	"::1 127.0.0.1 127.0.0.2",	NULL },
	{ "192.0.2.1",		"192.0.2.1",			NULL },
	{ "2001:DB8::1",	"2001:db8::1",			NULL },
	{ "[IPv6:::1]",		"::1",				NULL },
	{ "alpha.test",		NULL,				"5.4.4" },
	{ "nobody.ours.test",	NULL,				"5.4.4" },
	{ "elsewhere.example",	NULL,				"4.4.3" },
};

START_TEST(addresses_of_a_host)
{
	struct str all = STR(1000);
	struct asking x;
	const char **ips;
	size_t count;
	struct err e;
	bool ok;

	begin_asking(&x);
	ok = resolve_host(x.pair[0], host_cases[_i].host, x.a, &ips, &count, &e);
	ck_assert_int_eq(ok, host_cases[_i].ips != NULL);
	for (size_t i = 0; ok && i < count; i++)
		str_addf(&all, "%s%s", i ? " " : "", ips[i]);
	ck_assert_str_eq(ok ? all.p : e.status, ok ? host_cases[_i].ips : host_cases[_i].status);
	str_free(&all);
	end_asking(&x);
}
END_TEST

START_TEST(dead_resolver_is_temporary)
{
	struct arena *a = arena();
	struct mx_host *hosts;
	size_t count;
	int pair[2];
	struct err e;

	ck_assert(fd_pair(pair, NULL));
	close(pair[1]);
	ck_assert_int_eq(resolve_mx(pair[0], "alpha.test", 1, a, &hosts, &count, &e), MX_FAILED);
	ck_assert_int_eq(e.kind, ERR_TEMP);
	close(pair[0]);
	arena_free(a);
}
END_TEST

static const struct { const char *in, *out; } idns[] = {
	{ "Example.TEST",		"Example.TEST" },
	{ "m\xc3\xbcller.test",		"xn--mller-kva.test" },
	{ "M\xc3\x9cLLER.test",		"xn--mller-kva.test" },
	{ "\xce\xb5\xce\xbb.test",	"xn--qxam.test" },
	{ "_dmarc.x.test",		"_dmarc.x.test" },
	{ "\xff\xfe.test",		NULL },
	{ "a\xe2\x80\xae.test",		NULL },
	{ LABEL63 LABEL63 LABEL63 LABEL63 LABEL63, NULL },
};

START_TEST(unicode_names_become_ascii)
{
	char ascii[IDNA_NAME];
	struct err e;
	bool ok = idna_to_ascii(span_of(idns[_i].in), ascii, &e);

	ck_assert_msg(ok == (idns[_i].out != NULL), "%s gives %s", idns[_i].in, ok ? ascii : e.text);
	if (ok)
		ck_assert_str_eq(ascii, idns[_i].out);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("net-dns");

	tcase_add_loop_test(tc, name_cleans_and_goes_to_the_wire_and_back, 0, COUNT(names));
	tcase_add_test(tc, name_to_ask_for_may_hold_more);
	tcase_add_loop_test(tc, mx_rdata_parses, 0, COUNT(mxs));
	tcase_add_loop_test(tc, zone_line_reads, 0, COUNT(lines));
	tcase_add_test(tc, zone_line_holds_the_longest_key);
	tcase_add_loop_test(tc, zone_answers, 0, COUNT(finds));
	tcase_add_test(tc, mx_order_is_preference_then_dice);
	tcase_add_loop_test(tc, mail_hosts_of_a_domain, 0, COUNT(domains));
	tcase_add_loop_test(tc, addresses_of_a_host, 0, COUNT(host_cases));
	tcase_add_test(tc, dead_resolver_is_temporary);
	tcase_add_loop_test(tc, unicode_names_become_ascii, 0, COUNT(idns));
	return unit_end();
}
