/*
 * More histories that failed once: with a fault at every point, or one run
 * that such a one came to.
 */
#include "config.h"

#include "histories.h"

/* A FLUSH from before waits while bodies get through (M10). */
HISTORY(a_renumbering_is_not_torn_by_a_flush_that_was_put_off, 910004734,
	{ SIM_DELIVER, B, 653, 423, 242 },
	{ SIM_UIDVALIDITY, B, 453, 510, 51 },
	{ SIM_DROP, A, 324, 139, 630 }, { SIM_DELIVER, B, 576, 97, 441 },
	{ SIM_CREATE, B, 535, 560, 877 }, { SIM_CREATE, B, 478, 727, 9 },
	{ SIM_MOVE, B, 746, 192, 956 }, { SIM_RUN, B, 793, 955, 417 })

/* M5, E1: both have its mark, and only one has that of the other side. */
HISTORY(a_surplus_twin_that_could_not_go_is_found_with_the_other, 900890788,
	{ SIM_DELIVER, A, 484, 564, 325 }, { SIM_COPY, A, 442, 234, 866 },
	{ SIM_RUN, B, 891, 310, 433 }, { SIM_EXPUNGE, A, 898, 40, 924 },
	{ SIM_MOVE_BACK, A, 875, 305, 456 },
	{ SIM_ALL_FAULTS, B, 633, 887, 426 })

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "histories_points");

	tcase_add_test(tcase,
	    a_renumbering_is_not_torn_by_a_flush_that_was_put_off);
	tcase_add_test(tcase,
	    a_surplus_twin_that_could_not_go_is_found_with_the_other);
	return unit_run(suite);
}
