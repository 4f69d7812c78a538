# One program per module: test_X.c for X.c.
if HAVE_CHECK
endif
