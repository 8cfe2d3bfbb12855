/*
 * NAME
 *	password - is it the one behind this hash: crypt(3)
 * DESCRIPTION
 *	Hashes as in shadow(5): $y$ (yescrypt) is what we make; what crypt(3) of this machine
 *	knows is what we take, but for the old ones without a $, which are too weak. A prefix in
 *	braces, as Dovecot writes it ("{CRYPT}", "{BLF-CRYPT}", "{SHA512-CRYPT}"), is passed over.
 */
#ifndef COMMON_AUTH_PASSWORD_H
#define COMMON_AUTH_PASSWORD_H

#include "common/base/err.h"
#include "common/base/span.h"

enum { PASSWORD_HASH_MAX = 384 };

/* An empty hash takes as long as a real one and says no: who guesses names learns nothing from the clock. */
bool password_matches(struct span hash, const char *password);
/* A fresh yescrypt hash. */
bool password_hash(const char *password, char hash[PASSWORD_HASH_MAX], struct err *e);

#endif
