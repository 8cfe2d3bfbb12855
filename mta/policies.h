/*
 * NAME
 *	policies - MTA-STS policies on disk, one file for each domain
 * DESCRIPTION
 *	mta-hints alone writes them, a whole file at a time; people read them with cat, and forget one
 *	with rm, at any time. Files and not a table, because a policy keeps an attacker out for
 *	as long as it is there: it must survive whatever happens to hints that do not matter. More than
 *	POLICIES_MAX are not kept: the ones that were not used for longest go.
 * FILES
 *	QUEUE/hints/sts/DOMAIN	an entry of trust/sts.h
 */
#ifndef MTA_POLICIES_H
#define MTA_POLICIES_H

#include "common/trust/sts.h"

enum { POLICIES_MAX = 20000 };

struct policies {
	int	directory;	/* -1: there is none, and nothing is kept */
	size_t	count, most;	/* of files; the first more or less */
};

/* hints: the directory of the hints. */
void policies_open(struct policies *p, int hints, size_t most);
/* The entry's text, "" when there is none; its day of use becomes today. domain: of sts_domain(). */
bool policies_get(struct policies *p, const char *domain, int64_t now, struct str *text,
    struct err *e);
/* PERM when the text is no entry, TEMP when it cannot be kept. */
bool policies_set(struct policies *p, const char *domain, struct span text, int64_t now,
    struct err *e);
/* What is over goes, and what is too much. */
void policies_sift(struct policies *p, int64_t now);

#endif
