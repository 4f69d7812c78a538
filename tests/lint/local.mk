# What the sources must keep to.
dist_check_SCRIPTS += %D%/headers.sh
dist_check_SCRIPTS += %D%/layers.sh
dist_check_SCRIPTS += %D%/manuals.sh
dist_check_SCRIPTS += %D%/text.sh
