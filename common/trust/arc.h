/*
 * NAME
 *	arc - what earlier servers say a message looked like when they had it
 * DESCRIPTION
 *	RFC 8617, the verifying side only. Each server that changed the message left a set of three
 *	fields: the results it saw, a signature over the message as it passed it on, and a seal
 *	over all sets so far. A whole chain proves who said what; whether that one is to be
 *	believed is a setting (gate/arc-trusted). We seal nothing.
 *	dkim_verify_*() (dkim.h) finds the chain and hashes the body for it in the same pass.
 */
#ifndef COMMON_TRUST_ARC_H
#define COMMON_TRUST_ARC_H

#include "common/mail/header.h"
#include "common/trust/dkim.h"
#include "common/trust/dkim-text.h"

enum {
	ARC_SETS_MAX = 50, /* RFC 8617 4.2.1 */
	ARC_SEALS = 10, /* chains we look through: each seal costs a look-up and a signature */
};

struct arc_set { const struct field *results, *message, *seal; };	/* AAR, AMS, AS */

struct arc {
	struct arc_set		 sets[ARC_SETS_MAX];
	unsigned		 count;		/* instances; 0: no chain */
	enum trust_result result; /* NONE no chain, PASS, FAIL, TEMPERROR (RFC 8617 5.2) */
	struct err		 why;		/* when it is not PASS */
	struct dkim_result	 message;	/* the newest message signature */
	struct span		 sealer;	/* d= of the newest seal, once it is PASS */
	bool			 saw_pass;	/* its results have dmarc=pass */
};

/* --- for dkim-verify.c --- */

/* Finds the sets. message.result is NONE when the body must be hashed for it. */
void arc_begin(struct arc *c, const struct header *h, struct arena *a);
/* body: the digest that the newest message signature wants; NULL when none was taken. */
void arc_end(struct arc *c, const struct header *h, const struct dkim_wish *body,
    const struct trust_dns *dns, struct arena *a);

/* Do results say dmarc=pass as a method of their own, not in a comment or in what somebody else chose? */
bool arc_has_dmarc_pass(struct span results);

/* --- and from it --- */

void dkim_hash_own(struct key_hash *hash, const struct dkim_signature *s, struct span whole);
void dkim_hash_header(const struct header *h, const struct dkim_signature *s,
    const struct field *own, unsigned char digest[KEY_DIGEST]);
/* Ask for the key and hold the digest against the signature. */
void dkim_prove(struct dkim_result *r, const unsigned char digest[KEY_DIGEST],
    const struct trust_dns *dns, struct arena *a);

#endif
