/*
 * NAME
 *	value - one setting's value: read, checked, printed
 * DESCRIPTION
 *	Pure but for memory. value_parse() fills the field that row describes in c; on
 *	failure nothing has changed and e says what was expected. Strings come from a.
 *	Printing gives the file's own syntax: what value_print() says, value_parse() reads.
 */
#ifndef COMMON_CONF_VALUE_H
#define COMMON_CONF_VALUE_H

#include "common/base/arena.h"
#include "common/conf/conf.h"

enum {
	VALUE_WORDS_MAX	= 4096,		/* words in one list */
	VALUE_TEXT_MAX	= 8000,		/* bytes of one line of a settings file */
};

/* add: a list keeps what it has, and the words of text come behind it. */
bool value_parse(struct conf *c, const struct setting *row, struct span text, bool add,
    struct arena *a, struct err *e);
/* One line; for the list that is separated by ";" the words stand with "; " between. */
void value_print(const struct conf *c, const struct setting *row, struct str *out);
/* "a size like 50M", for mistakes and the manual. */
void value_expected(const struct setting *row, struct str *out);

#endif
