/*
 * NAME
 *	der - the two numbers of an RSA public key
 * DESCRIPTION
 *	SubjectPublicKeyInfo (RFC 5280 4.1) or RSAPublicKey (RFC 8017 A.1.1). OpenSSL reads these as
 *	well, but takes longer for it than for the signature. Strict, never allocates. Pure.
 */
#ifndef COMMON_TRUST_DER_H
#define COMMON_TRUST_DER_H

#include "common/base/span.h"

/* Big-endian, without leading zeros, into der. */
struct der_rsa { struct span modulus, exponent; };

bool der_rsa_parse(struct span der, struct der_rsa *out);

#endif
