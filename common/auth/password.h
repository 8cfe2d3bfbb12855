/*
 * NAME
 *	password - is it the one behind this hash: crypt(3), argon2id
 * DESCRIPTION
 *	Hashes as in shadow(5): $y$ (yescrypt) is what we make, or $argon2id$ (RFC 9106) where that is
 *	wished. What crypt(3) of this machine knows is what we take, but for the old ones without a $,
 *	which are too weak; of argon2id what asks for at most PASSWORD_MEMORY_MB. A prefix in
 *	braces, as Dovecot writes it ("{CRYPT}", "{ARGON2ID}", "{SHA512-CRYPT}"), is passed over.
 */
#ifndef COMMON_AUTH_PASSWORD_H
#define COMMON_AUTH_PASSWORD_H

#include "common/base/err.h"
#include "common/base/span.h"

enum { PASSWORD_HASH_MAX = 384, PASSWORD_MEMORY_MB = 256 };

/* An empty hash takes as long as a real one and says no: who guesses names learns nothing from the clock. */
bool password_matches(struct span hash, const char *password);
/* A fresh hash; kind is "yescrypt" or "argon2id". */
bool password_hash(const char *kind, const char *password, char hash[PASSWORD_HASH_MAX], struct err *e);

#endif
