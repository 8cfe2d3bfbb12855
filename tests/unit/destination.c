/* What is remembered of destinations: as text, in its table, and changed by a person. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/queue/destination.h"

static const struct destination full = {
	.first = 1764000000, .used = 1764000300, .taken_at = 1764000200, .failed_at = 1764000100, .dead_until = 1764000400,
	.taken = 77, .failed = 3, .pace = { .limit = 4, .polite = 5, .refused = 1764000050, .fails = 2, .ceiling = 9 },
	.family = 6, .extensions = 0x4f, .host = "mx.b.test", .ip = "2001:db8::1", .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384",
	.status = "4.4.1", .why = "cannot connect: no route",
};

START_TEST(facts_come_back)
{
	struct str text = STR(4096);
	struct destination back;

	destination_print(&full, &text);
	destination_parse(str_span(&text), &back);
	ck_assert_mem_eq(&back, &full, sizeof full);
	str_free(&text);
}
END_TEST

static const struct { const char *text; int64_t taken; const char *why; } records[] = {
	{ "",							0,	"" },
	{ "taken: 5\nwhy: x\n",				5,	"x" },
	{ "taken: -5\nwhy: x: y\nunknown: 7\n",		0,	"x: y" },
	{ "taken: 99999999999999999999\n",			0,	"" },
	{ "taken: 5",						0,	"" },		/* half a line is none */
	{ "taken\n\n:\ntaken: 6\n",			6,	"" },
	{ "TAKEN: 5\n",					0,	"" },
};

START_TEST(what_is_no_fact_is_passed_over)
{
	struct destination d;

	destination_parse(span_of(records[_i].text), &d);
	ck_assert_int_eq(d.taken, records[_i].taken);
	ck_assert_str_eq(d.why, records[_i].why);
}
END_TEST

START_TEST(words_of_others_stay_in_their_line)
{
	struct destination d = { .why = "no\rtaken: 9\x7f" }, back;
	struct str text = STR(4096);

	destination_print(&d, &text);
	ck_assert_str_eq(text.p, "why: no?taken: 9?\n");
	str_reset(&text);
	str_add_text(&text, "host: ");
	for (int i = 0; i < 400; i++)
		str_add_char(&text, 'x');
	str_add_char(&text, '\n');
	destination_parse(str_span(&text), &back);
	ck_assert_uint_eq(strlen(back.host), ROUTE_NAME - 1);
	str_free(&text);
}
END_TEST

static const struct { const char *word; bool ok; unsigned ceiling, fails, family; int64_t dead; } edits[] = {
	{ "concurrency=3",	true,	3, 2, 6, 1764000400 },
	{ "concurrency=0",	true,	0, 2, 6, 1764000400 },
	{ "concurrency=1001",	false },
	{ "concurrency=many",	false },
	{ "dead=2h",		true,	9, 2, 6, 1764001000 + 7200 },
	{ "dead=no",		true,	9, 0, 6, 0 },
	{ "dead=0",		false },
	{ "dead=yes",		false },
	{ "family=4",		true,	9, 2, 4, 1764000400 },
	{ "family=any",		true,	9, 2, 0, 1764000400 },
	{ "family=5",		false },
	{ "colour=red",		false },
	{ "family",		false },
	{ "",			false },
};

START_TEST(a_person_may_edit)
{
	struct destination d = full;
	struct err e = { .kind = ERR_NONE };

	ck_assert(destination_edit(&d, span_of(edits[_i].word), 1764001000, &e) == edits[_i].ok);
	if (!edits[_i].ok) {
		ck_assert_int_eq(e.kind, ERR_PERM);
		ck_assert_mem_eq(&d, &full, sizeof d);
		return;
	}
	ck_assert_uint_eq(d.pace.ceiling, edits[_i].ceiling);
	ck_assert_uint_eq(d.pace.fails, edits[_i].fails);
	ck_assert_uint_eq(d.family, edits[_i].family);
	ck_assert_int_eq(d.dead_until, edits[_i].dead);
	ck_assert_uint_le(d.pace.limit, d.pace.ceiling ? d.pace.ceiling : 4);
}
END_TEST

static char place[] = "/tmp/destination.XXXXXX";

static struct destinations *open_table(void)
{
	struct err e;

	return destinations_open(place, &e);
}

START_TEST(table_keeps_and_forgets)
{
	struct destinations *all = open_table();
	struct str list = STR(1 << 20);
	struct destination d = full;
	char name[32];
	struct err e;

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "d%d.test", i);
		d.used = 1764000000 + i;
		destinations_set(all, name, &d);
	}
	destinations_close(all);
	all = open_table();
	ck_assert(destinations_get(all, "d299.test", &d) && d.used == 1764000299);
	ck_assert(!destinations_get(all, "x.test", &d) && !d.used && !*d.why);
	ck_assert(destinations_do(all, SPAN("forget d299.test"), 5, &e) &&
	    !destinations_get(all, "d299.test", &d));
	ck_assert(destinations_do(all, SPAN("set new.test concurrency=2 family=4"), 1764000299, &e));
	ck_assert(destinations_get(all, "new.test", &d) && d.pace.ceiling == 2 && d.first == 1764000299);
	ck_assert(!destinations_do(all, SPAN("set new.test concurrency=x"), 5, &e));
	ck_assert(!destinations_do(all, SPAN("set"), 5, &e) &&
	    !destinations_do(all, SPAN("eat new.test"), 5, &e));
	destinations_sift(all, 1764000300, 200, 1000);		/* too old */
	ck_assert(!destinations_get(all, "d50.test", &d) && destinations_get(all, "d150.test", &d));
	destinations_sift(all, 1764000300, 200, 50);		/* too many */
	ck_assert(!destinations_get(all, "d150.test", &d) && destinations_get(all, "d298.test", &d));
	destinations_print(all, &list);
	ck_assert_int_gt(span_search(str_span(&list), SPAN("destination: new.test\nfirst: 1764000299\n")), 0);
	ck_assert_uint_le(span_count(str_span(&list), '\n'), 50 * 21);
	ck_assert(destinations_do(all, SPAN("forget"), 5, &e) && !destinations_get(all, "new.test", &d));
	str_free(&list);
	destinations_close(all);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("destination");
	char out[64];
	int code;

	if (!mkdtemp(place))
		return 2;
	snprintf(out, sizeof out, "%s/out", place);
	if (mkdir(out, 0700) < 0)
		return 2;
	tcase_add_test(tc, facts_come_back);
	tcase_add_loop_test(tc, what_is_no_fact_is_passed_over, 0, COUNT(records));
	tcase_add_test(tc, words_of_others_stay_in_their_line);
	tcase_add_loop_test(tc, a_person_may_edit, 0, COUNT(edits));
	tcase_add_test(tc, table_keeps_and_forgets);
	code = unit_end();
	strcat(out, "/destinations.db");
	unlink(out);
	*strrchr(out, '/') = '\0';
	rmdir(out);
	rmdir(place);
	return code;
}
