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

/* M5: two alike that a run has saved are not taken for each other. */
HISTORY(two_alike_that_one_uid_pairs_keep_their_keywords, 910005261,
	{ SIM_RUN, B, 607, 524, 619 }, { SIM_DROP, A, 969, 87, 796 },
	{ SIM_DELIVER, B, 779, 536, 597 }, { SIM_SUBSCRIBE, B, 811, 790, 859 },
	{ SIM_COPY, B, 492, 226, 827 }, { SIM_KEYWORDS, B, 138, 811, 236 },
	{ SIM_ALL_FAULTS, A, 100, 474, 43 })
HISTORY(two_alike_that_one_uid_pairs_keep_their_flags, 910017063,
	{ SIM_DELIVER, A, 995, 103, 299 }, { SIM_DELIVER, B, 912, 168, 410 },
	{ SIM_RUN, B, 948, 880, 246 }, { SIM_COPY, A, 105, 853, 886 },
	{ SIM_CREATE, B, 523, 87, 983 }, { SIM_FLAGS, A, 838, 641, 160 },
	{ SIM_COPY, A, 370, 589, 175 }, { SIM_MOVE_BACK, B, 960, 603, 151 },
	{ SIM_DROP, B, 631, 184, 948 }, { SIM_DELIVER, B, 463, 465, 352 },
	{ SIM_ALL_KILLS, B, 746, 699, 50 })

/* T15: what could not be looked at is no reason to leave it behind. */
HISTORY(attributes_follow_an_inbox_that_gets_another_guid, 920004016,
	{ SIM_ATTRIBUTE, A, 733, 102, 988 },
	{ SIM_ALL_FAULTS, A, 625, 895, 105 })

/* T15, E1: it is not known if the mailbox is gone, or its attributes alone. */
HISTORY(attributes_of_a_mailbox_that_is_in_doubt_are_not_removed, 920031906,
	{ SIM_CREATE, B, 216, 972, 558 }, { SIM_ATTRIBUTE, B, 745, 956, 623 },
	{ SIM_RUN, A, 792, 762, 298 }, { SIM_DELIVER, B, 57, 72, 821 },
	{ SIM_DELETE, A, 955, 794, 77 }, { SIM_ALL_FAULTS, A, 713, 898, 888 })

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "histories_points");

	tcase_add_test(tcase,
	    a_renumbering_is_not_torn_by_a_flush_that_was_put_off);
	tcase_add_test(tcase,
	    a_surplus_twin_that_could_not_go_is_found_with_the_other);
	tcase_add_test(tcase,
	    two_alike_that_one_uid_pairs_keep_their_keywords);
	tcase_add_test(tcase,
	    two_alike_that_one_uid_pairs_keep_their_flags);
	tcase_add_test(tcase,
	    attributes_follow_an_inbox_that_gets_another_guid);
	tcase_add_test(tcase,
	    attributes_of_a_mailbox_that_is_in_doubt_are_not_removed);
	return unit_run(suite);
}
