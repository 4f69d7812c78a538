#include "config.h"

#include <syslog.h>

#include "log/log.h"
#include "server/log_setup.h"

#define LOG_NAME	"dsync-server"

void
server_log_setup(const struct server_settings *set)
{
	log_level_set(set->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	if (set->log == 0) {
		log_to_stderr(LOG_NAME);
		return;
	}
	/* The C library does not notice that its socket was closed. */
	closelog();
	log_to_syslog(LOG_NAME);
}
