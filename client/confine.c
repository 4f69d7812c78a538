/*
 * confine.c - what a store process may reach
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/mem.h"
#include "client/confine.h"
#include "log/log.h"
#include "model/mail_location.h"
#include "priv/drop.h"
#include "priv/sandbox.h"
#include "session/session.h"

#define BOTH	(SANDBOX_READ | SANDBOX_WRITE)
#define PATHS_MAX	(LOCATION_KEYS_MAX + 4U)

struct paths {
	struct sandbox_path v[PATHS_MAX];
	size_t n;
};

static void
add_path(struct paths *paths, const char *path, unsigned int rights)
{
	if (path != NULL && path[0] == '/')
		paths->v[paths->n++] = (struct sandbox_path){ path, rights };
}

/* The folder above path; heap memory. */
static char *
parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return mem_strdup("/");
	return mem_strndup(path, (size_t)(slash - path));
}

int
confine_store(const struct session_args *args, struct err *err)
{
	const struct mail_location *loc = args->location;
	struct sandbox_report report = { .off = "" };
	struct paths paths = { .n = 0 };
	char *parent = NULL;
	int ret;

	add_path(&paths, loc->path, BOTH);
	/* A root that has yet to be made is made in the folder above it. */
	if (args->options.create && access(loc->path, F_OK) == -1)
		add_path(&paths, parent = parent_of(loc->path), BOTH);
	/* INDEX=, CONTROL= and the like lie elsewhere. */
	for (size_t i = 0; i < loc->key_count; i++)
		add_path(&paths, loc->keys[i].value, BOTH);
	add_path(&paths, args->state_dir, BOTH);
	ret = drop_new_rights(err);
	if (ret == 0)
		ret = sandbox_paths(paths.v, paths.n, &report, err);
	if (ret == 0)
		ret = sandbox_calls_store(&report, err);
	if (ret == 0 && report.off[0] != '\0')
		log_debug("store process less confined off=%s", report.off);
	free(parent);
	return ret;
}
