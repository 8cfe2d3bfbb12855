/*
 * NAME
 *	milter - a conversation with one milter
 * SYNOPSIS
 *	milter_init(&m, &where, &times);
 *	milter_start(&m, fd);				fd may still be connecting
 *	if (milter_begin(&m, SAY_MAIL, &facts)) {	it wants to hear of that
 *		frame_text(&m.out, address);
 *		verdict = milter_end(&m);
 *	}
 *	verdict = milter_finish(&m, change, arg);	the end of the message
 *	milter_abort(&m);				another message may come
 *	milter_close(&m);
 * DESCRIPTION
 *	Blocking and straight, with a deadline on each wait: connect_s until terms are agreed,
 *	command_s for each answer of the dialogue, content_s for each answer to header and
 *	body. At the end of a message a milter may say that it is still at work, and then has
 *	MILTER_PATIENCE_S in all: a client waits ten minutes for our 250 (RFC 5321
 *	4.5.3.2.6). A milter that is late, gone or speaks nonsense is MILTER_GONE
 *	from then on, m.why says so, and what to do about it is the caller's.
 *	Changes are kept until the milter has said yes to the message, then given out one by
 *	one: a milter that breaks off half way changes nothing.
 */
#ifndef COMMON_MILTER_MILTER_H
#define COMMON_MILTER_MILTER_H

#include "common/io/stream.h"
#include "common/milter/answer.h"
#include "common/milter/terms.h"
#include "common/milter/where.h"

enum {
	MILTER_PATIENCE_S	= 540,
	MILTER_CHANGES_BYTES	= 4 << 20,	/* all that one milter may change in one message */
	MILTER_CHANGES_MAX	= 2000,		/* each may cost memory of the transaction */
};

struct milter_times { int connect_s, command_s, content_s; };

enum milter_verdict {
	MILTER_GO_ON,
	MILTER_DONE,			/* it takes the message, and wants to hear no more of it */
	MILTER_DROP,			/* take the message and throw it away */
	MILTER_REFUSE,			/* m.reply */
	MILTER_GONE,			/* m.why */
};

struct milter {
	char			name[MILTER_NAME_MAX + 1];
	bool			open;		/* without it mail is taken all the same */
	struct milter_times	times;
	struct fd_stream	stream;
	struct milter_terms	terms;
	struct str		out, in, changes;
	bool			started, gone, told;	/* told: somebody logged why */
	bool			skip_body;
	struct err		why;
	struct reply		reply;
	enum milter_verdict
	    connection; /* GO_ON, or what it said to CONNECT or HELO for all messages */
	enum milter_verdict	message;	/* GO_ON, or what it said once for this message */
	bool			in_message;	/* since MAIL */
	/* what is being said */
	char			saying;
	size_t			began;
};

void milter_init(struct milter *m, const struct milter_where *where, const struct milter_times *times);
bool milter_start(struct milter *m, int fd); /* the milter's from now on; false: it is gone */
void milter_lost(struct milter *m, const struct err *why);	/* it could not be reached */
/* Does it want to hear of this? Then its fields go to m->out, and milter_end() comes next. */
bool milter_begin(struct milter *m, char what, const struct milter_facts *facts);
enum milter_verdict milter_end(struct milter *m);
/* The end of the message. Calls change for all that it changed, if it takes the message. */
enum milter_verdict milter_finish(struct milter *m, const struct milter_facts *facts,
    void (*change)(void *arg, struct milter *m, const struct milter_answer *a), void *arg);
/* What it would say to anything now; GO_ON: ask it. */
enum milter_verdict milter_stands(const struct milter *m);
void milter_abort(struct milter *m);
void milter_close(struct milter *m);		/* as after milter_init() */

#endif
