#include "config.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "log/log.h"
#include "model/mail_location.h"
#include "priv/drop.h"
#include "server/log_setup.h"
#include "server/store_main.h"
#include "session/confine.h"
#include "session/session.h"
#include "users/userdb.h"

#define SESSION_FD	3
#define SOFTWARE	"dsync-server " PACKAGE_VERSION

/* What one session needs, made from settings and user. */
struct place {
	const struct store_args *args;
	struct mail_location location;
	char *origin;			/* what named it, for messages */
	char *state_dir;		/* NULL: none */
	struct store_conf store;
	struct session_args session;
};

static enum peer_access
access_of(enum peer_right right)
{
	switch (right) {
	case PEER_READ:
		return ACCESS_READ;
	case PEER_APPEND:
		return ACCESS_APPEND;
	case PEER_READ_WRITE:
		return ACCESS_READ_WRITE;
	}
	abort();
}

/*
 * As root make a state_dir that is missing and give it to the user, who could
 * not make it in a folder of root's.  In any other folder somebody else could
 * move things about meanwhile: there the user makes it, in session_confine.
 */
static int
give_state_dir(const struct place *place, struct err *err)
{
	const struct account *user = place->args->user;
	const char *path = place->state_dir, *slash;
	struct stat st;
	char *parent;
	int fd, ret = 0;

	if (path == NULL || !user->become || geteuid() != 0)
		return 0;
	slash = strrchr(path, '/');
	if (slash == path || slash[1] == '\0')
		return 0;
	parent = mem_strndup(path, (size_t)(slash - path));
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(parent);
	if (fd == -1)
		return 0;
	if (fstat(fd, &st) == 0 && st.st_uid == 0 &&
	    (st.st_mode & 022) == 0 && mkdirat(fd, slash + 1, 0700) == 0 &&
	    fchownat(fd, slash + 1, user->uid, user->gid,
	    AT_SYMLINK_NOFOLLOW) == -1)
		ret = err_sys(err, "state_dir %s", path);
	(void)close(fd);
	return ret;
}

static int
become(const struct account *user, struct err *err)
{
	const struct drop drop = { .uid = user->uid, .gid = user->gid,
	    .user = user->groups_of, .more = user->groups,
	    .more_count = user->group_count };

	if (user->become && geteuid() == 0 && drop_to(&drop, err) == -1)
		return -1;
	if (user->become && geteuid() != user->uid)
		return err_set(err, ERR_PERM, "only root can serve the user "
		    "%s", user->name);
	(void)umask(077);
	if (setenv("HOME", user->home, 1) == -1)
		return err_sys(err, "HOME");
	/* A home that is missing shows when the store is opened. */
	if (chdir(user->home) == -1 && chdir("/") == -1)
		return err_sys(err, "chdir");
	return drop_new_rights(err);
}

/*
 * What the user's entry says.  The settings are this process's own copy, and
 * now this user's.
 */
static int
apply_entry(struct place *place, struct err *err)
{
	const struct server_settings *set = place->args->set;
	struct conf conf = set->conf;

	if (mail_conf_apply(&set->mail, &conf, place->args->user, err) == -1)
		return -1;
	place->store = set->store;
	if (store_conf_resolve(&place->store, err) == -1)
		return -1;
	dovecot_name_store(&set->dovecot, &place->store.settings);
	return userdb_add_groups(&set->users, mail_conf_is_mbox(&set->mail),
	    place->args->user, err);
}

/* Once all is given up: a home may be looked into on the way. */
static int
locate(struct place *place, struct err *err)
{
	const struct server_settings *set = place->args->set;
	const struct account *user = place->args->user;

	if (mail_conf_locate(&set->mail, &set->conf, user,
	    account_home(user), &place->location, err) == -1)
		return -1;
	place->origin = mail_conf_origin(&set->mail, &set->conf);
	if (mail_conf_foreign_dict(&set->mail) != NULL)
		log_info("attributes of mailboxes are left alone: no file "
		    "mail_attribute_dict=%s",
		    mail_conf_foreign_dict(&set->mail));
	return 0;
}

static int
find_state_dir(struct place *place, struct err *err)
{
	const struct account *user = place->args->user;
	const char *state_dir = place->args->set->state_dir;

	if (state_dir == NULL)
		return 0;
	place->state_dir = mail_location_expand_path(state_dir, user->name,
	    account_home(user), err);
	return place->state_dir != NULL ? 0 : err_prefix(err, "state_dir");
}

static void
fill_session(struct place *place)
{
	const struct store_args *args = place->args;

	place->session = (struct session_args){
		.location = &place->location,
		.origin = place->origin,
		.options = {
			.readonly = args->access == PEER_READ,
			.create = args->access != PEER_READ,
			.alt_char = '_',
			.hostname = args->set->hostname,
			.lock_timeout = args->set->lock_timeout,
			.settings = &place->store.settings,
		},
		.state_dir = place->state_dir,
		.user = args->user->name,
		.peer_name = args->peer_name[0] != '\0' ? args->peer_name :
		    args->peer,
		.access = access_of(args->access),
		.features = FEATURE_ZSTD |
		    (args->next_user ? FEATURE_NEXT_USER : 0),
		.software = SOFTWARE,
	};
}

static int
run(int in, int out, const struct store_args *args)
{
	struct place place = { .args = args };
	struct err err = ERR_INIT;
	int ret = -1;

	/* A peer that went away is an error of the write. */
	(void)signal(SIGPIPE, SIG_IGN);
	log_context_set("user=%s addr=%s", args->user->name, args->peer);
	if (find_state_dir(&place, &err) == 0 &&
	    give_state_dir(&place, &err) == 0 &&
	    apply_entry(&place, &err) == 0 &&
	    become(args->user, &err) == 0 && locate(&place, &err) == 0) {
		fill_session(&place);
		/* A monitor's child; the change of uid would clear it. */
		if (in == SESSION_FD)
			(void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
		if (session_confine(&place.session, &err) == 0)
			ret = session_main(in, out, &place.session,
			    args->set->quiet_timeout, &err);
	}
	if (ret == -1)
		log_error("session fails error=%s code=%s", err.msg,
		    err_name(err.code));
	mail_location_deinit(&place.location);
	free(place.origin);
	free(place.state_dir);
	return ret == 0 ? 0 : err_exit_status(err.code);
}

int
store_main(int fd, const struct store_args *args)
{
	if (fd != SESSION_FD && dup2(fd, SESSION_FD) == -1) {
		log_error("store cannot start error=%s", strerror(errno));
		return 1;
	}
	closefrom(SESSION_FD + 1);
	server_log_setup(args->set);
	return run(SESSION_FD, SESSION_FD, args);
}

int
store_main_stdio(const struct store_args *args)
{
	return run(STDIN_FILENO, STDOUT_FILENO, args);
}
