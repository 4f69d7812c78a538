/*
 * raw.c - makes and changes mail for make bench, and measures what the machine
 * can do at best for the same work
 *
 * usage: raw make DIRECTORY MAILBOXES MESSAGES
 *	raw change DIRECTORY SEED NEW FLAGS
 *	raw copy FROM TO	as cp -a and one syncfs
 *	raw look DIRECTORY	read all directories
 *	raw rename DIRECTORY COUNT
 *	raw cipher BYTES	encrypt and decrypt
 *	raw time COMMAND ...	run it
 *
 * All but the first two print milliseconds; time prints those on the clock, of
 * the processor, and the most memory of one process in KiB.
 */
#include "config.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#define RECORD		16384	/* bytes */
#define PATH_BYTES	4096
#define BODY_MAX	65536

static uint32_t seed = 1;

static uint32_t
chance(uint32_t below)
{
	seed = seed * 1664525U + 1013904223U;
	return (seed >> 8) % below;
}

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void
print_since(double start)
{
	printf("%.1f\n", now_ms() - start);
}

static long
number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end != '\0' || n < 0)
		errx(64, "%s is no number", text);
	return n;
}

static void
make_path(char *out, const char *dir, const char *name)
{
	if (snprintf(out, PATH_BYTES, "%s/%s", dir, name) >= PATH_BYTES)
		errx(1, "%s/%s is too long", dir, name);
}

static void
make_dir(const char *path)
{
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		err(1, "%s", path);
}

/* Sizes as those of mail: most small, a few large; 4 KiB in the mean. */
static void
write_message(const char *dir, unsigned long id)
{
	static char body[BODY_MAX];
	char path[PATH_BYTES], name[64];
	size_t size = chance(50) == 0 ? 30000 + chance(30000) :
	    500 + chance(5000), len;
	int fd;

	snprintf(name, sizeof(name), "%lu.M%luP1.bench:2,",
	    1700000000UL + id, id);
	make_path(path, dir, name);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600)) == -1)
		err(1, "%s", path);
	len = (size_t)snprintf(body, sizeof(body), "From: bench@example.org\n"
	    "Subject: message %lu\nMessage-ID: <%lu@example.org>\n\n", id, id);
	while (len < size)
		len += (size_t)snprintf(body + len, sizeof(body) - len,
		    "%08x %08x %08x\n", chance(1U << 24), chance(1U << 24),
		    chance(1U << 24));
	if (write(fd, body, len) != (ssize_t)len || close(fd) == -1)
		err(1, "%s", path);
}

static void
box_path(char *out, const char *dir, long box)
{
	char name[32] = ".";

	if (box > 0)
		snprintf(name, sizeof(name), ".Box%05ld", box);
	make_path(out, dir, name);
}

static void
make_maildir(const char *dir, long boxes, long messages)
{
	static const char *const subs[] = { "cur", "new", "tmp" };
	char box[PATH_BYTES], sub[PATH_BYTES];

	make_dir(dir);
	for (long b = 0; b < boxes; b++) {
		box_path(box, dir, b);
		make_dir(box);
		for (int i = 0; i < 3; i++) {
			make_path(sub, box, subs[i]);
			make_dir(sub);
		}
		make_path(sub, box, "cur");
		for (long m = b; m < messages; m += boxes)
			write_message(sub, (unsigned long)m);
	}
}

/* Call fn for each file below dir; it may stop by returning false. */
typedef bool file_fn(const char *dir, const char *name, void *arg);

static bool
walk(const char *dir, file_fn *fn, void *arg)
{
	char path[PATH_BYTES];
	struct dirent *de;
	bool go = true;
	DIR *d = opendir(dir);

	if (d == NULL)
		err(1, "%s", dir);
	while (go && (de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		make_path(path, dir, de->d_name);
		if (de->d_type == DT_DIR)
			go = walk(path, fn, arg);
		else if (fn != NULL)
			go = fn(dir, de->d_name, arg);
	}
	closedir(d);
	return go;
}

/* Flip a flag of the message. */
static bool
flip(const char *dir, const char *name, void *arg)
{
	char from[PATH_BYTES], to[PATH_BYTES];
	long *left = arg;
	size_t len;

	if (strstr(name, ":2,") == NULL || *left == 0)
		return *left > 0;
	make_path(from, dir, name);
	make_path(to, dir, name);
	len = strlen(to);
	if (to[len - 1] == 'S')
		to[len - 1] = '\0';
	else if (to[len - 1] == ',' && len < PATH_BYTES - 2)
		memcpy(to + len, "S", 2);
	else
		return true;
	if (rename(from, to) == -1)
		err(1, "%s", from);
	return --*left > 0;
}

static void
change(const char *dir, long salt, long fresh, long flags)
{
	char box[PATH_BYTES], cur[PATH_BYTES];

	seed = (uint32_t)salt;
	for (long i = 0; i < fresh; i++) {
		box_path(box, dir, 1 + i % 10);
		make_path(cur, box, "cur");
		write_message(cur, 100000000UL + (unsigned long)salt *
		    1000000UL + (unsigned long)i);
	}
	walk(dir, flip, &flags);
}

static void
copy_file(const char *from, const char *to)
{
	static char buf[BODY_MAX * 4];
	int in = open(from, O_RDONLY), out;
	ssize_t n;

	out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (in == -1 || out == -1)
		err(1, "%s", to);
	while ((n = read(in, buf, sizeof(buf))) > 0) {
		if (write(out, buf, (size_t)n) != n)
			err(1, "%s", to);
	}
	close(in);
	if (close(out) == -1 || n == -1)
		err(1, "%s", to);
}

static void
copy_tree(const char *from, const char *to)
{
	char a[PATH_BYTES], b[PATH_BYTES];
	struct dirent *de;
	DIR *d = opendir(from);

	if (d == NULL)
		err(1, "%s", from);
	make_dir(to);
	while ((de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		make_path(a, from, de->d_name);
		make_path(b, to, de->d_name);
		if (de->d_type == DT_DIR)
			copy_tree(a, b);
		else
			copy_file(a, b);
	}
	closedir(d);
}

static void
copy(const char *from, const char *to)
{
	double start = now_ms();
	int fd;

	copy_tree(from, to);
	if ((fd = open(to, O_RDONLY | O_DIRECTORY)) == -1 || syncfs(fd) == -1)
		err(1, "%s", to);
	close(fd);
	print_since(start);
}

/* TLS 1.3's cipher, over there and back. */
static void
cipher(long bytes)
{
	static uint8_t in[RECORD], out[RECORD], tag[16];
	const uint8_t key[32] = { 1 }, iv[12] = { 2 };
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	double start = now_ms();
	int n;

	if (ctx == NULL)
		errx(1, "no memory");
	for (long done = 0; done < bytes; done += RECORD) {
		if (EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key,
		    iv) != 1 || EVP_EncryptUpdate(ctx, out, &n, in,
		    RECORD) != 1 || EVP_EncryptFinal_ex(ctx, out, &n) != 1 ||
		    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16,
		    tag) != 1 || EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(),
		    NULL, key, iv) != 1 ||
		    EVP_DecryptUpdate(ctx, in, &n, out, RECORD) != 1)
			errx(1, "the cipher fails");
	}
	EVP_CIPHER_CTX_free(ctx);
	print_since(start);
}

static int
time_command(char **argv)
{
	double start = now_ms(), cpu;
	struct rusage use;
	int status;
	pid_t pid;

	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		if (dup2(STDERR_FILENO, STDOUT_FILENO) == -1)
			err(1, "dup2");
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	if (waitpid(pid, &status, 0) == -1 ||
	    getrusage(RUSAGE_CHILDREN, &use) == -1)
		err(1, "wait");
	cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e3 +
	    (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e3;
	printf("%.1f %.1f %ld\n", now_ms() - start, cpu, use.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	double start = now_ms();
	long count;

	if (strcmp(what, "make") == 0 && argc == 5) {
		make_maildir(argv[2], number(argv[3]), number(argv[4]));
	} else if (strcmp(what, "change") == 0 && argc == 6) {
		change(argv[2], number(argv[3]), number(argv[4]),
		    number(argv[5]));
	} else if (strcmp(what, "copy") == 0 && argc == 4) {
		copy(argv[2], argv[3]);
	} else if (strcmp(what, "look") == 0 && argc == 3) {
		walk(argv[2], NULL, NULL);
		print_since(start);
	} else if (strcmp(what, "rename") == 0 && argc == 4) {
		count = number(argv[3]);
		walk(argv[2], flip, &count);
		print_since(start);
	} else if (strcmp(what, "cipher") == 0 && argc == 3) {
		cipher(number(argv[2]));
	} else if (strcmp(what, "time") == 0 && argc > 2) {
		return time_command(argv + 2);
	} else {
		errx(64, "usage: see the source");
	}
	return 0;
}
