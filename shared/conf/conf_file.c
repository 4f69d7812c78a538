#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "conf/conf_file.h"
#include "conf/conf_line.h"

/* What one reading of a file and all that it includes has in common. */
struct reading {
	struct conf *conf;
	enum conf_source source;
	bool files_allowed;
	unsigned int depth;	/* of includes */
	unsigned int files;	/* so far */
};

/* One file that is being read. */
struct file {
	struct reading *reading;
	const char *path;
	struct strbuf section;	/* "section/name/" of the open sections */
	size_t starts[CONF_SECTION_MAX];	/* where each begins there */
	unsigned int depth;	/* of sections */
	unsigned int number;	/* of the line */
};

static int read_path(struct reading *reading, const char *path,
    const struct strbuf *section, struct err *err);

/* path as seen from the file that names it; heap memory. */
static char *
path_from(const struct file *file, const char *path)
{
	const char *slash = strrchr(file->path, '/');

	if (path[0] == '/' || slash == NULL)
		return mem_strdup(path);
	return mem_printf("%.*s/%s", (int)(slash - file->path), file->path,
	    path);
}

/*
 * Unlike io_read_file this follows symbolic links: people link their
 * configuration, and it is theirs.
 */
int
conf_file_bytes(const char *path, struct strbuf *buf, struct err *err)
{
	struct stat st;
	ssize_t n;
	char chunk[4096];
	int fd, ret = -1;

	/* Without O_NONBLOCK opening a FIFO would wait for its writer. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(err, "%s", path);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		err_set(err, ERR_CONFIG, "%s: not a regular file", path);
		goto out;
	}
	do {
		if ((n = io_read(fd, chunk, sizeof(chunk))) == -1) {
			err_sys(err, "%s", path);
			goto out;
		}
		strbuf_add(buf, chunk, (size_t)n);
	} while ((size_t)n == sizeof(chunk) && !buf->failed);
	if (buf->failed)
		err_set(err, ERR_CONFIG, "%s: larger than %zu bytes", path,
		    buf->limit);
	else
		ret = 0;
out:
	explicit_bzero(chunk, sizeof(chunk));	/* it may be a key */
	close(fd);
	return ret;
}

static int
no_files(const struct file *file, struct err *err)
{
	if (file->reading->files_allowed)
		return 0;
	return err_set(err, ERR_CONFIG, "other files cannot be named here");
}

/* A value "<path" is what that file holds, without newlines at its end. */
static int
set_from_file(struct file *file, const char *name, const char *path,
    struct err *err)
{
	struct strbuf value;
	char *full;
	int ret = -1;

	if (no_files(file, err) == -1)
		return -1;
	full = path_from(file, path);
	strbuf_init(&value, OPT_VALUE_MAX);
	if (conf_file_bytes(full, &value, err) == -1)
		goto out;
	if (memchr(value.data, '\0', value.len) != NULL) {
		err_set(err, ERR_CONFIG, "%s: not a text file", full);
		goto out;
	}
	while (value.len > 0 && (value.data[value.len - 1] == '\n' ||
	    value.data[value.len - 1] == '\r'))
		value.data[--value.len] = '\0';
	ret = conf_set(file->reading->conf, name, value.data,
	    file->reading->source, err);
out:
	explicit_bzero(value.data, value.len);
	strbuf_deinit(&value);
	free(full);
	return ret;
}

static int
do_setting(struct file *file, const struct conf_line *line, struct err *err)
{
	char *name = mem_printf("%s%s", file->section.data, line->name);
	char *place = mem_printf("%.160s line %u", file->path, file->number);
	int ret;

	conf_set_place(file->reading->conf, place);
	if (line->from_file)
		ret = set_from_file(file, name, line->value, err);
	else
		ret = conf_set(file->reading->conf, name, line->value,
		    file->reading->source, err);
	conf_set_place(file->reading->conf, NULL);
	free(place);
	free(name);
	return ret;
}

/* Is anything in the table below this section? */
static bool
section_known(const struct conf *conf, const struct strbuf *section)
{
	for (size_t i = 0; i < conf->count; i++) {
		const char *name = conf->defs[i].name;
		size_t len = strlen(name);

		if (strncmp(name, section->data, section->len) == 0)
			return true;
		if (conf->defs[i].type == OPT_MAP && section->len > len &&
		    strncmp(name, section->data, len) == 0 &&
		    section->data[len] == '/')
			return true;
	}
	return false;
}

static int
do_section(struct file *file, const struct conf_line *line, struct err *err)
{
	if (file->depth == CONF_SECTION_MAX)
		return err_set(err, ERR_CONFIG, "more than %u sections in "
		    "each other", CONF_SECTION_MAX);
	file->starts[file->depth++] = file->section.len;
	strbuf_addf(&file->section, "%s/", line->name);
	if (line->value[0] != '\0')
		strbuf_addf(&file->section, "%s/", line->value);
	if (file->section.failed)
		return err_set(err, ERR_CONFIG, "the section's name is too "
		    "long");
	if (!section_known(file->reading->conf, &file->section))
		return err_set(err, ERR_CONFIG, "unknown section %.80s%s%.80s",
		    line->name, line->value[0] != '\0' ? " " : "",
		    line->value);
	return 0;
}

static int
do_section_end(struct file *file, struct err *err)
{
	if (file->depth == 0)
		return err_set(err, ERR_CONFIG, "} without a section");
	file->section.len = file->starts[--file->depth];
	file->section.data[file->section.len] = '\0';
	return 0;
}

static int
include_each(struct file *file, char **paths, size_t count, bool try,
    struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (read_path(file->reading, paths[i], &file->section,
		    err) == 0)
			continue;
		if (try && (err->code == ERR_NOTFOUND ||
		    err->code == ERR_PERM))
			continue;
		return -1;
	}
	return 0;
}

static int
do_include(struct file *file, const struct conf_line *line, bool try,
    struct err *err)
{
	struct reading *reading = file->reading;
	glob_t found;
	char *pattern;
	int r, ret = -1;

	if (no_files(file, err) == -1)
		return -1;
	if (reading->depth == CONF_INCLUDE_MAX)
		return err_set(err, ERR_CONFIG, "more than %u files include "
		    "each other", CONF_INCLUDE_MAX);
	pattern = path_from(file, line->value);
	reading->depth++;
	r = glob(pattern, 0, NULL, &found);
	if (r == 0) {
		ret = include_each(file, found.gl_pathv, found.gl_pathc, try,
		    err);
		globfree(&found);
	} else if (r == GLOB_NOMATCH)
		ret = try ? 0 : err_set(err, ERR_CONFIG,
		    "%s: there is no such file", pattern);
	else
		err_set(err, ERR_CONFIG, "%s: cannot look for files", pattern);
	reading->depth--;
	free(pattern);
	return ret;
}

static int
do_line(struct file *file, const struct conf_line *line, struct err *err)
{
	switch (line->kind) {
	case CONF_LINE_EMPTY:
		return 0;
	case CONF_LINE_SETTING:
		return do_setting(file, line, err);
	case CONF_LINE_SECTION:
		return do_section(file, line, err);
	case CONF_LINE_SECTION_END:
		return do_section_end(file, err);
	case CONF_LINE_INCLUDE:
		return do_include(file, line, false, err);
	case CONF_LINE_INCLUDE_TRY:
		return do_include(file, line, true, err);
	}
	abort();
}

static int
parse_text(struct reading *reading, const char *path,
    const struct strbuf *section, const char *text, size_t len,
    struct err *err)
{
	struct file file = { .reading = reading, .path = path };
	struct conf_lines lines;
	struct conf_line line;
	int r;

	strbuf_init(&file.section, OPT_VALUE_MAX);
	if (section != NULL)
		strbuf_add(&file.section, section->data, section->len);
	conf_lines_init(&lines, text, len);
	while ((r = conf_lines_next(&lines, &line, err)) == 1) {
		file.number = lines.number;
		if ((r = do_line(&file, &line, err)) == -1)
			break;
	}
	if (r == 0 && file.depth > 0)
		r = err_set(err, ERR_CONFIG, "the file ends within a section");
	if (r == -1) {
		/* A file named in this one is missing, not this one. */
		err->code = ERR_CONFIG;
		err_prefix(err, "%s:%u", path, lines.number);
	}
	conf_lines_deinit(&lines);
	strbuf_deinit(&file.section);
	return r;
}

static int
read_path(struct reading *reading, const char *path,
    const struct strbuf *section, struct err *err)
{
	struct strbuf text;
	int ret;

	if (reading->files++ == CONF_FILES_MAX)
		return err_set(err, ERR_CONFIG, "more than %u files",
		    CONF_FILES_MAX);
	strbuf_init(&text, CONF_FILE_MAX);
	ret = conf_file_bytes(path, &text, err);
	if (ret == 0)
		ret = parse_text(reading, path, section, text.data, text.len,
		    err);
	explicit_bzero(text.data, text.len);
	strbuf_deinit(&text);
	return ret;
}

int
conf_file_read(struct conf *conf, const char *path, enum conf_source source,
    struct err *err)
{
	struct reading reading = { .conf = conf, .source = source,
	    .files_allowed = true };

	return read_path(&reading, path, NULL, err);
}

int
conf_file_parse(struct conf *conf, const char *name, const char *text,
    size_t len, enum conf_source source, struct err *err)
{
	struct reading reading = { .conf = conf, .source = source };

	if (len > CONF_FILE_MAX)
		return err_set(err, ERR_CONFIG, "%s: larger than %u bytes",
		    name, CONF_FILE_MAX);
	return parse_text(&reading, name, NULL, text, len, err);
}
