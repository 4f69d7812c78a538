/*
 * mail_conf.h - where a user's mail is, as options of a file
 *
 * There are two spellings.  mail_location says all in one string; mail_driver,
 * mail_path and what goes with them say it one by one, as Dovecot 2.4 does.
 * mail_driver or mail_path replaces a mail_location that comes from no stronger
 * source; each of the others changes one key of the location that holds.
 */
#ifndef USERS_MAIL_CONF_H
#define USERS_MAIL_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "conf/conf.h"
#include "model/mail_location.h"
#include "priv/account.h"

#define MAIL_LOCATION_DEFAULT "maildir:~/Maildir"

struct mail_conf {
	char *mail_location;
	char *mail_driver, *mail_path;
	char *mail_inbox_path, *mail_index_path, *mail_cache_path;
	char *mail_control_path, *mail_alt_path, *mail_volatile_path;
	char *mailbox_list_layout, *mailbox_directory_name;
	char *mailbox_root_directory_name, *mailbox_subscriptions_filename;
	char *mail_attribute_dict;
	bool mail_alt_check, mailbox_directory_name_legacy;
	bool mailbox_list_utf8;

	/* Of Dovecot's namespace that holds the mail; see namespaces.h. */
	char namespace_key[64];		/* "": none is declared */
	bool place_is_fixed;		/* it has a place of its own, which is
					   not the user's mail_location */
};

/*
 * The location that the settings name, with variables and home expanded for
 * this user; a relative path is taken from cwd.  An empty mail_location is
 * looked for in the home: mdbox, sdbox, Maildir, mail, Mail.  ERR_CONFIG,
 * naming the setting: it is none, or nothing was found.
 */
int mail_conf_locate(const struct mail_conf *mail, const struct conf *conf,
    const struct account *user, const char *cwd, struct mail_location *loc_r,
    struct err *err);

/*
 * What names the location, for messages: "mail_location = maildir:~/Mail of
 * /etc/dsync/dsync.conf line 3".  Heap memory.
 */
char *mail_conf_origin(const struct mail_conf *mail, const struct conf *conf);

/*
 * The value of mail_attribute_dict if it is a dictionary that is no file: then
 * attributes of mailboxes are not synchronised.  Else NULL.
 */
const char *mail_conf_foreign_dict(const struct mail_conf *mail);

/* Do the settings name an mbox?  An empty location is none yet. */
bool mail_conf_is_mbox(const struct mail_conf *mail);

/*
 * Take over what the user's entry says about mail: mail (a mail_location), and
 * settings of mail_conf.h and store_conf.h by their names, and those of the
 * namespace as namespace/KEY/location or namespace/KEY/mail_path.  Other fields
 * are for others.  ERR_CONFIG: a value that is none.
 */
int mail_conf_apply(const struct mail_conf *mail, struct conf *conf,
    const struct account *user, struct err *err);

#define MAIL_CONF_ROW(base, field, type_)				\
	.name = #field, .type = (type_), .flags = OPT_FILE_ONLY,	\
	.offset = (base) + offsetof(struct mail_conf, field)
#define MAIL_CONF_PATH(base, field, help_)				\
	{ MAIL_CONF_ROW(base, field, OPT_STRING), .arg = "PATH",	\
	  .help = (help_) }
#define MAIL_CONF_NAME(base, field, help_)				\
	{ MAIL_CONF_ROW(base, field, OPT_STRING), .arg = "NAME",	\
	  .help = (help_) }

/* The rows of a table; base is the offset of its struct mail_conf. */
#define MAIL_CONF_ROWS(base)						\
	{ MAIL_CONF_ROW(base, mail_location, OPT_STRING),		\
	  .arg = "LOCATION", .value = MAIL_LOCATION_DEFAULT,		\
	  .help = "where the user's mail is" },				\
	{ MAIL_CONF_ROW(base, mail_driver, OPT_STRING),			\
	  .arg = "FORMAT", .help = "its format" },			\
	MAIL_CONF_PATH(base, mail_path, "its root"),			\
	MAIL_CONF_PATH(base, mail_inbox_path, "INBOX, if elsewhere"),	\
	MAIL_CONF_PATH(base, mail_index_path,				\
	    "index files, if elsewhere"),				\
	MAIL_CONF_PATH(base, mail_cache_path,				\
	    "cache files, if elsewhere"),				\
	MAIL_CONF_PATH(base, mail_control_path,				\
	    "control files, if elsewhere"),				\
	MAIL_CONF_PATH(base, mail_alt_path,				\
	    "a second place for mail of dbox"),				\
	MAIL_CONF_PATH(base, mail_volatile_path,			\
	    "files that need not last, if elsewhere"),			\
	MAIL_CONF_NAME(base, mailbox_list_layout,			\
	    "how mailboxes lie in directories"),			\
	MAIL_CONF_NAME(base, mailbox_directory_name,			\
	    "directory in each mailbox's that holds the mail"),		\
	MAIL_CONF_NAME(base, mailbox_root_directory_name,		\
	    "directory in the root that holds the mailboxes"),		\
	MAIL_CONF_NAME(base, mailbox_subscriptions_filename,		\
	    "file of the subscriptions"),				\
	{ MAIL_CONF_ROW(base, mail_attribute_dict, OPT_STRING),		\
	  .arg = "file:PATH", .help = "attributes of mailboxes" },	\
	{ MAIL_CONF_ROW(base, mail_alt_check, OPT_BOOL), .value = "yes",\
	  .help = "the second place of dbox must be the same ever" },	\
	{ MAIL_CONF_ROW(base, mailbox_directory_name_legacy, OPT_BOOL),	\
	  .value = "no",						\
	  .help = "index and control files lie without that directory" },\
	{ MAIL_CONF_ROW(base, mailbox_list_utf8, OPT_BOOL),		\
	  .value = "no", .help = "mailbox names are stored as UTF-8" }

#endif
