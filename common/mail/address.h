/*
 * NAME
 *	address - the addresses of a header field (RFC 5322 3.4, 4.4, RFC 6532)
 * DESCRIPTION
 *	Reads From, To, Cc and the like: groups, quoted strings, comments, routes, UTF-8.
 *	Never fails: what can not be read is left out or left empty, and reading goes on at
 *	the next comma. A group is a start mark, its mailboxes, an end mark, as IMAP's
 *	ENVELOPE wants it. Linear; after ADDRESS_TOKENS_MAX tokens the rest is left out.
 */
#ifndef COMMON_MAIL_ADDRESS_H
#define COMMON_MAIL_ADDRESS_H

#include "common/base/arena.h"
#include "common/base/str.h"

enum { ADDRESS_TOKENS_MAX = 100000 };

enum address_kind { ADDRESS_MAILBOX, ADDRESS_GROUP, ADDRESS_GROUP_END };

struct address {
	enum address_kind	kind;
	struct span		name;	/* display name unquoted (encoded words still encoded), a
					   comment's text without one, or the group's name; .p NULL: none */
	struct span		route;	/* "@a,@b" before the colon, or empty */
	struct span		local;	/* unquoted */
	struct span		domain;	/* without comments and blanks; a literal with its brackets; empty: none */
};

struct addresses {
	struct address	*list;
	size_t		 count;
	bool		 cut;		/* past the limit */
};

/* value: folded or unfolded. Memory from a. */
void address_parse(struct span value, struct arena *a, struct addresses *out);
/* local@domain with the local part quoted where it needs that. */
void address_print(struct span local, struct span domain, struct str *out);
/* Cut "local@domain" (as envelopes have it) at its last @. False without both parts. */
bool address_split(struct span address, struct span *local, struct span *domain);

#endif
