/*
 * unit.h - what the main function of a unit test needs
 */
#ifndef SUPPORT_UNIT_H
#define SUPPORT_UNIT_H

#include <check.h>
#include <stdlib.h>

#define UNIT_TIMEOUT	60.0	/* seconds for one test, with sanitizers */

/* A suite of one case, which is returned for tcase_add_test. */
static inline TCase *
unit_case(Suite **suite_r, const char *name)
{
	TCase *tcase = tcase_create(name);

	*suite_r = suite_create(name);
	tcase_set_timeout(tcase, UNIT_TIMEOUT);
	suite_add_tcase(*suite_r, tcase);
	return tcase;
}

/* Run it; the exit status of the program. */
static inline int
unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
