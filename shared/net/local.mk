# Streams, TLS and the event loop.
noinst_LIBRARIES += %D%/libnet.a
%C%_libnet_a_SOURCES =
%C%_libnet_a_SOURCES += %D%/config_file.c %D%/config_file.h
%C%_libnet_a_SOURCES += %D%/greeting.c %D%/greeting.h
%C%_libnet_a_SOURCES += %D%/keys.c %D%/keys.h
%C%_libnet_a_SOURCES += %D%/peers.c %D%/peers.h
%C%_libnet_a_SOURCES += %D%/pin.c %D%/pin.h
%C%_libnet_a_SOURCES += %D%/poll.c %D%/poll.h
%C%_libnet_a_SOURCES += %D%/servers.c %D%/servers.h
%C%_libnet_a_SOURCES += %D%/stream.c %D%/stream.h
%C%_libnet_a_SOURCES += %D%/stream_fd.c %D%/stream_fd.h
%C%_libnet_a_SOURCES += %D%/stream_pair.c %D%/stream_pair.h
%C%_libnet_a_SOURCES += %D%/stream_tls.c %D%/stream_tls.h
%C%_libnet_a_SOURCES += %D%/tls_verify.c
%C%_libnet_a_SOURCES += %D%/tls_ctx.c %D%/tls_ctx.h %D%/tls_internal.h
%C%_libnet_a_SOURCES += %D%/token.c %D%/token.h
