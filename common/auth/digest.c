/* Hashes by OpenSSL. See digest.h. */
#include "common/auth/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

static const EVP_MD *md_of(enum digest d)
{
	return d == DIGEST_SHA1 ? EVP_sha1() : EVP_sha256();
}

size_t digest_size(enum digest d)
{
	return d == DIGEST_SHA1 ? 20 : 32;
}

/* An OpenSSL that cannot hash must not let anybody in, whatever the caller makes of it. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

void digest_of(enum digest d, struct span bytes, unsigned char *out)
{
	must(EVP_Digest(bytes.p, bytes.n, out, NULL, md_of(d), NULL) == 1);
}

void digest_keyed(enum digest d, struct span key, struct span bytes, unsigned char *out)
{
	unsigned n = 0;

	must(HMAC(md_of(d), key.p, (int)key.n, (const unsigned char *)bytes.p, bytes.n, out, &n) &&
	    n == digest_size(d));
}

void digest_slow(enum digest d, struct span password, struct span salt, unsigned iterations, unsigned char *out)
{
	must(PKCS5_PBKDF2_HMAC(password.p, (int)password.n, (const unsigned char *)salt.p, (int)salt.n,
	    (int)iterations, md_of(d), (int)digest_size(d), out) == 1);
}

bool digest_same(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}
