/*
 * NAME
 *	keyring - the DKIM keys of our domains, on disk
 * DESCRIPTION
 *	One file for each key; its name says its selector and its state, so that ls(1) shows
 *	all there is to know and a state changes by a rename. A key that is active signs. A new one
 *	waits for its record to be published; a retired one for the mail under way that it
 *	has signed. Domains are in lower case, as DNS has them (A-labels).
 * FILES
 *	CONFIG/dkim/DOMAIN/SELECTOR.new.pem
 *	CONFIG/dkim/DOMAIN/SELECTOR.active.pem
 *	CONFIG/dkim/DOMAIN/SELECTOR.retired.pem
 */
#ifndef COMMON_TRUST_KEYRING_H
#define COMMON_TRUST_KEYRING_H

#include <time.h>

#include "common/trust/dkim.h"

enum keyring_state { KEYRING_NEW, KEYRING_ACTIVE, KEYRING_RETIRED, KEYRING_STATES };
enum { KEYRING_SELECTOR = 64, KEYRING_DOMAIN = 256, KEYRING_FILE = 96, KEYRING_DOMAIN_KEYS = 64 };

struct keyring_entry {
	char			selector[KEYRING_SELECTOR];
	enum keyring_state	state;
	time_t			since;		/* when it came to this state */
};

const char *keyring_state_name(enum keyring_state s);
/* "SELECTOR.STATE.pem", both ways. False: another file, which is nobody's business. */
bool keyring_file_parse(struct span name, struct keyring_entry *out);
void keyring_file_print(const char *selector, enum keyring_state s, char name[KEYRING_FILE]);
/* A domain as a person or a message writes it, as a directory's name. PERM 5.1.2 for what can be none. */
bool keyring_domain(struct span written, char domain[KEYRING_DOMAIN], struct err *e);

/* domain: a descriptor of CONFIG/dkim/DOMAIN. Sorted by selector, at most KEYRING_DOMAIN_KEYS. */
bool keyring_list(int domain, struct keyring_entry *out, size_t *count, struct err *e);
struct key *keyring_load(int domain, const struct keyring_entry *entry, struct err *e);

/* --- who signs --- */

struct keyring_set {
	struct dkim_signer	 who[DKIM_SIGNERS];
	size_t			 count;
	char			 domain[KEYRING_DOMAIN];
	struct keyring_entry	 entries[DKIM_SIGNERS];
	struct key		*keys[DKIM_SIGNERS];
};

/*
 * The active keys for mail from that domain: its own, or of the nearest domain above it that has
 * some (RFC 7489 3.1.1: relaxed alignment). root: a descriptor of CONFIG/dkim, or -1. False: what is
 * there can not be read. True with a count of 0: there are none.
 */
bool keyring_find(int root, struct span domain, struct keyring_set *out, struct err *e);
void keyring_forget(struct keyring_set *set);
/* The domain of the first address in From; empty without. Into value's text or a. */
struct span keyring_author(struct span header, struct arena *a);

#endif
