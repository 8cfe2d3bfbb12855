/*
 * NAME
 *	dkim-record - the key that a domain publishes for DKIM
 * DESCRIPTION
 *	The text at SELECTOR._domainkey.DOMAIN: RFC 6376 3.6.1, RFC 8463 4. Pure.
 */
#ifndef COMMON_TRUST_DKIM_RECORD_H
#define COMMON_TRUST_DKIM_RECORD_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/trust/key.h"

enum { DKIM_RECORD_MAX = 8192 };	/* a key of 8192 bits has 1500 characters */

struct dkim_record {
	enum key_kind	kind;		/* k= */
	struct span	key;		/* p=, decoded */
	bool		revoked;	/* an empty p= */
	bool		testing;	/* t=y */
	bool		strict;		/* t=s: i= is in d= itself, not below */
};

/* False: it is none for us, PERM 5.7.5: written badly, or not for mail, for SHA-256 or for a key we know. */
bool dkim_record_parse(struct span text, struct arena *a, struct dkim_record *out, struct err *e);
/* "v=DKIM1; k=...; p=..." */
void dkim_record_print(enum key_kind kind, struct span key, struct str *out);

#endif
