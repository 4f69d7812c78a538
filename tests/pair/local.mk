# Both ends of a run in one process.
if HAVE_CHECK
check_PROGRAMS += %D%/test_session
%C%_test_session_SOURCES = %D%/test_session.c tests/support/tempdir.c
%C%_test_session_LDADD = $(LINK_SESSION) $(LINK_CHECK)
endif
