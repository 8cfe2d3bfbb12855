/*
 * NAME
 *	shelf - the three tables, kept as fresh as their texts
 * DESCRIPTION
 *	A table lies as DIRECTORY/KIND.db and knows the stamp of the text it was made from.
 *	When the text has another stamp it is compiled anew, unless another clerk has done so
 *	already. A text with a mistake changes nothing: the table that was there goes on, even
 *	one from before the last start. Where DIRECTORY cannot be written a table is made in
 *	memory. News (mistakes, new tables) come as lines, each once.
 */
#ifndef COMMON_DIRECTORY_SHELF_H
#define COMMON_DIRECTORY_SHELF_H

#include "common/directory/lookup.h"

struct shelf {
	struct lookup	lookup;			/* what is known now */
	const char	*directory;
	struct {
		char	stamp[STAMP_SIZE];	/* of the text that the open table is made from */
		char	broken[STAMP_SIZE];	/* of a text with mistakes */
		bool	told;			/* that the text cannot be read just now */
	} each[TABLE_COUNT];
};

/* files and directory stay the caller's. */
void shelf_begin(struct shelf *s, const char *const files[TABLE_COUNT], const char *directory,
    const struct dir_rules *rules);
void shelf_refresh(struct shelf *s, struct str *news);
void shelf_end(struct shelf *s);

#endif
