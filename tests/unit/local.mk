# One program per module: test_X.c for X.c.
if HAVE_CHECK
check_PROGRAMS += %D%/test_location
%C%_test_location_LDADD = client/libclient.a $(LINK_MODEL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_progress
%C%_test_progress_LDADD = client/libclient.a $(LINK_MODEL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_report
%C%_test_report_LDADD = client/libclient.a $(LINK_MODEL) $(LINK_CHECK)
endif
