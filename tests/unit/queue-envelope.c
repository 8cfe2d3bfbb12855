/* Envelopes, ids and checksums. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "common/base/crc.h"
#include "common/queue/queue.h"

static struct rcpt one[] = { { .number = 0, .address = "bob@beta.test" } };
static struct rcpt many[] = {
	{ .number = 0, .state = RCPT_DONE, .address = "bob@beta.test", .tries = 1, .status = "2.0.0",
	  .answer = "250 2.0.0 ok", .remote = "mx.beta.test" },
	{ .number = 7, .state = RCPT_WAITING, .address = "\"a b>\"@beta.test", .notify = NOTIFY_NEVER },
	{ .number = 8, .state = RCPT_FAILED, .address = "δοκιμή@beta.test", .original = "utf-8;x",
	  .notify = NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, .tries = 4000000000u,
	  .next = 1764000000, .status = "4.2.0", .answer = "a: b <c>" },
	{ .number = 9, .state = RCPT_TOLD, .address = "" },
};

static const struct envelope cases[] = {
	{ .id = "0abcdefghijklm", .arrived_us = 1764000000000001, .sender = "ann@alpha.test",
	  .rcpts = one, .rcpt_count = 1, .text_bytes = 10, .wire_bytes = 12, .text_crc = 0xdeadbeef },
	{ .id = "zzzzzzzzzzzzzz", .arrived = 1764000000, .sender = "", .envid = "QQ314159", .ret = "hdrs",
	  .login = "ann", .peer = "192.0.2.1 40000", .helo = "[192.0.2.1]", .protocol = "ESMTPSA",
	  .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384 256", .hold = "over messages-per-day", .via = "[192.0.2.7]:2525", .smtputf8 = true, .body8bit = true,
	  .require_tls = true, .is_bounce = true, .warned = 1764000001, .rcpts = many, .rcpt_count = 4,
	  .text_bytes = UINT32_MAX, .wire_bytes = 1, .text_crc = 1 },
	{ .id = "0abcdefghijklm", .arrived_us = 1764000000999999, .sender = "ann@alpha.test",
	  .body8bit = true, .rcpts = many + 1, .rcpt_count = 2 },
	{ .id = "0abcdefghijklm", .arrived_us = 1764000000999999, .sender = "ann@alpha.test", .rcpts = one, .rcpt_count = 1,
	  .tls_optional = true, .junk = true, .vouched = true, .release = 1764000100, .by_mode = DELIVER_OR_RETURN, .by = 1764000200, .priority = -9 },
	{ .id = "0abcdefghijklm", .arrived_us = 1764000000999999, .sender = "ann@alpha.test", .rcpts = one, .rcpt_count = 1,
	  .by_mode = DELIVER_OR_NOTIFY, .by_trace = true, .by = 1763999990, .priority = 9 },
	{ .id = "0abcdefghijklm", .arrived_us = 1764000000999999, .sender = "ann@alpha.test", .rcpts = one, .rcpt_count = 1,
	  .top = { "DKIM-Signature: v=1; b=x y", "DKIM-Signature: v=1; b=z" }, .top_count = 2 },
};

/* Printed, read, and printed again it is the same text; so all fields came back. */
START_TEST(envelope_comes_back)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str first = STR(ENVELOPE_MAX), again = STR(ENVELOPE_MAX);
	struct envelope got;
	struct err e;

	envelope_print(&cases[_i], &first);
	ck_assert_msg(envelope_parse(str_span(&first), a, &got, &e), "%s", e.text);
	envelope_print(&got, &again);
	ck_assert_str_eq(first.p, again.p);
	ck_assert_uint_eq(got.rcpt_count, cases[_i].rcpt_count);
	ck_assert_str_eq(got.sender, cases[_i].sender);
	ck_assert_str_eq(got.rcpts[0].address, cases[_i].rcpts[0].address);
	ck_assert_uint_eq(got.rcpts[0].notify, cases[_i].rcpts[0].notify);
	ck_assert_int_eq(got.smtputf8, cases[_i].smtputf8);
	ck_assert_int_eq(got.arrived, 1764000000);
	ck_assert_int_eq(got.release, cases[_i].release);
	ck_assert_int_eq(got.by_mode, cases[_i].by_mode);
	ck_assert_int_eq(got.by, cases[_i].by);
	ck_assert_int_eq(got.by_trace, cases[_i].by_trace);
	ck_assert_int_eq(got.priority, cases[_i].priority);
	ck_assert_int_eq(got.tls_optional, cases[_i].tls_optional);
	ck_assert_int_eq(got.junk, cases[_i].junk);
	ck_assert_str_eq(got.via, cases[_i].via ? cases[_i].via : "");
	ck_assert_uint_eq(got.top_count, cases[_i].top_count);
	for (size_t i = 0; i < got.top_count; i++)
		ck_assert_str_eq(got.top[i], cases[_i].top[i]);
	str_free(&first);
	str_free(&again);
	arena_free(a);
}
END_TEST

/* Every shorter text, and every text with one byte changed, is refused. */
START_TEST(damaged_envelope_is_refused)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str text = STR(ENVELOPE_MAX);
	struct envelope got;
	struct err e;

	envelope_print(&cases[1], &text);
	for (size_t i = 0; i < text.n; i++) {
		ck_assert(!envelope_parse(span_to(str_span(&text), i), a, &got, &e));
		ck_assert_int_eq(e.kind, ERR_PERM);
		text.p[i] ^= 1;
		ck_assert_msg(!envelope_parse(str_span(&text), a, &got, &e), "byte %zu", i);
		text.p[i] ^= 1;
		arena_reset(a);
	}
	str_free(&text);
	arena_free(a);
}
END_TEST

/* Whole by its checksum, but not an envelope. */
static const char *const wrong[] = {
	"",
	"posthorn-envelope: 2\nid: 0abcdefghijklm\nsender: <>\nrcpt: 0 waiting <a@b>\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nrcpt: 0 waiting <a@b>\n",
	"posthorn-envelope: 1\nsender: <>\nrcpt: 0 waiting <a@b>\n",
	"posthorn-envelope: 1\nid: ../../etc/pass\nsender: <>\nrcpt: 0 waiting <a@b>\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <\nrcpt: 0 waiting <a@b>\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\nrcpt: 0 asleep <a@b>\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\nrcpt: x waiting <a@b>\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\ntries: 1\nrcpt: 0 waiting <a@b>\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\nnotify: never\nrcpt: 0 waiting <a@b>\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\nanswer: x\nrcpt: 0 waiting <a@b>\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\nrcpt: 0 waiting <a@b>\nnotify: maybe\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\nrcpt: 0 waiting <a@b>\nnext: soon\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\nrcpt: 0 waiting <a@b>\ncolour: red\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\nrcpt: 0 waiting <a@b>\nno colon\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\nmarks: odd\nrcpt: 0 waiting <a@b>\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\ntext: 1 2\nrcpt: 0 waiting <a@b>\n",
	"posthorn-envelope: 1\nid: 0abcdefghijklm\nsender: <>\narrived: 99999999999999999999.000000\nrcpt: 0 waiting <a@b>\n",
};

START_TEST(strange_envelope_is_refused)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str text = STR(4096);
	struct envelope got;
	struct err e;

	str_add_text(&text, wrong[_i]);
	str_addf(&text, "end: %08x\n", crc32c(0, str_span(&text)));
	ck_assert_msg(!envelope_parse(str_span(&text), a, &got, &e), "%s", wrong[_i]);
	ck_assert_int_eq(e.kind, ERR_PERM);
	str_free(&text);
	arena_free(a);
}
END_TEST

static size_t count_done(const struct envelope *env)
{
	size_t n = 0;

	for (size_t i = 0; i < env->rcpt_count; i++)
		n += env->rcpts[i].state == RCPT_DONE;
	return n;
}

/* Who is done since: a line that is cut short or damaged says nothing, nor does it spoil the one behind it. */
START_TEST(done_since)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct rcpt r[4] = { { .number = 0, .address = "w@x" }, { .number = 5, .address = "x@x" },
		{ .number = 3, .address = "y@x", .next = 77 }, { .number = 7, .address = "z@x", .state = RCPT_TOLD } };
	struct envelope env = { .id = "0abcdefghijklm", .sender = "a@b", .rcpts = r, .rcpt_count = 4 }, got;
	struct str text = STR(4096), first = STR(100), second = STR(100);
	struct err e;
	size_t whole;

	envelope_print(&env, &text);
	whole = text.n;
	envelope_print_done((unsigned[]){ 3, 7, 9 }, 3, &first);
	envelope_print_done((unsigned[]){ 0, 5 }, 2, &second);
	str_add(&text, str_span(&first));
	str_add(&text, str_span(&second));
	ck_assert(envelope_parse(str_span(&text), a, &got, &e));
	ck_assert_uint_eq(count_done(&got), 3);
	ck_assert(got.rcpts[2].next == 0 && got.rcpts[3].state == RCPT_TOLD);
	for (size_t i = 0; i < first.n; i++) {
		str_cut(&text, whole);
		str_add(&text, span_to(str_span(&first), i));
		ck_assert(envelope_parse(str_span(&text), a, &got, &e));
		ck_assert_uint_eq(count_done(&got), 0);
		str_add(&text, str_span(&second));
		ck_assert_msg(envelope_parse(str_span(&text), a, &got, &e), "%s", e.text);
		ck_assert_uint_eq(count_done(&got), 2);
		str_cut(&text, whole);
		str_add(&text, str_span(&first));
		text.p[whole + i] ^= 1;
		ck_assert(envelope_parse(str_span(&text), a, &got, &e));
		ck_assert_msg(count_done(&got) == 0, "byte %zu", i);
		arena_reset(a);
	}
	str_free(&text);
	str_free(&first);
	str_free(&second);
	arena_free(a);
}
END_TEST

/* A line end in an address must not make a line of its own. */
START_TEST(control_characters_are_tamed)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct rcpt r = { .address = "x@y>\nrcpt: 1 waiting <z@z" };
	struct envelope env = { .id = "0abcdefghijklm", .sender = "a\r\n@b", .rcpts = &r, .rcpt_count = 1 }, got;
	struct str text = STR(4096);
	struct err e;

	envelope_print(&env, &text);
	ck_assert(envelope_parse(str_span(&text), a, &got, &e));
	ck_assert_uint_eq(got.rcpt_count, 1);
	ck_assert_str_eq(got.sender, "a??@b");
	str_free(&text);
	arena_free(a);
}
END_TEST

START_TEST(ids_are_unique_and_in_order)
{
	char last[ID_SIZE] = "", id[ID_SIZE], found[ID_SIZE], name[ID_SIZE + 2];

	for (int i = 0; i < 10000; i++) {
		queue_new_id(id);
		ck_assert(queue_is_id(span_of(id)));
		ck_assert(strncmp(last, id, 10) < 0);
		memcpy(last, id, sizeof last);
	}
	snprintf(name, sizeof name, "%s.e", id);
	ck_assert(queue_id_of(name, found));
	ck_assert_str_eq(found, id);
	name[15] = 'm';
	ck_assert(!queue_id_of(name, found));
	ck_assert(!queue_is_id(span_of("../../../../x")));
	ck_assert(!queue_is_id(span_of("0ABCDEFGHIJKLM")));
}
END_TEST

/* RFC 3720 B.4, and the usual check value. */
START_TEST(crc_is_castagnoli)
{
	char zeros[32] = { 0 }, ones[32], text[1000];

	memset(ones, 0xff, sizeof ones);
	ck_assert_uint_eq(crc32c(0, span_of("123456789")), 0xe3069283);
	ck_assert_uint_eq(crc32c(0, (struct span){ zeros, 32 }), 0x8a9136aa);
	ck_assert_uint_eq(crc32c(0, (struct span){ ones, 32 }), 0x62a8ab43);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 7);
	for (size_t i = 0; i < sizeof text; i++) {
		struct span all = { text, sizeof text };
		uint32_t head = crc32c(0, span_to(all, i));

		ck_assert_uint_eq(head, crc32c_by_table(0, span_to(all, i)));
		ck_assert_uint_eq(crc32c(head, span_from(all, i)), crc32c_by_table(0, all));
	}
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("queue-envelope");

	tcase_add_loop_test(tc, envelope_comes_back, 0, COUNT(cases));
	tcase_add_test(tc, damaged_envelope_is_refused);
	tcase_add_loop_test(tc, strange_envelope_is_refused, 0, COUNT(wrong));
	tcase_add_test(tc, done_since);
	tcase_add_test(tc, control_characters_are_tamed);
	tcase_add_test(tc, ids_are_unique_and_in_order);
	tcase_add_test(tc, crc_is_castagnoli);
	return unit_end();
}
