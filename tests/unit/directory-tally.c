/* What a login has sent: counts by the hour, a memory with a ceiling, and the ledger on disk. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/directory/ledger.h"
#include "tests/unit/unit.h"

/* Berkeley DB 5.3 keeps 296 bytes of a table that it could not open. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:__os_malloc\n";
}

enum { NOON = 1764072000, HOUR = 3600, DAY = 86400 };

/* ---- the decision ---- */

static const struct { uint64_t limits[3], had[3], more[3]; enum tally_kind over; } judged[] = {
	{ { 500, 1000, 100 }, { 0, 0, 0 }, { 1, 1, 1 }, TALLY_KINDS },
	{ { 500, 1000, 100 }, { 499, 0, 0 }, { 1, 1, 1 }, TALLY_KINDS },
	{ { 500, 1000, 100 }, { 500, 0, 0 }, { 1, 1, 1 }, TALLY_MESSAGES },
	{ { 500, 1000, 100 }, { 0, 999, 0 }, { 1, 1, 1 }, TALLY_KINDS },
	{ { 500, 1000, 100 }, { 0, 999, 0 }, { 1, 2, 0 }, TALLY_RECIPIENTS },
	{ { 500, 1000, 100 }, { 0, 0, 99 }, { 1, 2, 1 }, TALLY_KINDS },
	{ { 500, 1000, 100 }, { 0, 0, 99 }, { 1, 2, 2 }, TALLY_NEW },
	{ { 500, 1000, 100 }, { 0, 0, 100 }, { 1, 2, 0 }, TALLY_KINDS },
	{ { 500, 1000, 100 }, { 0, 0, 500 }, { 1, 2, 0 }, TALLY_KINDS },
	{ { 500, 1000, 100 }, { 0, 0, 0 }, { 1, 1001, 0 }, TALLY_RECIPIENTS },
	{ { 0, 0, 0 }, { 1 << 30, 1 << 30, 1 << 30 }, { 1, 1, 1 }, TALLY_KINDS },
};

START_TEST(limits_decide)
{
	struct tally t;

	tally_read(SPAN(""), NOON, &t);
	tally_add(&t, judged[_i].had);
	ck_assert_int_eq(tally_judge(&t, judged[_i].limits, judged[_i].more), judged[_i].over);
}
END_TEST

/* ---- time ---- */

static const struct { time_t later; uint64_t left; } hours[] = {
	{ 0, 7 }, { HOUR, 7 }, { 23 * HOUR, 7 }, { 24 * HOUR, 0 }, { 240 * HOUR, 0 },
	{ -HOUR, 7 },		/* the clock was set back a little: nothing is forgotten */
	{ -48 * HOUR, 0 },	/* by days: nothing of it can be right */
};

START_TEST(a_day_passes)
{
	const uint64_t more[3] = { 7, 7, 7 };
	struct tally t, later;

	tally_read(SPAN(""), NOON, &t);
	tally_add(&t, more);
	tally_read(tally_value(&t), NOON + hours[_i].later, &later);
	ck_assert_uint_eq(tally_sum(&later, TALLY_MESSAGES), hours[_i].left);
	ck_assert_uint_eq(tally_sum(&later, TALLY_NEW), hours[_i].left);
}
END_TEST

START_TEST(hours_leave_one_by_one)
{
	const uint64_t one[3] = { 1, 2, 0 };
	struct tally t, next;

	tally_read(SPAN("rubbish"), NOON, &t);
	for (int h = 0; h < 100; h++) {
		tally_read(tally_value(&t), NOON + h * HOUR, &next);
		t = next;
		tally_add(&t, one);
		ck_assert_uint_eq(tally_sum(&t, TALLY_MESSAGES), h < 24 ? h + 1 : 24);
		ck_assert_uint_eq(tally_sum(&t, TALLY_RECIPIENTS), h < 24 ? 2 * h + 2 : 48);
	}
	ck_assert(!tally_is_over(tally_value(&t), NOON + 100 * HOUR));
	ck_assert(tally_is_over(tally_value(&t), NOON + 124 * HOUR));
	ck_assert(tally_is_over(SPAN("rubbish"), NOON));
}
END_TEST

START_TEST(counts_have_a_ceiling)
{
	const uint64_t many[3] = { UINT32_MAX, UINT64_MAX, 1 };
	struct tally t;

	tally_read(SPAN(""), NOON, &t);
	tally_add(&t, many);
	tally_add(&t, many);
	ck_assert_uint_eq(tally_sum(&t, TALLY_MESSAGES), UINT32_MAX);
	ck_assert_uint_eq(tally_sum(&t, TALLY_RECIPIENTS), UINT32_MAX);
	ck_assert_uint_eq(tally_sum(&t, TALLY_NEW), 2);
}
END_TEST

START_TEST(told_once_a_day)
{
	static const struct { time_t at; bool tells;
	} rows[] = {
		{ NOON, true }, { NOON + 1, false }, { NOON + DAY - 1, false },
		{ NOON + DAY, true }, { NOON + DAY + HOUR, false },
		{ NOON, true }, /* the clock was set back */
	};
	struct tally t, next;

	tally_read(SPAN(""), NOON, &t);
	for (int i = 0; i < COUNT(rows); i++) {
		tally_read(tally_value(&t), rows[i].at, &next);
		t = next;
		ck_assert_msg(tally_tell(&t, rows[i].at) == rows[i].tells, "row %d", i);
	}
}
END_TEST

START_TEST(recipients_are_known)
{
	struct recipients r, later;

	recipients_read(SPAN(""), NOON, &r);
	ck_assert(!recipients_know(&r, 0) && !recipients_know(&r, 5));
	for (uint64_t hash = 0; hash < SHELF_PLACES; hash++)
		recipients_note(&r, hash, NOON + (time_t)hash * DAY);
	recipients_note(&r, 0, NOON + 20 * DAY);		/* written to again */
	recipients_note(&r, 100, NOON + 21 * DAY);		/* the oldest makes room */
	ck_assert(recipients_know(&r, 0) && recipients_know(&r, 100) && !recipients_know(&r, 1));
	ck_assert(recipients_know(&r, 2) && recipients_know(&r, SHELF_PLACES - 1));
	recipients_read(recipients_value(&r), NOON + (SHELF_DAYS + 19) * (time_t)DAY, &later);
	ck_assert(recipients_know(&later, 0) && recipients_know(&later, 100) &&
	    !recipients_know(&later, 2));
	ck_assert(!recipients_are_over(recipients_value(&r), NOON + (SHELF_DAYS + 21) * (time_t)DAY));
	ck_assert(recipients_are_over(recipients_value(&r), NOON + (SHELF_DAYS + 22) * (time_t)DAY));
}
END_TEST

/* ---- the ledger, on disk ---- */

static char top[64], directory[80];
static struct table *empty[TABLE_COUNT];
static const char *no_domains[1];
static struct dir_rules rules = { .host_name = "sys.test", .postmaster = "postmaster@sys.test", .separator = "+",
	.mail_directory = "/mail", .system_mail = "Maildir", .system_domains = no_domains };
static struct lookup look;
static struct ledger ledger;
static struct str news;
static struct packet packet;
static const uint64_t limits[3] = { 5, 8, 3 };

static void begin(void)
{
	struct err e;

	snprintf(top, sizeof top, "/tmp/posthorn-tally-XXXXXX");
	ck_assert(mkdtemp(top) != NULL);
	snprintf(directory, sizeof directory, "%s/msa", top);
	ck_assert_int_eq(mkdir(directory, 0700), 0);
	look = (struct lookup){ .rules = &rules, .files = { "users", "domains", "aliases" } };
	for (int i = 0; i < TABLE_COUNT; i++)
		look.tables[i] = empty[i] = table_new(&e);
	ck_assert(compile_text(TABLE_DOMAINS, SPAN("here.test\n"), "domains", empty[TABLE_DOMAINS], NULL, &e));
	ck_assert(compile_text(TABLE_USERS, SPAN("ann@here.test\n"), "users", empty[TABLE_USERS], NULL, &e));
	rules.has_vmail = true;
	rules.uid_min = 1;
	news = STR(10000);
	ledger_begin(&ledger, directory, limits);
}

static void end(void)
{
	char command[100];

	ledger_end(&ledger);
	str_free(&news);
	for (int i = 0; i < TABLE_COUNT; i++)
		table_close(empty[i], NULL);
	snprintf(command, sizeof command, "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0);
}

static void ask(const char *login, time_t now)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);

	(void)login;
	ck_assert(ledger_asked(&packet));
	ck_assert(ledger_answer(&ledger, &look, a, &packet, now, &news));
	ck_assert_int_eq(packet.verb, '+');
	arena_free(a);
}

static uint64_t new_among(const char *login, const char *addresses, time_t now)
{
	struct span rest = span_of(addresses), word;

	packet_begin(&packet, 'N');
	packet_put_text(&packet, login);
	while ((word = span_word(&rest)).n)
		packet_put(&packet, word);
	ask(login, now);
	return packet_take_u64(&packet);
}

static void note(const char *login, const char *addresses, time_t now)
{
	struct span rest = span_of(addresses), word;

	packet_begin(&packet, 'K');
	packet_put_text(&packet, login);
	while ((word = span_word(&rest)).n)
		packet_put(&packet, word);
	ask(login, now);
}

/* What a limit says, and whether to tell it. */
static const char *count(const char *login, uint64_t rcpts, uint64_t fresh, time_t now, bool *tell)
{
	static char over[300];

	packet_begin(&packet, 'Q');
	packet_put_text(&packet, login);
	packet_put_u64(&packet, rcpts);
	packet_put_u64(&packet, fresh);
	ask(login, now);
	packet_take_copy(&packet, over, sizeof over);
	*tell = packet_take_u64(&packet);
	ck_assert(!packet.bad);
	return over;
}

START_TEST(ledger_counts)
{
	bool tell;

	ck_assert_uint_eq(new_among("ann", "a@far.test b@far.test ann@here.test", NOON), 2);
	ck_assert_str_eq(count("ann", 3, 2, NOON, &tell), "");
	note("ann", "a@far.test B@far.test ann@here.test", NOON);
	ck_assert_uint_eq(new_among("ann", "A@FAR.test b@far.test c@far.test", NOON), 1);
	ck_assert_uint_eq(new_among("bob", "a@far.test", NOON), 1);
	ck_assert_str_eq(count("Ann", 3, 2, NOON, &tell), "2 and 2 more are over new-recipients-per-day = 3");
	ck_assert(tell);
	ck_assert_str_eq(count("ann", 6, 1, NOON + 1, &tell), "3 and 6 more are over recipients-per-day = 8");
	ck_assert(!tell);
	for (int i = 0; i < 4; i++)
		ck_assert_str_eq(count("ann", 1, 0, NOON + 2, &tell), "");
	ck_assert_str_eq(count("ann", 1, 0, NOON + 3, &tell), "5 and 1 more are over messages-per-day = 5");
	ck_assert_str_eq(count("bob", 1, 0, NOON + 3, &tell), "");
	ck_assert_str_eq(count("ann", 1, 0, NOON + DAY, &tell), "");
	ck_assert_str_eq(news.p, "");
}
END_TEST

START_TEST(ledger_is_one_process_s)
{
	struct ledger other;
	bool tell, anew;
	struct err e;

	ck_assert_str_eq(count("ann", 1, 0, NOON, &tell), "");
	ck_assert(!table_ledger(directory, &anew, &e) && strstr(e.text, "another process has it"));
	other = ledger;
	ledger_begin(&ledger, directory, limits);
	ck_assert_str_eq(count("ann", 9, 0, NOON, &tell), "");		/* mail goes on */
	ck_assert(strstr(news.p, "is not counted: another process has it"));
	ledger_end(&other);
	ck_assert_str_eq(count("ann", 9, 0, NOON + 5, &tell), "");
	ck_assert_str_ne(count("ann", 9, 0, NOON + 20, &tell), "");
}
END_TEST

START_TEST(damaged_ledger_begins_anew)
{
	char path[120];
	FILE *f;
	bool tell;

	ck_assert_str_eq(count("ann", 8, 0, NOON, &tell), "");
	ledger_end(&ledger);
	snprintf(path, sizeof path, "%s/rows.db", directory);
	f = fopen(path, "w");
	fputs("this is no table, and has never been one", f);
	fclose(f);
	ledger_begin(&ledger, directory, limits);
	ck_assert_str_eq(count("ann", 8, 0, NOON, &tell), "");
	ck_assert_msg(strstr(news.p, "begin anew") != NULL, "%s", news.p);
}
END_TEST

/* A machine out of descriptors says nothing of the file. */
START_TEST(trouble_is_no_damage)
{
	struct rlimit was, few;
	bool tell;
	int next;

	ck_assert_str_eq(count("ann", 8, 0, NOON, &tell), "");
	ledger_end(&ledger);
	next = dup(0);
	close(next);
	getrlimit(RLIMIT_NOFILE, &was);
	few = (struct rlimit){ (rlim_t)next + 3, was.rlim_max };
	ledger_begin(&ledger, directory, limits);
	setrlimit(RLIMIT_NOFILE, &few);
	ck_assert_str_eq(count("ann", 9, 0, NOON, &tell), "");		/* mail goes on */
	setrlimit(RLIMIT_NOFILE, &was);
	ck_assert_msg(strstr(news.p, "is not counted") != NULL, "%s", news.p);
	ck_assert_str_ne(count("ann", 9, 0, NOON + 20, &tell), ""); /* the eight are known still */
}
END_TEST

START_TEST(old_rows_are_swept)
{
	struct str value = STR(10000);
	bool tell, found;

	count("ann", 1, 0, NOON, &tell);
	note("ann", "a@far.test", NOON);
	ck_assert(table_get(ledger.table, SPAN("tann"), &value, &found, NULL) && found);
	count("bob", 1, 0, NOON + 3 * DAY, &tell);
	ck_assert(table_get(ledger.table, SPAN("tann"), &value, &found, NULL) && !found);
	ck_assert_uint_eq(new_among("ann", "a@far.test", NOON + 3 * DAY), 0);
	ck_assert_uint_eq(new_among("ann", "a@far.test", NOON + (SHELF_DAYS + 2) * (time_t)DAY), 1);
	str_free(&value);
}
END_TEST

/*
 * A clerk that is killed at any moment has lost none of the counts it answered for. The child says
 * how many after each; the parent kills it somewhere, and counts what is there.
 */
static void count_until_killed(int to)
{
	const uint64_t none[3] = { 0, 0, 0 };
	bool tell;

	ledger_begin(&ledger, directory, none);
	for (uint32_t n = 1;; n++) {
		char address[40];

		count("ann", 1, 1, NOON, &tell);
		snprintf(address, sizeof address, "r%u@far.test", n);
		note("ann", address, NOON);
		if (write(to, &n, sizeof n) != sizeof n)
			_exit(0);
	}
}

START_TEST(killed_clerk_loses_nothing)
{
	uint32_t said = 0, before = 0;
	struct str value = STR(10000);
	struct tally t;
	bool tell, found;

	for (int round = 0; round < 6; round++) {
		int fds[2];
		pid_t pid;

		ck_assert_int_eq(pipe(fds), 0);
		pid = fork();
		if (pid == 0) {
			close(fds[0]);
			count_until_killed(fds[1]);
		}
		close(fds[1]);
		for (int i = 0; i < 40 + 37 * round; i++)
			ck_assert_int_eq(read(fds[0], &said, sizeof said), sizeof said);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(fds[0], &said, sizeof said) == sizeof said)
			;
		close(fds[0]);
		ledger_begin(&ledger, directory, (const uint64_t[3]){ 1 << 30, 0, 0 });
		new_among("ann", "", NOON);
		ck_assert_msg(!news.n, "%s", news.p);
		ck_assert(table_get(ledger.table, SPAN("tann"), &value, &found, NULL) && found);
		tally_read(str_span(&value), NOON, &t);
		ck_assert_uint_ge(tally_sum(&t, TALLY_MESSAGES), before + said);
		ck_assert_uint_le(tally_sum(&t, TALLY_MESSAGES), before + said + 1);
		before = (uint32_t)tally_sum(&t, TALLY_MESSAGES);
		ck_assert_uint_eq(new_among("ann", "r1@far.test r20@far.test none@far.test", NOON), 1);
		ledger_end(&ledger);
	}
	count("bob", 1, 0, NOON, &tell);
	str_free(&value);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("directory-tally");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, limits_decide, 0, COUNT(judged));
	tcase_add_loop_test(tc, a_day_passes, 0, COUNT(hours));
	tcase_add_test(tc, hours_leave_one_by_one);
	tcase_add_test(tc, counts_have_a_ceiling);
	tcase_add_test(tc, told_once_a_day);
	tcase_add_test(tc, recipients_are_known);
	tcase_add_test(tc, ledger_counts);
	tcase_add_test(tc, ledger_is_one_process_s);
	tcase_add_test(tc, damaged_ledger_begins_anew);
	tcase_add_test(tc, trouble_is_no_damage);
	tcase_add_test(tc, old_rows_are_swept);
	tcase_add_test(tc, killed_clerk_loses_nothing);
	return unit_end();
}
