/*
 * NAME
 *	list - the rows of users, domains or aliases, as they stand in their text
 */
#ifndef COMMON_ADMIN_LIST_H
#define COMMON_ADMIN_LIST_H

#include "common/directory/compile.h"

struct list_row {
	unsigned	line;
	struct span	key;	/* as tables have it: lower case, unquoted */
	struct span	raw;	/* its bytes in the text, newline too */
	struct span	row;	/* joined, without comments */
};

/* Calls each with every row that can be read; stops when it says false. */
void list_each(enum table_kind kind, struct span text,
    bool (*each)(void *arg, const struct list_row *row), void *arg);
/* The row with this key. Its row and key are copied into memory, raw points into text. */
bool list_find(enum table_kind kind, struct span text, struct span key, struct str *memory,
    struct list_row *found);

#endif
