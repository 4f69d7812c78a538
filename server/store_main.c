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
#include "priv/sandbox.h"
#include "server/log_setup.h"
#include "server/store_main.h"
#include "session/session.h"

#define SESSION_FD	3
#define BOTH		(SANDBOX_READ | SANDBOX_WRITE)
#define PATHS_MAX	(LOCATION_KEYS_MAX + 8U)
#define SOFTWARE	"dsync-server " PACKAGE_VERSION

/* What one session needs, made from settings and user. */
struct place {
	const struct store_args *args;
	struct mail_location location;
	char *state_dir;		/* NULL: none */
	char *root_folder;		/* of a missing root; NULL: it is there */
	char *inbox_folder;		/* of INBOX=file; NULL: none */
	struct sandbox_path paths[PATHS_MAX];
	size_t path_count;
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
 * move things about meanwhile: there the user makes it, in make_state_dir.
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
	    .user = user->groups_of };

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

static int
locate(struct place *place, struct err *err)
{
	const struct account *user = place->args->user;
	const char *state_dir = place->args->set->state_dir;
	char *text = mail_location_expand(user->mail_location, user->name,
	    user->home, err);
	int ret;

	if (text == NULL)
		return -1;
	ret = mail_location_parse(&place->location, text, user->home,
	    user->home, err);
	free(text);
	if (ret == -1 || state_dir == NULL)
		return ret;
	text = mail_location_expand(state_dir, user->name, user->home, err);
	if (text == NULL)
		return -1;
	if (strncmp(text, "~/", 2) == 0)
		place->state_dir = mem_printf("%s/%s", user->home, text + 2);
	else if (text[0] == '/')
		place->state_dir = mem_strdup(text);
	else
		ret = err_set(err, ERR_CONFIG, "state_dir is not an absolute "
		    "path");
	free(text);
	return ret;
}

static void
add_path(struct place *place, const char *path, unsigned int rights)
{
	if (path != NULL && path[0] == '/')
		place->paths[place->path_count++] =
		    (struct sandbox_path){ path, rights };
}

/*
 * The folder of an INBOX that is a file: its lock and its next version lie
 * beside it.
 */
static void
add_inbox_folder(struct place *place, const char *inbox)
{
	const char *slash = inbox != NULL ? strrchr(inbox, '/') : NULL;
	struct stat st;

	if (slash == NULL || slash == inbox ||
	    (stat(inbox, &st) == 0 && S_ISDIR(st.st_mode)))
		return;
	place->inbox_folder = mem_strndup(inbox, (size_t)(slash - inbox));
	add_path(place, place->inbox_folder, BOTH);
}

/*
 * A rule of the sandbox can only name what exists.  For a root that is missing
 * it names the folder above: whether the store is made there is known when the
 * client has said if it met this store before.
 */
static void
add_root(struct place *place)
{
	const char *path = place->location.path;
	const char *slash = strrchr(path, '/');

	add_path(place, path, BOTH);
	if (access(path, F_OK) == 0 || slash == NULL || slash == path)
		return;
	place->root_folder = mem_strndup(path, (size_t)(slash - path));
	add_path(place, place->root_folder, BOTH);
}

static int
make_state_dir(const struct place *place, struct err *err)
{
	const char *path = place->state_dir;

	if (path != NULL && mkdir(path, 0700) == -1 && errno != EEXIST)
		return err_sys(err, "cannot make the state_dir %s", path);
	return 0;
}

static int
confine(struct place *place, struct err *err)
{
	const char *spool = place->state_dir != NULL ? place->state_dir :
	    place->location.path;
	struct sandbox_report report = { .off = "" };

	if (make_state_dir(place, err) == -1)
		return -1;
	add_root(place);
	for (size_t i = 0; i < place->location.key_count; i++)
		add_path(place, place->location.keys[i].value, BOTH);
	add_inbox_folder(place, mail_location_get(&place->location,
	    "INBOX"));
	add_path(place, place->state_dir, BOTH);
	add_path(place, "/dev/null", BOTH);
	add_path(place, "/dev/urandom", SANDBOX_READ);
	add_path(place, "/etc/localtime", SANDBOX_READ);
	add_path(place, "/usr/share/zoneinfo", SANDBOX_READ);
	/* Where SQLite sorts what is larger than memory. */
	if (setenv("SQLITE_TMPDIR", spool, 1) == -1)
		return err_sys(err, "SQLITE_TMPDIR");
	if (sandbox_paths(place->paths, place->path_count, &report, err) == -1
	    || sandbox_calls_store(&report, err) == -1)
		return -1;
	if (report.off[0] != '\0')
		log_debug("store is less confined off=%s", report.off);
	return 0;
}

static int
serve(struct place *place, int in, int out, struct err *err)
{
	const struct store_args *args = place->args;
	const struct session_args session = {
		.location = &place->location,
		.options = {
			.readonly = args->access == PEER_READ,
			.create = args->access != PEER_READ,
			.alt_char = '_',
			.hostname = args->set->hostname,
			.lock_timeout = args->set->lock_timeout,
		},
		.state_dir = place->state_dir,
		.user = args->user->name,
		.peer_name = args->peer_name[0] != '\0' ? args->peer_name :
		    args->peer,
		.access = access_of(args->access),
		.software = SOFTWARE,
	};

	return session_main(in, out, &session, args->set->quiet_timeout, err);
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
	if (locate(&place, &err) == 0 && give_state_dir(&place, &err) == 0 &&
	    become(args->user, &err) == 0 && confine(&place, &err) == 0) {
		/* A monitor's child; the change of uid would clear it. */
		if (in == SESSION_FD)
			(void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
		ret = serve(&place, in, out, &err);
	}
	if (ret == -1)
		log_error("session fails error=%s code=%s", err.msg,
		    err_name(err.code));
	mail_location_deinit(&place.location);
	free(place.root_folder);
	free(place.inbox_folder);
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
