/*
 * NAME
 *	setting - a setting is a row
 * DESCRIPTION
 *	One row is the parser, the default, the manual entry (posthorn.conf(5) is made
 *	from rows) and what `posthorn config show` prints. All rows of the suite stand
 *	in conf/rows.c, by section; one struct conf holds all values, so that every
 *	program and tool reads the same file the same way.
 *	File syntax: INI sections, `key = value`, `#` or `;` comments; conf.d beside the
 *	file (FILE.d/ *.conf, sorted) on top. A list is words separated by blanks or commas;
 *	repeats of a list key add to it, and an empty value empties it. " #" ends a value.
 *	A default may hold @hostname, @config, @programs and @here, which stand for what this
 *	machine and file have; a value in a file is taken as it is.
 */
#ifndef COMMON_CONF_SETTING_H
#define COMMON_CONF_SETTING_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/str.h"

enum setting_kind {
	SET_TEXT,	/* const char *, never NULL */
	SET_PATH,	/* const char *, absolute; "" where allowed */
	SET_SIZE,	/* uint64_t bytes: 10K, 50M, 1G */
	SET_TIME,	/* uint64_t seconds: 30s, 5m, 4h, 5d; a bare number is seconds */
	SET_COUNT,	/* uint64_t */
	SET_FLAG,	/* bool: yes no on off true false */
	SET_CHOICE,	/* const char *, one of row->words ("stderr syslog journal") */
	SET_LIST,	/* struct conf_list */
};

struct conf_list { const char **words; size_t count; };

struct setting {
	const char		*section, *key;
	enum setting_kind	 kind;
	size_t			 at;		/* offset in struct conf */
	const char		*fallback;	/* default, in the file's own syntax */
	/*
	 * SET_CHOICE: the choices ("/" stands for any absolute path); SET_SIZE/TIME/COUNT:
	 * "min max" or NULL; SET_TEXT and SET_LIST: the form of each word (value.c) or NULL;
	 * SET_PATH: "empty" where "" is allowed.
	 */
	const char		*words;
	const char		*help;		/* a sentence or some, for the manual */
};

extern const struct setting settings[];	/* ends with .key == NULL */

#endif
