# The real programs, as a user would run them.
dist_check_SCRIPTS += %D%/server_refusals.sh
dist_check_SCRIPTS += %D%/server_root.sh
EXTRA_DIST += %D%/lib.sh
dist_noinst_SCRIPTS += %D%/append_peer.sh
dist_noinst_SCRIPTS += %D%/backup.sh
dist_noinst_SCRIPTS += %D%/command_location.sh
dist_noinst_SCRIPTS += %D%/dry_run.sh
dist_noinst_SCRIPTS += %D%/exit_status.sh
dist_noinst_SCRIPTS += %D%/local_location.sh
dist_noinst_SCRIPTS += %D%/max_delete.sh
dist_noinst_SCRIPTS += %D%/mirror_tls.sh
dist_noinst_SCRIPTS += %D%/missing_root.sh
dist_noinst_SCRIPTS += %D%/peer_killed.sh
dist_noinst_SCRIPTS += %D%/read_peer.sh
dist_noinst_SCRIPTS += %D%/selection.sh
dist_noinst_SCRIPTS += %D%/server_key.sh
dist_check_SCRIPTS += %D%/server_ca.sh
