# One convenience library per area.
include %D%/base/local.mk
include %D%/model/local.mk
include %D%/wire/local.mk
include %D%/net/local.mk
include %D%/store/local.mk
include %D%/chlog/local.mk
include %D%/conf/local.mk
include %D%/log/local.mk
include %D%/priv/local.mk
include %D%/session/local.mk
include %D%/users/local.mk
