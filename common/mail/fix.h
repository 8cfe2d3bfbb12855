/*
 * NAME
 *	fix - what a submission server may change (RFC 6409 8)
 * DESCRIPTION
 *	Feed it the message in pieces as it comes, in LF; it gives all bytes on, but for:
 *	Bcc fields, which it drops, and, at the end of the header, Date and Message-ID
 *	where they are missing (and From, where the setting gives one). Only the header is ever
 *	held back, by one field at a time. A text without an empty line, or without a
 *	header, gets the empty line.
 */
#ifndef COMMON_MAIL_FIX_H
#define COMMON_MAIL_FIX_H

#include "common/mail/report.h"

struct fix {			/* fix_init() sets it; nothing here is for the caller */
	struct sink	 to;
	time_t		 now;
	int		 zone;
	const char	*message_id;	/* to be added where missing, with < > */
	const char	*from;		/* likewise "ann@example.org"; "" or NULL: leave it missing */
	struct str	 held;		/* the field being read, whole lines */
	struct str	 line;		/* the line being read */
	unsigned	 seen;
	size_t		 header_bytes;
	bool		 in_body, too_long;
};

void fix_init(struct fix *f, struct sink to, time_t now, int zone, const char *message_id, const char *from);
void fix_feed(struct fix *f, struct span lf_text);
/* False: the header passed HEADER_BYTES_MAX (say 552 5.3.4). Frees what it held. */
bool fix_end(struct fix *f);

#endif
