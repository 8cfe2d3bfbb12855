/*
 * NAME
 *	search - what SEARCH asks for, as a tree, and whether a message answers it
 * DESCRIPTION
 *	All keys of RFC 3501 6.4.4. Words are folded when they are parsed (fold.h). At most
 *	SEARCH_KEYS_MAX keys, SEARCH_DEPTH_MAX deep; memory from the arena. Of keys that all
 *	must hold, those that need not open the message come first.
 */
#ifndef IMAPD_SEARCH_H
#define IMAPD_SEARCH_H

#include "imapd/imap.h"

enum { SEARCH_KEYS_MAX = 100, SEARCH_DEPTH_MAX = 50 };

enum key_kind {
	KEY_ALL, KEY_AND, KEY_OR, KEY_NOT,
	KEY_FLAG, KEY_NO_FLAG, KEY_NEW, KEY_KEYWORD, KEY_NUMBERS, KEY_UIDS,
	KEY_BEFORE, KEY_ON, KEY_SINCE, KEY_LARGER, KEY_SMALLER,
	/* from here on the message has to be opened */
	KEY_SENT_BEFORE, KEY_SENT_ON, KEY_SENT_SINCE, KEY_HEADER, KEY_BODY, KEY_TEXT,
};

struct key {
	enum key_kind	 kind;
	struct key	*first, *next;	/* operands; beside this one */
	unsigned	 flag;
	struct span	 field, word;	/* HEADER; word is folded */
	struct set	 set;
	long		 days;
	uint64_t	 size;
	bool		 costly;	/* it, or a key below it, opens the message */
};

/* Eats all of in. why: what was wrong. An unknown charset is BADCHARSET, and why says so. */
bool search_parse(struct span in, struct arena *a, struct key **out, const char **why);
/* Sets in the tree get their "*" resolved. */
void search_resolve(struct key *k, const struct view *v);
bool search_matches(struct imap *s, const struct key *k, size_t index);

#endif
