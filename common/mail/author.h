/*
 * NAME
 *	author - who a header says that a message is from
 * DESCRIPTION
 *	From, Sender and the first block of Resent- fields, read to be compared with who sends
 *	it (RFC 6409 6.1, 8.1). Strict where readers of mail differ: one From, one Sender,
 *	each mailbox whole; what cannot be read is refused, so that nobody reads another
 *	name out of it than we did. Pure.
 */
#ifndef COMMON_MAIL_AUTHOR_H
#define COMMON_MAIL_AUTHOR_H

#include "common/base/err.h"
#include "common/mail/header.h"

enum { AUTHOR_MAX = 100 };		/* mailboxes in one field */

struct author_list { const char **addresses; size_t count; };

struct author {
	struct author_list	from, sender;
	struct author_list	resent_from, resent_sender;	/* of the first block; else empty */
};

/* Memory from a. PERM 5.6.0 with a sentence for who wrote the mail program. */
bool author_read(const struct header *h, struct arena *a, struct author *out, struct err *e);

/* What is asked of who knows. may: PERM when not, with the reason; TEMP when it cannot be told. */
struct author_ask {
	bool	(*may)(void *arg, const char *address, struct err *e);
	bool (*is_ours)(void *arg, const char *address, bool *ours,
	    struct err *e); /* is it at a domain of ours? */
	void	*arg;
};

/*
 * May this message go out? Each author must be an address of the sender's, and so must
 * Sender. Who resends a message must be named so in Resent-From, and may then leave From as
 * it was, unless that is somebody of ours: nobody is to find our name on what is not from us.
 * on_behalf: another author is fine as long as Sender tells who it was.
 * *add_sender: a Sender with the own address has to go in, in the place of the one there
 * (RFC 5322 3.6.2: where there are several authors, or another).
 */
bool author_check(const struct author *x, const struct author_ask *ask, bool on_behalf,
    bool *add_sender, struct err *e);

#endif
