/*
 * NAME
 *	transfer - copy messages from one folder to another
 * DESCRIPTION
 *	All or nothing, as COPY promises: when one fails, those before it are taken away
 *	again. Each copy is durable before the next begins. Flags, keywords and dates go
 *	with it. New names are STEM_N.HOST, so that one look at the folder tells all UIDs.
 */
#ifndef IMAPD_TRANSFER_H
#define IMAPD_TRANSFER_H

#include "imapd/imap.h"

enum { STEM_ROOM = 48, BASE_ROOM = 180 };

/* "1732421234.R1f2e3d4c5b6a7988", never given out before. */
void transfer_stem(char stem[STEM_ROOM]);
void transfer_base(char base[BASE_ROOM], const char *stem, size_t n, const char *host_name);
/* Letters as they stand in a Maildir name, or NULL for none at all: the message is new. */
const char *transfer_letters(unsigned flags, uint32_t keywords, char letters[64]);

/*
 * The folder that mail goes into, for its keywords and UIDs: the selected one, the one
 * of the command before (whoever uploads much uploads it to one place), or opened now.
 * Stays the session's; it may be behind until mailbox_refresh(). NULL: e says why.
 */
struct mailbox *transfer_target(struct imap *s, const char *folder, struct err *e);
void transfer_forget_target(struct imap *s);	/* folders come and go: look for it anew */

struct transfer {
	struct imap	*s;
	struct mailbox	*from;
	const char	*to;
	struct mailbox	*dest;		/* transfer_target(), when keywords or UIDs need it */
	char		 stem[STEM_ROOM];
	size_t		*indexes;	/* in from */
	uint32_t	*uids;		/* that the copies were given */
	size_t		 count, done;
	signed char	 letters[32];	/* keyword bit there for the one here; -1 not asked yet */
	bool		 missed;	/* some had gone */
};

/* indexes, count, from, to and s are set. */
bool transfer_run(struct transfer *t, struct err *e);
/* Move all messages of a folder, for RENAME INBOX. */
bool transfer_whole(struct imap *s, const char *from, const char *to, struct err *e);
/* Enough room on the disk for size more bytes? */
bool transfer_room(struct imap *s, uint64_t size, struct err *e);

#endif
