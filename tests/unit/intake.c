/* From a transaction into a queue that lies in a temporary directory. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/mail/header.h"
#include "common/os/file.h"
#include "common/queue/intake.h"

enum { ROOM = 4 << 20 };

struct stage {
	char		dir[64];
	int		queue;
	struct station	station;
	struct wire_peer peer;
	struct smtp	s;
	struct intake	in;
};

static void raise_curtain(struct stage *t)
{
	struct err e;

	*t = (struct stage){ .dir = "/tmp/posthorn-intake-XXXXXX", .peer = { .ip = "192.0.2.1", .port = 4321 } };
	ck_assert(mkdtemp(t->dir) != NULL);
	ck_assert(queue_make(t->dir, &e));
	t->queue = queue_open(t->dir, &e);
	ck_assert(t->queue >= 0 && station_open(t->queue, "in/net", &t->station, &e));
	t->s.mail = arena_new(ROOM, NULL, NULL);
	t->s.extended = true;
	snprintf(t->s.hello, sizeof t->s.hello, "client.test");
	t->in = (struct intake){
		.station = &t->station, .host_name = "mx.test", .hops_max = 3, .peer = &t->peer, .login = "",
		.header = STR(0),
	};
}

static void drop_curtain(struct stage *t)
{
	char command[128];

	intake_reset(&t->in);
	arena_free(t->s.mail);
	station_close(&t->station);
	close(t->queue);
	snprintf(command, sizeof command, "rm -rf %s", t->dir);
	ck_assert_int_eq(system(command), 0);
}

static void say(struct stage *t, const char *sender, const char *const *rcpts)
{
	struct smtp_mail from = { .address = sender,
		.params = { .ret = "full", .envid = "QQ", .auth = "" } };

	ck_assert(intake_begin(&t->in, &t->s, &from, NULL));
	ck_assert(queue_is_id(span_of(t->in.env.id)));
	for (; *rcpts; rcpts++) {
		struct smtp_rcpt to = { .address = *rcpts,
			.params = { .notify = PARAM_DELAY, .original = "rfc822;o" } };

		ck_assert(intake_rcpt(&t->in, &t->s, *rcpts, &to, NULL));
	}
}

static bool put(struct stage *t, struct span text, size_t piece, struct str *said, struct err *e)
{
	ck_assert(intake_open(&t->in, &t->s, e));
	while (text.n)
		intake_text(&t->in, span_take(&text, piece));
	return intake_commit(&t->in, &t->s, said, e);
}

static const struct { const char *text; bool ok; const char *status; } cases[] = {
	{ "", true, NULL },
	{ "\n", true, NULL },
	{ "\nbody only\n", true, NULL },
	{ "Subject: x\n\nbody\n", true, NULL },
	{ "Subject: header only\n", true, NULL },
	{ "Received: a\nReceived: b\n\nReceived: c\n", true, NULL },
	{ "Received: a\nreceived: b\n\n", true, NULL },
	{ "Received: a\nReceived: b\nReceived: c\n\n", false, "5.4.6" },
	{ "Received: a\nReceived: b\nSubject: x\nReceived:\n c\n", false, "5.4.6" },
	{ "\nReceived: a\nReceived: b\nReceived: c\n", true, NULL },
};

static const char *const ann[] = { "ann@x.test", NULL };

START_TEST(text_in_any_pieces)
{
	struct span text = span_of(cases[_i].text);
	const size_t pieces[] = { 1, 2, 7, text.n + 1 };

	for (int i = 0; i < COUNT(pieces); i++) {
		struct str said = STR(100), got = STR(ROOM);
		char name[40], id[ID_SIZE];
		struct stage t;
		struct err e;

		raise_curtain(&t);
		say(&t, "bob@y.test", ann);
		snprintf(id, sizeof id, "%s", t.in.env.id);
		ck_assert(put(&t, text, pieces[i], &said, &e) == cases[_i].ok);
		ck_assert(cases[_i].ok || strcmp(e.status, cases[_i].status) == 0);
		snprintf(name, sizeof name, "%s.m", id);
		ck_assert(file_read_at(t.station.fresh, name, &got, &e) == cases[_i].ok);
		if (cases[_i].ok) {
			ck_assert(span_starts(str_span(&got), "Received: from client.test ([192.0.2.1])\n\tby mx.test with ESMTP id "));
			ck_assert(got.n >= text.n && memcmp(got.p + got.n - text.n, text.p, text.n) == 0);
		}
		drop_curtain(&t);
		str_free(&said);
		str_free(&got);
	}
}
END_TEST

START_TEST(envelope_says_it_all)
{
	static const char *const rcpts[] = { "a@x.test", "b@x.test", "a@x.test", "c@x.test",
		"d@x.test", "e@x.test", NULL };
	struct arena *a = arena_new(ROOM, NULL, NULL);
	struct str said = STR(100);
	struct envelope env;
	struct stage t;
	struct err e;

	raise_curtain(&t);
	t.s.body.has8bit = true;
	say(&t, "", rcpts);
	ck_assert(put(&t, SPAN("Subject: x\n\nbody\n"), 100, &said, &e));
	ck_assert(span_starts(str_span(&said), "queued as "));
	ck_assert(queue_read_envelope(&t.station, said.p + 10, a, &env, &e));
	ck_assert_str_eq(env.sender, "");
	ck_assert_str_eq(env.envid, "QQ");
	ck_assert_str_eq(env.ret, "full");
	ck_assert_str_eq(env.peer, "192.0.2.1 4321");
	ck_assert_str_eq(env.helo, "client.test");
	ck_assert_str_eq(env.protocol, "ESMTP");
	ck_assert(env.body8bit && !env.smtputf8);
	ck_assert_uint_eq(env.rcpt_count, 5);		/* who was named twice gets it once */
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_uint_eq(env.rcpts[i].number, i + 1);
		ck_assert_int_eq(env.rcpts[i].address[0], (int)('a' + i));
		ck_assert_uint_eq(env.rcpts[i].notify, NOTIFY_DELAY);
		ck_assert_str_eq(env.rcpts[i].original, "rfc822;o");
	}
	drop_curtain(&t);
	arena_free(a);
	str_free(&said);
}
END_TEST

static void gather(void *arg, struct span text)
{
	str_add(arg, text);
}

static const struct { const char *text, *header, *body; } whole[] = {
	{ "A: 1\nAR: forged\n\nbody\n", "AR: ours\n*A: 1\nDKIM: x\n", "\nbody\n" },
	{ "\nbody\n", "AR: ours\n*DKIM: x\n", "\nbody\n" },
	{ "A: 1\n", "AR: ours\n*A: 1\nDKIM: x\n", "" },
	{ "", "AR: ours\n*DKIM: x\n", "" },
	{ "just text\nAR: y\n", "AR: ours\n*DKIM: x\n", "just text\n" },
};

/* Text, its pieces, and whether it is long enough to lie on disk. */
START_TEST(header_is_changed_body_is_not)
{
	bool large = _i >= COUNT(whole);
	struct span text = span_of(whole[_i % COUNT(whole)].text), want = span_of(whole[_i % COUNT(whole)].header), head;
	struct str body = STR(ROOM), tail = STR(ROOM), got = STR(ROOM), said = STR(100);
	char name[40];
	struct edit *d;
	struct stage t;
	struct err e;

	while (large && tail.n < 3 * QUEUE_HELD)
		str_add_text(&tail, "0123456789 0123456789\n");
	raise_curtain(&t);
	say(&t, "bob@y.test", ann);
	ck_assert(intake_open(&t.in, &t.s, &e));
	intake_text(&t.in, text);
	if (span_search(text, SPAN("\n\n")) >= 0 || span_starts(text, "\n"))
		intake_text(&t.in, str_span(&tail));
	else
		str_reset(&tail);
	ck_assert(intake_body(&t.in, (struct sink){ gather, &body }, &e));
	ck_assert(span_starts(str_span(&body), whole[_i % COUNT(whole)].body));
	d = intake_header(&t.in, &e);
	ck_assert(d && d == intake_header(&t.in, &e));
	edit_remove(d, SPAN("AR"), NULL, NULL);
	ck_assert(edit_insert(d, 0, SPAN("AR"), SPAN(" ours"), &e) &&
	    edit_append(d, SPAN("DKIM"), SPAN(" x"), &e));
	snprintf(name, sizeof name, "%s.m", t.in.env.id);
	ck_assert_msg(intake_commit(&t.in, &t.s, &said, &e), "%s", e.text);
	ck_assert(file_read_at(t.station.fresh, name, &got, &e));
	ck_assert(span_cut(&want, '*', &head) && span_starts(str_span(&got), "AR: ours\nReceived: "));
	ck_assert(span_search(str_span(&got), want) >= 0);
	ck_assert(span_ends(str_span(&got), tail.n ? tail.p : whole[_i % COUNT(whole)].body));
	ck_assert_uint_eq(got.n, t.in.env.text_bytes);
	drop_curtain(&t);
	str_free(&body);
	str_free(&tail);
	str_free(&got);
	str_free(&said);
}
END_TEST

/* A header as large as allowed, with its end in the last place; one byte more is too much. */
START_TEST(header_has_a_limit)
{
	for (int more = 0; more < 2; more++) {
		size_t n = HEADER_BYTES_MAX + (size_t)more;
		struct str text = STR(ROOM), said = STR(100);
		struct stage t;
		struct err e;

		str_add_text(&text, "X: ");
		while (text.n < n - 2)
			str_add_char(&text, 'x');
		str_add_text(&text, "\n\nbody\n");
		raise_curtain(&t);
		say(&t, "bob@y.test", ann);
		ck_assert(put(&t, str_span(&text), 65536, &said, &e) == !more);
		ck_assert(!more || strcmp(e.status, "5.3.4") == 0);
		drop_curtain(&t);
		str_free(&text);
		str_free(&said);
	}
}
END_TEST

/* Forgotten half way: nothing stays. */
START_TEST(proxied_client_has_no_certificate_of_its_proxy)
{
	struct wire_peer peer = { .ip = "192.0.2.1", .local_ip = "192.0.2.2", .port = 4321, .local_port = 25,
		.service = "smtp", .tls = true, .seal = "0123456789abcdef:00:00:proxy@example.org" };
	const struct smtp_proxied client = { .ip = "198.51.100.7" };

	intake_proxied(&peer, &client);
	ck_assert_str_eq(peer.ip, "198.51.100.7");
	ck_assert_str_eq(peer.local_ip, "192.0.2.2");
	ck_assert_str_eq(peer.seal, "");
}
END_TEST

START_TEST(reset_leaves_nothing)
{
	struct str big = STR(ROOM);
	char name[40];
	struct stage t;
	struct err e;

	while (big.n < 3 * QUEUE_HELD)
		str_add_text(&big, "0123456789\n");
	raise_curtain(&t);
	say(&t, "bob@y.test", ann);
	snprintf(name, sizeof name, "%s.m", t.in.env.id);
	ck_assert(intake_open(&t.in, &t.s, &e));
	intake_text(&t.in, str_span(&big));
	ck_assert_int_eq(faccessat(t.station.fresh, name, F_OK, 0), 0);
	intake_reset(&t.in);
	intake_reset(&t.in);
	ck_assert_int_ne(faccessat(t.station.fresh, name, F_OK, 0), 0);
	ck_assert_str_eq(t.in.env.id, "");
	drop_curtain(&t);
	str_free(&big);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("intake");

	tcase_add_loop_test(tc, text_in_any_pieces, 0, COUNT(cases));
	tcase_add_test(tc, envelope_says_it_all);
	tcase_add_loop_test(tc, header_is_changed_body_is_not, 0, 2 * COUNT(whole));
	tcase_add_test(tc, header_has_a_limit);
	tcase_add_test(tc, proxied_client_has_no_certificate_of_its_proxy);
	tcase_add_test(tc, reset_leaves_nothing);
	return unit_end();
}
