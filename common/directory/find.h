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

enum finding { NOBODY, ELSEWHERE, RELAYED, ALIAS, MAILBOX, POSTMASTER, RETURNS };

/* A line that fits a name, whoever gets mail for it; only its send-only targets count. */
struct grant {
	struct grant		*next;
	const char		*key;
	struct span		 targets;
	const char		*line;		/* "FILE:LINE: " and its words */
};

struct found {
	enum finding		 kind;
	const char		*key;		/* ALIAS: its key in the table */
	struct span		 targets;	/* ALIAS */
	struct dir_target	 place;		/* MAILBOX */
	const char		*detail;
	const char		*line;		/* what said so, of ALIAS and MAILBOX */
	struct grant		*grants;	/* for who may send; else NULL */
};

struct query {
	const struct lookup	*l;
	struct arena		*a;
	struct err		*e;		/* never NULL */
	bool sending; /* look for all lines that fit, not only the first */
};

enum domain_kind { DOMAIN_ELSEWHERE, DOMAIN_SYSTEM, DOMAIN_VIRTUAL, DOMAIN_RELAY, DOMAIN_RELAY_LISTED };

/* The alias that a group is; kind NOBODY when there is none. */
bool find_group(const struct query *q, struct span name, struct found *f);
/* A name alone gets its domain. Without aliases only mailboxes count. */
bool find(const struct query *q, struct name *n, bool aliases, struct found *f);
bool find_domain(const struct query *q, struct span domain, enum domain_kind *kind);
bool find_is_system_domain(const struct lookup *l, struct span domain);
/* ann of ann+x: false when there is no such part. */
bool find_base(const struct query *q, const struct name *n, struct name *base, const char **detail);
/* A name alone is at the first system domain, or at our host's name. */
bool find_complete(const struct query *q, struct name *n);
/* What a table has under this key. row.p NULL: no such key. The text stays until the arena's reset. */
bool find_row(const struct query *q, enum table_kind kind, struct span key, struct span *row, unsigned *line);
/* A line for who wants to know why. */
void find_because(const struct query *q, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
