/* Marks of mailboxes that had no room lately. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/directory/full.h"
#include "tests/unit/unit.h"

static const struct { const char *login, *name; } names[] = {
	{ "ann@alpha.test", "ann@alpha.test" },
	{ "ann", "ann" },
	{ "a.b+c_d-e=f@x", "a.b+c_d-e=f@x" },
	{ ".hidden", "%2Ehidden" },
	{ "..", "%2E." },
	{ "a/../b@x", "a%2F..%2Fb@x" },
	{ "100%@x", "100%25@x" },
	{ "\xc3\xa4@x", "%C3%A4@x" },
	{ "", NULL },
};

START_TEST(names_are_files)
{
	char name[FULL_NAME];

	ck_assert_int_eq(full_name(span_of(names[_i].login), name), names[_i].name != NULL);
	if (names[_i].name)
		ck_assert_str_eq(name, names[_i].name);
}
END_TEST

START_TEST(long_names_have_no_mark)
{
	char login[FULL_NAME + 100], name[FULL_NAME];

	for (size_t n = 1; n < sizeof login; n++) {
		memset(login, 'x', n);
		if (full_name((struct span){ login, n }, name))
			ck_assert_uint_eq(strlen(name), n);
		else
			ck_assert_uint_gt(n, 240);
		memset(login, '/', n);
		if (full_name((struct span){ login, n }, name))
			ck_assert_uint_eq(strlen(name), 3 * n);
		else
			ck_assert_uint_gt(3 * n, 240);
	}
}
END_TEST

static char dir[] = "/tmp/directory-full.XXXXXX";

static void fresh(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void gone(void)
{
	full_sweep(dir, time(NULL) + 10 * FULL_COUNTS_S);
	ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(mark_counts_for_a_while)
{
	struct span ann = SPAN("ann@a.test");
	time_t now = time(NULL);

	ck_assert_uint_eq(full_room(dir, ann, now), FULL_NOT_KNOWN);
	full_mark(dir, ann, 12345);
	full_mark(dir, ann, 77);
	ck_assert_uint_eq(full_room(dir, ann, now), 77);
	ck_assert_uint_eq(full_room(dir, SPAN("bob@a.test"), now), FULL_NOT_KNOWN);
	ck_assert_uint_eq(full_room(dir, ann, now + FULL_COUNTS_S + 2), FULL_NOT_KNOWN);
	ck_assert_uint_eq(full_room(dir, ann, now - 10), FULL_NOT_KNOWN); /* the clock went back */
	full_sweep(dir, now);
	ck_assert_uint_eq(full_room(dir, ann, now), 77);
}
END_TEST

/* A small message that fits says nothing about large ones. */
START_TEST(larger_message_ends_it)
{
	struct span ann = SPAN("ann@a.test");

	full_took(dir, ann, 1);
	full_mark(dir, ann, 77);
	full_took(dir, ann, 77);
	ck_assert_uint_eq(full_room(dir, ann, time(NULL)), 77);
	full_took(dir, ann, 78);
	ck_assert_uint_eq(full_room(dir, ann, time(NULL)), FULL_NOT_KNOWN);
}
END_TEST

START_TEST(nonsense_is_no_mark)
{
	static const char *const bad[] = { "", "x", "5", "-1\n", "5\n6\n",
		"99999999999999999999\n" };
	char path[100];

	snprintf(path, sizeof path, "%s/ann", dir);
	for (int i = 0; i < COUNT(bad); i++) {
		FILE *f = fopen(path, "w");

		ck_assert_ptr_nonnull(f);
		fputs(bad[i], f);
		fclose(f);
		ck_assert_uint_eq(full_room(dir, SPAN("ann"), time(NULL)), FULL_NOT_KNOWN);
	}
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	full_mark(dir, SPAN("ann"), 5);
	ck_assert_uint_eq(full_room(dir, SPAN("ann"), time(NULL)), FULL_NOT_KNOWN);
	ck_assert_int_eq(unlink(path), 0);
	full_mark("/nonexistent", SPAN("ann"), 5);
	full_took("/nonexistent", SPAN("ann"), 5);
	full_sweep("/nonexistent", 0);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("directory-full"), *disk;

	tcase_add_loop_test(tc, names_are_files, 0, COUNT(names));
	tcase_add_test(tc, long_names_have_no_mark);
	disk = tcase_create("disk");
	tcase_add_checked_fixture(disk, fresh, gone);
	tcase_add_test(disk, mark_counts_for_a_while);
	tcase_add_test(disk, larger_message_ends_it);
	tcase_add_test(disk, nonsense_is_no_mark);
	suite_add_tcase(unit_suite, disk);
	return unit_end();
}
