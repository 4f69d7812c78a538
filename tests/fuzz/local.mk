# A target per parser; without libFuzzer they replay their corpus.
check_LIBRARIES += %D%/libreplay.a
%C%_libreplay_a_SOURCES = %D%/replay.c
LINK_REPLAY = %D%/libreplay.a $(FUZZ_LDFLAGS)

EXTRA_DIST += %D%/corpus

check_PROGRAMS += %D%/fuzz_conf_file
%C%_fuzz_conf_file_LDADD = $(LINK_REPLAY) $(LINK_CONF)
check_PROGRAMS += %D%/fuzz_mail_location
%C%_fuzz_mail_location_LDADD = $(LINK_REPLAY) $(LINK_MODEL)
check_PROGRAMS += %D%/fuzz_mutf7
%C%_fuzz_mutf7_LDADD = $(LINK_REPLAY) $(LINK_MODEL)
check_PROGRAMS += %D%/fuzz_frame
%C%_fuzz_frame_LDADD = $(LINK_REPLAY) $(LINK_WIRE)
check_PROGRAMS += %D%/fuzz_link
%C%_fuzz_link_SOURCES = %D%/fuzz_link.c $(msg_sources)
%C%_fuzz_link_LDADD = $(LINK_REPLAY) $(LINK_WIRE)
check_PROGRAMS += %D%/fuzz_peers
%C%_fuzz_peers_LDADD = $(LINK_REPLAY) $(LINK_NET)
check_PROGRAMS += %D%/fuzz_token
%C%_fuzz_token_LDADD = $(LINK_REPLAY) $(LINK_NET)
check_PROGRAMS += %D%/fuzz_greeting
%C%_fuzz_greeting_LDADD = $(LINK_REPLAY) $(LINK_NET)

# Writes the corpus of fuzz_link; run by hand.
EXTRA_PROGRAMS += %D%/make_corpus
%C%_make_corpus_SOURCES = %D%/make_corpus.c $(msg_sources)
%C%_make_corpus_LDADD = $(LINK_WIRE)
CLEANFILES += %D%/make_corpus
check_PROGRAMS += %D%/fuzz_uidlist
%C%_fuzz_uidlist_LDADD = $(LINK_REPLAY) $(LINK_STORE)
check_PROGRAMS += %D%/fuzz_keywords
%C%_fuzz_keywords_LDADD = $(LINK_REPLAY) $(LINK_STORE)
check_PROGRAMS += %D%/fuzz_subscriptions
%C%_fuzz_subscriptions_LDADD = $(LINK_REPLAY) $(LINK_STORE)
check_PROGRAMS += %D%/fuzz_attributes
%C%_fuzz_attributes_LDADD = $(LINK_REPLAY) $(LINK_STORE)
check_PROGRAMS += %D%/fuzz_file_name
%C%_fuzz_file_name_LDADD = $(LINK_REPLAY) $(LINK_STORE)
check_PROGRAMS += %D%/fuzz_auth_reply
%C%_fuzz_auth_reply_LDADD = $(LINK_REPLAY) $(LINK_PRIV)
check_PROGRAMS += %D%/fuzz_doveconf
%C%_fuzz_doveconf_LDADD = $(LINK_REPLAY) $(LINK_USERS)
check_PROGRAMS += %D%/fuzz_index
%C%_fuzz_index_LDADD = $(LINK_REPLAY) $(LINK_STORE)
check_PROGRAMS += %D%/fuzz_mail_codec
%C%_fuzz_mail_codec_LDADD = $(LINK_REPLAY) $(LINK_STORE)
check_PROGRAMS += %D%/fuzz_dbox
%C%_fuzz_dbox_LDADD = $(LINK_REPLAY) $(LINK_STORE)
check_PROGRAMS += %D%/fuzz_mbox
%C%_fuzz_mbox_LDADD = $(LINK_REPLAY) $(LINK_STORE)
