/* History: a file for each day, that nothing can make a trouble of. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os/clock.h"
#include "common/os/history.h"
#include "common/os/log.h"

static char root[64], dir[80], today[160];

static void set_up(void)
{
	char day[16];

	snprintf(root, sizeof root, "/tmp/os-history.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(dir, sizeof dir, "%s/mta", root);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	history_name(clock_wall(), day);
	snprintf(today, sizeof today, "%s/%s", dir, day);
	log_open("unit", STDERR_FILENO, LOG_FORM_PLAIN);
}

static void tear_down(void)
{
	char command[96];

	history_open("", "", 0);
	snprintf(command, sizeof command, "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

START_TEST(lines_are_kept_by_day)
{
	char buf[512], pid[32];
	FILE *f;

	history_open(dir, "", 1 << 20);
	ck_assert_int_eq(size_of(today), -1);	/* not before there is a line */
	history_add("q1 sent to=<a@b>", false);
	history_add("q2 bad\nbytes\xc2\x9b" "2J\xc3\xa9", false);
	f = fopen(today, "r");
	ck_assert_ptr_nonnull(f);
	snprintf(pid, sizeof pid, "unit[%d]", (int)getpid());
	ck_assert_ptr_nonnull(fgets(buf, sizeof buf, f));
	ck_assert_msg(strstr(buf, "Z unit[") && strstr(buf, pid) && strstr(buf, ": q1 sent to=<a@b>\n"), "%s", buf);
	ck_assert_ptr_nonnull(fgets(buf, sizeof buf, f));
	ck_assert_msg(strstr(buf, ": q2 bad?bytes?2J\xc3\xa9\n") != NULL, "%s", buf);
	fclose(f);
	unlink(today);				/* somebody took it away: it is begun anew */
	history_add("q3", false);
	ck_assert_int_gt(size_of(today), 0);
}
END_TEST

START_TEST(a_day_is_bounded)
{
	char with[200];

	history_open(dir, "u7", 1000);
	snprintf(with, sizeof with, "%s.u7", today);
	for (int i = 0; i < 100; i++)
		history_add("q1 rejected", true);
	ck_assert_int_ge(size_of(with), 500);
	ck_assert_int_lt(size_of(with), 600);
	for (int i = 0; i < 100; i++)
		history_add("q1 sent", false);
	ck_assert_int_ge(size_of(with), 1000);
	ck_assert_int_lt(size_of(with), 1100);
}
END_TEST

START_TEST(nothing_makes_trouble)
{
	char *line = malloc(100000);

	memset(line, 'x', 99999);
	line[99999] = '\0';
	history_add("q1 before it was opened", false);
	history_open("/nonexistent/for/sure", "", 1 << 20);
	history_add("q1", false);
	ck_assert_int_eq(mkfifo(today, 0600), 0);	/* nobody reads it: we must not wait */
	history_open(dir, "", 1 << 20);
	history_add("q1", false);
	unlink(today);
	ck_assert_int_eq(symlink("/etc/passwd", today), 0);
	history_open(dir, "", 1 << 20);
	history_add("q1", false);
	unlink(today);
	history_open("/dev", "full", 1 << 20);
	history_add("q1", false);
	history_open(dir, "", 1 << 20);
	history_add(line, false);
	ck_assert_int_eq(size_of(today), HISTORY_LINE - 1);
	free(line);
}
END_TEST

static void make(const char *name, char path[200])
{
	int fd;

	snprintf(path, 200, "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

START_TEST(old_days_go)
{
	char old[200], edge[200], fresh[200], other[200];
	time_t now = 1764115200 + 3600, begins;		/* 2025-11-26T01:00 */

	make("2025-10-26.u7", old);
	make("2025-10-27", edge);
	make("2025-11-26", fresh);
	make("notes", other);
	history_sweep(root, 30 * 86400, now);
	ck_assert_int_eq(size_of(old), -1);
	ck_assert_int_eq(size_of(edge), 0);
	ck_assert_int_eq(size_of(fresh), 0);
	ck_assert_int_eq(size_of(other), 0);
	ck_assert(history_day("2025-11-26.u7", &begins));
	ck_assert_int_eq(begins, 1764115200);
	ck_assert(!history_day("2025-06-31", &begins));
	ck_assert(!history_day("2025-11-26x", &begins));
	ck_assert(!history_day("2025-1-26", &begins));
	history_sweep("/nonexistent/for/sure", 0, now);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("os-history");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, lines_are_kept_by_day);
	tcase_add_test(tc, a_day_is_bounded);
	tcase_add_test(tc, nothing_makes_trouble);
	tcase_add_test(tc, old_days_go);
	return unit_end();
}
