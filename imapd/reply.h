/*
 * NAME
 *	reply - what a verb answers, before it is sent
 */
#ifndef IMAPD_REPLY_H
#define IMAPD_REPLY_H

#include "common/io/out.h"

enum reply_kind { REPLY_OK, REPLY_NO, REPLY_BAD, REPLY_BYE };	/* BYE: untagged, and the end */

struct reply {
	enum reply_kind	kind;
	const char *code; /* a response code of any length, in the command's arena; or NULL */
	char		text[500];	/* may begin with a shorter one in brackets */
};

struct reply say(enum reply_kind kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void reply_print(struct out *o, struct span tag, const struct reply *r);	/* BYE goes without the tag */

#endif
