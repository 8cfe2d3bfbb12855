/*
 * NAME
 *	header - the fields of a message's header
 * DESCRIPTION
 *	Walks a text whose lines end in LF or CRLF. The header ends at the first empty
 *	line, or with the text. A line that is neither a field nor a continuation is
 *	given out as a field without a name, so that all bytes are accounted for.
 *	Nothing is copied: all spans point into the text. Linear in the text.
 */
#ifndef COMMON_MAIL_HEADER_H
#define COMMON_MAIL_HEADER_H

#include "common/base/arena.h"
#include "common/base/span.h"
#include "common/base/str.h"

enum {
	HEADER_FIELDS_MAX	= 1000,		/* fields indexed; a message may have more */
	HEADER_BYTES_MAX	= 1 << 20,	/* a larger header is refused on the way in */
};

struct field {
	struct span	name;		/* before the colon, without blanks; empty: not a field */
	struct span value; /* after the colon, still folded, without outer blanks and line end */
	struct span	whole;		/* all its lines with their line ends */
	size_t		at;		/* offset of whole in the text given to header_index() */
};

struct header {
	struct field	*fields;
	size_t		 count;
	size_t		 bytes;		/* of the header without its empty line */
	size_t body_at; /* behind the empty line; = length of the text when there is none */
	bool		 cut;		/* fields or bytes past the limits were not indexed */
};

/* Eat one field. False, nothing moved: the empty line or the end of the text is next. */
bool header_next(struct span *text, struct field *out);
/* Eat the empty line that ends a header: LF or CRLF. */
bool header_eat_end(struct span *text);
/* Length of the header with its empty line; all of text when there is no empty line. */
size_t header_length(struct span text);

void header_index(struct span text, struct arena *a, struct header *out);
/* The first field of that name, or the next one behind after; NULL when there is none. */
const struct field *header_find(const struct header *h, const char *name);
const struct field *header_find_after(const struct header *h, const char *name, const struct field *after);
/* The value of the first field of that name; .p is NULL when there is none. */
struct span header_value(const struct header *h, const char *name);

/* One field in one line as lines of 78 at most, where its blanks allow that, ended by LF. */
void header_fold(struct span field, struct str *out);
/* RFC 5322 2.2.3: take the line ends out. Controls but HTAB become blanks. */
void header_unfold(struct span value, struct str *out);

#endif
