/* Milters: frames, terms, macros, answers and addresses by table; a conversation over a socketpair. */
#include "common/milter/milter.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* --- where they are --- */

static const struct { const char *word, *name, *path; unsigned port; bool open; } places[] = {
	{ "dkim=unix:/run/opendkim.sock", "dkim", "/run/opendkim.sock", 0, false },
	{ "dkim=unix:/run/opendkim.sock:open", "dkim", "/run/opendkim.sock", 0, true },
	{ "a-b_1=inet:127.0.0.1:8891", "a-b_1", "", 8891, false },
	{ "x=inet:[::1]:11332:open", "x", "", 11332, true },
	{ "x=inet:mx.example.org:25", NULL, "", 0, false },
	{ "x=inet:127.0.0.1", NULL, "", 0, false },
	{ "x=inet:127.0.0.1:0", NULL, "", 0, false },
	{ "x=inet:127.0.0.1:65536", NULL, "", 0, false },
	{ "x=unix:run/sock", NULL, "", 0, false },
	{ "x=/run/sock", NULL, "", 0, false },
	{ "=unix:/run/sock", NULL, "", 0, false },
	{ "unix:/run/sock", NULL, "", 0, false },
	{ "x y=unix:/run/sock", NULL, "", 0, false },
	{ "a-name-that-is-much-too-long=unix:/run/sock", NULL, "", 0, false },
	{ "x=unix:/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
	  "123456789012345678", NULL, "", 0, false },
	{ "", NULL, "", 0, false },
};

START_TEST(place_parses)
{
	struct milter_where w;

	ck_assert_int_eq(where_parse(span_of(places[_i].word), &w), places[_i].name != NULL);
	if (!places[_i].name)
		return;
	ck_assert_str_eq(w.name, places[_i].name);
	ck_assert_str_eq(w.path, places[_i].path);
	ck_assert_uint_eq(w.port, places[_i].port);
	ck_assert_int_eq(w.open, places[_i].open);
}
END_TEST

/* --- answers --- */

static const struct { const char *text; unsigned code; const char *status, *said; } replies[] = {
	{ "550 5.7.1 no", 550, "5.7.1", "no" },
	{ "550 no", 550, "5.7.1", "no" },
	{ "450 later", 450, "4.7.1", "later" },
	{ "451 4.3.0 later\r\n", 451, "4.3.0", "later" },
	{ "550 4.7.1 crossed", 550, "5.7.1", "4.7.1 crossed" },
	{ "550 5.7 short", 550, "5.7.1", "5.7 short" },
	{ "550 5.7.1.2 long", 550, "5.7.1", "5.7.1.2 long" },
	{ "550 5.1000.1 large", 550, "5.7.1", "5.1000.1 large" },
	{ "550-5.7.1 a\r\n550 5.7.1 b", 550, "5.7.1", "a\nb" },
	{ "550-a\r\n550-b\r\n550 c", 550, "5.7.1", "a\nb\nc" },
	{ "550", 550, "5.7.1", "our filter does not take this" },
	{ "421 bye", 421, "4.7.1", "bye" },
	{ "550 a\tb\x01\xc3\xbc" "c", 550, "5.7.1", "a?b???c" },
	{ "550 100%% %s %n", 550, "5.7.1", "100% %s %n" },
	{ "550-a\r\n250 b", 0, NULL, NULL },
	{ "550-a\r\n551 b", 0, NULL, NULL },
	{ "250 fine", 0, NULL, NULL },
	{ "354 go", 0, NULL, NULL },
	{ "600 no", 0, NULL, NULL },
	{ "55 no", 0, NULL, NULL },
	{ "5500 no", 0, NULL, NULL },
	{ "550_no", 0, NULL, NULL },
	{ "no", 0, NULL, NULL },
	{ "", 0, NULL, NULL },
};

static struct span framed(struct str *out, char letter, struct span rest)
{
	struct span in, frame;
	size_t began;

	str_reset(out);
	began = frame_begin(out, letter);
	str_add(out, rest);
	frame_end(out, began);
	in = str_span(out);
	ck_assert(frame_take(&in, &frame) && !in.n && frame.n == rest.n + 1);
	return frame;
}

START_TEST(reply_is_tamed)
{
	struct str out = STR(4096);
	struct milter_answer a;
	struct err e;
	struct span text = { replies[_i].text, strlen(replies[_i].text) + 1 };
	bool ok = answer_parse(framed(&out, 'y', text), MAY_OF_OURS, "m", &a, &e);

	ck_assert_int_eq(ok, replies[_i].code != 0);
	if (ok) {
		ck_assert(a.kind == ANSWER_REFUSE && !a.change);
		ck_assert_uint_eq(a.reply.code, replies[_i].code);
		ck_assert_str_eq(a.reply.status, replies[_i].status);
		ck_assert_str_eq(a.reply.text, replies[_i].said);
	}
	str_free(&out);
}
END_TEST

#define RAW(text)	{ "" text, sizeof(text) - 1 }

static const struct {
	char letter; struct span rest; unsigned may;
	int kind;			/* -1: refused */
	uint32_t number; const char *name, *value, *text;
} answers[] = {
	{ 'c', RAW(""), 0, ANSWER_CONTINUE },
	{ 'a', RAW(""), 0, ANSWER_ACCEPT },
	{ 'd', RAW(""), 0, ANSWER_DISCARD },
	{ 's', RAW(""), 0, ANSWER_SKIP },
	{ 'p', RAW(""), 0, ANSWER_PROGRESS },
	{ 'r', RAW(""), 0, ANSWER_REFUSE },
	{ 't', RAW(""), 0, ANSWER_REFUSE },
	{ 'f', RAW(""), 0, ANSWER_REFUSE },
	{ '4', RAW(""), 0, ANSWER_REFUSE },
	{ 'Z', RAW(""), ~0u, -1 },
	{ '\0', RAW(""), ~0u, -1 },
	{ 'h', RAW("X-A\0 b\0"), MAY_ADD_HEADERS, ANSWER_ADD_HEADER, 0, "X-A", " b" },
	{ 'h', RAW("X-A\0 b\0"), MAY_CHANGE_HEADERS, -1 },
	{ 'h', RAW("X-A\0 b"), MAY_ADD_HEADERS, -1 },
	{ 'h', RAW("X-A"), MAY_ADD_HEADERS, -1 },
	{ 'h', RAW(""), MAY_ADD_HEADERS, -1 },
	{ 'i', RAW("\0\0\1\2X-A\0b\0"), MAY_ADD_HEADERS, ANSWER_INSERT_HEADER, 258, "X-A", "b" },
	{ 'i', RAW("\0\0\1"), MAY_ADD_HEADERS, -1 },
	{ 'm', RAW("\xff\xff\xff\xffX-A\0\0"), MAY_CHANGE_HEADERS, ANSWER_CHANGE_HEADER, UINT32_MAX, "X-A", "" },
	{ 'm', RAW("\0\0\0\1X-A\0\0"), MAY_ADD_HEADERS, -1 },
	{ '+', RAW("<a@b>\0"), MAY_ADD_RCPTS, ANSWER_ADD_RCPT, 0, NULL, NULL, "<a@b>" },
	{ '+', RAW("<a@b>"), MAY_ADD_RCPTS, -1 },
	{ '2', RAW("<a@b>\0NOTIFY=NEVER\0"), MAY_ADD_RCPTS_WITH, ANSWER_ADD_RCPT, 0, NULL, NULL, "<a@b>" },
	{ '-', RAW("a@b\0"), MAY_DELETE_RCPTS, ANSWER_DELETE_RCPT, 0, NULL, NULL, "a@b" },
	{ 'e', RAW("<>\0"), MAY_CHANGE_FROM, ANSWER_CHANGE_FROM, 0, NULL, NULL, "<>" },
	{ 'q', RAW("why\0"), MAY_QUARANTINE, ANSWER_QUARANTINE, 0, NULL, NULL, "why" },
	{ 'q', RAW("why\0"), MAY_OF_OURS & ~MAY_QUARANTINE, -1 },
	{ 'b', RAW("body"), MAY_OF_OURS, -1 },
	{ 'b', RAW("body"), ~0u, -1 },
};

static void must_be(struct span got, const char *want)
{
	ck_assert(!want || span_same(got, span_of(want)));
}

START_TEST(answer_parses)
{
	struct str out = STR(4096);
	struct milter_answer a;
	struct err e;
	bool ok = answer_parse(framed(&out, answers[_i].letter, answers[_i].rest), answers[_i].may, "m", &a, &e);

	ck_assert_int_eq(ok, answers[_i].kind >= 0);
	if (ok) {
		ck_assert_int_eq(a.kind, answers[_i].kind);
		ck_assert_int_eq(a.change, a.kind >= ANSWER_ADD_RCPT);
		ck_assert_uint_eq(a.number, answers[_i].number);
		must_be(a.name, answers[_i].name);
		must_be(a.value, answers[_i].value);
		must_be(a.text, answers[_i].text);
	} else {
		ck_assert_str_eq(e.status, "5.5.0");
	}
	str_free(&out);
}
END_TEST

START_TEST(empty_frame_is_no_answer)
{
	struct milter_answer a;
	struct span in = { "\0\0\0\0", 4 }, frame;

	ck_assert(frame_take(&in, &frame) && !frame.n && !in.n);
	ck_assert(!answer_parse(frame, ~0u, "m", &a, NULL));
}
END_TEST

/* --- terms --- */

static const struct { uint32_t version, may, steps; bool ok; uint32_t may_be, steps_be; } terms[] = {
	{ 6, 0x3f, 0, true, 0x3d, 0 },
	{ 6, 0x1ff, 0x1ff7ff, true, 0x1fd, 0x1ff7ff },
	{ 6, 0, 0xffffffff, true, 0, 0x1ff7ff },
	{ 2, 1, 0, true, 1, NO_DATA },
	{ 4, 1, 0, true, 1, 0 },
	{ 1, 1, 0, false, 0, 0 },
	{ 7, 1, 0, false, 0, 0 },
	{ 0, 0, 0, false, 0, 0 },
};

START_TEST(terms_are_agreed)
{
	struct str rest = STR(100), out = STR(200);
	struct milter_terms t;
	struct err e;

	frame_number(&rest, terms[_i].version);
	frame_number(&rest, terms[_i].may);
	frame_number(&rest, terms[_i].steps);
	ck_assert_int_eq(terms_take(framed(&out, 'O', str_span(&rest)), &t, &e), terms[_i].ok);
	if (terms[_i].ok) {
		ck_assert_uint_eq(t.may, terms[_i].may_be);
		ck_assert_uint_eq(t.steps, terms[_i].steps_be);
		ck_assert_int_eq(t.wants_body, (terms[_i].may & MAY_CHANGE_BODY) != 0);
		ck_assert_uint_eq(t.macros[STAGE_MAIL], macro_usual(STAGE_MAIL));
	}
	ck_assert(!terms_take(framed(&out, 'o', str_span(&rest)), &t, &e));
	ck_assert(!terms_take(framed(&out, 'O', span_to(str_span(&rest), 11)), &t, &e));
	str_free(&rest);
	str_free(&out);
}
END_TEST

START_TEST(macros_are_chosen)
{
	static const struct milter_facts facts = { .host_name = "mx", .id = "q1", .login = "", .client_ip = "192.0.2.1" };
	struct str out = STR(1000);

	macro_put(&facts, macro_named(SPAN("{i}, client_addr  j {auth_authen} nonsense {}")), &out);
	ck_assert(span_same(str_span(&out), SPAN("j\0mx\0{client_addr}\0" "192.0.2.1\0i\0q1\0")));
	ck_assert_uint_eq(macro_named(SPAN("")), 0);
	ck_assert_uint_eq(macro_usual(STAGE_NONE), 0);
	ck_assert_uint_ne(macro_usual(STAGE_MAIL) & macro_named(SPAN("i")), 0);
	str_free(&out);
}
END_TEST

/* --- a conversation --- */

static const struct milter_where here = { .name = "m" };
static const struct milter_times times = { 1, 1, 1 };
static const struct milter_facts facts = { .id = "q1" };

static void frames(struct str *out, const char *letters)
{
	for (; *letters; letters++)
		frame_end(out, frame_begin(out, *letters));
}

/* Start one that has said its answers beforehand, letters after the terms. */
static int play(struct milter *m, uint32_t steps, struct span more)
{
	struct str out = STR(1 << 20);
	size_t began = frame_begin(&out, 'O');
	int pair[2];

	frame_number(&out, 6);
	frame_number(&out, MAY_OF_OURS);
	frame_number(&out, steps);
	frame_end(&out, began);
	str_add(&out, more);
	ck_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	ck_assert(write(pair[1], out.p, out.n) == (ssize_t)out.n);
	str_free(&out);
	milter_init(m, &here, &times);
	ck_assert_msg(milter_start(m, pair[0]), "%s", m->why.text);
	return pair[1];
}

static enum milter_verdict say(struct milter *m, char what)
{
	return milter_begin(m, what, &facts) ? milter_end(m) : milter_stands(m);
}

static void count(void *arg, struct milter *m, const struct milter_answer *a)
{
	(void)m;
	ck_assert(a->change);
	++*(int *)arg;
}

/* Steps, the answers to them, the verdict of the last step. */
static const struct { const char *steps, *answers; enum milter_verdict last; bool next_mail; } plays[] = {
	{ "CHMRTLNBE", "ccccccccc", MILTER_GO_ON, true },
	{ "CHMR", "ccca", MILTER_DONE, true },
	{ "CHMRTLNBE", "ccca", MILTER_DONE, true },
	{ "CHMRRT", "cccrcc", MILTER_GO_ON, true },
	{ "CHM", "ccr", MILTER_REFUSE, true },
	{ "CHM", "crc", MILTER_REFUSE, false },
	{ "CHM", "a", MILTER_DONE, false },
	{ "CHM", "t", MILTER_REFUSE, false },
	{ "CHMRE", "cccd", MILTER_DROP, true },
	{ "CHMRTLNBBE", "cccccccsc", MILTER_GO_ON, true },
	{ "CHMRTLNBE", "cccccccppppc", MILTER_GONE, false },	/* still at work, before the end */
	{ "CHMRTLNBE", "ccccccccppppc", MILTER_GO_ON, true },
	{ "CHMRTLNBE", "ccccccccppppr", MILTER_REFUSE, true },
	{ "CH", "cZ", MILTER_GONE, false },
	{ "CH", "c", MILTER_GONE, false },		/* no answer in time */
};

START_TEST(conversation_is_played)
{
	struct str out = STR(1000);
	enum milter_verdict v = MILTER_GO_ON;
	struct milter m;
	int other, changes = 0;

	frames(&out, plays[_i].answers);
	other = play(&m, CAN_SKIP, str_span(&out));
	for (const char *s = plays[_i].steps; *s; s++)
		v = *s == 'E' ? milter_finish(&m, &facts, count, &changes) : say(&m, *s);
	ck_assert_int_eq(v, plays[_i].last);
	ck_assert_int_eq(m.gone, v == MILTER_GONE);
	milter_abort(&m);
	ck_assert_int_eq(milter_stands(&m) == MILTER_GO_ON, plays[_i].next_mail);
	milter_close(&m);
	ck_assert(milter_stands(&m) == MILTER_GO_ON && !m.started);
	close(other);
	str_free(&out);
}
END_TEST

/* Two changes, then each verdict: only with a yes are they made. */
START_TEST(changes_need_a_yes)
{
	static const struct { const char *end; int changes; } ends[] = {
		{ "c", 2 }, { "a", 2 }, { "r", 0 }, { "t", 0 }, { "d", 0 }, { "Z", 0 }, { "", 0 },
	};
	struct str out = STR(1000);
	struct milter m;
	int changes = 0, other;
	size_t began;

	for (int i = 0; i < 2; i++) {
		began = frame_begin(&out, 'h');
		frame_text(&out, SPAN("X-A"));
		frame_text(&out, SPAN("b"));
		frame_end(&out, began);
	}
	frames(&out, ends[_i].end);
	other = play(&m, MUTE_CONNECT | MUTE_HELO | MUTE_MAIL, str_span(&out));
	ck_assert(say(&m, 'C') == MILTER_GO_ON && say(&m, 'H') == MILTER_GO_ON &&
	    say(&m, 'M') == MILTER_GO_ON);
	milter_finish(&m, &facts, count, &changes);
	ck_assert_int_eq(changes, ends[_i].changes);
	milter_close(&m);
	close(other);
	str_free(&out);
}
END_TEST

START_TEST(too_many_changes)
{
	struct str out = STR(1 << 20);
	struct milter m;
	int changes = 0, other;
	size_t began;

	for (int i = 0; i <= MILTER_CHANGES_MAX; i++) {
		began = frame_begin(&out, 'q');
		frame_text(&out, SPAN("x"));
		frame_end(&out, began);
	}
	frames(&out, "c");
	other = play(&m, 0, str_span(&out));
	ck_assert_int_eq(milter_finish(&m, &facts, count, &changes), MILTER_GONE);
	ck_assert_int_eq(changes, 0);
	milter_close(&m);
	close(other);
	str_free(&out);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("milter");

	tcase_add_loop_test(tc, place_parses, 0, COUNT(places));
	tcase_add_loop_test(tc, reply_is_tamed, 0, COUNT(replies));
	tcase_add_loop_test(tc, answer_parses, 0, COUNT(answers));
	tcase_add_test(tc, empty_frame_is_no_answer);
	tcase_add_loop_test(tc, terms_are_agreed, 0, COUNT(terms));
	tcase_add_test(tc, macros_are_chosen);
	tcase_add_loop_test(tc, conversation_is_played, 0, COUNT(plays));
	tcase_add_loop_test(tc, changes_need_a_yes, 0, 7);
	tcase_add_test(tc, too_many_changes);
	return unit_end();
}
