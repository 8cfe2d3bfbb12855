/*
 * NAME
 *	fix - what a submission server may change (RFC 6409 8)
 * DESCRIPTION
 *	Feed it the message in pieces as it comes, in LF; it gives all bytes on, but for:
 *	Bcc, Resent-Bcc and Return-Path (RFC 5321 4.4), which it drops, and what add
 *	allows: at the end of the header Date and Message-ID where they are missing or malformed,
 *	and From where it is missing; behind the first block of Resent- fields its date and
 *	its id, where that block has a Resent-From (RFC 5322 3.6.6). Only the header is ever
 *	held back, by one field at a time. A text without an empty line, or without a
 *	header, gets the empty line.
 */
#ifndef COMMON_MAIL_FIX_H
#define COMMON_MAIL_FIX_H

#include <time.h>

#include "common/base/str.h"

enum fix_add { FIX_DATE = 1, FIX_MESSAGE_ID = 2, FIX_FROM = 4, FIX_RESENT = 8, FIX_ALL = 15 };

struct fix_with {
	unsigned	 add;		/* enum fix_add bits */
	time_t		 now;
	int		 zone;
	const char	*message_id;	/* with < > */
	const char	*from;		/* "ann@example.org"; "": leave it missing */
};

struct fix {			/* fix_init() sets it; nothing here is for the caller */
	struct sink	 to;
	struct fix_with	 with;
	struct str	 held;		/* the field being read, whole lines */
	struct str	 line;		/* the line being read */
	unsigned	 seen;
	unsigned	 block;		/* Resent- fields of the block we are in */
	bool		 block_done;
	size_t		 header_bytes;
	bool		 in_body, too_long;
};

/* What with points to stays the caller's until fix_end(). */
void fix_init(struct fix *f, struct sink to, const struct fix_with *with);
void fix_feed(struct fix *f, struct span lf_text);
/* False: the header passed HEADER_BYTES_MAX (say 552 5.3.4). Frees what it held. */
bool fix_end(struct fix *f);

/* RFC 5322 3.6.4, without comments: <left@right>. */
bool fix_is_message_id(struct span value);

#endif
