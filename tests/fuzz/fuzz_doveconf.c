/*
 * Any text as what doveconf prints, in both forms, and as a passwd-file:
 * settings become a location and users become names, or an error with a text.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "users/dovecot.h"
#include "users/passwd_file.h"
#include "users/store_conf.h"

struct settings {
	int first;
	struct dovecot_conf dovecot;
	struct mail_conf mail;
	struct user_conf users;
	struct store_conf store;
};

static const struct optdef optdefs[] = {
	DOVECOT_CONF_ROWS(offsetof(struct settings, dovecot)),
	MAIL_CONF_ROWS(offsetof(struct settings, mail)),
	USER_CONF_ROWS(offsetof(struct settings, users)),
	STORE_CONF_ROWS(offsetof(struct settings, store)),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take(const struct doveconf *dc)
{
	char name[] = "anna@example.org", home[] = "/no/home";
	const struct account user = { .name = name, .home = home };
	struct settings set = { .first = 0 };
	struct mail_location loc;
	struct err err = ERR_INIT;
	struct conf conf;
	struct dovecot_target target = { .conf = &conf, .mail = &set.mail,
	    .users = &set.users };

	conf_init(&conf, optdefs, nitems(optdefs), &set);
	if (dovecot_take(&set.dovecot, dc, &target, &err) == 0 &&
	    store_conf_resolve(&set.store, &err) == 0 &&
	    mail_conf_locate(&set.mail, &conf, &user, "/cwd", &loc,
	    &err) == 0) {
		assert(loc.path[0] == '/');
		assert(set.store.settings.mbox_read_locks.n > 0);
		assert(set.store.settings.mdbox_rotate_size > 0);
		mail_location_deinit(&loc);
	} else {
		assert(err.code == ERR_CONFIG && err.msg[0] != '\0');
	}
	dovecot_deinit(&set.dovecot);
	conf_deinit(&conf);
}

struct text {
	const char *data;
	size_t len;
};

static int
find_again(const char *name, void *arg, struct err *err)
{
	const struct text *text = arg;
	struct account user;

	(void)err;
	if (passwd_file_find(text->data, text->len, name, &user, err) == 0) {
		assert(strcmp(user.name, name) == 0);
		account_deinit(&user);
	}
	/* Each is looked for from the beginning. */
	return text->len > 4096 ? -1 : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const parsers[])(struct doveconf *, const char *,
	    size_t, struct err *) = {
		doveconf_parse_flat, doveconf_parse_blocks,
	};
	char *text = mem_strndup((const char *)data, size);
	struct text whole = { .data = text, .len = strlen(text) };
	struct doveconf dc = { .n = 0 };
	struct err err = ERR_INIT;

	for (size_t i = 0; i < nitems(parsers); i++) {
		if (parsers[i](&dc, (const char *)data, size, &err) == 0)
			take(&dc);
		doveconf_deinit(&dc);
	}
	(void)passwd_file_each(text, whole.len, find_again, &whole, &err);
	free(text);
	return 0;
}
