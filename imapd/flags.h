/*
 * NAME
 *	flags - flags and keywords as clients name them
 */
#ifndef IMAPD_FLAGS_H
#define IMAPD_FLAGS_H

#include "imapd/imap.h"

enum { FLAGS_KEYWORDS_MAX = 26 };	/* Maildir has the letters a to z for them */

struct flag_names {
	unsigned	flags;		/* enum maildir_flag, never FLAG_RECENT */
	struct span	keywords[FLAGS_KEYWORDS_MAX];
	size_t		count;
};

/* "(\Seen work)", or without parentheses where bare says so. \Recent is read and ignored. */
bool flags_parse(struct span *in, bool bare, struct flag_names *out);
/* Keyword bits in this folder; new names are given a letter. PERM when all are taken. */
bool flags_keywords(struct mailbox *box, const struct flag_names *f, uint32_t *bits, struct err *e);
/* Only those that the folder knows already. */
uint32_t flags_known_keywords(const struct mailbox *box, const struct flag_names *f);

#endif
