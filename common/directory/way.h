/*
 * NAME
 *	way - how to go to a destination
 * DESCRIPTION
 *	What an administrator wants for one destination, or for all: the words behind the name in
 *	posthorn-destinations(5), "tls=dane via=[hub.test]:587". Pure. Texts are never NULL and
 *	live as long as what the way was made of.
 *	Some keys make sense together only (via, login, after; tls, names, prints): they are a
 *	group, and where several lines fit, a group comes from one of them as a whole.
 */
#ifndef COMMON_DIRECTORY_WAY_H
#define COMMON_DIRECTORY_WAY_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

/* How much TLS must be, in rising order. posthorn-tls(7) says what each is good for. */
enum way_tls {
	WAY_NONE,		/* not even when it is offered */
	WAY_MAY,		/* when it is offered, whoever they say they are (RFC 7435); DANE and MTA-STS where published */
	WAY_ENCRYPT,		/* likewise, but never in the clear */
	WAY_DANE,		/* DANE must be there */
	WAY_VERIFY,		/* a certificate for the right name, from an authority */
	WAY_FINGERPRINT,	/* one of prints */
};

/* Which addresses of a host, and which of them first. */
enum way_families { WAY_ANY, WAY_IPV4, WAY_IPV6, WAY_IPV4_FIRST, WAY_IPV6_FIRST };

enum { WAY_TEXT = 2000, WAY_HOST = 256, WAY_KEYS = 32 };

struct way {
	enum way_tls	 tls;
	const char	*names;		/* WAY_VERIFY: with commas between, names that are right too; ".b.test": any below */
	const char	*prints;	/* WAY_FINGERPRINT: with commas between, SHA-256 of certificates or public keys */
	const char
	    *via; /* places that take it instead of its domain's servers (way_place()), or "" */
	const char	*login;		/* who we are there: an entry of relay-secrets, or "" */
	unsigned after; /* via only when that many tries at its domain's servers failed */
	enum way_families families;
	const char *source; /* addresses of ours to come from, one of each family at most; or "" */
	const char	*helo;		/* for EHLO; "" = host-name */
	unsigned port; /* of its domain's servers; 0: as the settings say, as with the next two */
	unsigned	 connections, carried;
	const char *retry; /* waits between tries with commas between, "5m,1h,4h"; or "" */
};

extern const struct way way_plain;	/* TLS where it is offered, and nothing else said */

const char *way_tls_name(enum way_tls tls);			/* as in the setting mta tls */
bool way_tls_parse(struct span word, enum way_tls *tls);

/* By a place that no line names: the password of one that a line names is not for it. */
void way_by(struct way *w, const char *via);
/* After so many tries: the first ones, where after says so, go as if no line named a place. */
void way_at_try(struct way *w, unsigned tries);

/* --- words --- */

/* "key=value key=value" into what of w they speak of; a text "none" is "". PERM 5.3.5: no such key, or not its kind of value. */
bool way_read(struct span words, struct arena *a, struct way *w, struct err *e);
/* All of w that is not as in usual: way_read() onto usual gives w again. */
void way_print(const struct way *w, const struct way *usual, struct str *out);
/* The group that a key belongs to: a number below WAY_KEYS. -1: no such key. */
int way_group(struct span key);

/* --- prints --- */

enum { WAY_PRINT_HEX = 64 };

/* Eats the first of prints: 64 hex digits, with or without colons. Lower case comes out. */
bool way_print_eat(struct span *prints, char hex[WAY_PRINT_HEX + 1]);

/* --- via --- */

/*
 * HOST, HOST:PORT, or the same behind "lmtp:" (RFC 2033), or lmtp:/SOCKET. The host is taken as it is:
 * its MX records are not asked for. Brackets belong around an IPv6 address and may stand around any host.
 */
struct way_place { bool lmtp; char host[WAY_HOST]; unsigned port; };	/* port 0: the usual; host of a socket: its path */

/* Eats the first of places with commas between. False: that is none. */
bool way_place(struct span *via, struct way_place *out);
bool way_fits_source(struct span addresses);	/* one, or one of each family */

#endif
