/*
 * NAME
 *	answer - what a milter answered
 * DESCRIPTION
 *	A milter is a stranger with a vote: what it sends is read here, checked and tamed.
 *	A reply of its own has a code of 4xx or 5xx, a status that fits, and plain text in
 *	a few lines; a name from it is bytes without NUL, to be looked at by who uses it. Pure.
 */
#ifndef COMMON_MILTER_ANSWER_H
#define COMMON_MILTER_ANSWER_H

#include "common/base/err.h"
#include "common/milter/frame.h"
#include "common/smtp/reply.h"

enum answer_kind_of {
	ANSWER_CONTINUE, ANSWER_ACCEPT, ANSWER_DISCARD, ANSWER_REFUSE, ANSWER_SKIP, ANSWER_PROGRESS,
	/* changes, at the end of a message only */
	ANSWER_ADD_RCPT, ANSWER_DELETE_RCPT, ANSWER_CHANGE_FROM, ANSWER_ADD_HEADER, ANSWER_INSERT_HEADER,
	ANSWER_CHANGE_HEADER, ANSWER_QUARANTINE,
};

struct milter_answer {
	enum answer_kind_of kind;
	bool		 change;
	struct reply	 reply;		/* of ANSWER_REFUSE; name stands for the milter's */
	uint32_t	 number;	/* of a header's place or occurrence */
	struct span	 name, value;	/* header */
	struct span	 text;		/* an address with its < >, or the reason of a quarantine */
	struct span	 more;		/* parameters behind the address, each ending in NUL */
};

/*
 * frame: as frame_take() gave it; may: what was agreed (MAY_*). PERM 5.5.0 with a sentence on
 * anything that the protocol does not know, or that was not agreed.
 */
bool answer_parse(struct span frame, unsigned may, const char *milter, struct milter_answer *a, struct err *e);

#endif
