# Helpers for developers and packagers; nothing here is installed.
EXTRA_DIST += %D%/demo %D%/dsync.bash %D%/dsync.conf
EXTRA_DIST += %D%/dsync-server.conf %D%/dsync-server.service
EXTRA_DIST += %D%/HACKING.md %D%/PERFORMANCE.md %D%/check .ci/run
EXTRA_DIST += %D%/growth.tsv %D%/growth.svg
