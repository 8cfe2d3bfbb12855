/*
 * NAME
 *	unit - what every unit test begins and ends with
 * SYNOPSIS
 *	START_TEST(date_parses) { ... cases[_i] ... } END_TEST
 *	int main(void)
 *	{
 *		TCase *tc = unit_begin("mail-date");
 *		tcase_add_loop_test(tc, date_parses, 0, COUNT(cases));
 *		return unit_end();
 *	}
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>
#include <stdlib.h>

#define COUNT(table)	((int)(sizeof (table) / sizeof *(table)))

static Suite *unit_suite;

static inline TCase *unit_begin(const char *name)
{
	TCase *tc = tcase_create(name);

	unit_suite = suite_create(name);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(unit_suite, tc);
	return tc;
}

static inline int unit_end(void)
{
	SRunner *r = srunner_create(unit_suite);
	int failed;

	srunner_set_fork_status(r, getenv("UNIT_NO_FORK") ? CK_NOFORK : CK_FORK);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
