# The real programs, as a user would run them.
dist_check_SCRIPTS += %D%/server_refusals.sh
dist_check_SCRIPTS += %D%/server_root.sh
