#include "config.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "log/log.h"
#include "model/mail_location.h"
#include "priv/drop.h"
#include "priv/sandbox.h"
#include "session/confine.h"
#include "session/session.h"

#define BOTH	(SANDBOX_READ | SANDBOX_WRITE)
#define FILES_WANTED	4096U	/* descriptors */
#define PATHS_MAX	(LOCATION_KEYS_MAX + 12U)

struct paths {
	struct sandbox_path v[PATHS_MAX];
	size_t n;
};

/*
 * With LAYOUT=index a mailbox that gets another GUID has two names for a
 * moment.  In no other store are links made: who meets one may follow it.
 */
static void
allow_links(struct paths *paths, const struct mail_location *loc)
{
	const char *layout = mail_location_get(loc, "LAYOUT");

	if (layout == NULL || strcasecmp(layout, "index") != 0)
		return;
	for (size_t i = 0; i < paths->n; i++)
		paths->v[i].rights |= SANDBOX_LINKS;
}

static void
add_path(struct paths *paths, const char *path, unsigned int rights)
{
	if (path != NULL && path[0] == '/')
		paths->v[paths->n++] = (struct sandbox_path){ path, rights };
}

/*
 * Add the folder above path and return it, heap memory; NULL if that is the
 * root of all files, which is never given away whole.
 */
static char *
add_folder_of(struct paths *paths, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;

	if (slash == NULL || slash == path)
		return NULL;
	folder = mem_strndup(path, (size_t)(slash - path));
	add_path(paths, folder, BOTH);
	return folder;
}

static int
make_state_dir(const char *path, struct err *err)
{
	if (path != NULL && mkdir(path, 0700) == -1 && errno != EEXIST)
		return err_sys(err, "make the state_dir %s", path);
	return 0;
}

static int
confine(const struct paths *paths, struct err *err)
{
	struct sandbox_report report = { .off = "" };

	if (drop_new_rights(err) == -1 ||
	    sandbox_paths(paths->v, paths->n, &report, err) == -1 ||
	    sandbox_calls_store(&report, err) == -1)
		return -1;
	if (report.off[0] != '\0')
		log_debug("store is less confined off=%s", report.off);
	return 0;
}

/* A batch may have many new files open, which have no names yet. */
static void
raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1 ||
	    files.rlim_cur >= FILES_WANTED)
		return;
	files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max :
	    FILES_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

/* A rule of the sandbox can only name what exists. */
int
session_confine(const struct session_args *args, struct err *err)
{
	const struct mail_location *loc = args->location;
	const char *inbox = mail_location_get(loc, "INBOX");
	const char *control = mail_location_get(loc, "CONTROL");
	const char *index = mail_location_get(loc, "INDEX");
	const char *outside = store_file_outside(loc);
	const char *attributes = mail_location_get(loc, "ATTRIBUTES");
	char *root_folder = NULL, *inbox_folder = NULL;
	char *control_folder = NULL, *index_folder = NULL;
	char *dict_folder = NULL, *dict_above = NULL;
	struct paths paths = { .n = 0 };
	struct stat st;
	int ret;

	raise_files();
	if (make_state_dir(args->state_dir, err) == -1)
		return -1;
	/* Where SQLite sorts what is larger than memory. */
	if (setenv("SQLITE_TMPDIR", args->state_dir != NULL ?
	    args->state_dir : loc->path, 1) == -1)
		return err_sys(err, "SQLITE_TMPDIR");
	add_path(&paths, loc->path, BOTH);
	/*
	 * A root that is missing is made in the folder above it; whether it
	 * may be is known when the brain has said if it met this store before.
	 */
	if (args->options.create && access(loc->path, F_OK) == -1)
		root_folder = add_folder_of(&paths, loc->path);
	if (args->options.create && control != NULL && control[0] == '/' &&
	    access(control, F_OK) == -1)
		control_folder = add_folder_of(&paths, control);
	if (args->options.create && index != NULL && index[0] == '/' &&
	    access(index, F_OK) == -1)
		index_folder = add_folder_of(&paths, index);
	/* Beside an INBOX that is a file lie its lock and next version. */
	if (inbox != NULL && inbox[0] == '/' && (stat(inbox, &st) == -1 ||
	    !S_ISDIR(st.st_mode)))
		inbox_folder = add_folder_of(&paths, inbox);
	else if (outside != NULL)
		inbox_folder = add_folder_of(&paths, outside);
	/* And so beside the attributes; a missing folder can be made. */
	if (attributes != NULL && attributes[0] == '/')
		dict_folder = add_folder_of(&paths, attributes);
	if (dict_folder != NULL && args->options.create &&
	    access(dict_folder, F_OK) == -1)
		dict_above = add_folder_of(&paths, dict_folder);
	/* INDEX=, CONTROL= and the like lie elsewhere. */
	for (size_t i = 0; i < loc->key_count; i++)
		add_path(&paths, loc->keys[i].value, BOTH);
	allow_links(&paths, loc);
	add_path(&paths, args->state_dir, BOTH);
	add_path(&paths, "/dev/null", BOTH);
	add_path(&paths, "/dev/urandom", SANDBOX_READ);
	add_path(&paths, "/etc/localtime", SANDBOX_READ);
	add_path(&paths, "/usr/share/zoneinfo", SANDBOX_READ);
	ret = confine(&paths, err);
	free(root_folder);
	free(inbox_folder);
	free(control_folder);
	free(index_folder);
	free(dict_folder);
	free(dict_above);
	return ret;
}
