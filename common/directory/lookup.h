/*
 * NAME
 *	lookup - who is behind an address: the clerk's mind
 * DESCRIPTION
 *	For ann+x@d, the first of these that is there: an alias, then a user or account called
 *	ann+x; the same for ann; the alias @d; and for postmaster and abuse the setting
 *	postmaster. At system domains an alias without domain counts like one with it, the one with
 *	it first. A target that is its own alias means the mailbox of that name. A name alone is one at
 *	the first system domain.
 *	Nothing here writes; NSS is the only look outside.
 */
#ifndef COMMON_DIRECTORY_LOOKUP_H
#define COMMON_DIRECTORY_LOOKUP_H

#include "common/directory/compile.h"
#include "common/directory/place.h"

enum { LOOKUP_DEPTH_MAX = 20, LOOKUP_TARGETS_MAX = 1000 };

struct lookup {
	const struct dir_rules	*rules;
	struct table		*tables[TABLE_COUNT];	/* NULL: cannot be told now */
	const char		*files[TABLE_COUNT];	/* names of the texts, for why */
	struct str		*why;			/* NULL, or gets a line for each step */
};

struct lookup_answer {
	enum dir_class	is;
	const char	*user;		/* login, when a mailbox is behind it at once; else "" */
	const char	*detail;
};

bool lookup_domain(const struct lookup *l, struct span domain, enum dir_class *is, struct err *e);
bool lookup_resolve(const struct lookup *l, struct span address, struct arena *a,
    struct lookup_answer *answer, struct err *e);
bool lookup_expand(const struct lookup *l, struct span address, struct arena *a,
    struct dir_target **targets, size_t *count, struct err *e);
bool lookup_may_send(const struct lookup *l, struct span login, struct span address, struct arena *a,
    struct err *e);

#endif
