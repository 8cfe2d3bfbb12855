/*
 * NAME
 *	lookup - who is behind an address: the clerk's mind
 * DESCRIPTION
 *	For ann+x@d, the first of these that is there: an alias, then a user or account called
 *	ann+x, then an alias ann+x@*; the same for ann; a pattern at d, then one at *; the alias
 *	@d; and for postmaster and abuse the setting postmaster. An alias whose targets may only
 *	send is passed by. At system domains an alias without domain counts like one with it,
 *	the one with it first. A target that is its own alias means the mailbox of that name. A
 *	name alone is one at the first system domain.
 *	Nothing here writes; NSS is the only look outside.
 */
#ifndef COMMON_DIRECTORY_LOOKUP_H
#define COMMON_DIRECTORY_LOOKUP_H

#include "common/directory/compile.h"
#include "common/directory/place.h"
#include "common/mail/srs.h"

enum { LOOKUP_DEPTH_MAX = 20, LOOKUP_TARGETS_MAX = 1000 };

/* Senders that lead back: mail/srs.h. */
struct lookup_returns {
	struct srs_keys	 keys;
	const char	*domain;	/* they are made at; "": the domain that the mail came to */
	time_t		 now, valid;
	bool		 may_make;
};

struct lookup {
	const struct dir_rules	*rules;
	struct table		*tables[TABLE_COUNT];	/* NULL: cannot be told now */
	const char		*files[TABLE_COUNT];	/* names of the texts, for why */
	struct str		*why;			/* NULL, or gets a line for each step */
	const struct lookup_returns *returns;			/* NULL: we have none */
	const char *full; /* where marks of full mailboxes are (full.h); NULL: not told */
};

struct lookup_answer {
	enum dir_class	is;
	const char	*user;		/* login, when a mailbox is behind it at once; else "" */
	const char	*detail;
	uint64_t	quota;		/* of that mailbox; 0: none */
};

bool lookup_domain(const struct lookup *l, struct span domain, enum dir_class *is, struct err *e);
bool lookup_resolve(const struct lookup *l, struct span address, struct arena *a,
    struct lookup_answer *answer, struct err *e);
bool lookup_expand(const struct lookup *l, struct span address, struct arena *a,
    struct dir_target **targets, size_t *count, struct err *e);

/*
 * The sender that a forward of mail to recipient goes out from. owned: somebody looks after recipient as a list, under
 * the name owner-LOCAL at its domain, and it is that address.
 */
bool lookup_forward(const struct lookup *l, struct span sender, struct span recipient,
    struct arena *a, const char **from, bool *owned, struct err *e);

/*
 * Who may send as address: each login that gets its mail, but those whose target says
 * (receive-only), and those that a line which fits it names as (send-only). line: the one that
 * decided. Own addresses of accounts that get no mail here are not among them.
 */
struct sender { const char *login; const char *line; };
bool lookup_senders(const struct lookup *l, struct span address, struct arena *a,
    struct sender **senders, size_t *count, struct err *e);
/* Is login one of them, or is the address its own? PERM 5.7.1 when not. */
bool lookup_may_send(const struct lookup *l, struct span login, struct span address,
    struct arena *a, const char **line, struct err *e);

/*
 * The way of a message of that sender ("" for none) to a domain: words for way_read(), each group of them
 * from the first line that has one of its keys: the domain's own, that of the nearest .domain
 * above it, then likewise from: the sender's address and domain, then *. by_sender (may be NULL): those of them that
 * another sender's mail to that domain may not have.
 */
bool lookup_way(const struct lookup *l, struct span sender, struct span domain, struct arena *a,
    const char **words, const char **by_sender, struct err *e);

#endif
