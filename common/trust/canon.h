/*
 * NAME
 *	canon - what of a message is signed: its canonical form
 * DESCRIPTION
 *	RFC 6376 3.4: simple and relaxed, for header fields and for the body. Our texts have LF
 *	where the wire has CRLF; the canonical form has CRLF. A field is done whole. The body
 *	is a machine over pieces of any size, whose memory does not depend on what
 *	comes: it only counts line ends and blanks that may turn out to be the last. Pure.
 */
#ifndef COMMON_TRUST_CANON_H
#define COMMON_TRUST_CANON_H

#include "common/base/str.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };
enum { CANON_PIECE = 16384 };

/* whole: a field with its line ends, or without the last. Appended with its CRLF. */
void canon_field(enum canon how, struct span whole, struct str *out);

struct canon_body {
	enum canon	 how;
	void (*to)(void *arg, struct span canonical); /* pieces of CANON_PIECE at most */
	void		*arg;
	uint64_t	 ends;			/* line ends not yet given out */
	bool		 blank;			/* relaxed: likewise a blank */
	bool		 any;			/* relaxed: something was given out */
	size_t		 n;
	char		 buf[CANON_PIECE];
};

void canon_body_begin(struct canon_body *b, enum canon how,
    void (*to)(void *arg, struct span canonical), void *arg);
void canon_body_feed(struct canon_body *b, struct span lf_text);
void canon_body_end(struct canon_body *b);

#endif
