/* TLS: what certificates are taken, who gets which, and what a client thinks of them. */
#include "common/net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/tcp.h"
#include "common/os/fd.h"
#include "tests/unit/tls-side.h"
#include "tests/unit/unit.h"

static int file_with(const char *text)
{
	int fd = memfd_create("text", 0);

	ck_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

/* --- what must be true --- */

static const struct {
	const char *names;		/* of the certificate */
	const char *host;		/* that the client wants */
	bool known, old, verified;	/* in the client's list; expired; the verdict */
} verdicts[] = {
	{ "DNS:mx.test",		"mx.test",	true,	false,	true },
	{ "DNS:mx.test",		"MX.test.",	true,	false,	true },
	{ "DNS:*.a.test",		"mx.a.test",	true,	false,	true },
	{ "DNS:*.test",			"mx.test",	true,	false,	false },	/* a whole domain of names */
	{ "IP:192.0.2.1",		"192.0.2.1",	true,	false,	true },
	{ "IP:2001:db8::1",		"2001:db8::1",	true,	false,	true },
	{ "DNS:mx.test",		"other.test",	true,	false,	false },
	{ "DNS:mx.test",		"192.0.2.1",	true,	false,	false },
	{ "DNS:mx.test",		"mx.test",	false,	false,	false },
	{ "DNS:mx.test",		"mx.test",	true,	true,	false },
};

START_TEST(client_knows_a_good_certificate)
{
	struct pair pair =
	    tls_side_pair(verdicts[_i].names, -7200, verdicts[_i].old ? -3600 : 3600);
	struct pair other = tls_side_pair("DNS:somebody.else", -7200, 3600);
	int ca = verdicts[_i].known ? pair.chain : other.chain;

	for (int must = 0; must < 2; must++) {
		bool good = verdicts[_i].verified;
		struct talk t;
		struct err e;
		bool ok;

		tls_side_begin(&t, &pair, 1, ca, "");
		ok = tls_client_start(t.client, &t.stream, verdicts[_i].host, must, clock_in(10), &e);
		ck_assert_int_eq(ok, good || !must);
		ck_assert_int_eq(t.stream.verified, good);
		ck_assert(good || t.stream.why_not[0]);
		ck_assert_str_eq(ok ? "" : e.status, ok ? "" : "4.7.5");
		ck_assert(strncmp(t.stream.text, "TLSv1.3 TLS_", 12) == 0);
		tls_side_end(&t);
	}
}
END_TEST

START_TEST(stream_carries_bytes_both_ways)
{
	struct pair pair = tls_side_pair("DNS:mx.test", -60, 3600);
	char *out = malloc(90000), *in = malloc(90000);
	struct talk t;
	struct err e;

	for (size_t i = 0; i < 90000; i++)
		out[i] = (char)(i * 31 + i / 7);
	tls_side_begin(&t, &pair, 1, pair.chain, "smtp");
	ck_assert(tls_client_start(t.client, &t.stream, "mx.test", true, clock_in(10), &e));
	for (int round = 0; round < 5; round++) {
		size_t n = 0;

		ck_assert(t.stream.stream.write(&t.stream.stream, (struct span){ out, 90000 }, clock_in(10), &e));
		while (n < 90000) {
			ssize_t got =
			    t.stream.stream.read(&t.stream.stream, in + n, 90000 - n, clock_in(10));

			ck_assert_int_gt(got, 0);
			n += (size_t)got;
		}
		ck_assert(memcmp(in, out, 90000) == 0);
	}
	ck_assert_int_eq(tls_side_end(&t), TLS_END);
	free(out);
	free(in);
}
END_TEST

START_TEST(server_chooses_by_name)
{
	static const struct { const char *host; int nth; } cases[] = {
		{ "one.test", 0 }, { "two.test", 1 }, { "a.three.test", 2 }, { "nobody.test", 0 },
	};
	struct pair pairs[] = {
		tls_side_pair("DNS:one.test", -60, 3600), tls_side_pair("DNS:two.test", -60, 3600),
		tls_side_pair("DNS:*.three.test", -60, 3600),
	};

	for (int i = 0; i < COUNT(cases); i++) {
		struct talk t;
		struct err e;

		tls_side_begin(&t, pairs, 3, pairs[cases[i].nth].chain, "");
		ck_assert(tls_client_start(t.client, &t.stream, cases[i].host, false, clock_in(10), &e));
		if (strcmp(cases[i].host, "nobody.test") != 0)
			ck_assert_msg(t.stream.verified, "%s: %s", cases[i].host, t.stream.why_not);
		tls_side_end(&t);
	}
}
END_TEST

START_TEST(what_is_no_pair_is_refused)
{
	struct pair a = tls_side_pair("DNS:a.test", -60, 3600), b = tls_side_pair("DNS:b.test", -60, 3600);
	int text = file_with("no certificate\n"), empty = file_with("");
	const struct { int chain, key; } cases[] = {
		{ a.chain, b.key }, { text, a.key }, { a.chain, text }, { empty, a.key }, { a.chain, empty },
		{ a.key, a.chain }, { -1, a.key },
	};
	struct tls_server *s;
	struct err e;

	ck_assert(tls_prepare(&e));
	ck_assert_ptr_null(tls_server_new("SSLv3", &e));
	ck_assert_int_eq(e.kind, ERR_PERM);
	s = tls_server_new("TLSv1.3", &e);
	for (int i = 0; i < COUNT(cases); i++) {
		ck_assert(!tls_server_add(s, cases[i].chain, cases[i].key, &e));
		ck_assert(e.text[0]);
	}
	ck_assert_ptr_null(tls_conn_new(s, text, ""));		/* nothing to show a client */
	ck_assert(tls_server_add(s, a.chain, a.key, &e));
	ck_assert(tls_server_add(s, a.chain, a.key, &e));	/* the offset of the file does not matter */
	tls_server_free(s);
	ck_assert_ptr_null(tls_client_new("/nowhere/ca.pem", &e));
}
END_TEST

START_TEST(who_speaks_no_tls_is_temporary)
{
	struct tls_client *client;
	struct tls_stream s;
	struct err e;
	int sock[2];

	ck_assert(tls_prepare(&e));
	client = tls_client_new("", &e);
	ck_assert(fd_stream_pair(sock, &e));
	ck_assert(write(sock[1], "220 hello\r\n", 11) == 11);
	tls_stream_init(&s, sock[0]);
	ck_assert(!tls_client_start(client, &s, "mx.test", false, clock_in(10), &e));
	ck_assert_int_eq(e.kind, ERR_TEMP);
	tls_stream_close(&s);
	close(sock[1]);

	ck_assert(fd_stream_pair(sock, &e));
	tls_stream_init(&s, sock[0]);
	ck_assert(!tls_client_start(client, &s, "mx.test", false, clock_ms() + 50, &e));
	ck_assert_str_eq(e.status, "4.4.2");
	tls_stream_close(&s);
	close(sock[1]);
	tls_client_free(client);
}
END_TEST

START_TEST(stream_in_the_clear)
{
	struct tls_stream s;
	struct err e;
	char buf[10];
	int sock[2];

	ck_assert(fd_stream_pair(sock, &e));
	tls_stream_init(&s, sock[0]);
	ck_assert(s.stream.write(&s.stream, SPAN("EHLO"), clock_in(5), &e));
	ck_assert(read(sock[1], buf, 10) == 4);
	errno = 0;
	ck_assert_int_eq(s.stream.read(&s.stream, buf, 10, clock_ms() + 20), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert(write(sock[1], "250", 3) == 3);
	ck_assert_int_eq(s.stream.read(&s.stream, buf, 10, clock_in(5)), 3);
	close(sock[1]);
	ck_assert_int_eq(s.stream.read(&s.stream, buf, 10, clock_in(5)), 0);
	ck_assert(!s.stream.write(&s.stream, SPAN("QUIT"), clock_in(5), &e));
	ck_assert_str_eq(e.status, "4.4.2");
	tls_stream_close(&s);
}
END_TEST

START_TEST(tcp_connects_or_says_why)
{
	static const struct { const char *ip, *source; } bad[] = {
		{ "nonsense", "" }, { "127.0.0.1", "nonsense" }, { "127.0.0.1", "192.0.2.77" },
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof sa;
	struct err e;

	ck_assert(bind(listener, (struct sockaddr *)&sa, n) == 0 && listen(listener, 5) == 0);
	getsockname(listener, (struct sockaddr *)&sa, &n);
	ck_assert(tcp_connect("127.0.0.1", ntohs(sa.sin_port), "127.0.0.9", clock_in(5), &fd, &e));
	close(fd);
	for (int i = 0; i < COUNT(bad); i++) {
		ck_assert(!tcp_connect(bad[i].ip, ntohs(sa.sin_port), bad[i].source, clock_in(5), &fd, &e));
		ck_assert_int_eq(e.kind, ERR_TEMP);
	}
	close(listener);
	ck_assert(!tcp_connect("127.0.0.1", ntohs(sa.sin_port), "", clock_in(5), &fd, &e));
	ck_assert_str_eq(e.status, "4.4.1");
	ck_assert(strstr(e.text, "refused"));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("net-tls");

	tcase_add_loop_test(tc, client_knows_a_good_certificate, 0, COUNT(verdicts));
	tcase_add_test(tc, stream_carries_bytes_both_ways);
	tcase_add_test(tc, server_chooses_by_name);
	tcase_add_test(tc, what_is_no_pair_is_refused);
	tcase_add_test(tc, who_speaks_no_tls_is_temporary);
	tcase_add_test(tc, stream_in_the_clear);
	tcase_add_test(tc, tcp_connects_or_says_why);
	return unit_end();
}
