/* MTA-STS policies on disk, and rows that are counted before they are written. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os/file.h"
#include "mta/policies.h"
#include "mta/tally.h"

enum { NOW = 1800000000, DAY = 86400, MOST = 10 };

static char root[] = "/tmp/policies.XXXXXX";
static int hints;
static struct policies kept;

static void begin(void)
{
	ck_assert(mkdtemp(root));
	hints = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert(hints >= 0 && mkdirat(hints, "sts", 0700) == 0);
	policies_open(&kept, hints, MOST);
}

static void end(void)
{
	char command[100];

	snprintf(command, sizeof command, "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

static void set(const char *domain, long fetched, long used, long max_age)
{
	struct str text = STR(4096);
	struct err e;

	str_addf(&text, "id: 1\nfetched: %ld\ntried: %ld\nused: %ld\n\n", fetched, fetched, used);
	str_addf(&text, "version: STSv1\nmode: enforce\nmx: mx.test\nmax_age: %ld\n", max_age);
	ck_assert_msg(policies_set(&kept, domain, str_span(&text), NOW, &e), "%s", e.text);
	str_free(&text);
}

static bool has(const char *domain)
{
	struct str text = STR(STS_ENTRY_MAX);
	bool there = policies_get(&kept, domain, NOW, &text, NULL) && text.n;

	str_free(&text);
	return there;
}

START_TEST(what_is_over_goes)
{
	struct err e;

	begin();
	set("good.test", NOW - DAY, NOW, 5 * DAY);
	set("over.test", NOW - 5 * DAY, NOW, DAY);
	set("future.test", NOW + 5 * DAY, NOW, DAY);
	ck_assert(policies_set(&kept, "failed.test", SPAN("fetched: 0\ntried: 1799999999\nused: 0\n\n"), NOW, &e));
	ck_assert(policies_set(&kept, "long-ago.test", SPAN("fetched: 0\ntried: 1799000000\nused: 0\n\n"), NOW, &e));
	ck_assert(file_replace(kept.directory, "torn.test",
	    SPAN("id: 1\nfetched: 1799999999\n\nversion: STSv1\n"), 0600, &e));
	ck_assert(file_replace(kept.directory, ".left.over", SPAN("x"), 0600, &e));
	policies_sift(&kept, NOW);
	ck_assert_uint_eq(kept.count, 2);
	ck_assert(has("good.test") && has("failed.test") && !has("over.test") && !has("future.test"));
	ck_assert(!has("long-ago.test") && !has("torn.test") &&
	    faccessat(kept.directory, ".left.over", F_OK, 0) < 0);
	end();
}
END_TEST

START_TEST(too_many_are_not_kept)
{
	char domain[40];

	begin();
	for (int i = 0; i <= MOST; i++) {
		snprintf(domain, sizeof domain, "d%d.test", i);
		set(domain, NOW - DAY, i == 3 ? NOW - 9 * DAY : i == 5 ? NOW - 8 * DAY : NOW - i, 5 * DAY);
	}
	ck_assert_uint_eq(kept.count, MOST - 1);
	ck_assert(!has("d3.test") && !has("d5.test") && has("d0.test") && has("d10.test"));
	end();
}
END_TEST

START_TEST(without_a_directory_nothing_is_kept)
{
	struct policies none;
	struct str text = STR(100);
	struct err e;

	policies_open(&none, -1, MOST);
	ck_assert(policies_set(&none, "a.test", SPAN("fetched: 0\ntried: 1\nused: 0\n\n"), NOW, &e));
	ck_assert(policies_get(&none, "a.test", NOW, &text, &e) && !text.n);
	policies_sift(&none, NOW);
}
END_TEST

static size_t count_lines(const char *name)
{
	struct str text = STR(1 << 20);
	size_t n = file_read_at(hints, name, &text, NULL) ? span_count(str_span(&text), '\n') : 0;

	str_free(&text);
	return n;
}

START_TEST(rows_are_counted)
{
	static struct tally t;
	char row[60];

	begin();
	for (int i = 0; i < 1000; i++)
		ck_assert(tally_add(&t, hints, SPAN("b.test 2 sts b.test - -"), DAY));
	ck_assert_uint_eq(t.count, 1);
	ck_assert_uint_eq(t.rows[0].count, 2000);
	ck_assert(tally_add(&t, hints, SPAN("b.test 1 tlsa b.test - -"), DAY));
	/* another day is another file */
	ck_assert(tally_add(&t, hints, SPAN("b.test 1 tlsa b.test - -"), 2 * DAY));
	ck_assert_uint_eq(count_lines("tlsrpt.1970-01-02"), 2);
	for (int i = 0; i < TALLY_ROWS; i++) {
		snprintf(row, sizeof row, "x%d.test 1 sts b.test - -", i);
		ck_assert(tally_add(&t, hints, span_of(row), 2 * DAY));
	}
	ck_assert_uint_eq(t.count, 1);
	tally_flush(&t, hints);
	ck_assert_uint_eq(count_lines("tlsrpt.1970-01-03"), TALLY_ROWS + 1);
	ck_assert(!tally_add(&t, hints, SPAN("b.test 0 sts"), DAY) &&
	    !tally_add(&t, hints, SPAN("b.test"), DAY));
	end();
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mta-policies");

	tcase_add_test(tc, what_is_over_goes);
	tcase_add_test(tc, too_many_are_not_kept);
	tcase_add_test(tc, without_a_directory_nothing_is_kept);
	tcase_add_test(tc, rows_are_counted);
	return unit_end();
}
