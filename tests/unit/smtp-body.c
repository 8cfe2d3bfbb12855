/* The text of a message coming in, cut in every way it can be cut. */
#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/smtp/body.h"

enum { ROOM = 4096 };

struct bytes { const char *p; size_t n; };
#define B(lit)	{ lit, sizeof(lit) - 1 }

static const struct {
	struct bytes in;
	bool dots;
	struct bytes text;	/* .p NULL: it is flawed, or has no end */
	unsigned flaws;
	size_t left;		/* behind the end */
} cases[] = {
	{ B(".\r\n"), true, B(""), 0, 0 },
	{ B("\r\n.\r\n"), true, B("\n"), 0, 0 },
	{ B("a\r\n.\r\n"), true, B("a\n"), 0, 0 },
	{ B("a\r\nb\r\n.\r\nQUIT\r\n"), true, B("a\nb\n"), 0, 6 },
	{ B("..\r\n...\r\n.a\r\na.\r\n.\r\n"), true, B(".\n..\na\na.\n"), 0, 0 },
	{ B("a\r\n.\r\n.\r\n"), true, B("a\n"), 0, 3 },
	{ B("\xc3\xbc\r\n.\r\n"), true, B("\xc3\xbc\n"), 0, 0 },
	{ B("a\n.\n\r\n.\r\n"), true, { NULL, 0 }, BODY_BARE_LF, 0 },
	{ B("a\n.\r\n\r\n.\r\n"), true, { NULL, 0 }, BODY_BARE_LF, 0 },
	{ B("a\r\n.\n\r\n.\r\n"), true, { NULL, 0 }, BODY_BARE_LF, 0 },
	{ B("a\r.\r\r\n.\r\n"), true, { NULL, 0 }, BODY_BARE_CR, 0 },
	{ B("a\r\n.\r\r\n\r\n.\r\n"), true, { NULL, 0 }, BODY_BARE_CR, 0 },
	{ B("a\r\n.\rb\r\n.\r\n"), true, { NULL, 0 }, BODY_BARE_CR, 0 },
	{ B("a\r\r\n.\r\n"), true, { NULL, 0 }, BODY_BARE_CR, 0 },
	{ B("a\0b\r\n.\r\n"), true, { NULL, 0 }, BODY_NUL, 0 },
	{ B("a\r\n.\0\r\n.\r\n"), true, { NULL, 0 }, BODY_NUL, 0 },
	{ B("a\r\n.\r\nNO\0OP\r\n"), true, B("a\n"), 0, 7 },
	{ B("\n\r\0\r\n.\r\n"), true, { NULL, 0 }, BODY_BARE_CR | BODY_BARE_LF | BODY_NUL, 0 },
	{ B("..\r\n.\r\na"), false, B("..\n.\na\n"), 0, 0 },
	{ B(""), false, B(""), 0, 0 },
	{ B("a\r"), false, { NULL, 0 }, BODY_BARE_CR, 0 },
	{ B("a\nb\r\n"), false, { NULL, 0 }, BODY_BARE_LF, 0 },
	{ B("a\0"), false, { NULL, 0 }, BODY_NUL, 0 },
};

/* Run it in pieces of that size; returns how much was left behind the end. */
static size_t run(const char *in, size_t n, size_t piece, struct body *b, struct str *out)
{
	char buf[ROOM];
	size_t at = 0, used = 0;

	while (at < n && b->at != BODY_ENDED) {
		size_t m = n - at < piece ? n - at : piece;

		memcpy(buf, in + at, m);
		str_add(out, (struct span){ buf, body_run(b, buf, m, &used) });
		ck_assert(used == m || b->at == BODY_ENDED);
		at += used;
	}
	return n - at;
}

START_TEST(body_in_any_pieces)
{
	for (size_t piece = 1; piece <= cases[_i].in.n + 1; piece++) {
		struct str out = STR(ROOM);
		struct body b;
		struct err e;
		bool lf, ok;

		body_init(&b, cases[_i].dots, 0);
		ck_assert_uint_eq(run(cases[_i].in.p, cases[_i].in.n, piece, &b, &out), cases[_i].left);
		ok = body_finish(&b, &lf, &e);
		if (lf)
			str_add_char(&out, '\n');
		ck_assert_uint_eq(b.flaws, cases[_i].flaws);
		ck_assert(ok == (cases[_i].text.p != NULL));
		ck_assert(!cases[_i].dots || b.at == BODY_ENDED);
		if (ok) {
			ck_assert(span_same(str_span(&out), (struct span){ cases[_i].text.p, cases[_i].text.n }));
			ck_assert_uint_eq(b.text, out.n);
			ck_assert(b.has8bit == (memchr(out.p, '\xc3', out.n) != NULL));
		} else {
			ck_assert_str_eq(e.status, "5.6.0");
		}
		str_free(&out);
	}
}
END_TEST

START_TEST(body_counts_the_wire)
{
	static const char in[] = "..a\r\n\r\nbc\r\n.\r\n";
	size_t full = 2 + 2 + 2 + 2 + 2;	/* ".a" "" "bc", each with CRLF */

	for (size_t limit = full - 2; limit <= full + 2; limit++) {
		struct str out = STR(ROOM);
		struct body b;
		struct err e;
		bool lf, ok;

		body_init(&b, true, limit);
		run(in, sizeof in - 1, 3, &b, &out);
		ok = body_finish(&b, &lf, &e);
		ck_assert_uint_eq(b.wire, full);
		ck_assert(ok == (limit >= full));
		ck_assert(ok || strcmp(e.status, "5.3.4") == 0);
		str_free(&out);
	}
}
END_TEST

static void forget(void *arg, struct span lf_text)
{
	(void)arg, (void)lf_text;
}

/* Chunks of nothing, or of a byte each time we are about to give up, gain no time. */
START_TEST(all_chunks_have_one_clock)
{
	struct body_terms t = { .read_timeout_s = 60, .rate_min = 10, .sink = forget };
	struct fd_stream from;
	struct line *in;
	struct body b;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fd_stream_init(&from, pair[1]);
	in = line_new(&from.stream, 100);
	body_init(&b, false, 0);
	ck_assert_int_eq(write(pair[0], "12345", 5), 5);
	ck_assert_int_eq(body_read_chunk(&b, in, 0, &t), BODY_OK);
	ck_assert_int_eq(body_read_chunk(&b, in, 1, &t), BODY_OK);
	b.started -= 60 * 1000;
	b.arrived = 20;			/* two seconds more */
	ck_assert_int_eq(body_read_chunk(&b, in, 1, &t), BODY_OK);
	b.started -= 3000;
	ck_assert_int_eq(body_read_chunk(&b, in, 0, &t), BODY_LATE);
	ck_assert_int_eq(body_read_chunk(&b, in, 1, &t), BODY_LATE);
	b.arrived = 100;
	ck_assert_int_eq(body_read_chunk(&b, in, 1, &t), BODY_OK);
	line_free(in);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("smtp-body");

	tcase_add_loop_test(tc, body_in_any_pieces, 0, COUNT(cases));
	tcase_add_test(tc, body_counts_the_wire);
	tcase_add_test(tc, all_chunks_have_one_clock);
	return unit_end();
}
