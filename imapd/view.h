/*
 * NAME
 *	view - the selected folder as the client knows it
 * DESCRIPTION
 *	The store's list of messages changes when we look at the disk; what the client may
 *	call by number does not, until it was told. A message's number is its place in the
 *	store's list plus one: the store keeps vanished messages in their place until
 *	view_tell() has said EXPUNGE, and new ones lie behind `told`. RFC 3501 7.4.1.
 */
#ifndef IMAPD_VIEW_H
#define IMAPD_VIEW_H

#include "common/io/out.h"
#include "common/store/maildir.h"
#include "imapd/set.h"

struct told { unsigned flags; uint32_t keywords; };

struct view {
	struct mailbox	*box;
	char folder[256]; /* as the store calls it: "" is INBOX, else ".A.B" */
	bool		 read_only;
	size_t		 told;			/* messages the client knows */
	struct told	*flags;			/* what it was told of each */
	size_t		 room;
	size_t		 recent;		/* what the last RECENT said */
	uint32_t	 keywords;		/* keyword bits that FLAGS has named */
};

bool view_open(struct view *v, int root, const char *folder, bool read_only, struct err *e);
void view_close(struct view *v);		/* fine when none is open */
/*
 * Look at the disk and tell what others did: EXPUNGE (where allowed), EXISTS, RECENT,
 * FETCH with FLAGS. False: the folder can not be read any more.
 */
bool view_tell(struct view *v, struct out *o, bool may_expunge, struct err *e);
/* The same without looking again. */
void view_tell_known(struct view *v, struct out *o, bool may_expunge);
void view_tell_exists(struct view *v, struct out *o);	/* EXISTS and RECENT, whether new or not */
void view_tell_keywords(struct view *v, struct out *o, bool always); /* FLAGS, PERMANENTFLAGS */
void view_print_flags(const struct view *v, struct out *o, unsigned flags, uint32_t keywords);
/* Message at index has these flags now and the client hears it elsewhere: no FETCH from view_tell(). */
void view_note_flags(struct view *v, size_t index);
/* The messages of a resolved set that are there, one by one: w = view_walk(...); while (walk_next(&w, &index)) */
struct walk { const struct view *view; const struct set *set; bool uid; size_t range, index; };
struct walk view_walk(const struct view *v, const struct set *set, bool uid);
bool walk_next(struct walk *w, size_t *index);
/* What "*" means: the highest number, or UID. 0 in an empty folder. */
uint32_t view_star(const struct view *v, bool uid);

#endif
