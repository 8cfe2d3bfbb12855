/*
 * NAME
 *	edit - change a text that a person also edits
 * DESCRIPTION
 *	Only the bytes that must change do: comments, order and blank lines stay. The file is
 *	locked against other edits of ours, written to a temporary neighbour with the owner and
 *	mode of the old one, and renamed: who reads it sees the old or the new text whole. A
 *	missing file reads as empty.
 */
#ifndef COMMON_ADMIN_EDIT_H
#define COMMON_ADMIN_EDIT_H

#include <sys/types.h>

#include "common/base/err.h"
#include "common/base/str.h"

struct edit {
	int		dir;
	char		path[4096], name[256];	/* symlinks followed */
	struct str	text;
	mode_t		mode;
	uid_t		uid;
	gid_t		gid;
};

/* group: who may read a file that is made now ("" nobody else); others as mode says. */
bool edit_open(struct edit *ed, const char *path, mode_t mode, const char *group, struct err *e);
void edit_add_line(struct edit *ed, struct span line);
/* part points into ed->text. Spans into the text are void afterwards. */
void edit_replace(struct edit *ed, struct span part, struct span with);
bool edit_commit(struct edit *ed, struct err *e);
void edit_close(struct edit *ed);

#endif
