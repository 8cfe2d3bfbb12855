/*
 * NAME
 *	maildir - one Maildir++ folder and its messages
 * DESCRIPTION
 *	The Maildir is the truth: UIDs in dovecot-uidlist (version 3), keywords in
 *	dovecot-keywords, system flags in file names, subscriptions in subscriptions.
 *	Other programs may add, rename and remove mail at any time. Lines in LF;
 *	names carry ,S= (bytes in the file) and ,W= (bytes with CRLF).
 *	posthorn-maildir(7) is the promise.
 */
#ifndef COMMON_STORE_MAILDIR_H
#define COMMON_STORE_MAILDIR_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

/* --- delivery (mda, APPEND) --- */

struct maildir_put;	/* a message being written into FOLDER/tmp */
/*
 * base: file name up to the sizes ("1732421234.0q8f3k2m1x9a7b.r0.host"); a second delivery of the same
 * base finds itself and is success without a double. root: descriptor of the Maildir; folder: "" or ".A.B".
 * check_cur: it may have been delivered before (after a crash): look in cur/ as well.
 */
struct maildir_put *maildir_put_open(int root, const char *folder, const char *base, bool check_cur, struct err *e);
/* The same with the folder as a path below dir: "example.org/ann/Maildir" (mda-deliver). */
struct maildir_put *maildir_put_open_at(int dir, const char *path, const char *base, bool check_cur, struct err *e);
bool maildir_put_done_before(const struct maildir_put *m);
void maildir_put_bytes(struct maildir_put *m, struct span lf_text);
/* A whole file whose sizes are known: no counting, and large ones without a copy through our memory. */
void maildir_put_text(struct maildir_put *m, int text, uint64_t bytes, uint64_t wire_bytes);
uint64_t maildir_put_size(const struct maildir_put *m);	/* bytes given so far */
bool maildir_put_commit(struct maildir_put *m, const char *flags, time_t date,
    struct err *e); /* into new/, or cur/ with flags */
void maildir_put_drop(struct maildir_put *m);
/* Make root (and cur, new, tmp) where missing, durable. home is opened already; path below it. */
bool maildir_make(int home, const char *path, struct err *e);
/* The Maildir mail (absolute) below or equal to home, made where it is missing; -1. For sessions. */
int maildir_open(const char *home, const char *mail, struct err *e);

/* --- reading (pop3d, imapd) --- */

enum maildir_flag { FLAG_SEEN = 1, FLAG_ANSWERED = 2, FLAG_FLAGGED = 4, FLAG_DELETED = 8, FLAG_DRAFT = 16, FLAG_RECENT = 32 };

struct mailbox_msg {
	uint32_t	 uid;
	unsigned	 flags;		/* enum maildir_flag */
	uint32_t	 keywords;	/* bit n = keyword letter 'a'+n of dovecot-keywords */
	uint64_t	 size;		/* file bytes (S) */
	uint64_t	 wire_size;	/* with CRLF (W): RFC822.SIZE */
	time_t		 date;		/* as the name says; INTERNALDATE is mailbox_date() */
	const char *name; /* file name; may be stale, mailbox_open_msg() looks again */
	bool		 gone;		/* seen to be expunged by somebody */
};

/*
 * An open folder, messages in UID order. Sizes come from names; when a file is not as long
 * as its name says, mailbox_open_msg() corrects size and wire_size before it returns.
 * Pointers to messages are valid until the next refresh, expunge or set_flags.
 */
struct mailbox;

/*
 * folder: "" is INBOX, else ".A.B". read_only: moves nothing to cur/ (EXAMINE, POP3's STAT); fresh
 * UIDs are written all the same. root must stay open as long as the mailbox. A mailbox
 * with mail that can not get UIDs now (full disk) shows the rest.
 */
struct mailbox *mailbox_open(int root, const char *folder, bool read_only, struct err *e);
void mailbox_close(struct mailbox *m);
uint32_t mailbox_uidvalidity(const struct mailbox *m);
uint32_t mailbox_uidnext(const struct mailbox *m);
size_t mailbox_count(const struct mailbox *m);
const struct mailbox_msg *mailbox_msg(const struct mailbox *m, size_t index);	/* 0-based */
/* INTERNALDATE: the file's modification time, looked up once; the name's when it can not be. */
time_t mailbox_date(struct mailbox *m, size_t index);
/* The POP3 UIDL that a migration left in the uidlist (field P), or NULL: uid and uidvalidity make it. */
const char *mailbox_uidl(const struct mailbox *m, size_t index);
const char *mailbox_keyword(const struct mailbox *m, unsigned bit);		/* NULL: unused */
/*
 * Look at the disk again. New messages are appended with fresh UIDs (uidlist flushed before they are told),
 * vanished ones get gone=true and stay until mailbox_forget_gone(). changed: flags changed by others.
 */
bool mailbox_refresh(struct mailbox *m, bool *appeared, bool *vanished, bool *flags_changed, struct err *e);
void mailbox_forget_gone(struct mailbox *m);
int mailbox_open_msg(struct mailbox *m, size_t index, struct err *e); /* read-only descriptor */
/* Set flags and keywords of one message to exactly these. */
bool mailbox_set_flags(struct mailbox *m, size_t index, unsigned flags, uint32_t keywords, struct err *e);
bool mailbox_add_keyword(struct mailbox *m, struct span name, unsigned *bit,
    struct err *e); /* PERM when 26 are in use */
bool mailbox_expunge(struct mailbox *m, size_t index, struct err *e); /* unlinks; marks gone */
/* Flush pending directory changes (after a batch of set_flags, expunge). */
bool mailbox_sync(struct mailbox *m, struct err *e);
/* Give a message put by maildir_put its UID now (APPENDUID, COPYUID): base as above. */
bool mailbox_uid_of(struct mailbox *m, const char *base, uint32_t *uid, struct err *e);
int mailbox_watch_fd(struct mailbox *m);	/* inotify on new/ and cur/, readable when it stirs; -1 when there is none */
void mailbox_watch_drain(struct mailbox *m);

/* --- folders --- */

/* Folder names on disk ".A.B" in modified UTF-7; call each with the name without the leading dot, sorted. */
bool folders_each(int root, bool (*each)(void *arg, const char *folder), void *arg, struct err *e);
bool folder_exists(int root, const char *folder);
bool folder_create(int root, const char *folder, struct err *e);
bool folder_delete(int root, const char *folder, struct err *e);
bool folder_rename(int root, const char *from, const char *to, struct err *e);
/* As written there, "INBOX" and names without the leading dot; also of folders that are gone. */
bool folder_subscribed(int root, bool (*each)(void *arg, const char *folder), void *arg, struct err *e);
bool folder_subscribe(int root, const char *folder, bool yes, struct err *e);
/* Is this a name we can make: no '/', no NUL, no empty level, no leading '~', valid modified UTF-7, length. */
bool folder_name_ok(struct span name, struct err *e);

#endif
