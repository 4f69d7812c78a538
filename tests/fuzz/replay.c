/*
 * replay.c - what surrounds the function of a fuzz target
 *
 * Without libFuzzer this is the main function: it feeds the target with the
 * files and folders named on the command line, or else with its corpus, which
 * is found by the program's name: fuzz_X has $srcdir/tests/fuzz/corpus/X.
 * Each file is given as it is, cut at some places and with bytes changed, so
 * that the replay reaches beyond the files.
 *
 * With libFuzzer, and no argument, the corpus is replayed and nothing else.
 */
#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX	((size_t)1 << 20)	/* bytes; longer ones are cut */
#define CHANGES_MAX	64U			/* variants of each kind */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The folder of the inputs of the program called argv0. */
static void
corpus_path(char *out, size_t size, const char *argv0)
{
	const char *slash = strrchr(argv0, '/'), *srcdir = getenv("srcdir");
	const char *name = slash != NULL ? slash + 1 : argv0;

	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	if (snprintf(out, size, "%s/tests/fuzz/corpus/%s",
	    srcdir != NULL ? srcdir : ".", name) >= (int)size)
		abort();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char corpus[PATH_MAX], runs[] = "-runs=0";
	static char *args[4];

	if (*argc > 1)
		return 0;
	corpus_path(corpus, sizeof(corpus), (*argv)[0]);
	args[0] = (*argv)[0];
	args[1] = runs;
	args[2] = corpus;
	*argc = 3;
	*argv = args;
	return 0;
}

#ifndef WITH_LIBFUZZER
static unsigned int inputs;

/* A copy of exactly this size, so that reading past its end is seen. */
static void
run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	inputs++;
}

static void
run_variants(uint8_t *data, size_t size)
{
	size_t step = size / CHANGES_MAX + 1;
	uint8_t old;

	run(data, size);
	for (size_t cut = 0; cut < size; cut += step)
		run(data, cut);
	for (size_t at = 0; at < size; at += step) {
		old = data[at];
		data[at] = (uint8_t)(old ^ 1U << at % 8);
		run(data, size);
		data[at] = (uint8_t)(at % 3 == 0 ? 0 : 0xff);
		run(data, size);
		data[at] = old;
	}
}

static int
run_file(const char *path)
{
	uint8_t *data = malloc(INPUT_MAX);
	FILE *file = fopen(path, "rb");
	size_t size;

	if (file == NULL || data == NULL) {
		perror(path);
		free(data);
		return 1;
	}
	size = fread(data, 1, INPUT_MAX, file);
	fclose(file);
	run_variants(data, size);
	free(data);
	return 0;
}

static int
run_path(const char *path)
{
	char name[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	DIR *dir;
	int ret = 0;

	if (stat(path, &st) == -1) {
		perror(path);
		return 1;
	}
	if (!S_ISDIR(st.st_mode))
		return run_file(path);
	if ((dir = opendir(path)) == NULL) {
		perror(path);
		return 1;
	}
	while (ret == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(name, sizeof(name), "%s/%s", path,
		    entry->d_name) < (int)sizeof(name))
			ret = run_file(name);
	}
	closedir(dir);
	return ret;
}

int
main(int argc, char **argv)
{
	char corpus[PATH_MAX];
	int ret = 0;

	if (argc == 1) {
		corpus_path(corpus, sizeof(corpus), argv[0]);
		ret = run_path(corpus);
	}
	for (int i = 1; ret == 0 && i < argc; i++)
		ret = run_path(argv[i]);
	if (ret == 0 && inputs == 0) {
		fprintf(stderr, "%s: no inputs\n", argv[0]);
		ret = 1;
	}
	printf("%u inputs\n", inputs);
	return ret;
}
#endif
