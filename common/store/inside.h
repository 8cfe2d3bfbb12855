/*
 * NAME
 *	inside - what an open folder is made of (for the files of the store alone)
 */
#ifndef COMMON_STORE_INSIDE_H
#define COMMON_STORE_INSIDE_H

#include <dirent.h>

#include "common/store/keywords.h"
#include "common/store/maildir.h"
#include "common/store/name.h"
#include "common/store/uidlist.h"

/* What a look at the disk found. */
struct seen { bool appeared, vanished, flags_changed; };

/* One message. The array is in UID order; behind the last one with a UID stand those just found. */
struct entry {
	struct mailbox_msg	 pub;		/* uid 0: has none yet */
	char			*name;		/* pub.name */
	char			*fields;	/* of its uidlist line; NULL = none */
	unsigned		 base_n;	/* length of the base in name */
	unsigned		 scan;		/* number of the scan that last saw it */
	bool			 in_new, has_wire_size, date_known;
	bool late; /* the list has it under a UID that we can not show any more */
};

/* cur/ or new/ */
struct part {
	const char	*name;
	DIR		*dir;
	struct timespec	 mtime;		/* of the directory when last read */
	bool settled; /* read long enough after mtime: nothing can hide behind it */
};

struct mailbox {
	int		 root, folder;
	bool		 read_only;
	bool		 dirty;		/* cur/ has changes by us that are not flushed */
	int64_t		 freed, freed_count; /* by expunge, not told to maildirsize yet */
	struct part	 cur, fresh;
	struct uidlist	 list;
	struct keywords	 keywords;
	struct entry	*entry;
	size_t		 n, cap;
	size_t		 told;		/* entries with UIDs, the others are behind */
	uint32_t	 top;		/* highest UID ever told */
	uint32_t	*slot;		/* base -> index + 1, open addressing */
	size_t		 slots;
	unsigned	 scan;
	size_t dead; /* lines of the list without a file, as far as we have seen */
	bool		 measured;	/* we know sizes that neither names nor list tell */
	struct seen	 pending;	/* found, but not yet told by mailbox_refresh() */
	int		 watch;
};

/* --- entries.c: the array and finding things in it --- */
struct span entry_base(const struct entry *x);
struct entry *entries_find(struct mailbox *m, struct span base);
struct entry *entries_add(struct mailbox *m, struct span name, bool in_new);
void entries_rename(struct mailbox *m, struct entry *x, const char *name, bool in_new); /* base stays; sets flags */
void entries_sort_tail(struct mailbox *m);	/* by uid, from told on */
void entries_cut_tail(struct mailbox *m);	/* forget those without UID */
void entries_forget_gone(struct mailbox *m);
void entries_free(struct mailbox *m);

/* --- scan.c: what is on disk now --- */
bool scan_stirred(const struct mailbox *m);
/* Read cur/ and new/; entries found are added without UID, vanished ones marked gone. Adds to pending. */
bool scan_read(struct mailbox *m, struct err *e);
bool part_open(struct mailbox *m, struct part *p, const char *name, struct err *e);

/* --- uids.c --- */
/* Give all entries behind told their UIDs, durable; told covers them then. */
bool uids_give(struct mailbox *m, struct err *e);
/* Leave out lines of messages that are gone, when there are many. Best effort. */
void uids_compact(struct mailbox *m);

/* --- measure.c --- */
/* Sizes by looking: wire counts every LF without a CR before it as two. */
bool measure_file(int fd, uint64_t *size, uint64_t *wire_size, struct err *e);
bool measure_entry(struct mailbox *m, struct entry *x, struct err *e);

#endif
