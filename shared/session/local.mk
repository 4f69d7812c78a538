# The store's side of a run.
noinst_LIBRARIES += %D%/libsession.a
%C%_libsession_a_SOURCES =
%C%_libsession_a_SOURCES += %D%/session.h
