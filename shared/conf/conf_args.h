/*
 * conf_args.h - the options of a command line
 *
 *	int next = 1;
 *
 *	conf_args_parse(&conf, argc, argv, &next, &err);	dsync -v
 *	command = argv[next++];					mirror
 *	conf_args_parse(&conf, argc, argv, &next, &err);	-m INBOX
 *	rest = argv + next;					ssh -v host ...
 *
 * Long options are the names of the table with '-' for '_' and take their
 * argument as --name=value or as the next word; letters can be joined ("-fv"),
 * and take the rest of the word or the next word.  A yes-or-no option takes no
 * argument; "--name=no" takes it back.
 */
#ifndef CONF_CONF_ARGS_H
#define CONF_CONF_ARGS_H

#include "conf/conf.h"

/*
 * Parse the options that begin at argv[*next], up to the first word that is
 * none ("-" is none), or to "--", which is skipped; nothing after it is
 * looked at.  *next is then the index of the first word left, argc at most.
 * The words are not changed or moved.  -1 with ERR_CONFIG: unknown option (and
 * which one was probably meant), no argument, a bad one.
 */
int conf_args_parse(struct conf *conf, int argc, char *const *argv, int *next,
    struct err *err);

#endif
