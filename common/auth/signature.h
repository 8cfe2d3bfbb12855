/*
 * NAME
 *	signature - has this key signed these bytes: the algorithms of JWT (RFC 7518, RFC 8037)
 * DESCRIPTION
 *	RS256, PS256 (RSA of 2048 bits and more), ES256 (P-256) and EdDSA (Ed25519). The key is a JWK; one of
 *	another kind than the algorithm's is no key for it. There are no secrets here: HS256 and "none" do
 *	not exist.
 */
#ifndef COMMON_AUTH_SIGNATURE_H
#define COMMON_AUTH_SIGNATURE_H

#include "common/base/str.h"

struct json_t;

/* Base64 as in RFC 7515 2: "-" and "_", no padding. */
bool signature_decode(struct span text, struct str *bytes);
bool signature_is_good(struct span algorithm, const struct json_t *jwk, struct span bytes, struct span signature);

#endif
