# Giving up privileges and talking across them.
noinst_LIBRARIES += %D%/libpriv.a
%C%_libpriv_a_SOURCES =
