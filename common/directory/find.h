/*
 * NAME
 *	find - what the tables say about one name
 * DESCRIPTION
 *	One step of a look-up, for lookup.c alone: no alias is followed here.
 */
#ifndef COMMON_DIRECTORY_FIND_H
#define COMMON_DIRECTORY_FIND_H

#include "common/directory/lookup.h"
#include "common/directory/name.h"

enum finding { NOBODY, ELSEWHERE, RELAYED, ALIAS, MAILBOX, POSTMASTER };

struct found {
	enum finding		 kind;
	const char		*key;		/* ALIAS: its key in the table */
	struct span		 targets;	/* ALIAS */
	struct dir_target	 place;		/* MAILBOX */
	const char		*detail;
};

struct query {
	const struct lookup	*l;
	struct arena		*a;
	struct err		*e;		/* never NULL */
};

enum domain_kind { DOMAIN_ELSEWHERE, DOMAIN_SYSTEM, DOMAIN_VIRTUAL, DOMAIN_RELAY };

/* A name alone gets its domain. Without aliases only mailboxes count. */
bool find(const struct query *q, struct name *n, bool aliases, struct found *f);
bool find_domain(const struct query *q, struct span domain, enum domain_kind *kind);
bool find_is_system_domain(const struct lookup *l, struct span domain);
/* ann of ann+x: false when there is no such part. */
bool find_base(const struct query *q, const struct name *n, struct name *base, const char **detail);
/* A name alone is at the first system domain, or at our host's name. */
bool find_complete(const struct query *q, struct name *n);
/* A line for who wants to know why. */
void find_because(const struct query *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
