# One suite, run for every driver.
if HAVE_CHECK
CONTRACT_SOURCES = %D%/fixture.c %D%/fixture.h \
	tests/support/tempdir.c tests/support/tempdir.h

check_PROGRAMS += %D%/test_messages
%C%_test_messages_SOURCES = %D%/test_messages.c $(CONTRACT_SOURCES)
%C%_test_messages_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_operations
%C%_test_operations_SOURCES = %D%/test_operations.c $(CONTRACT_SOURCES)
%C%_test_operations_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_tree
%C%_test_tree_SOURCES = %D%/test_tree.c $(CONTRACT_SOURCES)
%C%_test_tree_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_modseqs
%C%_test_modseqs_SOURCES = %D%/test_modseqs.c $(CONTRACT_SOURCES)
%C%_test_modseqs_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_attributes
%C%_test_attributes_SOURCES = %D%/test_attributes.c $(CONTRACT_SOURCES)
%C%_test_attributes_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_faults
%C%_test_faults_SOURCES = %D%/test_faults.c $(CONTRACT_SOURCES)
%C%_test_faults_LDADD = $(LINK_STORE) $(LINK_CHECK)
endif
