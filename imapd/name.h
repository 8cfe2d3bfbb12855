/*
 * NAME
 *	name - mailbox names: what the client says and what the store calls it
 * DESCRIPTION
 *	"INBOX" in any case is the Maildir itself, ""; "A.B" is its folder ".A.B". The
 *	hierarchy separator is ".", as in every Maildir++, so that nothing has to be
 *	translated when a store goes to another server and back. Names are in modified
 *	UTF-7 (RFC 3501 5.1.3) on both sides.
 */
#ifndef IMAPD_NAME_H
#define IMAPD_NAME_H

#include "imapd/imap.h"

#define NAME_SEPARATOR '.'

/* Eat a mailbox name. False: syntax. */
bool name_parse_arg(struct imap *s, struct span *in, struct span *name);
/* The store's name; PERM when such a folder can not be. Memory from s->arena. */
bool name_to_folder(struct imap *s, struct span name, const char **folder, struct err *e);
bool name_is_inbox(struct span name);
/* Does the pattern of LIST match? "*" is anything, "%" anything without a separator. */
bool name_matches(struct span pattern, struct span name);

#endif
