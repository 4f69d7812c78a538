# What changed since the last run.
noinst_LIBRARIES += %D%/libchlog.a
%C%_libchlog_a_SOURCES =
%C%_libchlog_a_SOURCES += %D%/chlog.c %D%/chlog.h
%C%_libchlog_a_SOURCES += %D%/chlog_int.h
%C%_libchlog_a_SOURCES += %D%/log_attribute.c %D%/log_intent.c
%C%_libchlog_a_SOURCES += %D%/log_index.c
%C%_libchlog_a_SOURCES += %D%/log_mail.c
%C%_libchlog_a_SOURCES += %D%/log_mailbox.c
%C%_libchlog_a_SOURCES += %D%/log_new.c
%C%_libchlog_a_SOURCES += %D%/log_open.c
%C%_libchlog_a_SOURCES += %D%/log_position.c
%C%_libchlog_a_SOURCES += %D%/log_rows.c
%C%_libchlog_a_SOURCES += %D%/log_tombstone.c
nodist_%C%_libchlog_a_SOURCES = %D%/schema.c
CLEANFILES += %D%/schema.c
EXTRA_DIST += %D%/schema.sql

# The schema as a C string; it stays readable in its own file.
%D%/schema.c: $(srcdir)/%D%/schema.sql
	$(AM_V_GEN)$(MKDIR_P) %D% && { \
	echo '#include "chlog/chlog_int.h"'; \
	echo 'const char chlog_schema[] ='; \
	$(SED) -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' \
	    $(srcdir)/%D%/schema.sql && echo ';'; } >$@.tmp && mv $@.tmp $@
