/*
 * NAME
 *	mime - the parts of a message (RFC 2045, 2046)
 * DESCRIPTION
 *	One pass, without recursion, over a text with lines in LF; nothing is copied but
 *	unquoted words. Parts lie in one array in the order of the text; parts[0] is the
 *	message itself. A message/rfc822 (or message/global) part has one child, the message inside it.
 *	What lies deeper than MIME_DEPTH_MAX, is more than MIME_PARTS_MAX or has a longer
 *	boundary than MIME_BOUNDARY_MAX is left as an opaque leaf of the part around it: such
 *	a leaf may say "multipart/..." or "message/rfc822". A multipart may have no child.
 *	Bytes and lines are counted in LF text; mime_crlf() gives sizes on the wire.
 */
#ifndef COMMON_MAIL_MIME_H
#define COMMON_MAIL_MIME_H

#include "common/mail/param.h"

enum {
	MIME_DEPTH_MAX		= 100,		/* as Dovecot; deeper is an attack on the reader */
	MIME_PARTS_MAX		= 10000,
	MIME_BOUNDARY_MAX	= 200,		/* RFC 2046 5.1.1 says 70 */
};

enum mime_kind { MIME_LEAF, MIME_MULTIPART, MIME_MESSAGE };

struct mime_span { size_t at, bytes, lines; };	/* offset in the text, length, LFs in it */

struct mime_part {
	enum mime_kind		 kind;
	int parent, child, next; /* indexes: around it, first inside, beside; -1 none */
	unsigned		 number;	/* among its siblings, from 1 */
	unsigned		 depth;
	struct mime_span	 header;	/* with its empty line; may be empty */
	struct mime_span body; /* without the line end that belongs to the boundary */
	/* As written, or the defaults of RFC 2045 5.2 and 2046 5.1.5. */
	struct span		 type, subtype;
	struct params		 params;
	/* .p NULL where the field is missing. */
	struct span		 id, description, encoding, disposition, language, location, md5;
	struct params		 disposition_params;
};

struct mime {
	struct mime_part	*parts;
	size_t			 count;		/* at least 1 */
	bool			 cut;		/* some limit was met */
};

void mime_parse(struct span text, struct arena *a, struct mime *out);
/*
 * The part that IMAP calls by these numbers ("1", "2.3"; count 0 is the message itself):
 * RFC 9051 6.4.5.1. NULL when there is none. BODY[1] of a message that is no multipart is
 * the message itself.
 */
const struct mime_part *mime_find(const struct mime *m, const unsigned *numbers, size_t count);
/* The message inside a message/rfc822 part, for BODY[2.HEADER] and BODY[2.TEXT]; NULL for other parts. */
const struct mime_part *mime_inside(const struct mime *m, const struct mime_part *part);

/* Size on the wire of a stretch of LF text. */
static inline size_t mime_crlf(struct mime_span s)
{
	return s.bytes + s.lines;
}

#endif
