/*
 * NAME
 *	table - texts by key, in a file that is replaced whole
 * DESCRIPTION
 *	Berkeley DB, used where it is strong: one process writes a fresh file and renames
 *	it into place; readers open it read-only and never see it change. Without
 *	locks, without logs, in a private environment whose home is the directory of
 *	the file, so that no DB_CONFIG of somebody else's directory counts
 *	(CVE-2017-10140). The only file that sees db.h.
 */
#ifndef COMMON_DIRECTORY_TABLE_H
#define COMMON_DIRECTORY_TABLE_H

#include "common/base/err.h"
#include "common/base/str.h"

struct table;

struct table *table_new(struct err *e); /* in memory, to be filled; NULL: e */
struct table *table_create(const char *path, struct err *e);	/* a new file; path must not be there */
struct table *table_open(const char *path, struct err *e);	/* to read */
bool table_close(struct table *t, struct err *e);		/* a file's bytes may fail only now; NULL is fine */
/* False with kind ERR_PERM: the key is there already. */
bool table_put(struct table *t, struct span key, struct span value, struct err *e);
/* value is emptied first; *found false: no such key. */
bool table_get(struct table *t, struct span key, struct str *value, bool *found, struct err *e);

/*
 * Hints: a table that one process keeps and changes in place. A crash may cost it: what is damaged
 * (its pages are verified) is thrown away, anew says so, and it begins empty. TEMP: what is there
 * cannot be read now, and stays.
 */
struct table *table_hints(const char *path, bool *anew, struct err *e);

/*
 * A ledger: rows that one process changes in place, in DIRECTORY that has nothing else in it, with a
 * log of its own (each change is whole, and survives the end of the process at any moment; a
 * power cut may take the last minute). *anew: what was there is damaged, and gone.
 * TEMP also when another process has it, or the disk is full.
 */
struct table *table_ledger(const char *directory, bool *anew, struct err *e);
bool table_set(struct table *t, struct span key, struct span value,
    struct err *e); /* in place of what was there */
/* Each row; keep says whether it stays. */
bool table_sift(struct table *t, bool (*keep)(void *arg, struct span key, struct span value),
    void *arg, struct err *e);
bool table_sync(struct table *t, struct err *e);

#endif
