/*
 * Any text as a configuration file: errors name the line, and the settings
 * printed are read back as the same settings.
 */
#include "config.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "conf/conf_file.h"
#include "conf/conf_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct settings {
	bool flag;
	unsigned int number, seconds;
	uint64_t size;
	int word;
	char *text, *deep;
	struct opt_list list, map;
};

#define FIELD(f) offsetof(struct settings, f)

static const char *const words[] = { "one", "two", NULL };

static const struct optdef defs[] = {
	{ .name = "flag", .type = OPT_BOOL, .offset = FIELD(flag) },
	{ .name = "number", .type = OPT_UINT, .offset = FIELD(number) },
	{ .name = "wait", .type = OPT_SECONDS, .flags = OPT_LIMIT,
	  .offset = FIELD(seconds), .value = "1m" },
	{ .name = "size", .type = OPT_SIZE, .offset = FIELD(size) },
	{ .name = "word", .type = OPT_ENUM, .offset = FIELD(word),
	  .words = words },
	{ .name = "text", .type = OPT_STRING, .offset = FIELD(text) },
	{ .name = "sec/name/deep", .type = OPT_STRING,
	  .offset = FIELD(deep) },
	{ .name = "list", .type = OPT_LIST, .offset = FIELD(list) },
	{ .name = "map", .type = OPT_MAP, .offset = FIELD(map) },
};

static void
print(const struct conf *conf, struct strbuf *out)
{
	strbuf_init(out, 16U << 20);
	conf_print_settings(conf, false, out);
}

static void
print_again(const struct strbuf *printed)
{
	struct settings settings;
	struct conf conf;
	struct err err = ERR_INIT;
	struct strbuf again;

	if (printed->failed || printed->len > CONF_FILE_MAX)
		return;
	conf_init(&conf, defs, nitems(defs), &settings);
	if (conf_file_parse(&conf, "again", printed->data, printed->len,
	    CONF_FILE, &err) == -1)
		abort();
	print(&conf, &again);
	assert(strcmp(printed->data, again.data) == 0);
	strbuf_deinit(&again);
	conf_deinit(&conf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings settings;
	struct conf conf;
	struct err err = ERR_INIT;
	struct strbuf printed;

	conf_init(&conf, defs, nitems(defs), &settings);
	if (conf_file_parse(&conf, "input", (const char *)data, size,
	    CONF_FILE, &err) == -1) {
		assert(err.code == ERR_CONFIG);
		assert(strncmp(err.msg, "input:", 6) == 0);
	}
	assert(settings.seconds > 0);
	print(&conf, &printed);
	print_again(&printed);
	strbuf_deinit(&printed);
	conf_deinit(&conf);
	return 0;
}
