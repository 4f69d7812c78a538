/*
 * mailbox_log.h - dovecot.mailbox.log: what happened to the list of mailboxes
 *
 * Dovecot's own synchronisation takes deletions from it.  24 bytes for each
 * event, appended without a lock; a full log becomes dovecot.mailbox.log.2.
 */
#ifndef STORE_INDEX_MAILBOX_LOG_H
#define STORE_INDEX_MAILBOX_LOG_H

#include <stdint.h>

#include "base/err.h"
#include "model/guid.h"

struct path_root;
struct store_settings;

#define MAILBOX_LOG_NAME	"dovecot.mailbox.log"
#define MAILBOX_LOG_ROTATE	4096U		/* bytes */
#define MAILBOX_LOG_MAX		(1U << 20)	/* bytes that are read */

enum mailbox_log_event {
	MAILBOX_LOG_DELETE = 1,		/* guid: the mailbox's */
	MAILBOX_LOG_DELETE_DIR,		/* guid: of the name, as all below */
	MAILBOX_LOG_RENAME,		/* ... of the new name */
	MAILBOX_LOG_SUBSCRIBE,
	MAILBOX_LOG_UNSUBSCRIBE,
};

struct mailbox_log_record {
	enum mailbox_log_event event;
	struct guid128 guid;
	int64_t time;			/* seconds since 1970 */
};

typedef int mailbox_log_fn(const struct mailbox_log_record *record,
    void *arg, struct err *err);

/*
 * The GUID of a name: as a user of Dovecot sees it, UTF-8, with namespace
 * prefix and separator.
 */
struct guid128 mailbox_log_name_guid(const char *virtual_name);
/*
 * The same of a joined name; separator is the store's own.  INBOX has no
 * prefix.
 */
struct guid128 mailbox_log_joined_guid(const char *name,
    const struct store_settings *settings, char separator);

/* Append one record with the time of now below dirfd. */
int mailbox_log_append(struct path_root *root, int dirfd,
    enum mailbox_log_event event, const struct guid128 *guid,
    struct err *err);
/* Call fn for each record, oldest first; records of unknown kind end it.  No
   file is no failure. */
int mailbox_log_read(struct path_root *root, int dirfd, mailbox_log_fn *fn,
    void *arg, struct err *err);

#endif
