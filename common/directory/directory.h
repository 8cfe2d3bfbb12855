/*
 * NAME
 *	directory - whose address is this (questions to the clerk)
 * DESCRIPTION
 *	A session or daemon asks over a channel that role_connect("clerk") gave. The
 *	answers come from users, domains and aliases (text compiled into Berkeley DB by
 *	the clerk, users(5), domains(5), aliases(5)) and, where set, from the system's accounts.
 *	Local part and domain compare without ASCII case. Plus-addressing: without a row for
 *	"a+b@d" the row for "a@d" counts, and detail is "b".
 *
 *	Packets: verb, fields -> '+' fields | '-' err
 *	'R' address			-> class, user, detail, room	(directory_resolve, directory_recipient)
 *	'X' address, from		-> count of all, then targets from number from on, as
 *					   many as fit			(directory_expand)
 *	'M' login address		-> class			(directory_may_send)
 *	'D' domain			-> class
 *	'W' sender, domains ...		-> words of each one's way, and those by sender; as many as fit	(directory_ways)
 *	'F' sender, recipient		-> sender, 1: its list's owner	(directory_forward)
 *	'N' login, addresses ...	-> how many of them are new	(directory_count)
 *	'Q' login, recipients, new	-> why it is too much, or ""; 1: tell them	(the same)
 *	'K' login, addresses ...	->				(directory_note)
 */
#ifndef COMMON_DIRECTORY_DIRECTORY_H
#define COMMON_DIRECTORY_DIRECTORY_H

#include "common/base/arena.h"
#include "common/base/err.h"

enum dir_class {
	DIR_ELSEWHERE,		/* the domain is not ours */
	DIR_LOCAL,		/* ours, and somebody is behind it */
	DIR_UNKNOWN,		/* ours, but nobody is behind it: 5.1.1 */
	DIR_RELAY,		/* not a mailbox here, but we carry mail for that domain */
	DIR_RETURN,		/* a forward went out from it: only reports come to it, and go on to its sender */
};

/* One place a message goes to in the end. */
enum dir_target_kind { DIR_MAILBOX, DIR_ADDRESS, DIR_SENDER };
struct dir_target {
	enum dir_target_kind	 kind;
	const char *address; /* DIR_ADDRESS: forward there. DIR_SENDER: give a report back to it.
						   DIR_MAILBOX: the user's main address */
	const char		*login;		/* DIR_MAILBOX from here on */
	const char		*home;		/* the one directory delivery may touch */
	const char		*mail;		/* Maildir below (or equal to) home: absolute */
	const char		*detail;	/* after the separator, or "" */
	uint32_t		 uid, gid;
	uint64_t		 quota;		/* bytes, 0 = none */
};

/*
 * False: TEMP when the clerk can not be asked now. When it is gone or late *clerk is closed and -1: over a
 * new channel its successor may know. After an answer, whatever it says, the channel stays.
 */
bool directory_domain(int *clerk, struct span domain, enum dir_class *is, struct err *e);
bool directory_resolve(int *clerk, struct span address, enum dir_class *is, struct err *e);
/* The same, and for a mailbox that was full lately how many bytes had room; UINT64_MAX: nothing known. */
bool directory_recipient(int *clerk, struct span address, enum dir_class *is, uint64_t *room, struct err *e);
/*
 * Follow aliases to the end (depth 20, targets 1000; a loop or more is PERM 5.4.6),
 * each target once. Of a DIR_RETURN that nobody made or that is too old, PERM 5.1.1. Memory from a.
 */
bool directory_expand(int *clerk, struct span address, struct arena *a,
    struct dir_target **targets, size_t *count, struct err *e);
/*
 * The sender that a forward of mail to recipient goes out from: one of ours that leads back (mail/srs.h) where
 * the sender's domain is not ours; or who looks after recipient as a list, owned then. Only mda's clerk answers.
 * Memory from a.
 */
bool directory_forward(int *clerk, struct span sender, struct span recipient, struct arena *a,
    const char **from, bool *owned, struct err *e);
/* May login use address as sender? PERM 5.7.1 with a sentence when not. */
bool directory_may_send(int *clerk, struct span login, struct span address, struct err *e);

/*
 * The ways of a message of that sender to these domains (posthorn-destinations(5)), as words for
 * way_read(); and those of them that are so for its sender. Memory from a.
 */
struct dir_way { const char *words, *by_sender; };
enum { DIRECTORY_WAYS_MAX = 1000 };	/* asked for in one packet */
bool directory_ways(int *clerk, struct span sender, const char *const *domains, size_t count,
    struct arena *a, struct dir_way *ways, struct err *e);

/*
 * Count one more message of login to these recipients; only msa's clerk does. over is not
 * empty when a limit says that it is to be held, and then it is not counted. tell: nobody has told
 * the login so today. When the message is safe, note its recipients: they are not new any more.
 */
struct dir_verdict { char over[300]; bool tell; };
bool directory_count(int *clerk, struct span login, const char *const *recipients, size_t count,
    struct dir_verdict *verdict, struct err *e);
bool directory_note(int *clerk, struct span login, const char *const *recipients, size_t count, struct err *e);

#endif
