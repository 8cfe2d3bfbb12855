/*
 * NAME
 *	digest - hashes with and without a key, for those who check passwords
 * DESCRIPTION
 *	SHA-1 and SHA-256 only: what SCRAM needs (RFC 5802, RFC 7677), and what a random secret
 *	needs. Whoever calls these holds secrets, and wipes them.
 */
#ifndef COMMON_AUTH_DIGEST_H
#define COMMON_AUTH_DIGEST_H

#include "common/base/span.h"

enum digest { DIGEST_SHA1, DIGEST_SHA256, DIGEST_COUNT };
enum { DIGEST_MAX = 32 };

size_t digest_size(enum digest d);
/* out has digest_size() bytes. */
void digest_of(enum digest d, struct span bytes, unsigned char *out);
void digest_keyed(enum digest d, struct span key, struct span bytes, unsigned char *out); /* HMAC */
/* Hi() of RFC 5802 2.2: PBKDF2 with one block of output. */
void digest_slow(enum digest d, struct span password, struct span salt, unsigned iterations, unsigned char *out);
/* Takes the same time wherever they differ. */
bool digest_same(const void *a, const void *b, size_t n);

#endif
