#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf_args.h"

struct words {
	int argc;
	char *const *argv;
	int next;
};

/* name with each from made a to; heap memory. */
static char *
respelled(const char *name, char from, char to)
{
	char *copy = mem_strdup(name);

	for (char *p = copy; *p != '\0'; p++) {
		if (*p == from)
			*p = to;
	}
	return copy;
}

static int
unknown_option(const struct conf *conf, const char *name, struct err *err)
{
	char *copy = respelled(name, '-', '_'), *better;
	const char *near = conf_nearest(conf, copy, OPT_FILE_ONLY);

	free(copy);
	if (near == NULL)
		return err_set(err, ERR_CONFIG, "unknown option --%.80s",
		    name);
	better = respelled(near, '_', '-');
	err_set(err, ERR_CONFIG, "unknown option --%.80s: did you mean --%s?",
	    name, better);
	free(better);
	return -1;
}

/* The next word as the argument of an option that came without one. */
static const char *
take_word(struct words *words)
{
	return words->next < words->argc ? words->argv[words->next++] : NULL;
}

/* word is after "--". */
static int
parse_long(struct conf *conf, const char *word, struct words *words,
    struct err *err)
{
	const char *value = strchr(word, '=');
	const struct optdef *def;
	char *name;
	int ret;

	name = value != NULL ? mem_strndup(word, (size_t)(value - word)) :
	    mem_strdup(word);
	def = conf_find(conf, name);
	if (def == NULL || def->flags & OPT_FILE_ONLY)
		ret = unknown_option(conf, name, err);
	else if (value != NULL)
		ret = conf_set_def(conf, def, value + 1, CONF_ARGS, err);
	else if (def->type == OPT_BOOL)
		ret = conf_set_def(conf, def, "yes", CONF_ARGS, err);
	else if ((value = take_word(words)) != NULL)
		ret = conf_set_def(conf, def, value, CONF_ARGS, err);
	else
		ret = err_set(err, ERR_CONFIG, "--%s needs an argument", name);
	free(name);
	return ret;
}

static const struct optdef *
find_letter(const struct conf *conf, char letter)
{
	for (size_t i = 0; i < conf->count; i++) {
		if (conf->defs[i].letter == letter &&
		    !(conf->defs[i].flags & OPT_FILE_ONLY))
			return &conf->defs[i];
	}
	return NULL;
}

/* letters are after "-". */
static int
parse_letters(struct conf *conf, const char *letters, struct words *words,
    struct err *err)
{
	const struct optdef *def;
	const char *value;

	for (; *letters != '\0'; letters++) {
		if ((def = find_letter(conf, *letters)) == NULL)
			return err_set(err, ERR_CONFIG, "unknown option -%c",
			    *letters);
		if (def->type == OPT_BOOL) {
			if (conf_set_def(conf, def, "yes", CONF_ARGS,
			    err) == -1)
				return -1;
			continue;
		}
		value = letters[1] != '\0' ? letters + 1 : take_word(words);
		if (value == NULL)
			return err_set(err, ERR_CONFIG,
			    "-%c needs an argument", *letters);
		return conf_set_def(conf, def, value, CONF_ARGS, err);
	}
	return 0;
}

int
conf_args_parse(struct conf *conf, int argc, char *const *argv, int *next,
    struct err *err)
{
	struct words words = { argc, argv, *next };
	const char *word;
	int ret;

	while (words.next < argc) {
		word = argv[words.next];
		if (word[0] != '-' || word[1] == '\0')
			break;
		words.next++;
		if (strcmp(word, "--") == 0)
			break;
		if (word[1] == '-')
			ret = parse_long(conf, word + 2, &words, err);
		else
			ret = parse_letters(conf, word + 1, &words, err);
		if (ret == -1)
			return -1;
	}
	*next = words.next;
	return 0;
}
