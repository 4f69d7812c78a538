/*
 * Histories that failed once, each as small as it could be made.  A name says
 * what holds now.
 */
#include "config.h"

#include "histories.h"

HISTORY(a_deleted_mailbox_that_comes_again_is_another_one, 1,
	{ SIM_CREATE, B, 560, 581, 729 }, { SIM_RUN, A, 7, 688, 478 },
	{ SIM_RECREATE, B, 671, 305, 229 }, { SIM_RUN, A, 0, 0, 0 })

HISTORY(a_changed_uidvalidity_is_taken_over, 1,
	{ SIM_RUN, A, 352, 34, 655 }, { SIM_UIDVALIDITY, A, 504, 377, 231 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(a_subscription_comes_through_with_a_new_mailbox, 1,
	{ SIM_RUN_BUSY, B, 818, 417, 561 }, { SIM_RUN, A, 0, 0, 0 })

HISTORY(a_message_moved_within_its_mailbox_is_followed, 1,
	{ SIM_DELIVER, B, 998, 54, 58 }, { SIM_RUN_KILL, A, 996, 727, 822 },
	{ SIM_MOVE_BACK, A, 501, 243, 462 }, { SIM_RUN, A, 0, 0, 0 })

/* B5: it has left positions like any other run. */
HISTORY(a_backup_that_discards_mail_can_become_a_mirror, 1,
	{ SIM_DELIVER, A, 585, 720, 234 },
	{ SIM_RUN_BACKUP, B, 327, 980, 758 }, { SIM_RUN, A, 0, 0, 0 })

HISTORY(a_mailbox_restored_without_its_log_takes_no_uid_twice, 1,
	{ SIM_DELIVER, B, 776, 353, 588 }, { SIM_TAKE_COPY, A, 416, 687, 831 },
	{ SIM_RUN, B, 713, 871, 66 }, { SIM_RESTORE_MAIL, A, 205, 782, 375 },
	{ SIM_DELIVER, A, 218, 29, 294 }, { SIM_RUN, B, 811, 189, 454 })

/* F6: what was raised for the other side is not what its clients have seen. */
HISTORY(mail_that_came_during_a_run_gets_a_modseq_above_what_was_raised, 13,
	{ SIM_DELIVER, B, 256, 391, 649 }, { SIM_RUN, A, 704, 25, 558 },
	{ SIM_EXPUNGE, B, 322, 854, 289 },
	{ SIM_RUN_BUSY, B, 178, 714, 228 }, { SIM_RUN, A, 252, 872, 864 })

HISTORY(crossing_uids_come_to_rest, 1,
	{ SIM_CREATE, A, 862, 415, 689 }, { SIM_DELIVER, A, 271, 658, 958 },
	{ SIM_DROP, A, 474, 289, 603 }, { SIM_CREATE, A, 962, 816, 47 },
	{ SIM_RUN_KILL, A, 181, 421, 453 }, { SIM_EXPUNGE, B, 948, 248, 379 },
	{ SIM_EXPUNGE, A, 593, 916, 300 }, { SIM_COPY, A, 862, 225, 85 },
	{ SIM_MOVE, B, 687, 647, 352 }, { SIM_RUN, A, 0, 0, 0 })

HISTORY(mail_in_a_mailbox_that_could_not_be_read_comes_later, 1,
	{ SIM_DROP, A, 529, 518, 307 }, { SIM_RUN_FAIL, A, 909, 500, 718 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(a_backup_gives_the_uids_that_a_mirror_keeps, 1,
	{ SIM_DROP, B, 289, 389, 915 }, { SIM_RUN_BACKUP, B, 929, 614, 881 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(a_renumbering_is_cut_before_or_after_but_not_between, 1,
	{ SIM_DROP, A, 4, 872, 532 }, { SIM_DROP, B, 240, 873, 393 },
	{ SIM_RUN, B, 953, 614, 525 }, { SIM_UIDVALIDITY, B, 140, 540, 824 },
	{ SIM_DELIVER, B, 321, 447, 474 }, { SIM_FLAGS, A, 464, 411, 950 },
	{ SIM_RUN_KILL, A, 324, 733, 655 }, { SIM_RUN, A, 0, 0, 0 })

HISTORY(a_save_whose_record_was_lost_is_not_done_twice, 1,
	{ SIM_RUN, B, 525, 121, 182 }, { SIM_LOSE_LOG, A, 222, 105, 685 },
	{ SIM_DELIVER, B, 436, 826, 856 }, { SIM_RUN, B, 613, 896, 325 },
	{ SIM_MOVE, A, 0, 0, 0 }, { SIM_KILLS, B, 0, 0, 0 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(flags_that_failed_are_found_by_any_mark, 1,
	{ SIM_RUN, B, 659, 944, 674 }, { SIM_CREATE, A, 420, 343, 584 },
	{ SIM_DELIVER, B, 899, 820, 242 }, { SIM_RUN, B, 750, 866, 43 },
	{ SIM_MOVE_BACK, A, 63, 733, 523 }, { SIM_LOSE_LOG, B, 13, 736, 276 },
	{ SIM_RUN_BACKUP, A, 835, 707, 671 }, { SIM_FLAGS, A, 698, 749, 419 },
	{ SIM_RUN_FAIL, B, 707, 402, 93 }, { SIM_RUN, B, 349, 899, 422 })

HISTORY(a_renumbering_is_not_torn_by_a_copy, 1,
	{ SIM_DELIVER, B, 837, 714, 922 }, { SIM_DELIVER, A, 229, 319, 415 },
	{ SIM_COPY_NEW_GUID, B, 830, 394, 438 }, { SIM_RUN, A, 154, 211, 320 },
	{ SIM_DELIVER, A, 948, 499, 522 }, { SIM_EXPUNGE, A, 716, 373, 952 },
	{ SIM_COPY, B, 361, 478, 448 }, { SIM_UIDVALIDITY, B, 694, 371, 209 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(a_renamed_mailbox_that_cant_be_opened_is_not_gone, 1,
	{ SIM_CREATE, A, 881, 870, 147 }, { SIM_RUN, A, 729, 848, 918 },
	{ SIM_DELIVER, B, 380, 400, 616 }, { SIM_DELIVER, B, 347, 342, 781 },
	{ SIM_RUN_BUSY, B, 726, 986, 256 }, { SIM_RUN_FAIL, A, 207, 915, 797 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(new_mail_does_not_hide_that_a_store_was_taken_back, 1,
	{ SIM_RUN_FAIL, B, 728, 437, 536 }, { SIM_TAKE_COPY, A, 172, 431, 977 },
	{ SIM_DROP, A, 769, 489, 420 }, { SIM_RUN, B, 687, 147, 509 },
	{ SIM_RESTORE_MAIL, A, 134, 755, 763 }, { SIM_DELIVER, A, 97, 232, 75 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(nothing_is_saved_into_a_mailbox_that_was_not_looked_at, 1,
	{ SIM_DELIVER, B, 208, 274, 697 }, { SIM_RUN, A, 47, 889, 727 },
	{ SIM_LOSE_LOG, A, 621, 54, 639 }, { SIM_RUN_FAIL, A, 404, 52, 535 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(what_follows_another_uid_may_fail_and_is_looked_at_again, 2014464,
	{ SIM_RUN_CUT, B, 606, 683, 308 }, { SIM_DELIVER, B, 141, 239, 127 },
	{ SIM_RUN_BUSY, A, 45, 112, 267 }, { SIM_DELIVER, A, 204, 396, 482 },
	{ SIM_RUN_KILL, A, 516, 669, 574 })

HISTORY(a_backup_clears_no_subscription_that_is_not_there, 2043181,
	{ SIM_SUBSCRIBE, A, 642, 652, 607 },
	{ SIM_RUN_BACKUP, A, 263, 226, 282 }, { SIM_DROP, B, 50, 313, 275 },
	{ SIM_RUN_BACKUP, B, 702, 916, 586 })

HISTORY(what_is_expunged_does_not_go_round_in_a_ring, 1000000549,
	{ SIM_DELIVER, C, 872, 519, 875 }, { SIM_PAIR_RUN, C, 124, 943, 227 },
	{ SIM_EXPUNGE, A, 627, 907, 453 }, { SIM_REST, A, 0, 0, 0 })

HISTORY(a_deleted_mailbox_does_not_go_round_in_a_ring, 1000012687,
	{ SIM_CREATE, A, 736, 700, 93 }, { SIM_PAIR_RUN, C, 469, 862, 573 },
	{ SIM_DELETE, A, 839, 24, 322 }, { SIM_REST, A, 0, 0, 0 })

HISTORY(a_removal_that_was_refused_is_tried_again, 2007539,
	{ SIM_RUN_BUSY, A, 539, 343, 864 }, { SIM_DELETE, A, 23, 209, 298 },
	{ SIM_RUN_APPEND, B, 128, 28, 602 }, { SIM_RUN, A, 0, 0, 0 })

HISTORY(flags_that_are_there_already_do_not_go_round_in_a_ring, 1000000107,
	{ SIM_REST, A, 0, 0, 0 }, { SIM_DELIVER, A, 232, 823, 409 },
	{ SIM_PAIR_RUN, C, 878, 639, 111 }, { SIM_KEYWORDS, A, 913, 775, 398 },
	{ SIM_REST, A, 0, 0, 0 })

HISTORY(a_save_tried_again_gets_modseq_and_uid_from_the_store, 2007189,
	{ SIM_DROP, A, 530, 213, 566 },
	{ SIM_RUN_BUSY, A, 263, 607, 486 },
	{ SIM_RUN_BUSY, A, 22, 538, 260 },
	{ SIM_RUN_FAIL, B, 604, 754, 575 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(what_stood_under_the_name_of_another_mailbox_is_gone, 900000176,
	{ SIM_CREATE, A, 496, 258, 227 }, { SIM_RUN, B, 576, 682, 747 },
	{ SIM_RECREATE, B, 345, 444, 427 },
	{ SIM_ALL_FAULTS, B, 657, 172, 592 })

/* T16, F6: it keeps modseqs from then on. */
HISTORY(a_directory_becomes_a_mailbox_with_modseqs, 60021021,
	{ SIM_RUN_BUSY, B, 378, 560, 592 }, { SIM_CREATE_DIR, B, 96, 255, 522 },
	{ SIM_DELIVER, A, 419, 600, 127 }, { SIM_FLAGS, A, 517, 701, 768 },
	{ SIM_RUN, A, 0, 0, 0 })

/* T13, T14: one line in that store. */
HISTORY(two_subscriptions_that_are_spelt_alike_stay, 70070016,
	{ SIM_SUBSCRIBE, A, 193, 952, 254 },
	{ SIM_RUN_KILL, A, 570, 664, 75 }, { SIM_LOSE_LOG, B, 1, 988, 28 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(one_of_two_subscriptions_that_are_spelt_alike_goes_alone, 70070016,
	{ SIM_SUBSCRIBE, A, 193, 952, 254 },
	{ SIM_RUN_KILL, A, 570, 664, 75 }, { SIM_LOSE_LOG, B, 1, 988, 28 },
	{ SIM_RUN, A, 0, 0, 0 }, { SIM_UNSUBSCRIBE, A, 193, 952, 254 },
	{ SIM_RUN, A, 0, 0, 0 })

/* F6: what came and went during a run is seen by nobody but in the modseq. */
HISTORY(mail_that_came_and_went_during_a_run_leaves_one_modseq, 100017974,
	{ SIM_DELIVER, B, 176, 480, 579 }, { SIM_RUN_BUSY, B, 154, 937, 41 })

/* F6: the next one need not have asked for what that run left. */
HISTORY(a_run_that_mends_and_is_killed_leaves_one_modseq, 100030146,
	{ SIM_DELIVER, B, 802, 821, 428 }, { SIM_DROP, A, 145, 599, 634 },
	{ SIM_DROP, B, 360, 875, 759 }, { SIM_RUN_FAIL, A, 403, 6, 191 },
	{ SIM_DELIVER, A, 791, 607, 760 }, { SIM_RUN_KILL, A, 353, 809, 364 })

HISTORY(a_full_look_sees_that_modseqs_alone_differ, 100064188,
	{ SIM_DELIVER, A, 184, 191, 909 }, { SIM_RUN, A, 406, 508, 765 },
	{ SIM_EXPUNGE, B, 768, 439, 10 }, { SIM_MOVE, A, 345, 482, 11 },
	{ SIM_RUN_BACKUP, B, 178, 820, 28 }, { SIM_RUN_FULL, B, 382, 844, 21 })

/* T3, T16: its GUID is that of the one before. */
HISTORY(a_directory_that_was_removed_can_be_made_again, 100113727,
	{ SIM_CREATE_DIR, A, 750, 415, 53 },
	{ SIM_RUN_BACKUP, B, 611, 83, 509 },
	{ SIM_CREATE_DIR, B, 705, 455, 583 }, { SIM_RUN, A, 0, 0, 0 })

/* P7: nor are the two that stand under one name by then taken for one. */
HISTORY(names_that_were_swapped_wait_for_a_run_without_selection, 100246400,
	{ SIM_CREATE, B, 889, 984, 596 }, { SIM_CREATE, A, 215, 346, 830 },
	{ SIM_RUN, A, 567, 776, 553 }, { SIM_SWAP, B, 841, 338, 969 },
	{ SIM_RUN_FILTER, A, 997, 554, 350 }, { SIM_RUN, A, 0, 0, 0 })

/* F6: a mirror makes modseqs equal, however many backups were between. */
HISTORY(a_backup_back_does_not_forget_that_modseqs_differ, 200007936,
	{ SIM_DELIVER, B, 18, 143, 845 }, { SIM_REBUILD, B, 999, 391, 699 },
	{ SIM_RUN_BACKUP, B, 775, 948, 482 },
	{ SIM_RUN_BACKUP, B, 900, 154, 725 }, { SIM_RUN, A, 0, 0, 0 })

/* M10: and a run that may change it does. */
HISTORY(a_uidvalidity_that_could_not_be_taken_over_is_pending, 2205392,
	{ SIM_RUN_BUSY, B, 789, 937, 455 }, { SIM_UIDVALIDITY, A, 482, 839, 490 },
	{ SIM_RUN_APPEND, B, 591, 447, 884 })

/* M9: it takes no marks, but is found by GUID. */
HISTORY(a_store_that_may_only_be_added_to_gets_no_mail_twice, 2203849,
	{ SIM_RUN_BUSY, A, 447, 62, 38 }, { SIM_RUN_BUSY, A, 904, 827, 186 },
	{ SIM_LOSE_LOG, B, 167, 715, 29 },
	{ SIM_RUN_APPEND, B, 219, 622, 399 })

/* E1: it has no mark in common with that of the other side then. */
HISTORY(marks_that_were_refused_are_all_pending_before_a_mirror, 200625963,
	{ SIM_DELIVER, A, 375, 84, 888 }, { SIM_RUN, B, 76, 663, 821 },
	{ SIM_LOSE_LOG, A, 232, 85, 154 },
	{ SIM_RUN_APPEND, B, 163, 436, 82 }, { SIM_RUN, A, 0, 0, 0 })

HISTORY(marks_that_were_refused_are_all_pending_before_a_backup, 200617088,
	{ SIM_DROP, B, 630, 506, 622 }, { SIM_RUN_CUT, B, 518, 515, 21 },
	{ SIM_MOVE, A, 979, 910, 491 }, { SIM_RUN, A, 939, 507, 71 },
	{ SIM_LOSE_LOG, A, 416, 278, 847 },
	{ SIM_RUN_APPEND, A, 715, 914, 947 },
	{ SIM_RUN_BACKUP, B, 323, 846, 710 })

HISTORY(marks_refused_by_a_store_that_was_killed_are_all_pending, 200582899,
	{ SIM_RUN_APPEND, A, 359, 545, 915 }, { SIM_DELIVER, A, 753, 87, 615 },
	{ SIM_RUN_KILL, B, 217, 844, 193 },
	{ SIM_RUN_APPEND, A, 135, 668, 111 }, { SIM_RUN, A, 0, 0, 0 })

/* M11: nor one GUID, but it is the same text. */
HISTORY(a_pair_of_two_guids_whose_marks_were_refused_stays_one, 200800004,
	{ SIM_DELIVER, A, 375, 84, 888 }, { SIM_RUN, B, 76, 663, 821 },
	{ SIM_COPY_NEW_GUID, B, 0, 0, 0 }, { SIM_EXPUNGE, B, 0, 0, 0 },
	{ SIM_LOSE_LOG, B, 232, 85, 154 },
	{ SIM_RUN_APPEND, B, 163, 436, 82 }, { SIM_RUN, A, 0, 0, 0 })

/* F6: the other side's HIGHESTMODSEQ is known only by what it answers. */
HISTORY(uids_that_went_are_told_above_all_that_turns_out, 200013046,
	{ SIM_DELIVER, B, 914, 895, 970 }, { SIM_DROP, A, 428, 962, 63 },
	{ SIM_RUN, B, 619, 24, 675 }, { SIM_MOVE, B, 399, 699, 28 },
	{ SIM_REBUILD, B, 547, 549, 611 }, { SIM_RUN, A, 0, 0, 0 })

/* F6: a second run that may only add forgets nothing of it. */
HISTORY(modseqs_that_could_not_be_made_equal_stay_pending, 2406933,
	{ SIM_CREATE_DIR, A, 943, 793, 818 }, { SIM_DELIVER, A, 311, 931, 968 },
	{ SIM_DELIVER, B, 717, 742, 302 }, { SIM_FLAGS, A, 165, 287, 302 },
	{ SIM_MOVE, B, 518, 933, 188 }, { SIM_TAKE_COPY, B, 101, 43, 103 },
	{ SIM_RUN_APPEND, B, 452, 491, 655 })

/* M10: nor where many small mailboxes are under way. */
HISTORY(a_renumbering_is_not_torn_by_a_flush, 900000318,
	{ SIM_UIDVALIDITY, A, 669, 907, 33 }, { SIM_DELIVER, A, 40, 935, 335 },
	{ SIM_DELIVER, A, 784, 671, 148 }, { SIM_CREATE, A, 116, 156, 928 },
	{ SIM_DELIVER, B, 170, 192, 850 }, { SIM_MOVE, B, 293, 10, 150 },
	{ SIM_RUN, B, 765, 570, 961 })

/* M3: it may be either, so it is not told that one of them is dead. */
HISTORY(one_of_two_alike_that_is_back_stays_though_the_other_went, 2126948,
	{ SIM_DELIVER, A, 586, 230, 946 }, { SIM_COPY, A, 316, 141, 688 },
	{ SIM_RUN_GUARD, A, 406, 782, 541 }, { SIM_EXPUNGE, B, 452, 876, 628 },
	{ SIM_EXPUNGE, A, 579, 677, 800 }, { SIM_MOVE_BACK, A, 945, 972, 304 },
	{ SIM_RUN, A, 0, 0, 0 })

/* What was pending may be known there under marks that nobody took over. */
HISTORY(a_backup_finds_mail_whose_marks_could_not_be_taken_over, 200617088,
	{ SIM_DROP, B, 630, 506, 622 }, { SIM_RUN_CUT, B, 518, 515, 21 },
	{ SIM_MOVE, A, 979, 910, 491 }, { SIM_RUN, A, 939, 507, 71 },
	{ SIM_LOSE_LOG, A, 416, 278, 847 },
	{ SIM_RUN_APPEND, A, 715, 914, 947 },
	{ SIM_RUN_BACKUP, B, 323, 846, 710 })

/* B2: the source holds no messages under that name. */
HISTORY(a_backup_empties_what_is_a_mere_directory_at_its_source, 200611525,
	{ SIM_RUN_BUSY, A, 400, 246, 249 }, { SIM_RUN_BUSY, A, 850, 214, 405 },
	{ SIM_DELIVER, A, 981, 558, 548 }, { SIM_CREATE_DIR, B, 78, 535, 4 },
	{ SIM_RUN_BACKUP, B, 589, 306, 256 }, { SIM_RUN, A, 0, 0, 0 })

/* M5: what the destination took for one message are two at the source. */
HISTORY(a_backup_parts_what_its_destination_took_for_one, 200562178,
	{ SIM_RUN_BUSY, A, 827, 852, 937 }, { SIM_SUBSCRIBE, A, 450, 415, 838 },
	{ SIM_RUN_EXCEPT, A, 341, 63, 157 }, { SIM_DELIVER, A, 36, 643, 710 },
	{ SIM_DROP, B, 286, 276, 977 }, { SIM_RUN_BUSY, B, 719, 876, 224 },
	{ SIM_RUN_BACKUP, A, 968, 29, 495 }, { SIM_RUN, A, 0, 0, 0 })

HISTORY(a_backup_parts_messages_under_another_uidvalidity, 200618323,
	{ SIM_DROP, B, 518, 557, 832 }, { SIM_DELIVER, A, 32, 749, 835 },
	{ SIM_RUN_BUSY, A, 520, 873, 551 },
	{ SIM_UIDVALIDITY, A, 804, 368, 714 },
	{ SIM_EXPUNGE, A, 191, 555, 661 }, { SIM_RUN_BACKUP, B, 265, 526, 443 },
	{ SIM_RUN, A, 0, 0, 0 })

/* A cut, a kill or an error of either side while they are parted. */
START_TEST(parted_messages_come_through_whatever_happens)
{
	const struct sim_op list[] = {
		{ SIM_DROP, B, 518, 557, 832 }, { SIM_DELIVER, A, 32, 749, 835 },
		{ SIM_RUN_BUSY, A, 520, 873, 551 },
		{ SIM_UIDVALIDITY, A, 804, 368, 714 },
		{ SIM_EXPUNGE, A, 191, 555, 661 },
		{ SIM_BACKUP_CUTS + (enum sim_kind)_i / 2,
		    _i % 2 == 0 ? A : B, 265, 265, 443 },
		{ SIM_RUN, A, 0, 0, 0 },
	};

	history_play(200618323, list, nitems(list));
}
END_TEST

/* T3: though what tells of it is older than the base. */
HISTORY(a_removal_that_a_peer_could_not_do_is_done_by_a_mirror, 200812800,
	{ SIM_RUN_BUSY, B, 410, 772, 958 }, { SIM_DROP, A, 569, 31, 409 },
	{ SIM_RUN_APPEND, B, 90, 540, 579 }, { SIM_DELETE, B, 663, 307, 190 },
	{ SIM_RUN_APPEND, A, 635, 166, 519 }, { SIM_RUN, A, 0, 0, 0 })

/* F6: to tell of a UID that went counts beside the expunge itself. */
HISTORY(an_expunge_beside_an_index_made_anew_leaves_one_modseq, 200009945,
	{ SIM_DELIVER, B, 163, 934, 346 }, { SIM_RUN_EXCEPT, B, 633, 941, 277 },
	{ SIM_MOVE, A, 223, 459, 468 }, { SIM_RUN, B, 275, 886, 527 },
	{ SIM_EXPUNGE, B, 787, 116, 584 }, { SIM_REBUILD, B, 834, 990, 760 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(an_expunge_after_a_kill_and_an_index_made_anew_leaves_one, 200786729,
	{ SIM_DROP, A, 530, 803, 459 }, { SIM_RUN_KILL, A, 156, 636, 556 },
	{ SIM_MOVE, A, 22, 888, 325 }, { SIM_RUN, B, 660, 933, 772 },
	{ SIM_REBUILD, A, 787, 627, 871 }, { SIM_EXPUNGE, A, 890, 915, 972 },
	{ SIM_RUN, A, 0, 0, 0 })

HISTORY(flags_and_an_expunge_in_an_index_made_anew_leave_one_modseq,
    300005120,
	{ SIM_DELIVER, A, 556, 628, 296 }, { SIM_RUN_BUSY, B, 124, 209, 671 },
	{ SIM_REBUILD, B, 695, 912, 560 }, { SIM_EXPUNGE, B, 795, 588, 734 },
	{ SIM_RUN, A, 0, 0, 0 })

/* T14: only its stamp is new there, which is no change. */
HISTORY(what_a_backup_unsubscribed_is_no_change_of_its_source, 200758784,
	{ SIM_SUBSCRIBE, B, 547, 771, 797 }, { SIM_RUN_BACKUP, A, 44, 744, 589 },
	{ SIM_DELIVER, B, 601, 378, 28 }, { SIM_RUN, A, 521, 958, 426 },
	{ SIM_DELIVER, B, 494, 744, 621 }, { SIM_MOVE, A, 166, 536, 562 },
	{ SIM_RUN_BUSY, A, 451, 590, 60 }, { SIM_RUN, B, 834, 111, 413 })

/* F6: HIGHESTMODSEQ may be one all the same. */
HISTORY(a_modseq_that_an_append_run_leaves_unequal_is_pending, 400376384,
	{ SIM_DELIVER, B, 808, 458, 602 }, { SIM_FLAGS, B, 487, 287, 778 },
	{ SIM_DROP, A, 115, 486, 746 }, { SIM_MOVE, B, 433, 712, 823 },
	{ SIM_RUN_BUSY, A, 813, 48, 15 }, { SIM_DELIVER, A, 386, 196, 929 },
	{ SIM_RESTORE_MAIL, B, 296, 706, 212 },
	{ SIM_RUN_APPEND, B, 280, 527, 151 })

/* F6: a kill before the backup changes nothing of that. */
HISTORY(modseqs_of_a_mailbox_built_anew_after_a_kill_are_pending, 400111484,
	{ SIM_KEYWORDS, B, 803, 880, 617 }, { SIM_FLAGS, B, 926, 263, 335 },
	{ SIM_DELIVER, A, 114, 812, 757 }, { SIM_DELIVER, B, 33, 436, 341 },
	{ SIM_DELIVER, A, 476, 603, 152 }, { SIM_RUN_KILL, A, 15, 644, 294 },
	{ SIM_MOVE_BACK, A, 150, 253, 409 },
	{ SIM_RUN_BACKUP, B, 822, 831, 639 }, { SIM_RUN, A, 0, 0, 0 })

/* T13: the store's line does not tell for which name that was (P5). */
HISTORY(a_subscription_that_b_spells_otherwise_survives_a_kill, 710000128,
	{ SIM_RUN, A, 462, 76, 114 }, { SIM_DROP, A, 671, 42, 236 },
	{ SIM_SUBSCRIBE, A, 441, 984, 454 }, { SIM_KILLS, B, 287, 249, 470 })

/* T15: what one mailbox alone brought is told of again, and changes nothing. */
HISTORY(an_attribute_removed_by_a_run_of_one_mailbox_is_no_news, 500011124,
	{ SIM_RUN, B, 628, 965, 966 }, { SIM_KEYWORDS, B, 247, 145, 335 },
	{ SIM_ATTRIBUTE, A, 0, 827, 682 },
	{ SIM_RUN_FILTER, B, 820, 645, 136 },
	{ SIM_ATTRIBUTE, A, 0, 471, 13 }, { SIM_FLAGS, B, 227, 424, 866 },
	{ SIM_KEYWORDS, B, 527, 791, 797 }, { SIM_ATTRIBUTE, B, 0, 91, 943 },
	{ SIM_ATTRIBUTE, A, 0, 633, 718 }, { SIM_RUN, A, 0, 0, 0 })

/* T15: whoever was not there when it was removed does not bring it back. */
HISTORY(an_attribute_that_one_of_three_stores_removes_is_gone, 1000000001,
	{ SIM_REST, A, 0, 0, 0 }, { SIM_ATTRIBUTE, A, 0, 1, 3 },
	{ SIM_REST, A, 0, 0, 0 }, { SIM_ATTRIBUTE, C, 0, 1, 0 },
	{ SIM_PAIR_CUT, C, 20, 0, 0 }, { SIM_ATTRIBUTE, B, 0, 2, 4 },
	{ SIM_REST, A, 1, 0, 0 })

/* B2: and a later change of the source is one for a mirror as well. */
HISTORY(an_attribute_is_as_the_source_of_a_backup_has_it, 200000001,
	{ SIM_RUN, A, 0, 0, 0 }, { SIM_ATTRIBUTE, A, 0, 0, 3 },
	{ SIM_ATTRIBUTE, B, 0, 0, 4 }, { SIM_ATTRIBUTE, B, 0, 1, 4 },
	{ SIM_RUN_BACKUP, A, 0, 0, 0 }, { SIM_ATTRIBUTE, A, 0, 0, 0 },
	{ SIM_RUN, A, 0, 0, 0 })

/* The list names the mailbox by a GUID that it had before the backup. */
HISTORY(modseqs_pending_under_a_former_guid_are_looked_at, 400597854,
	{ SIM_DROP, A, 919, 74, 618 }, { SIM_DROP, B, 472, 391, 975 },
	{ SIM_RUN_APPEND, A, 124, 190, 948 }, { SIM_CLOCK, B, 739, 318, 673 },
	{ SIM_RUN_BACKUP, B, 512, 27, 450 }, { SIM_RUN, A, 0, 0, 0 })

/* F6: where the UID is gone it was another one by then. */
HISTORY(the_uid_that_an_expunge_finds_is_told_on_both_sides, 400628302,
	{ SIM_DELIVER, B, 478, 369, 562 }, { SIM_RUN_BUSY, B, 143, 400, 658 },
	{ SIM_RUN_CUT, A, 499, 860, 205 }, { SIM_EXPUNGE, B, 401, 432, 97 },
	{ SIM_RUN, A, 0, 0, 0 })

/* B2: in a backup that may only add, too. */
HISTORY(a_mailbox_stays_one_whose_name_is_a_directory_of_the_source,
	200180361,
	{ SIM_CREATE_DIR, B, 946, 790, 999 },
	{ SIM_RUN_APPEND, B, 185, 771, 77 }, { SIM_CREATE, B, 310, 918, 929 },
	{ SIM_RUN_APPEND, B, 351, 671, 620 })

/* B2: after a kill as well. */
HISTORY(a_directory_that_became_a_mailbox_stays_one_after_a_kill, 400634278,
	{ SIM_CREATE_DIR, B, 265, 731, 198 },
	{ SIM_RUN_KILL, B, 218, 226, 83 }, { SIM_CREATE, B, 191, 947, 407 },
	{ SIM_RUN_APPEND, B, 535, 277, 23 })

/* M3: one UID went and another one came, whatever was in between. */
HISTORY(a_copy_that_is_left_of_what_was_moved_stands_for_it, 400297255,
	{ SIM_DROP, A, 297, 563, 373 }, { SIM_RUN, A, 8, 471, 785 },
	{ SIM_MOVE, B, 697, 502, 268 }, { SIM_COPY, B, 632, 935, 333 },
	{ SIM_EXPUNGE, A, 779, 537, 43 }, { SIM_EXPUNGE, B, 546, 496, 427 },
	{ SIM_RUN, A, 0, 0, 0 })

/* Cuts, then kills of each side, of a run that has all kinds of work to do. */
START_TEST(any_cut_and_any_kill_end_as_the_run_would_have)
{
	const struct sim_op list[] = {
		{ SIM_CREATE, A, 0, 0, 0 }, { SIM_DELIVER, A, 0, 0, 0 },
		{ SIM_DELIVER, A, 0, 1, 3 }, { SIM_DELIVER, B, 0, 0, 0 },
		{ SIM_RUN, A, 0, 0, 0 }, { SIM_MOVE, A, 0, 0, 1 },
		{ SIM_FLAGS, B, 0, 1, 1 }, { SIM_EXPUNGE, B, 0, 2, 0 },
		{ SIM_DELIVER, B, 0, 0, 0 },
		{ _i % 3 == 0 ? SIM_CUTS : SIM_KILLS, _i % 3 == 1 ? A : B, 0,
		    (uint32_t)_i / 3, (uint32_t)_i },
		{ SIM_RUN, A, 0, 0, 0 },
	};

	history_play(1, list, nitems(list));
}
END_TEST

/*
 * UIDs that went are used again under another UIDVALIDITY: what is known of the
 * messages that went, on either side, ends none of those.
 */
START_TEST(what_went_under_another_uidvalidity_ends_no_other_message)
{
	const uint32_t first = _i % 2 == 0 ? A : B;
	const uint32_t other = _i / 2 % 2 == 0 ? A : B;
	const struct sim_op list[] = {
		{ SIM_CREATE, A, 0, 0, 0 }, { SIM_DELIVER, A, 0, 0, 0 },
		{ SIM_DELIVER, A, 0, 1, 3 }, { SIM_DELIVER, B, 0, 0, 0 },
		{ SIM_RUN, A, 0, 0, 0 },
		{ SIM_EXPUNGE, first, 0, (uint32_t)_i % 3, 0 },
		{ _i < 8 ? SIM_RUN : SIM_FLAGS, A, 0, 1, 1 },
		{ SIM_UIDVALIDITY, other, 0, 0, 0 },
		{ SIM_DELIVER, other, 0, 2, 4 },
		{ SIM_EXPUNGE, other == A ? B : A, 0, 1, 0 },
		{ SIM_RUN, A, 0, 0, 0 }, { SIM_DELIVER, first, 0, 3, 5 },
		{ _i % 5 == 0 ? SIM_LOSE_LOG : SIM_RUN, other, 0, 0, 0 },
		{ SIM_RUN, A, 0, 0, 0 },
	};

	history_play(1, list, nitems(list));
}
END_TEST

/* T5: two stores that know of no deletion take both mailboxes for one. */
HISTORY(mail_of_a_deleted_mailbox_does_not_return_by_a_third_store, 1000204899,
	{ SIM_REST, A, 0, 0, 0 }, { SIM_CREATE, A, 297, 165, 702 },
	{ SIM_CREATE, C, 205, 238, 48 }, { SIM_DELIVER, C, 823, 837, 865 },
	{ SIM_PAIR_RUN, C, 151, 852, 867 }, { SIM_RECREATE, C, 344, 775, 802 },
	{ SIM_PAIR_RUN, B, 203, 607, 226 }, { SIM_REST, A, 0, 0, 0 })

HISTORY(mail_of_a_deleted_mailbox_does_not_return_after_a_kill, 1000204899,
	{ SIM_REST, A, 0, 0, 0 }, { SIM_CREATE, A, 297, 165, 702 },
	{ SIM_CREATE, C, 205, 238, 48 }, { SIM_DELIVER, C, 823, 837, 865 },
	{ SIM_PAIR_RUN, C, 151, 852, 867 }, { SIM_RECREATE, C, 344, 775, 802 },
	{ SIM_PAIR_KILL, B, 203, 607, 226 }, { SIM_REST, A, 0, 0, 0 })

/* T15: what a change of the GUID that was cut had copied under the new one. */
HISTORY(an_attribute_removed_after_a_kill_does_not_return, 610240207,
	{ SIM_ATTRIBUTE, A, 0, 998, 477 }, { SIM_RUN_KILL, A, 714, 808, 618 },
	{ SIM_ATTRIBUTE, A, 0, 788, 329 }, { SIM_RUN, A, 0, 0, 0 })

/* E7: -n, too, knows that the other side has none any more. */
HISTORY(what_a_run_of_one_mailbox_has_removed_is_not_planned_again, 500011124,
	{ SIM_RUN, B, 628, 965, 966 }, { SIM_KEYWORDS, B, 247, 145, 335 },
	{ SIM_ATTRIBUTE, A, 0, 827, 682 }, { SIM_RUN_FILTER, B, 820, 645, 136 },
	{ SIM_ATTRIBUTE, A, 0, 471, 13 }, { SIM_FLAGS, B, 227, 424, 866 },
	{ SIM_KEYWORDS, B, 527, 791, 797 }, { SIM_ATTRIBUTE, B, 0, 91, 943 },
	{ SIM_ATTRIBUTE, A, 0, 633, 718 }, { SIM_RUN, A, 0, 0, 0 })

/* T8: the host that set it after a backup has the slower clock (T15). */
HISTORY(an_attribute_set_by_a_clock_that_is_behind_is_not_lost, 600355489,
	{ SIM_RUN, A, 234, 408, 943 }, { SIM_ATTRIBUTE, B, 857, 196, 581 },
	{ SIM_DROP, B, 168, 253, 29 }, { SIM_RUN_BACKUP, B, 356, 632, 129 },
	{ SIM_CLOCK, A, 429, 111, 859 }, { SIM_ATTRIBUTE, A, 0, 730, 438 },
	{ SIM_RUN, A, 0, 0, 0 })

/* F6: the other side's counted as done although this one had failed. */
HISTORY(a_modseq_that_could_not_be_raised_is_news_of_the_other_side, 600330394,
	{ SIM_EXPUNGE, A, 631, 691, 729 }, { SIM_DELIVER, A, 186, 123, 400 },
	{ SIM_RUN_APPEND, A, 178, 724, 629 }, { SIM_COPY, A, 576, 547, 834 },
	{ SIM_DROP, A, 491, 358, 277 }, { SIM_KEYWORDS, B, 248, 415, 940 },
	{ SIM_COPY_NEW_GUID, B, 13, 850, 281 },
	{ SIM_RUN_KILL, A, 40, 677, 422 })

/* M4: each of two that share a GUID takes its own flags to its new UID. */
HISTORY(of_two_alike_that_a_killed_run_renumbered_each_stays_itself, 800109184,
	{ SIM_RUN_BUSY, B, 641, 273, 414 }, { SIM_DELIVER, A, 437, 282, 398 },
	{ SIM_MOVE, B, 917, 912, 914 }, { SIM_RUN_APPEND, B, 65, 707, 182 },
	{ SIM_MOVE_BACK, A, 59, 624, 387 }, { SIM_MOVE, B, 672, 453, 47 },
	{ SIM_DELIVER, B, 509, 854, 467 }, { SIM_FLAGS, B, 21, 847, 312 },
	{ SIM_KILLS, A, 76, 83, 264 })

/* F6: it is cut between a commit and the round that makes them equal. */
HISTORY(a_highestmodseq_that_is_above_is_pending_till_it_is_followed, 800115264,
	{ SIM_DROP, B, 464, 62, 637 }, { SIM_RUN_BACKUP, B, 84, 203, 545 },
	{ SIM_RUN_KILL, B, 842, 788, 297 }, { SIM_REBUILD, B, 780, 198, 286 },
	{ SIM_RUN_CUT, A, 899, 249, 312 })

/* M10: a store that has taken the other one's gives neither of them again. */
HISTORY(a_new_uidvalidity_is_none_that_the_other_store_had, 800374656,
	{ SIM_DROP, A, 564, 917, 701 }, { SIM_RUN, A, 556, 616, 864 },
	{ SIM_RUN_BUSY, B, 604, 106, 453 },
	{ SIM_UIDVALIDITY, A, 657, 938, 617 },
	{ SIM_RUN_APPEND, B, 154, 360, 962 }, { SIM_EXPUNGE, B, 539, 874, 306 },
	{ SIM_UIDVALIDITY, B, 559, 956, 199 }, { SIM_RUN, A, 0, 0, 0 })

/* F6: where the brain is not told how high the other one was. */
HISTORY(an_expunge_that_counts_above_what_was_wanted_is_followed, 800625576,
	{ SIM_RUN_GUARD, A, 806, 964, 832 }, { SIM_DELIVER, B, 596, 480, 48 },
	{ SIM_UIDVALIDITY, A, 765, 834, 884 }, { SIM_RUN, B, 636, 894, 263 },
	{ SIM_REBUILD, A, 546, 513, 994 }, { SIM_EXPUNGE, A, 984, 405, 633 },
	{ SIM_RUN, A, 0, 0, 0 })

/* M13: it was gone before a run that could give it in earnest. */
HISTORY(a_uid_that_the_log_alone_gave_is_not_given_to_others, 800507044,
	{ SIM_TAKE_COPY, A, 518, 655, 456 }, { SIM_DROP, A, 44, 335, 539 },
	{ SIM_RUN_BACKUP, B, 420, 379, 358 },
	{ SIM_RESTORE_MAIL, A, 495, 978, 92 }, { SIM_RUN, A, 0, 0, 0 })

/* M9: one of its marks is dead; those that would make them one were refused. */
HISTORY(what_stays_by_a_mark_that_was_refused_is_not_added_twice, 801069696,
	{ SIM_DROP, A, 691, 485, 975 }, { SIM_DELIVER, B, 971, 26, 991 },
	{ SIM_RUN_DRY, A, 302, 352, 91 }, { SIM_RUN_CUT, A, 118, 28, 941 },
	{ SIM_RUN_EXCEPT, B, 941, 54, 517 }, { SIM_DELIVER, B, 726, 330, 211 },
	{ SIM_MOVE, B, 963, 745, 662 }, { SIM_DELIVER, A, 404, 990, 744 },
	{ SIM_EXPUNGE, A, 6, 183, 424 }, { SIM_RUN_CUT, A, 229, 558, 849 },
	{ SIM_COPY_NEW_GUID, A, 549, 142, 472 },
	{ SIM_EXPUNGE, B, 814, 710, 109 }, { SIM_MOVE, A, 892, 747, 852 },
	{ SIM_SUBSCRIBE, A, 109, 158, 538 },
	{ SIM_RUN_KILL, B, 455, 146, 440 },
	{ SIM_RUN_APPEND, A, 619, 773, 114 }, { SIM_RUN, A, 0, 0, 0 })

/* F6: telling of UIDs that went counts, where the brain knew no better. */
HISTORY(a_modseq_that_telling_of_vanished_uids_raised_is_followed, 802007874,
	{ SIM_DELIVER, B, 808, 167, 520 }, { SIM_DELIVER, A, 702, 190, 43 },
	{ SIM_RUN, A, 250, 890, 702 }, { SIM_RUN_CUT, B, 752, 285, 301 },
	{ SIM_REBUILD, A, 978, 489, 182 }, { SIM_MOVE, A, 819, 500, 817 },
	{ SIM_MOVE, A, 112, 263, 898 }, { SIM_RUN, A, 0, 0, 0 })

HISTORY(a_uidvalidity_that_was_set_before_a_kill_is_seen, 802117993,
	{ SIM_RUN_BACKUP, B, 3, 396, 76 },
	{ SIM_UIDVALIDITY, A, 575, 844, 612 },
	{ SIM_RUN_KILL, B, 214, 182, 811 },
	{ SIM_RUN_BACKUP, A, 713, 397, 874 })

/* T8: a run that looks at all goes by stamps, which a backup has raised. */
HISTORY(a_full_look_may_differ_where_a_clock_is_behind_a_backup, 801492412,
	{ SIM_RUN_BUSY, B, 993, 483, 542 }, { SIM_ATTRIBUTE, A, 0, 305, 425 },
	{ SIM_ATTRIBUTE, A, 0, 474, 958 }, { SIM_CLOCK, A, 373, 219, 35 },
	{ SIM_ATTRIBUTE, B, 0, 788, 490 }, { SIM_ATTRIBUTE, B, 0, 966, 743 },
	{ SIM_RUN_BACKUP, B, 964, 446, 964 },
	{ SIM_ATTRIBUTE, A, 877, 142, 166 }, { SIM_ATTRIBUTE, A, 0, 587, 141 },
	{ SIM_RUN, A, 0, 0, 0 })

/* T13, T16: its GUID is made of its name, not of its spelling (P5). */
HISTORY(a_directory_that_b_spells_otherwise_survives_a_kill, 870330624,
	{ SIM_CREATE_DIR, A, 82, 390, 911 }, { SIM_KILLS, B, 866, 528, 605 })

/* T13: nor does the name of a mailbox become its spelling (P5). */
HISTORY(a_mailbox_that_b_spells_otherwise_survives_a_kill, 870330624,
	{ SIM_CREATE, A, 82, 390, 911 }, { SIM_KILLS, B, 866, 528, 605 })

/* M10, E1: what has no UID that is known was not found, and yet is there. */
HISTORY(what_could_not_be_renumbered_is_not_taken_for_expunged, 900873612,
	{ SIM_DELIVER, B, 418, 443, 739 }, { SIM_RUN, B, 523, 737, 138 },
	{ SIM_EXPUNGE, A, 760, 234, 373 },
	{ SIM_UIDVALIDITY, A, 142, 902, 572 },
	{ SIM_DELIVER, B, 185, 894, 614 },
	{ SIM_ALL_FAULTS, B, 452, 328, 875 })

/* M10, M3: of two alike the one went; the other one came after that. */
HISTORY(what_went_is_not_paired_with_what_came_after_it, 900874674,
	{ SIM_CREATE, B, 278, 364, 344 }, { SIM_DELIVER, A, 541, 539, 662 },
	{ SIM_RUN, A, 227, 481, 46 }, { SIM_COPY, A, 777, 902, 142 },
	{ SIM_MOVE, B, 472, 241, 659 }, { SIM_UIDVALIDITY, B, 40, 146, 766 },
	{ SIM_ALL_FAULTS, B, 258, 98, 608 })

/* T15, P5: what is set back before a log has it was perhaps never set. */
HISTORY(an_attribute_that_no_log_knows_may_return_after_a_kill, 1000922675,
	{ SIM_REST, A, 0, 0, 0 }, { SIM_ATTRIBUTE, A, 0, 74, 84 },
	{ SIM_PAIR_RUN, A, 308, 551, 452 }, { SIM_PAIR_KILL, C, 7, 61, 722 },
	{ SIM_ATTRIBUTE, C, 0, 311, 9 }, { SIM_REST, A, 0, 0, 0 })

/* E5: UIDNEXT had come up again, and what had raised it was gone. */
HISTORY(a_store_taken_back_that_looks_emptied_is_believed, 878101259,
	{ SIM_DELIVER, A, 269, 747, 9 }, { SIM_DELIVER, B, 451, 618, 714 },
	{ SIM_TAKE_COPY, B, 450, 901, 236 }, { SIM_RUN, A, 601, 592, 556 },
	{ SIM_RESTORE_MAIL, B, 481, 646, 853 },
	{ SIM_ATTRIBUTE, A, 0, 448, 304 }, { SIM_RUN_BUSY, A, 213, 970, 580 },
	{ SIM_RUN, A, 0, 0, 0 })

/* M10, E1: the UID that it had before is nobody's now. */
HISTORY(what_was_left_out_when_uids_began_anew_is_there, 900883030,
	{ SIM_DROP, B, 796, 256, 684 }, { SIM_RUN, A, 267, 355, 890 },
	{ SIM_UIDVALIDITY, B, 486, 169, 610 },
	{ SIM_EXPUNGE, B, 907, 291, 367 }, { SIM_DROP, B, 118, 115, 247 },
	{ SIM_ALL_FAULTS, A, 379, 288, 979 })

/* F6: who is ahead forgets so when the other one has followed, not before. */
HISTORY(a_highestmodseq_is_followed_after_a_cut_while_it_was, 890228480,
	{ SIM_DROP, B, 441, 405, 10 }, { SIM_RUN_BUSY, A, 845, 65, 516 },
	{ SIM_REBUILD, A, 564, 620, 674 }, { SIM_RUN_CUT, A, 983, 998, 453 },
	{ SIM_RUN, A, 0, 0, 0 })

/* E7: a keyword that went and came has a new stamp, which nobody sees. */
HISTORY(a_dry_run_announces_no_stamps_that_alone_differ, 871002294,
	{ SIM_SUBSCRIBE, A, 873, 456, 213 }, { SIM_REBUILD, B, 225, 94, 457 },
	{ SIM_DROP, B, 856, 263, 105 }, { SIM_RUN_GUARD, B, 31, 281, 985 },
	{ SIM_KEYWORDS, A, 330, 941, 656 }, { SIM_RUN, A, 0, 0, 0 })

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "histories");

	tcase_add_test(tcase,
	    a_deleted_mailbox_that_comes_again_is_another_one);
	tcase_add_test(tcase, a_changed_uidvalidity_is_taken_over);
	tcase_add_test(tcase, a_subscription_comes_through_with_a_new_mailbox);
	tcase_add_test(tcase, a_message_moved_within_its_mailbox_is_followed);
	tcase_add_test(tcase, a_backup_that_discards_mail_can_become_a_mirror);
	tcase_add_test(tcase,
	    a_mailbox_restored_without_its_log_takes_no_uid_twice);
	tcase_add_test(tcase,
	    mail_that_came_during_a_run_gets_a_modseq_above_what_was_raised);
	tcase_add_test(tcase, crossing_uids_come_to_rest);
	tcase_add_test(tcase,
	    mail_in_a_mailbox_that_could_not_be_read_comes_later);
	tcase_add_test(tcase, a_backup_gives_the_uids_that_a_mirror_keeps);
	tcase_add_test(tcase,
	    a_renumbering_is_cut_before_or_after_but_not_between);
	tcase_add_test(tcase, a_save_whose_record_was_lost_is_not_done_twice);
	tcase_add_test(tcase, flags_that_failed_are_found_by_any_mark);
	tcase_add_test(tcase, a_renumbering_is_not_torn_by_a_copy);
	tcase_add_test(tcase,
	    a_renamed_mailbox_that_cant_be_opened_is_not_gone);
	tcase_add_test(tcase,
	    new_mail_does_not_hide_that_a_store_was_taken_back);
	tcase_add_test(tcase,
	    nothing_is_saved_into_a_mailbox_that_was_not_looked_at);
	tcase_add_test(tcase,
	    what_follows_another_uid_may_fail_and_is_looked_at_again);
	tcase_add_test(tcase,
	    a_backup_clears_no_subscription_that_is_not_there);
	tcase_add_test(tcase, what_is_expunged_does_not_go_round_in_a_ring);
	tcase_add_test(tcase, a_deleted_mailbox_does_not_go_round_in_a_ring);
	tcase_add_test(tcase, a_removal_that_was_refused_is_tried_again);
	tcase_add_test(tcase,
	    flags_that_are_there_already_do_not_go_round_in_a_ring);
	tcase_add_test(tcase,
	    a_save_tried_again_gets_modseq_and_uid_from_the_store);
	tcase_add_test(tcase,
	    what_stood_under_the_name_of_another_mailbox_is_gone);
	tcase_add_test(tcase, a_directory_becomes_a_mailbox_with_modseqs);
	tcase_add_test(tcase, two_subscriptions_that_are_spelt_alike_stay);
	tcase_add_test(tcase,
	    one_of_two_subscriptions_that_are_spelt_alike_goes_alone);
	tcase_add_test(tcase,
	    mail_that_came_and_went_during_a_run_leaves_one_modseq);
	tcase_add_test(tcase, a_run_that_mends_and_is_killed_leaves_one_modseq);
	tcase_add_test(tcase, a_full_look_sees_that_modseqs_alone_differ);
	tcase_add_test(tcase, a_directory_that_was_removed_can_be_made_again);
	tcase_add_test(tcase,
	    names_that_were_swapped_wait_for_a_run_without_selection);
	tcase_add_test(tcase,
	    a_backup_back_does_not_forget_that_modseqs_differ);
	tcase_add_test(tcase,
	    a_uidvalidity_that_could_not_be_taken_over_is_pending);
	tcase_add_test(tcase,
	    a_store_that_may_only_be_added_to_gets_no_mail_twice);
	tcase_add_test(tcase,
	    marks_that_were_refused_are_all_pending_before_a_mirror);
	tcase_add_test(tcase,
	    marks_that_were_refused_are_all_pending_before_a_backup);
	tcase_add_test(tcase,
	    marks_refused_by_a_store_that_was_killed_are_all_pending);
	tcase_add_test(tcase,
	    a_pair_of_two_guids_whose_marks_were_refused_stays_one);
	tcase_add_test(tcase,
	    uids_that_went_are_told_above_all_that_turns_out);
	tcase_add_test(tcase, a_renumbering_is_not_torn_by_a_flush);
	tcase_add_test(tcase,
	    modseqs_that_could_not_be_made_equal_stay_pending);
	tcase_add_test(tcase,
	    one_of_two_alike_that_is_back_stays_though_the_other_went);
	tcase_add_test(tcase,
	    a_backup_finds_mail_whose_marks_could_not_be_taken_over);
	tcase_add_test(tcase,
	    a_backup_empties_what_is_a_mere_directory_at_its_source);
	tcase_add_test(tcase,
	    a_backup_parts_what_its_destination_took_for_one);
	tcase_add_test(tcase,
	    a_backup_parts_messages_under_another_uidvalidity);
	tcase_add_test(tcase,
	    a_removal_that_a_peer_could_not_do_is_done_by_a_mirror);
	tcase_add_test(tcase,
	    an_expunge_beside_an_index_made_anew_leaves_one_modseq);
	tcase_add_test(tcase,
	    an_expunge_after_a_kill_and_an_index_made_anew_leaves_one);
	tcase_add_test(tcase,
	    flags_and_an_expunge_in_an_index_made_anew_leave_one_modseq);
	tcase_add_test(tcase,
	    what_a_backup_unsubscribed_is_no_change_of_its_source);
	tcase_add_test(tcase,
	    a_modseq_that_an_append_run_leaves_unequal_is_pending);
	tcase_add_test(tcase,
	    modseqs_of_a_mailbox_built_anew_after_a_kill_are_pending);
	tcase_add_test(tcase,
	    a_subscription_that_b_spells_otherwise_survives_a_kill);
	tcase_add_test(tcase,
	    an_attribute_removed_by_a_run_of_one_mailbox_is_no_news);
	tcase_add_test(tcase,
	    an_attribute_that_one_of_three_stores_removes_is_gone);
	tcase_add_test(tcase,
	    an_attribute_is_as_the_source_of_a_backup_has_it);
	tcase_add_test(tcase,
	    modseqs_pending_under_a_former_guid_are_looked_at);
	tcase_add_test(tcase,
	    the_uid_that_an_expunge_finds_is_told_on_both_sides);
	tcase_add_test(tcase,
	    a_mailbox_stays_one_whose_name_is_a_directory_of_the_source);
	tcase_add_test(tcase,
	    a_directory_that_became_a_mailbox_stays_one_after_a_kill);
	tcase_add_test(tcase,
	    a_copy_that_is_left_of_what_was_moved_stands_for_it);
	tcase_add_test(tcase,
	    mail_of_a_deleted_mailbox_does_not_return_by_a_third_store);
	tcase_add_test(tcase,
	    mail_of_a_deleted_mailbox_does_not_return_after_a_kill);
	tcase_add_test(tcase,
	    an_attribute_removed_after_a_kill_does_not_return);
	tcase_add_test(tcase,
	    what_a_run_of_one_mailbox_has_removed_is_not_planned_again);
	tcase_add_test(tcase,
	    an_attribute_set_by_a_clock_that_is_behind_is_not_lost);
	tcase_add_test(tcase,
	    a_modseq_that_could_not_be_raised_is_news_of_the_other_side);
	tcase_add_test(tcase,
	    of_two_alike_that_a_killed_run_renumbered_each_stays_itself);
	tcase_add_test(tcase,
	    a_highestmodseq_that_is_above_is_pending_till_it_is_followed);
	tcase_add_test(tcase,
	    a_new_uidvalidity_is_none_that_the_other_store_had);
	tcase_add_test(tcase,
	    an_expunge_that_counts_above_what_was_wanted_is_followed);
	tcase_add_test(tcase,
	    a_uid_that_the_log_alone_gave_is_not_given_to_others);
	tcase_add_test(tcase,
	    what_stays_by_a_mark_that_was_refused_is_not_added_twice);
	tcase_add_test(tcase,
	    a_modseq_that_telling_of_vanished_uids_raised_is_followed);
	tcase_add_test(tcase,
	    a_uidvalidity_that_was_set_before_a_kill_is_seen);
	tcase_add_test(tcase,
	    a_full_look_may_differ_where_a_clock_is_behind_a_backup);
	tcase_add_test(tcase,
	    a_directory_that_b_spells_otherwise_survives_a_kill);
	tcase_add_test(tcase,
	    a_mailbox_that_b_spells_otherwise_survives_a_kill);
	tcase_add_test(tcase,
	    what_could_not_be_renumbered_is_not_taken_for_expunged);
	tcase_add_test(tcase,
	    what_went_is_not_paired_with_what_came_after_it);
	tcase_add_test(tcase,
	    an_attribute_that_no_log_knows_may_return_after_a_kill);
	tcase_add_test(tcase,
	    a_store_taken_back_that_looks_emptied_is_believed);
	tcase_add_test(tcase,
	    what_was_left_out_when_uids_began_anew_is_there);
	tcase_add_test(tcase,
	    a_highestmodseq_is_followed_after_a_cut_while_it_was);
	tcase_add_test(tcase,
	    a_dry_run_announces_no_stamps_that_alone_differ);
	tcase_add_loop_test(tcase,
	    parted_messages_come_through_whatever_happens, 0, 6);
	tcase_add_loop_test(tcase,
	    what_went_under_another_uidvalidity_ends_no_other_message, 0, 16);
	tcase_add_loop_test(tcase,
	    any_cut_and_any_kill_end_as_the_run_would_have, 0, 24);
	return unit_run(suite);
}
