# Both ends of a run in one process.
if HAVE_CHECK
check_PROGRAMS += %D%/test_session
%C%_test_session_SOURCES = %D%/test_session.c $(drive_sources)
%C%_test_session_LDADD = $(LINK_SESSION) $(LINK_CHECK)
check_PROGRAMS += %D%/test_session_apply
%C%_test_session_apply_SOURCES = %D%/test_session_apply.c $(drive_sources)
%C%_test_session_apply_LDADD = $(LINK_SESSION) $(LINK_CHECK)
check_PROGRAMS += %D%/test_session_intent
%C%_test_session_intent_SOURCES = %D%/test_session_intent.c $(drive_sources)
%C%_test_session_intent_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=chlog_commit
%C%_test_session_intent_LDADD = $(LINK_SESSION) $(LINK_CHECK)
check_PROGRAMS += %D%/test_session_view
%C%_test_session_view_SOURCES = %D%/test_session_view.c $(drive_sources)
%C%_test_session_view_LDADD = $(LINK_SESSION) $(LINK_CHECK)
check_PROGRAMS += %D%/test_hostile
%C%_test_hostile_SOURCES = %D%/test_hostile.c %D%/two_stores.c \
	%D%/two_stores.h $(sim_sources)
%C%_test_hostile_LDFLAGS = $(AM_LDFLAGS) $(sim_wraps)
%C%_test_hostile_LDADD = client/brain/libbrain.a $(LINK_SESSION) \
	$(LINK_CHECK)
check_PROGRAMS += %D%/test_large
%C%_test_large_SOURCES = %D%/test_large.c %D%/two_stores.c \
	%D%/two_stores.h $(sim_sources)
%C%_test_large_LDFLAGS = $(AM_LDFLAGS) $(sim_wraps)
%C%_test_large_LDADD = client/brain/libbrain.a $(LINK_SESSION) \
	$(LINK_CHECK)
check_PROGRAMS += %D%/test_histories
%C%_test_histories_SOURCES = %D%/test_histories.c $(histories_sources)
%C%_test_histories_LDFLAGS = $(AM_LDFLAGS) $(sim_wraps)
%C%_test_histories_LDADD = client/brain/libbrain.a $(LINK_SESSION) \
	$(LINK_CHECK)
check_PROGRAMS += %D%/test_histories_points
%C%_test_histories_points_SOURCES = %D%/test_histories_points.c \
	$(histories_sources)
%C%_test_histories_points_LDFLAGS = $(AM_LDFLAGS) $(sim_wraps)
%C%_test_histories_points_LDADD = client/brain/libbrain.a $(LINK_SESSION) \
	$(LINK_CHECK)
endif
check_PROGRAMS += %D%/simulate
%C%_simulate_SOURCES = %D%/simulate.c $(sim_sources)
%C%_simulate_LDFLAGS = $(AM_LDFLAGS) $(sim_wraps)
%C%_simulate_LDADD = client/brain/libbrain.a $(LINK_SESSION)

drive_sources = %D%/drive.c %D%/drive.h tests/support/tempdir.c \
	tests/support/tempdir.h
sim_sources = %D%/sim.c %D%/sim.h %D%/sim_run.c %D%/sim_log.c \
	%D%/sim_client.c %D%/sim_check.c %D%/sim_history.c \
	%D%/sim_model.c %D%/sim_three.c %D%/sim_modseq.c %D%/sim_points.c \
	%D%/sim_plan.c %D%/sim_attributes.c %D%/sim_start.c \
	tests/support/rng.c
histories_sources = %D%/histories.c %D%/histories.h $(sim_sources)
# Chance, the end of a process and where logs are kept are the simulation's.
sim_wraps = -Wl,--wrap=random_bytes -Wl,--wrap=chlog_open \
	-Wl,--wrap=chlog_close -Wl,--wrap=chlog_path -Wl,--wrap=chlog_commit \
	-Wl,--wrap=sqlite3_open_v2
