/*
 * NAME
 *	keywords - which letter of a file name is which IMAP keyword
 * DESCRIPTION
 *	dovecot-keywords: lines "<n> <name>", n from 0 for the letter 'a' to 25 for 'z'.
 *	Kept as Dovecot does: rewritten whole under the lock, letters are never given anew.
 */
#ifndef COMMON_STORE_KEYWORDS_H
#define COMMON_STORE_KEYWORDS_H

#include <sys/stat.h>

#include "common/base/err.h"
#include "common/base/str.h"

enum { KEYWORDS_MAX = 26, KEYWORD_ROOM = 128 };

struct keywords {
	char		name[KEYWORDS_MAX][KEYWORD_ROOM];	/* "" = unused */
	ino_t		ino;			/* as read; 0 = never */
	struct timespec	mtime;
};

/* Lines that make no sense are skipped. */
void keywords_parse(struct span text, struct keywords *k);
void keywords_print(const struct keywords *k, struct str *out);
/* The letter's number, or -1; ignores case. */
int keywords_find(const struct keywords *k, struct span name);

/* Read folder's file when it has changed. Without one there are none. */
bool keywords_read(int folder, struct keywords *k, struct err *e);
/* Find or add, durable. PERM when all letters are in use or the name can not be one. */
bool keywords_add(int folder, struct keywords *k, struct span name, unsigned *bit, struct err *e);

#endif
