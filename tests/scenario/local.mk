# The real programs, as a user would run them.
