# Laws and tables of the merge.
if HAVE_CHECK
check_PROGRAMS += %D%/test_brain
%C%_test_brain_SOURCES = %D%/test_brain.c
%C%_test_brain_LDADD = $(LINK_BRAIN) $(LINK_CHECK)
check_PROGRAMS += %D%/test_merge_append
%C%_test_merge_append_SOURCES = %D%/test_merge_append.c %D%/mails_model.c \
	%D%/mails_model.h tests/support/rng.c
%C%_test_merge_append_LDADD = $(LINK_BRAIN) $(LINK_CHECK)
check_PROGRAMS += %D%/test_merge_attributes
%C%_test_merge_attributes_SOURCES = %D%/test_merge_attributes.c \
	tests/support/rng.c
%C%_test_merge_attributes_LDADD = $(LINK_BRAIN) $(LINK_CHECK)
check_PROGRAMS += %D%/test_merge_flags
%C%_test_merge_flags_SOURCES = %D%/test_merge_flags.c tests/support/rng.c
%C%_test_merge_flags_LDADD = $(LINK_BRAIN) $(LINK_CHECK)
check_PROGRAMS += %D%/test_merge_laws
%C%_test_merge_laws_SOURCES = %D%/test_merge_laws.c %D%/mails_model.c \
	%D%/mails_model.h tests/support/rng.c
%C%_test_merge_laws_LDADD = $(LINK_BRAIN) $(LINK_CHECK)
check_PROGRAMS += %D%/test_merge_mails
%C%_test_merge_mails_SOURCES = %D%/test_merge_mails.c %D%/mails_model.c \
	%D%/mails_model.h tests/support/rng.c
%C%_test_merge_mails_LDADD = $(LINK_BRAIN) $(LINK_CHECK)
check_PROGRAMS += %D%/test_merge_modseqs
%C%_test_merge_modseqs_SOURCES = %D%/test_merge_modseqs.c
%C%_test_merge_modseqs_LDADD = $(LINK_BRAIN) $(LINK_CHECK)
check_PROGRAMS += %D%/test_merge_notes
%C%_test_merge_notes_SOURCES = %D%/test_merge_notes.c %D%/mails_model.c \
	%D%/mails_model.h tests/support/rng.c
%C%_test_merge_notes_LDADD = $(LINK_BRAIN) $(LINK_CHECK)
check_PROGRAMS += %D%/test_merge_subscriptions
%C%_test_merge_subscriptions_SOURCES = %D%/test_merge_subscriptions.c %D%/tree_model.c \
	%D%/tree_model.h
%C%_test_merge_subscriptions_LDADD = $(LINK_BRAIN) $(LINK_CHECK)
check_PROGRAMS += %D%/test_merge_tree
%C%_test_merge_tree_SOURCES = %D%/test_merge_tree.c %D%/tree_model.c \
	%D%/tree_model.h
%C%_test_merge_tree_LDADD = $(LINK_BRAIN) $(LINK_CHECK)
check_PROGRAMS += %D%/test_merge_trees
%C%_test_merge_trees_SOURCES = %D%/test_merge_trees.c %D%/tree_model.c \
	%D%/tree_model.h tests/support/rng.c
%C%_test_merge_trees_LDADD = $(LINK_BRAIN) $(LINK_CHECK)
endif
