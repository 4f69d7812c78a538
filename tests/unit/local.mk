# One program per module: test_X.c for X.c.
if HAVE_CHECK
check_PROGRAMS += %D%/test_location
%C%_test_location_LDADD = client/libclient.a $(LINK_MODEL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_progress
%C%_test_progress_LDADD = client/libclient.a $(LINK_MODEL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_report
%C%_test_report_LDADD = client/libclient.a $(LINK_MODEL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_base
%C%_test_base_LDADD = $(LINK_BASE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_strbuf
%C%_test_strbuf_LDADD = $(LINK_BASE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_io
%C%_test_io_LDADD = $(LINK_BASE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_guid
%C%_test_guid_LDADD = $(LINK_MODEL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_flags
%C%_test_flags_LDADD = $(LINK_MODEL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_mailbox_name
%C%_test_mailbox_name_LDADD = $(LINK_MODEL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_mail_location
%C%_test_mail_location_LDADD = $(LINK_MODEL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_endpoint
%C%_test_endpoint_LDADD = client/libclient.a $(LINK_ALL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_settings
%C%_test_settings_LDADD = client/libclient.a $(LINK_USERS) $(LINK_CHECK)
check_PROGRAMS += %D%/test_store_conf
%C%_test_store_conf_LDADD = $(LINK_USERS) $(LINK_CHECK)
check_PROGRAMS += %D%/test_user
%C%_test_user_LDADD = client/libclient.a $(LINK_USERS) $(LINK_CHECK)
check_PROGRAMS += %D%/test_auth_reply
%C%_test_auth_reply_LDADD = $(LINK_PRIV) $(LINK_CHECK)
check_PROGRAMS += %D%/test_userdb
%C%_test_userdb_SOURCES = %D%/test_userdb.c tests/support/tempdir.c
%C%_test_userdb_LDADD = $(LINK_USERS) $(LINK_CHECK)
check_PROGRAMS += %D%/test_doveconf
%C%_test_doveconf_SOURCES = %D%/test_doveconf.c tests/support/tempdir.c
%C%_test_doveconf_LDADD = $(LINK_CONF) $(LINK_CHECK)
check_PROGRAMS += %D%/test_dovecot
%C%_test_dovecot_SOURCES = %D%/test_dovecot.c tests/support/tempdir.c
%C%_test_dovecot_LDADD = $(LINK_USERS) $(LINK_CHECK)
check_PROGRAMS += %D%/test_mail_conf
%C%_test_mail_conf_SOURCES = %D%/test_mail_conf.c tests/support/tempdir.c
%C%_test_mail_conf_LDADD = $(LINK_USERS) $(LINK_CHECK)
check_PROGRAMS += %D%/test_peers
%C%_test_peers_SOURCES = %D%/test_peers.c tests/support/tempdir.c
%C%_test_peers_LDADD = $(LINK_NET) $(LINK_CHECK)
check_PROGRAMS += %D%/test_token
%C%_test_token_SOURCES = %D%/test_token.c tests/support/tempdir.c
%C%_test_token_LDADD = $(LINK_NET) $(LINK_CHECK)
check_PROGRAMS += %D%/test_stream_pair
%C%_test_stream_pair_LDADD = $(LINK_NET) $(LINK_CHECK)
check_PROGRAMS += %D%/test_stream_tls
%C%_test_stream_tls_SOURCES = %D%/test_stream_tls.c tests/support/tempdir.c \
	tests/support/certs.c
%C%_test_stream_tls_LDADD = $(LINK_NET) $(LINK_CHECK)
check_PROGRAMS += %D%/test_msg
%C%_test_msg_LDADD = $(LINK_MODEL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_frame
%C%_test_frame_LDADD = $(LINK_WIRE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_link
%C%_test_link_SOURCES = %D%/test_link.c $(msg_sources)
%C%_test_link_LDADD = $(LINK_WIRE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_codec
%C%_test_codec_SOURCES = %D%/test_codec.c $(msg_sources)
%C%_test_codec_LDADD = $(LINK_WIRE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_log
%C%_test_log_LDADD = $(LINK_LOG) $(LINK_CHECK)
check_PROGRAMS += %D%/test_conf
%C%_test_conf_LDADD = $(LINK_CONF) $(LINK_CHECK)
check_PROGRAMS += %D%/test_conf_file
%C%_test_conf_file_LDADD = $(LINK_CONF) $(LINK_CHECK)
check_PROGRAMS += %D%/test_account
%C%_test_account_LDADD = $(LINK_PRIV) $(LINK_CHECK)
check_PROGRAMS += %D%/test_priv
%C%_test_priv_SOURCES = %D%/test_priv.c tests/support/tempdir.c
%C%_test_priv_LDADD = $(LINK_PRIV) $(LINK_CHECK)
check_PROGRAMS += %D%/test_server
%C%_test_server_SOURCES = %D%/test_server.c tests/support/tempdir.c
%C%_test_server_LDADD = server/libserver.a shared/users/libusers.a \
	shared/conf/libconf.a shared/store/libstore.a \
	shared/priv/libpriv.a shared/net/libnet.a shared/wire/libwire.a \
	$(LINK_PROTO) $(LINK_MODEL) $(STORE_LIBS) shared/log/liblog.a \
	$(LINK_BASE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_chlog
%C%_test_chlog_SOURCES = %D%/test_chlog.c tests/support/logfix.c \
	tests/support/logfix.h tests/support/tempdir.c
%C%_test_chlog_LDADD = $(LINK_CHLOG) $(LINK_CHECK)
check_PROGRAMS += %D%/test_chlog_index
%C%_test_chlog_index_SOURCES = %D%/test_chlog_index.c tests/support/tempdir.c
%C%_test_chlog_index_LDADD = $(LINK_CHLOG) $(LINK_CHECK)
check_PROGRAMS += %D%/test_chlog_open
%C%_test_chlog_open_SOURCES = %D%/test_chlog_open.c tests/support/logfix.c \
	tests/support/logfix.h tests/support/tempdir.c
%C%_test_chlog_open_LDADD = $(LINK_CHLOG) $(LINK_CHECK)
check_PROGRAMS += %D%/test_location_key
%C%_test_location_key_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_crlf
%C%_test_crlf_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_mail_op
%C%_test_mail_op_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_mbox_index
%C%_test_mbox_index_SOURCES = %D%/test_mbox_index.c \
	tests/support/tempdir.c tests/support/index_fixture.c
%C%_test_mbox_index_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_mbox
%C%_test_mbox_SOURCES = %D%/test_mbox.c tests/support/tempdir.c
%C%_test_mbox_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_mbox_redo
%C%_test_mbox_redo_SOURCES = %D%/test_mbox_redo.c tests/support/tempdir.c
%C%_test_mbox_redo_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_maildir
%C%_test_maildir_SOURCES = %D%/test_maildir.c $(maildir_fixture)
%C%_test_maildir_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_maildir_hostile
%C%_test_maildir_hostile_SOURCES = %D%/test_maildir_hostile.c \
	$(maildir_fixture)
%C%_test_maildir_hostile_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_maildir_uidlist
%C%_test_maildir_uidlist_SOURCES = %D%/test_maildir_uidlist.c \
	$(maildir_fixture)
%C%_test_maildir_uidlist_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_dbox
%C%_test_dbox_SOURCES = %D%/test_dbox.c tests/support/tempdir.c
%C%_test_dbox_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_dbox_alt
%C%_test_dbox_alt_SOURCES = %D%/test_dbox_alt.c \
	tests/support/tempdir.c tests/support/tree_fixture.c
%C%_test_dbox_alt_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_dbox_layout
%C%_test_dbox_layout_SOURCES = %D%/test_dbox_layout.c \
	tests/support/tempdir.c tests/support/tree_fixture.c
%C%_test_dbox_layout_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_dbox_format
%C%_test_dbox_format_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_attribute
%C%_test_attribute_LDADD = $(LINK_MODEL) $(LINK_CHECK)
check_PROGRAMS += %D%/test_attribute_dict
%C%_test_attribute_dict_SOURCES = %D%/test_attribute_dict.c \
	tests/support/tempdir.c
%C%_test_attribute_dict_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_body_queue
%C%_test_body_queue_SOURCES = %D%/test_body_queue.c \
	tests/support/tempdir.c
%C%_test_body_queue_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_subscriptions_file
%C%_test_subscriptions_file_SOURCES = %D%/test_subscriptions_file.c \
	tests/support/tempdir.c
%C%_test_subscriptions_file_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_maildir_parts
%C%_test_maildir_parts_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_index
%C%_test_index_SOURCES = %D%/test_index.c tests/support/tempdir.c \
	tests/support/index_fixture.c
%C%_test_index_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_index_hostile
%C%_test_index_hostile_SOURCES = %D%/test_index_hostile.c \
	tests/support/tempdir.c tests/support/index_fixture.c
%C%_test_index_hostile_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_prefixes
%C%_test_prefixes_SOURCES = %D%/test_prefixes.c tests/support/tempdir.c
%C%_test_prefixes_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_index_tell
%C%_test_index_tell_SOURCES = %D%/test_index_tell.c \
	tests/support/tempdir.c tests/support/index_fixture.c
%C%_test_index_tell_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_maildir_layout
%C%_test_maildir_layout_SOURCES = %D%/test_maildir_layout.c \
	tests/support/tempdir.c tests/support/tree_fixture.c
%C%_test_maildir_layout_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_mail_codec
%C%_test_mail_codec_SOURCES = %D%/test_mail_codec.c tests/support/tempdir.c
%C%_test_mail_codec_LDADD = $(LINK_STORE) $(LINK_CHECK)
check_PROGRAMS += %D%/test_maildir_index
%C%_test_maildir_index_SOURCES = %D%/test_maildir_index.c \
	tests/support/tempdir.c tests/support/index_fixture.c \
	tests/support/index_fixture.h
%C%_test_maildir_index_LDADD = $(LINK_STORE) $(LINK_CHECK)
endif

maildir_fixture = tests/support/maildir_fixture.c \
	tests/support/maildir_fixture.h tests/support/tempdir.c \
	tests/support/tempdir.h
