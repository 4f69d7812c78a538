/* The two sites, their copies, and chance. */
#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "sim.h"

#define START_MS	1700000000000ULL
#define PATH_SIZE	256U

struct rng sim_random;
bool sim_trace;

static char state_dir[PATH_SIZE];

static const char *const log_suffixes[SIM_LOG_FILES] = { "", "-wal", "-shm" };

void __wrap_random_bytes(void *out, size_t len);

/* In place of the real one; see local.mk. */
void
__wrap_random_bytes(void *out, size_t len)
{
	uint8_t *p = out;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_u64(&sim_random);
}

const char *
sim_state_dir(void)
{
	static const char *const tops[] = { "/dev/shm", "/tmp" };

	for (size_t i = 0; i < nitems(tops) && state_dir[0] == '\0'; i++) {
		(void)snprintf(state_dir, sizeof(state_dir),
		    "%s/dsync-simulate-XXXXXX", tops[i]);
		if (mkdtemp(state_dir) == NULL)
			state_dir[0] = '\0';
	}
	if (state_dir[0] == '\0')
		mem_fatal("no place for change logs");
	return state_dir;
}

void
sim_cleanup(void)
{
	char path[PATH_SIZE * 2];
	struct dirent *entry;
	DIR *dir;

	if (state_dir[0] == '\0' || (dir = opendir(state_dir)) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", state_dir,
		    entry->d_name);
		if (entry->d_name[0] != '.')
			(void)unlink(path);
	}
	(void)closedir(dir);
	(void)rmdir(state_dir);
	state_dir[0] = '\0';
}

/* The change log as the session names it. */
static void
log_path(const struct sim_site *site, size_t file, char *out, size_t size)
{
	uint8_t digest[DIGEST_SIZE];
	char hex[33];

	digest_sha256(site->path, strlen(site->path), digest);
	hex_format(hex, digest, 16);
	(void)snprintf(out, size, "%s/%s.db%s", sim_state_dir(), hex,
	    log_suffixes[file]);
}

void
sim_log_lose(const struct sim_site *site)
{
	char path[PATH_SIZE * 2];

	for (size_t i = 0; i < SIM_LOG_FILES; i++) {
		log_path(site, i, path, sizeof(path));
		(void)unlink(path);
	}
}

static char *
read_file(const char *path, size_t *len_r)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	char *data;

	*len_r = 0;
	if (f == NULL)
		return NULL;
	if (fstat(fileno(f), &st) == -1)
		mem_fatal(path);
	data = mem_alloc((size_t)st.st_size + 1);
	*len_r = fread(data, 1, (size_t)st.st_size, f);
	(void)fclose(f);
	return data;
}

static void
write_file(const char *path, const char *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		mem_fatal(path);
}

void
sim_copy_take(const struct sim_site *site, struct sim_copy *copy)
{
	char path[PATH_SIZE * 2];

	sim_copy_free(copy);
	copy->world = memory_world_copy(site->world);
	for (size_t i = 0; i < SIM_LOG_FILES; i++) {
		log_path(site, i, path, sizeof(path));
		copy->log[i] = read_file(path, &copy->log_len[i]);
	}
}

void
sim_copy_put(struct sim_site *site, const struct sim_copy *copy, bool with_log)
{
	char path[PATH_SIZE * 2];

	memory_world_restore(site->world, copy->world);
	if (!with_log)
		return;
	sim_log_lose(site);
	for (size_t i = 0; i < SIM_LOG_FILES; i++) {
		log_path(site, i, path, sizeof(path));
		if (copy->log[i] != NULL)
			write_file(path, copy->log[i], copy->log_len[i]);
	}
}

void
sim_copy_free(struct sim_copy *copy)
{
	if (copy->world != NULL)
		memory_world_free(&copy->world);
	for (size_t i = 0; i < SIM_LOG_FILES; i++) {
		free(copy->log[i]);
		copy->log[i] = NULL;
	}
}

void
sim_init(struct sim *sim, uint64_t seed, bool verbose)
{
	static const char *const paths[] = { "/sim-a", "/sim-b" };

	memset(sim, 0, sizeof(*sim));
	sim->verbose = verbose;
	sim->clock = START_MS;
	sim_random.state = seed ^ 0x5eedULL;
	for (unsigned int s = 0; s < 2; s++) {
		sim->site[s].path = paths[s];
		sim->site[s].world = memory_world_new(paths[s]);
		sim_log_lose(&sim->site[s]);
	}
	if (seed >= SIM_SEED_2 && seed % 4 == 0) {
		sim->forbids = true;
		memory_world_forbid(sim->site[1].world, "z");
	}
	clock_set(sim->clock);
}

void
sim_deinit(struct sim *sim)
{
	for (unsigned int s = 0; s < 2; s++) {
		struct sim_site *site = &sim->site[s];

		sim_log_lose(site);
		sim_copy_free(&site->copy);
		memory_world_free(&site->world);
		ARRAY_FREE(&site->uids);
		ARRAY_FREE(&site->known);
	}
	ARRAY_FREE(&sim->bodies);
	clock_set(0);
}

bool
sim_fail(struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	if (sim->failed)
		return false;
	sim->failed = true;
	va_start(ap, fmt);
	(void)vsnprintf(sim->why, sizeof(sim->why), fmt, ap);
	va_end(ap);
	return false;
}

void
sim_say(const struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	if (!sim->verbose)
		return;
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
}
