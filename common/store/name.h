/*
 * NAME
 *	name - what the name of a file in a Maildir says
 * DESCRIPTION
 *	UNIQUE[,S=BYTES][,W=WIREBYTES][:2,FLAGS]. The part before the colon is the base:
 *	it stays for life and is what dovecot-uidlist knows. Flags are upper-case letters
 *	for the system's own, lower-case for keywords; letters we have no use for (P, and
 *	what follows a comma) are kept when a name is made anew.
 */
#ifndef COMMON_STORE_NAME_H
#define COMMON_STORE_NAME_H

#include <time.h>

#include "common/base/str.h"

enum { NAME_ROOM = 256 };		/* NAME_MAX and its NUL */

struct maildir_name {
	struct span	base;		/* before the colon */
	struct span	unique;		/* before the first comma of the base */
	struct span	letters;	/* after ":2,", as they are */
	unsigned	flags;		/* enum maildir_flag, never FLAG_RECENT */
	uint32_t	keywords;	/* bit n = letter 'a'+n */
	bool		has_size, has_wire_size;
	uint64_t	size, wire_size;
	time_t		date;		/* the seconds it begins with; 0 without */
};

/* Every name says something; what is not understood stays 0. Spans point into name. */
void name_parse(struct span name, struct maildir_name *out);
/*
 * The name for these flags: letters in ASCII order, those of kept that mean nothing to us in
 * between. Always with ":2,".
 */
void name_print(struct span base, struct span kept, unsigned flags, uint32_t keywords, struct str *out);

#endif
