/*
 * NAME
 *	edit - change a message's header before the message is committed
 * SYNOPSIS
 *	edit_init(&d, ours, theirs);
 *	ok = edit_insert(&d, 0, SPAN("Authentication-Results"), SPAN(" mx.test; none"), &e);
 *	edit_remove(&d, SPAN("Authentication-Results"), is_forged, arg);
 *	... d.text is the new header, d.changes says whether it is another than before
 *	edit_free(&d);
 * DESCRIPTION
 *	Works on a header that is whole in memory, without the empty line behind it: first
 *	the lines we put on top ("ours"), then what came in. Names and numbers mean the
 *	fields that came in or were added here; our own lines can be passed, not
 *	changed. The first line that is no field ends the header, whatever comes behind it:
 *	most readers take it for text from there. Only edit_remove() looks further,
 *	because some do not.
 *
 *	A value is what stands behind the colon, its leading blank too, lines parted by LF
 *	or CRLF. Whatever it holds, it stays one field: a line that does not begin with a
 *	blank gets a tab, an empty one goes, controls become blanks. So a value that
 *	a stranger chose adds no second field and no early end of the header.
 * DIAGNOSTICS
 *	PERM 5.6.0 no such name can be, or a line would pass RFC 5322's 998 bytes; 5.3.4 the
 *	header would pass HEADER_BYTES_MAX. Nothing has changed then.
 */
#ifndef COMMON_MAIL_EDIT_H
#define COMMON_MAIL_EDIT_H

#include "common/base/err.h"
#include "common/mail/header.h"

enum {
	EDIT_NAME_MAX	= 200,
	EDIT_LINE_MAX	= 998,		/* RFC 5322 2.1.1 */
};

struct edit {
	struct str	text;		/* all fields, each with its LF */
	size_t		ours_at, ours_n;	/* the bytes of it that are ours */
	unsigned	changes;
};

void edit_init(struct edit *d, struct span ours, struct span theirs);
void edit_free(struct edit *d);
/* Eat the next field that is not ours. *at is 0 before the first. False: the header ends at *at. */
bool edit_next(const struct edit *d, size_t *at, struct field *f);

/* before: how many fields stay in front of it, ours counted; 0 is the top, too many the end. */
bool edit_insert(struct edit *d, unsigned before, struct span name, struct span value, struct err *e);
bool edit_append(struct edit *d, struct span name, struct span value, struct err *e);
/* Another value for the nth field of that name, which is added where there are not so many. */
bool edit_change(struct edit *d, struct span name, unsigned nth, struct span value, struct err *e);
/* The nth field of that name goes; those behind it count one less. False: there was none. */
bool edit_delete(struct edit *d, struct span name, unsigned nth);
/* All fields of that name go for which which() says so (NULL: all); returns how many. */
unsigned edit_remove(struct edit *d, struct span name, bool (*which)(void *arg, struct span value), void *arg);

#endif
