/* Addresses, networks, "host:port". */
#include "common/net/address.h"

#include "tests/unit/unit.h"

static const struct { const char *in, *out; } addresses[] = {
	{ "192.0.2.1",			"192.0.2.1" },
	{ "0.0.0.0",			"0.0.0.0" },
	{ "255.255.255.255",		"255.255.255.255" },
	{ "::1",			"::1" },
	{ "2001:DB8:0:0:0:0:0:1",	"2001:db8::1" },
	{ "2001:db8::192.0.2.1",	"2001:db8::c000:201" },
	{ "::ffff:192.0.2.1",		"192.0.2.1" },
	{ "",				NULL },
	{ "192.0.2",			NULL },
	{ "192.0.2.1.",			NULL },
	{ "192.0.2.256",		NULL },
	{ "192.0.02.1",			NULL },
	{ " 192.0.2.1",			NULL },
	{ "0x7f.1",			NULL },
	{ "fe80::1%eth0",		NULL },
	{ ":::1",			NULL },
	{ "1:2:3:4:5:6:7:8:9",		NULL },
	{ "1111:1111:1111:1111:1111:1111:1111:11111111111111111111111111", NULL },
};

START_TEST(address_reads_and_prints)
{
	struct address a = { 0 };
	char text[ADDRESS_TEXT];

	ck_assert_int_eq(address_parse(span_of(addresses[_i].in), &a), addresses[_i].out != NULL);
	address_print(&a, text);
	ck_assert_str_eq(text, addresses[_i].out ? addresses[_i].out : "unknown");
}
END_TEST

static const struct { const char *in, *out; } literals[] = {
	{ "[192.0.2.1]",		"[192.0.2.1]" },
	{ "[IPv6:2001:db8::1]",		"[IPv6:2001:db8::1]" },
	{ "[ipv6:::1]",			"[IPv6:::1]" },
	{ "[2001:db8::1]",		NULL },
	{ "[IPv6:192.0.2.1]",		NULL },
	{ "192.0.2.1",			NULL },
	{ "[192.0.2.1",			NULL },
	{ "[192.0.2.1]x",		NULL },
	{ "[]",				NULL },
	{ "[",				NULL },
};

START_TEST(literal_reads_and_prints)
{
	char text[ADDRESS_TEXT + 8];
	struct address a;
	bool ok = address_literal_parse(span_of(literals[_i].in), &a);

	ck_assert_int_eq(ok, literals[_i].out != NULL);
	if (!ok)
		return;
	address_literal_print(&a, text);
	ck_assert_str_eq(text, literals[_i].out);
}
END_TEST

static const struct { const char *net, *address; bool has; } networks[] = {
	{ "192.0.2.0/24",	"192.0.2.255",		true },
	{ "192.0.2.0/24",	"192.0.3.0",		false },
	{ "192.0.2.128/25",	"192.0.2.127",		false },
	{ "192.0.2.1",		"192.0.2.1",		true },
	{ "192.0.2.1",		"192.0.2.2",		false },
	{ "0.0.0.0/0",		"203.0.113.9",		true },
	{ "0.0.0.0/0",		"::1",			false },
	{ "2001:db8::/32",	"2001:db8:ffff::1",	true },
	{ "2001:db8::/32",	"2001:db9::",		false },
	{ "2001:db8::/33",	"2001:db8:8000::1",	false },
	{ "127.0.0.0/8",	"::ffff:127.0.0.1",	true },
	{ "192.0.2.0/33",	"192.0.2.0",		false },	/* from here on: no network */
	{ "192.0.2.1/24",	"192.0.2.1",		false },
	{ "192.0.2.0/",		"192.0.2.0",		false },
	{ "192.0.2.0/x",	"192.0.2.0",		false },
	{ "example.org",	"192.0.2.0",		false },
};

START_TEST(network_knows_its_own)
{
	const char *words[] = { "10.0.0.0/8", networks[_i].net };
	struct address a;

	ck_assert(address_parse(span_of(networks[_i].address), &a));
	ck_assert_int_eq(networks_have(words, 2, &a), networks[_i].has);
	ck_assert(!networks_have(words, 1, &a));
}
END_TEST

static const struct { const char *in, *host; unsigned port; } hosts[] = {
	{ "mx.example.org:25",		"mx.example.org",	25 },
	{ "mx.example.org",		"mx.example.org",	7 },
	{ "192.0.2.1:65535",		"192.0.2.1",		65535 },
	{ "[2001:db8::1]:25",		"2001:db8::1",		25 },
	{ "[2001:db8::1]",		"2001:db8::1",		7 },
	{ "2001:db8::1",		"2001:db8::1",		7 },
	{ "[192.0.2.1]:25",		"192.0.2.1",		25 },
	{ "*:25",			"",			25 },
	{ ":25",			"",			25 },
	{ "",				NULL,			0 },
	{ "host:",			NULL,			0 },
	{ "host:0",			NULL,			0 },
	{ "host:65536",			NULL,			0 },
	{ "host:25x",			NULL,			0 },
	{ "[host]:25",			NULL,			0 },
	{ "[::1",			NULL,			0 },
	{ "[::1]25",			NULL,			0 },
	{ "a b:25",			NULL,			0 },
	{ "a:b:25",			NULL,			0 },
};

START_TEST(host_and_port_part)
{
	char host[HOST_MAX + 1] = "as it was";
	unsigned port = 7;
	bool ok = host_port_parse(span_of(hosts[_i].in), host, &port);

	ck_assert_int_eq(ok, hosts[_i].host != NULL);
	ck_assert_str_eq(host, ok ? hosts[_i].host : "as it was");
	ck_assert_uint_eq(port, ok ? hosts[_i].port : 7);
}
END_TEST

static const struct { const char *in, *name;
} reverses[] = {
	{ "192.0.2.1", "1.2.0.192.in-addr.arpa." },
	{ "2001:db8::1f",
	    "f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa." },
};

START_TEST(reverse_name_is_right)
{
	struct address a;
	char name[80];

	ck_assert(address_parse(span_of(reverses[_i].in), &a));
	address_reverse_name(&a, name);
	ck_assert_str_eq(name, reverses[_i].name);
}
END_TEST

START_TEST(sockaddr_there_and_back)
{
	struct sockaddr_storage sa;
	struct address a, b;
	unsigned port;

	if (!address_parse(span_of(addresses[_i].in), &a))
		return;
	address_to_sockaddr(&a, 4711, &sa);
	ck_assert(address_from_sockaddr(&sa, &b, &port));
	ck_assert(address_same(&a, &b));
	ck_assert_uint_eq(port, 4711);
}
END_TEST

START_TEST(loopback_is_known)
{
	static const struct { const char *in; bool is; } cases[] = {
		{ "127.0.0.1", true }, { "127.255.0.1", true }, { "::1", true },
		{ "::ffff:127.0.0.1", true }, { "128.0.0.1", false }, { "::2", false },
	};
	struct address a;

	for (int i = 0; i < COUNT(cases); i++) {
		ck_assert(address_parse(span_of(cases[i].in), &a));
		ck_assert_int_eq(address_is_loopback(&a), cases[i].is);
	}
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("net-address");

	tcase_add_loop_test(tc, address_reads_and_prints, 0, COUNT(addresses));
	tcase_add_loop_test(tc, literal_reads_and_prints, 0, COUNT(literals));
	tcase_add_loop_test(tc, network_knows_its_own, 0, COUNT(networks));
	tcase_add_loop_test(tc, host_and_port_part, 0, COUNT(hosts));
	tcase_add_loop_test(tc, reverse_name_is_right, 0, COUNT(reverses));
	tcase_add_loop_test(tc, sockaddr_there_and_back, 0, COUNT(addresses));
	tcase_add_test(tc, loopback_is_known);
	return unit_end();
}
