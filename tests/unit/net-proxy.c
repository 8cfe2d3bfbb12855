/* PROXY headers, both versions: read whole, in pieces, and refused. */
#include "common/net/proxy.h"

#include <stdio.h>

#include "tests/unit/unit.h"

#define V2	"\r\n\r\n\0\r\nQUIT\n"
#define IPS4	"\xc0\0\x02\x01\x7f\0\0\x01\x9c\x40\0\x19"
#define IPS6	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01" "\x9c\x40\x02\x4b"
#define MAPPED	"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01" "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\x01" "\x9c\x40\0\x19"
#define TEXT(lit)	{ lit, sizeof(lit) - 1 }

/* said: "" nobody is named; NULL: no header. used 0: all of it. */
static const struct { struct span in; const char *said; size_t used; } headers[] = {
	{ TEXT("PROXY TCP4 192.0.2.1 127.0.0.1 40000 25\r\n"), "192.0.2.1 40000 127.0.0.1 25", 0 },
	{ TEXT("PROXY TCP6 2001:db8::1 ::1 40000 587\r\nEHLO x\r\n"), "2001:db8::1 40000 ::1 587", 38 },
	{ TEXT("PROXY TCP4 192.0.2.1 127.0.0.1 0 65535\r\n\r\n"), "192.0.2.1 0 127.0.0.1 65535", 40 },
	{ TEXT("PROXY UNKNOWN\r\n"), "", 0 },
	{ TEXT("PROXY UNKNOWN ffff:f...f:ffff anything at all\r\n"), "", 0 },
	{ TEXT("PROXY TCP4 2001:db8::1 ::1 40000 25\r\n"), NULL, 0 },
	{ TEXT("PROXY TCP6 192.0.2.1 127.0.0.1 40000 25\r\n"), NULL, 0 },
	{ TEXT("PROXY TCP4 192.0.2.1 127.0.0.1 40000\r\n"), NULL, 0 },
	{ TEXT("PROXY TCP4 192.0.2.1 127.0.0.1 40000 25 \r\n"), NULL, 0 },
	{ TEXT("PROXY TCP4 192.0.2.1 127.0.0.1 40000 25 7\r\n"), NULL, 0 },
	{ TEXT("PROXY TCP4  192.0.2.1 127.0.0.1 40000 25\r\n"), NULL, 0 },
	{ TEXT("PROXY TCP4 192.0.2.1 127.0.0.1 040000 25\r\n"), NULL, 0 },
	{ TEXT("PROXY TCP4 192.0.2.1 127.0.0.1 70000 25\r\n"), NULL, 0 },
	{ TEXT("PROXY TCP4 192.0.2.1 127.0.0.1 -1 25\r\n"), NULL, 0 },
	{ TEXT("PROXY TCP4 192.0.2.01 127.0.0.1 1 25\r\n"), NULL, 0 },
	{ TEXT("PROXY TCP4 mx.test 127.0.0.1 1 25\r\n"), NULL, 0 },
	{ TEXT("PROXY UDP4 192.0.2.1 127.0.0.1 1 25\r\n"), NULL, 0 },
	{ TEXT("PROXY tcp4 192.0.2.1 127.0.0.1 1 25\r\n"), NULL, 0 },
	{ TEXT("PROXY \r\n"), NULL, 0 },
	{ TEXT("proxy TCP4 192.0.2.1 127.0.0.1 1 25\r\n"), NULL, 0 },
	{ TEXT("PROXY TCP4 192.0.2.1 127.0.0.1 1 25\n"
	    "                                                                                        \r\n"), NULL, 0 },
	{ TEXT("EHLO x\r\n"), NULL, 0 },
	{ TEXT("\x16\x03\x01"), NULL, 0 },
	{ TEXT(V2 "\x21\x11\0\x0c" IPS4), "192.0.2.1 40000 127.0.0.1 25", 0 },
	{ TEXT(V2 "\x21\x11\0\x0c" IPS4 "EHLO"), "192.0.2.1 40000 127.0.0.1 25", 28 },
	{ TEXT(V2 "\x21\x11\0\x11" IPS4 "\x04\0\x02zz"), "192.0.2.1 40000 127.0.0.1 25", 0 },
	{ TEXT(V2 "\x21\x21\0\x24" IPS6), "2001:db8::1 40000 ::1 587", 0 },
	{ TEXT(V2 "\x21\x21\0\x24" MAPPED), "192.0.2.1 40000 127.0.0.1 25", 0 },
	{ TEXT(V2 "\x20\0\0\0"), "", 0 },
	{ TEXT(V2 "\x20\x11\0\x0c" IPS4), "", 0 },
	{ TEXT(V2 "\x21\0\0\0"), "", 0 },
	{ TEXT(V2 "\x21\x31\0\x02zz"), "", 0 },
	{ TEXT(V2 "\x21\x11\0\x0b\xc0\0\x02\x01\x7f\0\0\x01\x9c\x40\0"), NULL, 0 },
	{ TEXT(V2 "\x21\x21\0\x0c" IPS4), NULL, 0 },
	{ TEXT(V2 "\x22\x11\0\x0c" IPS4), NULL, 0 },
	{ TEXT(V2 "\x11\x11\0\x0c" IPS4), NULL, 0 },
	{ TEXT(V2 "\x31\x11\0\x0c" IPS4), NULL, 0 },
	{ TEXT(V2 "\x21\x11\xff\xff" IPS4), NULL, 0 },
	{ TEXT(V2 "\x41\x11\0\x0c"), NULL, 0 },		/* at once, without waiting for what its length promises */
};

static void describe(const struct proxy_client *c, char text[200])
{
	char who[ADDRESS_TEXT], here[ADDRESS_TEXT];

	*text = '\0';
	if (!c->named)
		return;
	address_print(&c->who, who);
	address_print(&c->here, here);
	snprintf(text, 200, "%s %u %s %u", who, c->port, here, c->here_port);
}

START_TEST(header_is_read)
{
	struct span in = headers[_i].in;
	struct proxy_client got;
	char text[200];
	size_t used, whole = headers[_i].used ? headers[_i].used : in.n;

	if (!headers[_i].said) {
		ck_assert_int_eq(proxy_parse(in, &got, &used), PROXY_NONE);
		ck_assert(!got.named);
		return;
	}
	ck_assert_int_eq(proxy_parse(in, &got, &used), PROXY_DONE);
	ck_assert_uint_eq(used, whole);
	describe(&got, text);
	ck_assert_str_eq(text, headers[_i].said);
	for (size_t i = 0; i < whole; i++)
		ck_assert_int_eq(proxy_parse(span_to(in, i), &got, &used), PROXY_MORE);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("net-proxy");

	tcase_add_loop_test(tc, header_is_read, 0, COUNT(headers));
	return unit_end();
}
