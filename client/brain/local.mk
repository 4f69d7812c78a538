# The merge: messages in, messages out, no I/O.
noinst_LIBRARIES += %D%/libbrain.a
%C%_libbrain_a_SOURCES = \
	%D%/brain.c %D%/brain.h %D%/run.h \
	%D%/answers.c %D%/attributes.c %D%/texts.c %D%/guard.c \
	%D%/hint.c %D%/hint.h %D%/jobs.c %D%/jobs_ask.c \
	%D%/lists.c %D%/emit.c %D%/results.c %D%/tell.c \
	%D%/merge_attributes.c %D%/merge_attributes.h \
	%D%/merge_flags.c %D%/merge_flags.h \
	%D%/merge_mails.c %D%/merge_mails.h %D%/merge_int.h \
	%D%/merge_pair.c %D%/merge_decide.c %D%/merge_uids.c \
	%D%/merge_modseqs.c %D%/highest.c %D%/rebuild.c \
	%D%/merge_tree.c %D%/merge_tree.h %D%/merge_tree_left.c \
	%D%/merge_tree_ops.c \
	%D%/plan.c %D%/plan.h
