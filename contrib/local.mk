# Helpers for developers and packagers; nothing here is installed.
EXTRA_DIST += %D%/dsync.bash %D%/dsync.conf
EXTRA_DIST += %D%/HACKING.md %D%/check .ci/run
