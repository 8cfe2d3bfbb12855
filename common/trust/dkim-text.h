/*
 * NAME
 *	dkim-text - a message that comes in pieces, as DKIM hashes it
 * DESCRIPTION
 *	What verifying and signing share. The header is gathered, then begins the body, which is
 *	hashed as it comes: once for each canonical form that somebody wants, whatever
 *	the number of signatures. A signature over the first l= bytes gets a copy of the
 *	hash's state at that place.
 */
#ifndef COMMON_TRUST_DKIM_TEXT_H
#define COMMON_TRUST_DKIM_TEXT_H

#include "common/mail/header.h"
#include "common/trust/canon.h"
#include "common/trust/key.h"

#define DKIM_WHOLE	UINT64_MAX		/* as most: all of the body */

/* --- gathering the header --- */

struct dkim_top {
	struct str	text;		/* the header with its empty line */
	bool		whole;		/* the empty line was there */
	bool		too_long;	/* more than HEADER_BYTES_MAX: the rest was thrown away */
};

void dkim_top_init(struct dkim_top *t);
/* Eats what belongs to the header; when whole, what is left of piece is body. */
void dkim_top_feed(struct dkim_top *t, struct span *piece);

/* --- hashing the body --- */

/* One digest that is wanted: of the first most bytes of the canonical body. */
struct dkim_wish {
	enum canon	 how;
	uint64_t	 most;			/* or DKIM_WHOLE */
	bool there; /* digest is; false when the body is shorter than most */
	unsigned char	 digest[KEY_DIGEST];
};

struct dkim_bodies;

/* The wishes are the caller's, and are fulfilled when dkim_bodies_end() returns. */
struct dkim_bodies *dkim_bodies_new(struct dkim_wish *wishes, size_t count);
void dkim_bodies_feed(struct dkim_bodies *b, struct span lf_text);
void dkim_bodies_end(struct dkim_bodies *b);
uint64_t dkim_bodies_length(const struct dkim_bodies *b, enum canon how);	/* canonical bytes, where it is wanted */
void dkim_bodies_free(struct dkim_bodies *b);

/* --- hashing the header --- */

/* Which fields have been taken already: RFC 6376 5.4.2. */
struct dkim_pick { const struct header *header; bool used[HEADER_FIELDS_MAX]; };
/* The last field of that name that is not taken yet, which is taken now; NULL: none left. */
const struct field *dkim_pick_last(struct dkim_pick *p, struct span name);

#endif
