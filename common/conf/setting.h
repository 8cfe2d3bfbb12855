/*
 * NAME
 *	setting - a setting is a row
 * DESCRIPTION
 *	One row is the parser, the default, the manual entry (posthorn.conf(5) is made
 *	from rows) and what `posthorn config show` prints. All rows of the suite stand
 *	in conf/rows.c, by section; one struct conf holds all values, so that every
 *	program and tool reads the same file the same way.
 *	File syntax: INI sections, `key = value`, `#` or `;` comments; conf.d beside the
 *	file (FILE.d/ *.conf, sorted) on top. A list is words separated by blanks or commas, and
 *	repeats of a list key add to it.
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
	const char		*words;		/* SET_CHOICE: the choices; SET_SIZE/TIME/COUNT: "min max" or NULL */
	const char		*help;		/* a sentence or some, for the manual */
};

extern const struct setting settings[];	/* ends with .key == NULL */

#endif
