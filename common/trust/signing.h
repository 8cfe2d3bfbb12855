/*
 * NAME
 *	signing - ask the sign process for a message's DKIM signatures
 * DESCRIPTION
 *	Over a channel from the keeper ('Y'). The process behind it sees the keys of our domains, and
 *	nothing else; it reads the text from an open descriptor. It signs for the domain in From, or
 *	the nearest above it that has active keys; without any, for the sender's.
 *	Packets: 'S' sender + text -> '+' last none count field...; '-' err.
 *	A field is one line, "DKIM-Signature: ...", and may be folded at any of its blanks.
 */
#ifndef COMMON_TRUST_SIGNING_H
#define COMMON_TRUST_SIGNING_H

#include "common/base/arena.h"
#include "common/io/packet.h"

enum {
	SIGNING_FIELDS		= 4,
	SIGNING_PATIENCE_S	= 30,	/* the process gives up before that */
};

struct signing {
	bool		 last;		/* close the channel now: it ends */
	bool none; /* we have no keys for anybody; ask again some seconds later */
	size_t		 count;		/* 0: we do not sign for that domain */
	const char	*fields[SIGNING_FIELDS];
};

enum signing_got { SIGNING_OK, SIGNING_REFUSED, SIGNING_DIED };
/*
 * text: a descriptor, stays the caller's. Memory from a. SIGNING_REFUSED: the message can not be signed, or a key
 * not be read; the channel stays good. SIGNING_DIED: the process is gone, before this or over it.
 */
enum signing_got signing_ask(int channel, const char *sender, int text, struct arena *a, struct signing *out, struct err *e);

/* --- the other end --- */

/* False: no such question. *text is the taker's. */
bool signing_take(struct packet *p, struct arena *a, const char **sender, int *text);
void signing_put(struct packet *p, const struct signing *s);

#endif
