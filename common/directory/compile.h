/*
 * NAME
 *	compile - text files into tables
 * DESCRIPTION
 *	Keys are names as name.h folds them ("@domain" as it is). A value is "LINE ROW": the number
 *	of the line, and the row in the syntax of its own file, without the hash of a password. The
 *	key "" holds the stamp of the text that a table was made from. A pattern of aliases stands
 *	once more under its domain and a number from 0 on, in the order of the text; a group
 *	under its name with a sign before it that no name has.
 */
#ifndef COMMON_DIRECTORY_COMPILE_H
#define COMMON_DIRECTORY_COMPILE_H

#include "common/directory/table.h"

enum table_kind { TABLE_USERS, TABLE_DOMAINS, TABLE_ALIASES, TABLE_RECIPIENTS, TABLE_DESTINATIONS, TABLE_COUNT };

enum { STAMP_SIZE = 96, COMPILE_PATTERNS_MAX = 1000 };	/* patterns of one domain */

const char *compile_kind_name(enum table_kind kind);		/* "users" */

/* Does a text of this kind join lines? The key of one line of it; false: e says what is wrong. */
bool compile_joins(enum table_kind kind);
/*
 * A key as the tables have it: a domain has one spelling there, that of DNS (RFC 5890), so
 * that müller.example and xn--mller-kva.example are one. What can be no domain stays.
 */
void compile_fold(enum table_kind kind, struct span key, struct str *out);
/* Of a line: its key as it is written there. */
bool compile_key(enum table_kind kind, struct span line, struct str *key, struct err *e);
void compile_pattern_key(struct span domain, unsigned number, struct str *key);
void compile_group_key(struct span name, struct str *key);

/*
 * Fill t from text. Each mistake becomes a line "FILE:LINE: ..." in mistakes (may be NULL); e gets
 * the first. False when there was one.
 */
bool compile_text(enum table_kind kind, struct span text, const char *file, struct table *t,
    struct str *mistakes, struct err *e);

/*
 * Time of change (of the inode: it sees an older file put in place too), size and inode of a text in
 * one line; "none" when it is not there. False: cannot be told.
 */
bool compile_stamp(const char *file, char stamp[STAMP_SIZE], struct err *e);
/* All of a text; a missing file reads as empty. */
bool compile_read(const char *file, struct str *text, struct err *e);

/* FILE into a table in memory, to look into and throw away. NULL: e and mistakes. */
struct table *compile_memory(enum table_kind kind, const char *file, struct str *mistakes, struct err *e);
/*
 * FILE into DIRECTORY/KIND.db, through a temporary file beside it that takes its place
 * when it is whole and on disk.
 */
bool compile_file(enum table_kind kind, const char *file, const char *directory,
    struct str *mistakes, struct err *e);

#endif
