/*
 * NAME
 *	uidlist - which UID each message of a folder has, for ever
 * DESCRIPTION
 *	dovecot-uidlist, version 3, as Dovecot 2.3 reads and writes it:
 *
 *		3 V<uidvalidity> N<next uid> G<guid> [other header fields]
 *		<uid> [<field> ...] :<base of the file name>
 *
 *	UIDs rise from line to line. Fields (S, W sizes; P, O for POP3; G) are kept. New lines are
 *	appended in one write and flushed before anybody hears their UIDs; the header's N
 *	counts only together with the last line. A last line without its end was never
 *	told to anybody and does not count. Version 1 ("1 <uidvalidity> <next>", then "<uid> <name>"),
 *	Courier's courierimapuiddb too, is read, and becomes version 3 with the next write.
 *	The list is never the place where mail gets lost: a file without a line gets one.
 */
#ifndef COMMON_STORE_UIDLIST_H
#define COMMON_STORE_UIDLIST_H

#include <sys/stat.h>

#include "common/base/err.h"
#include "common/base/str.h"

enum { UIDLIST_BYTES_MAX = 256 << 20 };		/* three million messages in one folder */

struct uidlist_line {
	uint32_t	uid;
	struct span	fields;		/* "S123 P42", or empty */
	struct span	base;
};

struct uidlist {
	uint32_t	 uidvalidity;	/* 0 = there is no list yet */
	uint32_t	 uidnext;
	char		 guid[33];	/* "" until one is made */
	char		 more[128];	/* other header fields, with a blank in front of each */
	bool		 whole;		/* version 3, and every line was good: may be appended to */
	size_t		 lines;
	uint32_t	 last;		/* UID of the last line */
	/* as it was on disk when read */
	dev_t		 dev;
	ino_t		 ino;
	off_t		 read_to;
	struct timespec	 mtime;
};

/* --- pure --- */

/* Eat the header line. False, nothing moved: not a uidlist. */
bool uidlist_take_head(struct span *in, struct uidlist *u);
/* Eat the next good line; bad ones before it are skipped and clear u->whole. False: no more. */
bool uidlist_take_line(struct span *in, struct uidlist *u, struct uidlist_line *line);
void uidlist_print_head(const struct uidlist *u, struct str *out);
void uidlist_print_line(const struct uidlist_line *line, struct str *out);

/* --- on disk; folder is its directory --- */

/*
 * Read the list, or only what was appended since the last read of u. each gets every new
 * line; *from_start (NULL is fine) says that all were read again. Without a file u stays as it was before
 * the first read (uidvalidity 0), or tells that the list vanished by uidvalidity 0.
 */
bool uidlist_read(int folder, struct uidlist *u,
    void (*each)(void *arg, const struct uidlist_line *line), void *arg, bool *from_start,
    struct err *e);
/* Under store_lock() and after uidlist_read(): lines are whole printed lines. Flushed. */
bool uidlist_append(int folder, struct uidlist *u, struct span lines, struct err *e);
/* Under store_lock(): the whole list anew. */
bool uidlist_replace(int folder, struct uidlist *u, struct span lines, struct err *e);
/* A UIDVALIDITY never given before below root: above the clock's and dovecot-uidvalidity's. */
bool uidlist_new_validity(int root, uint32_t *uidvalidity, struct err *e);

#endif
