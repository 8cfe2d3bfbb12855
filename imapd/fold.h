/*
 * NAME
 *	fold - find words in text without minding capital letters
 * DESCRIPTION
 *	Folding is the simple one, a code point for a code point: Latin with its accents,
 *	Greek (final sigma too), Cyrillic, Armenian. A finder is fed UTF-8 in pieces cut
 *	anywhere and remembers just enough to find a word across the cut.
 */
#ifndef IMAPD_FOLD_H
#define IMAPD_FOLD_H

#include "common/base/str.h"

uint32_t fold_point(uint32_t c);
void fold_text(struct span utf8, struct str *out);	/* what is no UTF-8 is copied as it is */

struct finder {
	struct span	word;		/* folded */
	struct str	window;
	char		cut[4];		/* the start of a character whose rest is to come */
	size_t		cut_n;
	bool		found;
};

void finder_begin(struct finder *f, struct span folded_word);
bool finder_feed(struct finder *f, struct span utf8);	/* true: found, now or before */
void finder_end(struct finder *f);			/* gives the memory back */
/* All at once. */
bool fold_contains(struct span utf8, struct span folded_word);

#endif
