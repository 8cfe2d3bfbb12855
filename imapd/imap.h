/*
 * NAME
 *	imap - one IMAP session, after login
 * DESCRIPTION
 *	A command goes: command_read() (read.h) makes it one span; serve.c finds its row
 *	in the table of verbs (verbs.c) and calls its function, which may add untagged
 *	lines to s->out and returns the tagged reply; serve.c then tells what others have
 *	done to the folder (view.h), as far as that verb allows, and sends the reply.
 *	Whatever a command needs until then lies in s->arena; what one message of a long
 *	FETCH or SEARCH needs, in s->scratch.
 */
#ifndef IMAPD_IMAP_H
#define IMAPD_IMAP_H

#include "common/io/wire.h"
#include "imapd/message.h"
#include "imapd/parse.h"
#include "imapd/read.h"
#include "imapd/reply.h"
#include "imapd/view.h"

enum {
	IMAP_ARENA_MAX		= 16 << 20,	/* one command */
	IMAP_SCRATCH_MAX	= 64 << 20,	/* one message: 10,000 MIME parts, 100,000 addresses */
	IMAP_NAME_MAX		= 240,		/* a folder's name: a file name with its dot */
	IMAP_KEYWORD_MAX	= 50,		/* as Dovecot */
	IMAP_IDLE_NUDGE_S	= 240,		/* "still here" during IDLE, for the routers on the way */
	IMAP_IDLE_SCAN_S	= 30,		/* look anyway, where nothing wakes us */
};

enum imap_state {
	IMAP_KNOWN	= 1 << 0,	/* logged in, no folder */
	IMAP_SELECTED	= 1 << 1,
	IMAP_ANY	= IMAP_KNOWN | IMAP_SELECTED,
};

struct imap_terms {
	const char	*host_name;
	uint64_t	 message_max;	/* bytes on the wire */
	uint64_t	 disk_reserve;	/* APPEND and COPY are refused below this much free space */
	int		 idle_timeout_s, command_timeout_s;
	unsigned	 errors_max;
	int		 search_cpu_s;
};

struct imap {
	const struct imap_terms	*terms;
	struct reader		 reader;
	struct out		*out;
	int			 poll_fd;	/* what IDLE waits on: the wire */
	struct wire		*wire;		/* NULL in tests */
	int			 root;		/* the Maildir */
	const char		*login;		/* for the log */
	struct arena		*arena, *scratch;
	struct view		 view;		/* the selected folder; .box NULL: none */
	struct message		 message;	/* the one that is open */
	struct mailbox *target; /* where APPEND or COPY put mail last; see transfer.h */
	char			 target_folder[256];
	struct command		*command;
	bool looked; /* the command has looked at the selected folder just now */
	unsigned		 errors;
	unsigned		 fetched, deleted;	/* whole messages, for the log */
	uint64_t		 bytes;			/* of message text sent */
	bool			 over;		/* the reply that is made now is the last */
};

struct verb {
	const char	*name;
	unsigned	 when;		/* enum imap_state */
	unsigned	 how;		/* enum verb_how */
	struct reply	(*run)(struct imap *s, struct span arg);
};

enum verb_how {
	VERB_NUMBERS	= 1 << 0,	/* no EXPUNGE while it runs: RFC 3501 7.4.1 (not in its UID form) */
	VERB_UID	= 1 << 1,	/* has a UID form */
	VERB_ONLY_UID	= 1 << 2,	/* this row is the UID form */
	VERB_NO_ARG	= 1 << 3,
	VERB_QUIET	= 1 << 4,	/* tells nothing of the folder by itself (it has changed, or is gone) */
};

const struct verb *verb_find(struct span name, bool uid);

/* Serve one client who has logged in. tag: of the command that did it; "" sends no reply first. */
void imap_serve(struct imap *s, const char *tag);
struct reply imap_command(struct imap *s, struct command *c);	/* without the reading and the telling */

struct reply say_err(const struct err *e);	/* NO, with a code that fits */
struct reply say_done(const struct imap *s);	/* "OK FETCH done" */
struct reply say_syntax(const struct imap *s, const char *usage);
/* A sequence set in the selected folder, "*" resolved. False: r is the BAD to say. */
bool view_parse_set(struct imap *s, struct span *in, struct set *set, struct reply *r);
void print_string(struct out *o, struct span s);	/* quoted, or a literal where it must be */
void print_nstring(struct out *o, struct span s);	/* NIL when s.p is NULL */
void print_astring(struct out *o, struct span s);	/* an atom where possible */

void print_capabilities(struct imap *s);

/* the verbs, by file */
struct reply do_capability(struct imap *s, struct span arg);	/* any.c */
struct reply do_noop(struct imap *s, struct span arg);
struct reply do_logout(struct imap *s, struct span arg);
struct reply do_id(struct imap *s, struct span arg);
struct reply do_enable(struct imap *s, struct span arg);
struct reply do_namespace(struct imap *s, struct span arg);
struct reply do_select(struct imap *s, struct span arg);	/* select.c */
struct reply do_examine(struct imap *s, struct span arg);
struct reply do_close(struct imap *s, struct span arg);
struct reply do_unselect(struct imap *s, struct span arg);
struct reply do_expunge(struct imap *s, struct span arg);
struct reply do_status(struct imap *s, struct span arg);
struct reply do_create(struct imap *s, struct span arg);	/* folder.c */
struct reply do_delete(struct imap *s, struct span arg);
struct reply do_rename(struct imap *s, struct span arg);
struct reply do_subscribe(struct imap *s, struct span arg);
struct reply do_unsubscribe(struct imap *s, struct span arg);
struct reply do_list(struct imap *s, struct span arg);		/* list.c */
struct reply do_lsub(struct imap *s, struct span arg);
struct reply do_append(struct imap *s, struct span arg);	/* append.c */
bool append_ends_in_message(struct span command, struct arena *a);
struct reply do_copy(struct imap *s, struct span arg);		/* copy.c */
struct reply do_move(struct imap *s, struct span arg);
struct reply do_fetch(struct imap *s, struct span arg);		/* fetch.c */
struct reply do_store(struct imap *s, struct span arg);		/* store.c */
struct reply do_search(struct imap *s, struct span arg);	/* search.c */
struct reply do_idle(struct imap *s, struct span arg);		/* idle.c */

#endif
