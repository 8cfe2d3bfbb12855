/*
 * NAME
 *	verifier - what a server keeps of a password to do SCRAM (RFC 5802 3)
 * DESCRIPTION
 *	In the users file a word "{SCRAM-SHA-256}4096,SALT,STORED-KEY,SERVER-KEY", the last three in
 *	base64: as Dovecot writes them. Who steals one can test passwords on it, but cannot log in with it.
 */
#ifndef COMMON_AUTH_VERIFIER_H
#define COMMON_AUTH_VERIFIER_H

#include "common/auth/digest.h"
#include "common/base/err.h"
#include "common/base/str.h"

enum {
	VERIFIER_TEXT	= 512,		/* of the word, with its NUL */
	VERIFIER_SALT_MAX = 64,
	VERIFIER_ITERATIONS_MAX = 10000000,
};

struct verifier {
	enum digest	digest;
	unsigned	iterations;
	unsigned char	salt[VERIFIER_SALT_MAX];
	size_t		salt_n;
	unsigned char	stored_key[DIGEST_MAX], server_key[DIGEST_MAX];
};

/* "SCRAM-SHA-256" (without -PLUS): which hash? */
bool verifier_digest(struct span mechanism, enum digest *d);
const char *verifier_mechanism(enum digest d);

bool verifier_parse(struct span word, struct verifier *v);
void verifier_print(const struct verifier *v, struct str *out);
/* Of a prepared password (prep.h); the salt is there. */
void verifier_of(const char *password, struct verifier *v);
/* The same with a fresh salt. */
bool verifier_make(enum digest d, unsigned iterations, const char *password, struct verifier *v, struct err *e);
/*
 * For somebody whom we do not know: the same name gets the same salt again, as a real one would,
 * and no password is right.
 */
void verifier_fake(enum digest d, unsigned iterations, struct span key, struct span name, struct verifier *v);
/* The word for this hash among words, as the users file has them: where there is none, false. */
bool verifier_find(struct span words, enum digest d, struct verifier *v);

#endif
