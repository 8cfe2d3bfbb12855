/*
 * NAME
 *	wrap - a message as the attachment of one of ours
 * DESCRIPTION
 *	For mail that is to go on though nothing proves whom it is from: the message around it is from the address
 *	that passes it on, which we can answer for, replies go to the author that the message inside names, and
 *	that is untouched. Its Received and Delivered-To fields stand outside once more, so that a message that
 *	goes round in circles is known however often it was wrapped.
 *	Pure.
 */
#ifndef COMMON_MAIL_WRAP_H
#define COMMON_MAIL_WRAP_H

#include <time.h>

#include "common/base/arena.h"
#include "common/base/span.h"
#include "common/base/str.h"

struct wrap {
	const char	*through;	/* the address that passes it on */
	const char	*message_id;	/* of the message around, with < > (msgid.h) */
	struct span	 header;	/* of the message inside */
	time_t		 now;
	int		 zone;
	bool		 eight;		/* there is more than ASCII in it */
	bool		 junk;		/* it is not the author that we doubt, or not only */
	bool		 utf8;		/* SMTPUTF8: also in its header, RFC 6532 */
	uint64_t	 dice;		/* for the boundary */
};

/* LF text, up to where the message inside begins. */
void wrap_begin(const struct wrap *w, struct arena *a, struct str *out);
/* And from where it ends. */
void wrap_end(const struct wrap *w, struct str *out);

#endif
