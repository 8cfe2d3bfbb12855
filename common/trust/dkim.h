/*
 * NAME
 *	dkim - DomainKeys Identified Mail: verify what came, sign what goes
 * SYNOPSIS
 *	struct dkim_verify *v = dkim_verify_new(now);
 *	dkim_verify_feed(v, piece);		... as often as there are pieces
 *	dkim_verify_end(v, &dns, &verdict);	... verdict lives as long as v
 *	dkim_verify_free(v);
 * DESCRIPTION
 *	RFC 6376 with 8301 (no SHA-1, no short keys), 8463 (Ed25519) and 8616 (UTF-8). A text is
 *	passed once, in pieces, lines in LF; its body is hashed once for each canonical form, whatever
 *	the number of signatures. The DNS is asked at the end, once for each signature that is worth it.
 *	The first DKIM_JUDGED signatures are judged, from the top; verdict says how many were left.
 *	Call key_prepare() before a jail.
 * DIAGNOSTICS
 *	Results as in RFC 8601 2.7.1: pass; fail (the message was changed, or the signature has
 *	expired); policy (it is good, but the key is too short); neutral (written badly); permerror
 *	(no such key, or one of no use); temperror (the DNS could not tell).
 */
#ifndef COMMON_TRUST_DKIM_H
#define COMMON_TRUST_DKIM_H

#include "common/trust/dkim-signature.h"
#include "common/trust/dns.h"

enum {
	DKIM_JUDGED	= 10,	/* signatures; mail through many lists has five */
	DKIM_RECORDS	= 3,	/* TXT records tried at one name */
	DKIM_SKEW_S	= 3600,	/* clocks that are wrong by less do no harm */
	DKIM_SIGNERS	= 4,	/* keys that one message is signed with */
};

/* --- verifying --- */

struct dkim_result {
	enum trust_result	result;
	struct err		why;		/* when it is not pass */
	struct dkim_signature	signature;	/* as far as it could be read */
	unsigned		bits;		/* of its key; 0: none was seen */
	bool			testing;	/* its domain only tests DKIM (t=y) */
	uint64_t		beyond;		/* bytes of the body that l= leaves unsigned */
};

struct dkim_verdict {
	struct dkim_result	*results;	/* from the top of the header */
	size_t			 count;
	size_t			 ignored;	/* signatures beyond DKIM_JUDGED */
};

struct dkim_verify;

struct dkim_verify *dkim_verify_new(uint64_t now);
void dkim_verify_feed(struct dkim_verify *v, struct span lf_text);
void dkim_verify_end(struct dkim_verify *v, const struct trust_dns *dns, struct dkim_verdict *out);
void dkim_verify_free(struct dkim_verify *v);
/* The header of the text, gathered for us, for others who want to look at it; good after feeding. */
struct span dkim_verify_header(const struct dkim_verify *v);

/* Where the DNS has its key: "selector._domainkey.example.org". */
const char *dkim_key_name(const struct dkim_signature *s, struct arena *a);

/* What the message's ARC chain came to; good after dkim_verify_end(). See arc.h. */
const struct arc *dkim_verify_arc(const struct dkim_verify *v);

/*
 * 'pass header.d=example.org header.s=x header.a=rsa-sha256 header.b="AbCdEfGh"', for
 * Authentication-Results; 'fail reason="the body was changed" header.d=...'.
 */
void dkim_result_print(const struct dkim_result *r, struct str *out);

/* --- signing --- */

struct dkim_signer { const char *domain, *selector; const struct key *key; };

struct dkim_sign;

struct dkim_sign *dkim_sign_new(void);
void dkim_sign_feed(struct dkim_sign *s, struct span lf_text);
/*
 * One DKIM-Signature field for each signer, to stand on top of the text; lines end in LF.
 * valid_s: x= is that much after now; 0: no x=. False: PERM 5.6.0 without a From field or with a
 * header that is too large, TEMP when OpenSSL fails.
 */
bool dkim_sign_end(struct dkim_sign *s, const struct dkim_signer *signers, size_t count,
    uint64_t now, uint64_t valid_s, struct str *out, struct err *e);
struct span dkim_sign_header(const struct dkim_sign *s);	/* good after feeding */
void dkim_sign_free(struct dkim_sign *s);

#endif
