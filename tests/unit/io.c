/* io: lines that end in CRLF only, output, packets, the wire, the loop. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/line.h"
#include "common/io/loop.h"
#include "common/io/out.h"
#include "common/io/packet.h"
#include "common/io/wire.h"

static const struct { const char *in; size_t n; enum line_kind kinds[4]; const char *first; } lines[] = {
#define IN(s) s, sizeof(s) - 1
	{ IN("abc\r\ndef\r\n"), { LINE_OK, LINE_OK, LINE_END }, "abc" },
	{ IN("\r\n"), { LINE_OK, LINE_END }, "" },
	{ IN("a\nb\r\nc\r\n"), { LINE_BARE, LINE_OK, LINE_END }, "" },
	{ IN("a\rb\r\nc\r\n"), { LINE_BARE, LINE_OK, LINE_END }, "" },
	{ IN("a\r\r\nc\r\n"), { LINE_BARE, LINE_OK, LINE_END }, "" },
	{ IN("a\0b\r\nc\r\n"), { LINE_NUL, LINE_OK, LINE_END }, "" },
	{ IN("\n\r\nc\r\n"), { LINE_BARE, LINE_OK, LINE_END }, "" },
	{ IN("0123456789012\r\nc\r\n"), { LINE_OK, LINE_OK, LINE_END }, "0123456789012" },
	{ IN("01234567890123\r\nc\r\n"), { LINE_OK, LINE_OK, LINE_END }, "01234567890123" },
	{ IN("012345678901234\r\nc\r\n"), { LINE_LONG, LINE_OK, LINE_END }, "" },
	{ IN("0123456789012345678901234567890123456789\r\nc\r\n"), { LINE_LONG, LINE_OK, LINE_END }, "" },
	{ IN("no end"), { LINE_END }, "" },
	{ IN("no end\r"), { LINE_END }, "" },
};

/* The same in one write, and byte by byte: where the packets are cut must not matter. */
static void lines_come_out(int i, bool bytewise)
{
	struct fd_stream s;
	struct line *l;
	struct span got;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fd_stream_init(&s, pair[1]);
	l = line_new(&s.stream, 16);
	if (fork() == 0) {
		close(pair[1]);
		for (size_t k = 0; k < lines[i].n; k += bytewise ? 1 : lines[i].n)
			ck_assert(write(pair[0], lines[i].in + k, bytewise ? 1 : lines[i].n) > 0);
		_exit(0);
	}
	close(pair[0]);
	for (int k = 0; k == 0 || lines[i].kinds[k - 1] != LINE_END; k++) {
		ck_assert_int_eq(line_read(l, clock_in(20), &got), lines[i].kinds[k]);
		if (k == 0)
			ck_assert(span_same(got, span_of(lines[i].first)));
	}
	line_free(l);
	close(pair[1]);
}

START_TEST(lines_end_in_crlf_only)
{
	lines_come_out(_i, false);
	lines_come_out(_i, true);
}
END_TEST

START_TEST(a_late_line_is_late)
{
	struct fd_stream s;
	struct span got;
	struct line *l;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fd_stream_init(&s, pair[1]);
	l = line_new(&s.stream, 100);
	ck_assert_int_eq(write(pair[0], "half", 4), 4);
	ck_assert_int_eq(line_read(l, clock_ms() + 20, &got), LINE_LATE);
	ck_assert_int_eq(write(pair[0], "\r\n", 2), 2);
	ck_assert_int_eq(line_read(l, clock_in(5), &got), LINE_OK);
	ck_assert(span_is(got, "half"));
	line_push(l, SPAN("pushed\r\nmore"));
	ck_assert_int_eq(line_read(l, clock_in(5), &got), LINE_OK);
	ck_assert(span_is(got, "pushed") && line_waiting(l));
	line_forget(l);
	ck_assert(!line_waiting(l));
	line_free(l);
}
END_TEST

START_TEST(out_turns_lf_into_crlf)
{
	struct fd_stream s;
	struct out *o;
	char got[100] = "";
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fd_stream_init(&s, pair[1]);
	o = out_new(&s.stream);
	out_addf(o, "%s-%d ", "a", 1);
	out_add_crlf(o, SPAN("x\n\ny"));
	ck_assert(out_flush(o, clock_in(5), NULL));
	ck_assert_int_eq(read(pair[0], got, sizeof got), 10);
	ck_assert_str_eq(got, "a-1 x\r\n\r\ny");
	close(pair[0]);
	out_text(o, "to nobody");
	ck_assert(!out_flush(o, clock_in(5), NULL) && out_failed(o));
	out_free(o);
}
END_TEST

START_TEST(packets_carry_fields_and_descriptors)
{
	struct packet *p = mem_get(sizeof *p);
	struct err e = { 0 }, back;
	char small[4];
	int pair[2], fd;

	ck_assert(fd_pair(pair, &e));
	err_perm(&e, "5.1.1", "nobody here");
	packet_begin(p, 'x');
	packet_put_text(p, "hello");
	packet_put_u64(p, UINT64_MAX);
	packet_put_err(p, &e);
	packet_put_fd(p, STDIN_FILENO);
	ck_assert(packet_send(pair[0], p, &e));
	ck_assert_int_eq(packet_recv(pair[1], p, clock_in(5)), PACKET_OK);
	ck_assert_int_eq(p->verb, 'x');
	ck_assert(span_is(packet_take(p), "hello"));
	ck_assert_uint_eq(packet_take_u64(p), UINT64_MAX);
	packet_take_err(p, &back);
	ck_assert_int_eq(back.kind, ERR_PERM);
	ck_assert_str_eq(back.text, "nobody here");
	fd = packet_take_fd(p);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert(!p->bad);
	packet_take(p);
	ck_assert(p->bad);
	packet_begin(p, 'y');
	packet_put_text(p, "toolong");
	ck_assert(packet_send(pair[0], p, &e));
	ck_assert_int_eq(packet_recv(pair[1], p, clock_in(5)), PACKET_OK);
	ck_assert(!packet_take_copy(p, small, sizeof small) && p->bad);
	close(pair[0]);
	ck_assert_int_eq(packet_recv(pair[1], p, clock_in(5)), PACKET_END);
	free(p);
}
END_TEST

static const struct { const char *bytes; size_t n; } broken[] = {
	{ IN("x\xff\xff\xff\xff") },		/* a length past the end */
	{ IN("x\x05\0\0\0four") },
	{ IN("x\x01\0\0") },
	{ IN("x") },
};

START_TEST(broken_packets_are_bad)
{
	struct packet *p = mem_get(sizeof *p);
	int pair[2];

	ck_assert(fd_pair(pair, NULL));
	ck_assert_int_eq(write(pair[0], broken[_i].bytes, broken[_i].n), (ssize_t)broken[_i].n);
	ck_assert_int_eq(packet_recv(pair[1], p, clock_in(5)), PACKET_OK);
	ck_assert_uint_eq(packet_take(p).n, 0);
	ck_assert(p->bad);
	free(p);
}
END_TEST

START_TEST(a_wire_drops_what_came_before_tls)
{
	struct wire w;
	struct err e;
	char buf[100];
	int pair[2];

	ck_assert(fd_pair(pair, &e));
	wire_init(&w, pair[1]);
#define FRONT(s) ck_assert_int_eq(write(pair[0], s, sizeof(s) - 1), (ssize_t)sizeof(s) - 1)
	FRONT("Dstale");
	FRONT("P192.0.2.1 40000 127.0.0.1 25 smtp");
	ck_assert(wire_accept(&w, clock_in(5), &e));
	ck_assert_str_eq(w.peer.ip, "192.0.2.1");
	ck_assert_str_eq(w.peer.service, "smtp");
	ck_assert(!w.peer.tls);
	FRONT("DEHLO x");
	ck_assert_int_eq(w.stream.read(&w.stream, buf, 4, clock_in(5)), 4);
	FRONT("DMAIL FROM:<evil>");
	FRONT("TTLSv1.3 TLS_AES_256_GCM_SHA384 256 sni=x seal=evil seal=good");
	FRONT("Dinside");
	wire_hold(&w);
	ck_assert(w.stream.write(&w.stream, SPAN("220 go ahead\r\n"), clock_in(5), &e));
	ck_assert(wire_start_tls(&w, clock_in(5), &e));
	ck_assert_int_eq(read(pair[0], buf, sizeof buf), 15);
	ck_assert_int_eq(memcmp(buf, "T220 go ahead\r\n", 15), 0);
	ck_assert(w.peer.tls);
	ck_assert_str_eq(w.peer.tls_text, "TLSv1.3 TLS_AES_256_GCM_SHA384 256 sni=x seal=evil");
	ck_assert_str_eq(w.peer.seal, "good");		/* the last is the front's */
	ck_assert_int_eq(w.stream.read(&w.stream, buf, sizeof buf, clock_in(5)), 6);
	ck_assert_int_eq(memcmp(buf, "inside", 6), 0);
	FRONT("E");
	ck_assert_int_eq(w.stream.read(&w.stream, buf, sizeof buf, clock_in(5)), 0);
	wire_close(&w);
	wire_ready(&w);
	FRONT("P2001:db8::1 1 ::1 465 submissions tls TLSv1.3 X 256");
	ck_assert(wire_accept(&w, clock_in(5), &e));
	ck_assert(w.peer.tls);
	ck_assert_str_eq(w.peer.tls_text, "TLSv1.3 X 256");
	ck_assert_str_eq(w.peer.seal, "");
	wire_close(&w);
	wire_ready(&w);
	FRONT("P2001:db8::1 1 ::1 465 submissions tls TLSv1.3 X 256 seal=0:1:2:3");
	ck_assert(wire_accept(&w, clock_in(5), &e));
	ck_assert_str_eq(w.peer.tls_text, "TLSv1.3 X 256");
	ck_assert_str_eq(w.peer.seal, "0:1:2:3");
	wire_reset(&w);
}
END_TEST

/* Counts ride on the next words, once; what the client is over comes with its words. */
START_TEST(a_wire_counts_for_the_front)
{
	struct wire w;
	struct err e;
	char buf[100];
	int pair[2];

	ck_assert(fd_pair(pair, &e));
	wire_init(&w, pair[1]);
	FRONT("P192.0.2.1 40000 127.0.0.1 25 smtp");
	ck_assert(wire_accept(&w, clock_in(5), &e));
#define HEARD(want) do { \
	ck_assert_int_eq(read(pair[0], buf, sizeof buf), (ssize_t)sizeof(want) - 1); \
	ck_assert_int_eq(memcmp(buf, want, sizeof(want) - 1), 0); } while (0)
	wire_count(&w, WIRE_RCPTS);
	wire_count(&w, WIRE_RCPTS);
	wire_count(&w, WIRE_ERRORS);
	wire_mark(&w, WIRE_IN_DATA, true);
	ck_assert(w.stream.write(&w.stream, SPAN("354"), clock_in(5), &e));
	HEARD("C\2\0\2\0\1" "354");
	ck_assert(w.stream.write(&w.stream, SPAN("250"), clock_in(5), &e));
	HEARD("D250");
	FRONT("L\22later");
	ck_assert_int_eq(w.stream.read(&w.stream, buf, sizeof buf, clock_in(5)), 5);
	ck_assert_int_eq(memcmp(buf, "later", 5), 0);
	ck_assert_uint_eq(w.over, 1 << WIRE_DATA | 1 << WIRE_RCPTS);
	FRONT("Dnow");
	ck_assert_int_eq(w.stream.read(&w.stream, buf, sizeof buf, clock_in(5)), 3);
	ck_assert_uint_eq(w.over, 0);
	for (int i = 0; i < 1000; i++)
		wire_count(&w, WIRE_MESSAGES);
	wire_known(&w);
	HEARD("C\3\377\0\0\0");
	wire_mark(&w, WIRE_IN_DATA, false);
	wire_close(&w);
	HEARD("C\1\0\0\0\0");
	HEARD("Q");
	FRONT("L");		/* nonsense is an end */
	ck_assert_int_eq(w.stream.read(&w.stream, buf, sizeof buf, clock_in(5)), 0);
	wire_reset(&w);
}
END_TEST

static const char *const bad_peers[] = { "", "1.2.3.4", "1.2.3.4 99999 1.1.1.1 25 smtp",
    "1.2.3.4 1 1.1.1.1 25", "1.2.3.4 1 1.1.1.1 25 smtp ssl", "1.2.3.4 x 1.1.1.1 25 smtp" };

START_TEST(a_peer_that_cannot_be_is_refused)
{
	struct wire_peer peer;

	ck_assert(!wire_peer_parse(span_of(bad_peers[_i]), &peer));
}
END_TEST

static struct { struct loop *loop; struct loop_timer *victim; char order[10]; int n; } seen;

static void tick(void *arg)
{
	seen.order[seen.n++] = *(const char *)arg;
	if (*(const char *)arg == 'a')
		loop_cancel(seen.victim);
	if (*(const char *)arg == 'z')
		loop_stop(seen.loop);
}

START_TEST(timers_run_in_order)
{
	struct loop *l = seen.loop = loop_new();
	ms_t now = clock_ms();

	loop_at(l, now + 30, tick, (void *)"z");
	loop_at(l, now + 10, tick, (void *)"b");
	seen.victim = loop_at(l, now + 20, tick, (void *)"x");
	loop_at(l, now, tick, (void *)"a");
	loop_at(l, now + 15, tick, (void *)"c");
	loop_run(l);
	ck_assert_str_eq(seen.order, "abcz");
	loop_free(l);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("io");

	tcase_add_loop_test(tc, lines_end_in_crlf_only, 0, COUNT(lines));
	tcase_add_test(tc, a_late_line_is_late);
	tcase_add_test(tc, out_turns_lf_into_crlf);
	tcase_add_test(tc, packets_carry_fields_and_descriptors);
	tcase_add_loop_test(tc, broken_packets_are_bad, 0, COUNT(broken));
	tcase_add_test(tc, a_wire_drops_what_came_before_tls);
	tcase_add_test(tc, a_wire_counts_for_the_front);
	tcase_add_loop_test(tc, a_peer_that_cannot_be_is_refused, 0, COUNT(bad_peers));
	tcase_add_test(tc, timers_run_in_order);
	return unit_end();
}
