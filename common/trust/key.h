/*
 * NAME
 *	key - the cryptography of DKIM: SHA-256, RSA, Ed25519
 * DESCRIPTION
 *	The only interface to OpenSSL for signatures; no OpenSSL type leaves it. Signatures are
 *	made over a SHA-256 digest: RSA by PKCS#1 v1.5 (RFC 6376 3.3.1), Ed25519 over the digest as
 *	its message (RFC 8463 3). Call key_prepare() once before a jail; after it nothing here opens
 *	a file. Private keys are wiped when they are freed.
 */
#ifndef COMMON_TRUST_KEY_H
#define COMMON_TRUST_KEY_H

#include "common/base/err.h"
#include "common/base/str.h"

enum {
	KEY_DIGEST	= 32,
	KEY_BITS_MIN	= 1024,		/* RFC 8301 3.2: shorter ones prove nothing */
	KEY_BITS_MAX	= 8192,		/* longer ones cost us more than they are worth */
	KEY_DER_MAX	= 2048,		/* no public key of 8192 bits is longer */
	KEY_PEM_MAX	= 16384,
	KEY_SIGNATURE_MAX = KEY_BITS_MAX / 8,
};

bool key_prepare(struct err *e);

/* --- SHA-256 over pieces --- */

struct key_hash;

struct key_hash *key_hash_new(void);
void key_hash_free(struct key_hash *h);		/* NULL is fine */
void key_hash_reset(struct key_hash *h);
void key_hash_add(struct key_hash *h, struct span bytes);
void key_hash_copy(struct key_hash *to, const struct key_hash *from);
void key_hash_end(struct key_hash *h, unsigned char digest[KEY_DIGEST]); /* reset it before more */

/* --- keys --- */

enum key_kind { KEY_RSA, KEY_ED25519, KEY_KINDS };

struct key;

/* As k= has it. */
static inline const char *key_kind_name(enum key_kind kind)
{
	return kind == KEY_RSA ? "rsa" : "ed25519";
}

/*
 * A public key as p= publishes it: RSA as SubjectPublicKeyInfo or RSAPublicKey in DER, Ed25519 as 32
 * bytes. NULL, PERM: it is none, or has too many bits. Shorter ones than KEY_BITS_MIN are read.
 */
struct key *key_public(enum key_kind kind, struct span bytes, struct err *e);
struct key *key_private(struct span pem, struct err *e); /* PKCS#8 or PKCS#1, without a password */
struct key *key_make(enum key_kind kind, unsigned bits, struct err *e);	/* bits: RSA only */
void key_free(struct key *k);				/* NULL is fine */
enum key_kind key_kind(const struct key *k);
unsigned key_bits(const struct key *k);
bool key_print_private(const struct key *k, struct str *pem);	/* PKCS#8; wipe it */
bool key_print_public(const struct key *k, struct str *bytes);	/* as key_public() takes it */

bool key_verify(const struct key *k, const unsigned char digest[KEY_DIGEST], struct span signature);
bool key_sign(const struct key *k, const unsigned char digest[KEY_DIGEST], struct str *signature,
    struct err *e);

#endif
