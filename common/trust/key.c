/* SHA-256, RSA, Ed25519. See key.h. */
#include "common/trust/key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/trust/der.h"

enum { ED25519_BYTES = 32 };

/* What OpenSSL would look up again at each use. */
static struct { EVP_MD *sha256; EVP_PKEY_CTX *rsa; } known;

struct key_hash { EVP_MD_CTX *ctx; };
struct key { EVP_PKEY *pkey; enum key_kind kind; unsigned bits; };

/* OpenSSL without memory, or without its provider: neither is a message's fault. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

static const char *reason(void)
{
	unsigned long code = ERR_get_error();
	const char *words = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return words ? words : "no reason given";
}

static void look_up(void)
{
	if (known.sha256)
		return;
	known.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	known.rsa = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	must(known.sha256 && known.rsa && EVP_PKEY_fromdata_init(known.rsa) > 0);
}

bool key_prepare(struct err *e)
{
	unsigned char some[16];

	if (!OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_LOAD_CONFIG, NULL) ||
	    RAND_bytes(some, sizeof some) != 1)
		return err_temp(e, "4.7.0", "cannot start OpenSSL");
	look_up();
	return true;
}

/* --- SHA-256 --- */

struct key_hash *key_hash_new(void)
{
	struct key_hash *h = mem_get(sizeof *h);

	look_up();
	h->ctx = EVP_MD_CTX_new();
	must(h->ctx != NULL);
	key_hash_reset(h);
	return h;
}

void key_hash_free(struct key_hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void key_hash_reset(struct key_hash *h)
{
	must(EVP_DigestInit_ex2(h->ctx, known.sha256, NULL) == 1);
}

void key_hash_add(struct key_hash *h, struct span bytes)
{
	must(EVP_DigestUpdate(h->ctx, bytes.p, bytes.n) == 1);
}

void key_hash_copy(struct key_hash *to, const struct key_hash *from)
{
	must(EVP_MD_CTX_copy_ex(to->ctx, from->ctx) == 1);
}

void key_hash_end(struct key_hash *h, unsigned char digest[KEY_DIGEST])
{
	unsigned n = KEY_DIGEST;

	must(EVP_DigestFinal_ex(h->ctx, digest, &n) == 1 && n == KEY_DIGEST);
}

/* --- keys --- */

static struct key *hold(EVP_PKEY *pkey, enum key_kind kind)
{
	struct key *k = mem_get(sizeof *k);

	*k = (struct key){ pkey, kind, kind == KEY_RSA ? (unsigned)EVP_PKEY_get_bits(pkey) : 256 };
	return k;
}

/* OpenSSL wants its numbers as this machine has them. */
static OSSL_PARAM number(const char *name, struct span big_endian, unsigned char *room)
{
	for (size_t i = 0; i < big_endian.n; i++)
		room[i] = (unsigned char)big_endian.p[big_endian.n - 1 - i];
	return OSSL_PARAM_construct_BN(name, room, big_endian.n);
}

static EVP_PKEY *rsa_public(struct span bytes)
{
	unsigned char modulus[KEY_DER_MAX], exponent[KEY_DER_MAX];
	EVP_PKEY *pkey = NULL;
	struct der_rsa rsa;
	OSSL_PARAM params[3];

	if (!der_rsa_parse(bytes, &rsa))
		return NULL;
	params[0] = number(OSSL_PKEY_PARAM_RSA_N, rsa.modulus, modulus);
	params[1] = number(OSSL_PKEY_PARAM_RSA_E, rsa.exponent, exponent);
	params[2] = OSSL_PARAM_construct_end();
	look_up();
	return EVP_PKEY_fromdata(known.rsa, &pkey, EVP_PKEY_PUBLIC_KEY, params) > 0 ? pkey : NULL;
}

static bool no_key(struct err *e, const char *why)
{
	return err_perm(e, "5.7.5", "%s", why);
}

struct key *key_public(enum key_kind kind, struct span bytes, struct err *e)
{
	EVP_PKEY *pkey;
	struct key *k;

	if (bytes.n > KEY_DER_MAX) {
		err_perm(e, "5.7.5", "the key has more than %d bits", KEY_BITS_MAX);
		return NULL;
	}
	if (kind == KEY_RSA)
		pkey = rsa_public(bytes);
	else
		pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)bytes.p, bytes.n);
	ERR_clear_error();
	if (!pkey) {
		no_key(e, kind == KEY_RSA ? "the key is no RSA public key" : "the key is not the 32 bytes of an Ed25519 key");
		return NULL;
	}
	k = hold(pkey, kind);
	if (k->bits <= KEY_BITS_MAX)
		return k;
	err_perm(e, "5.7.5", "the key has %u bits, and we take %d at most", k->bits, KEY_BITS_MAX);
	key_free(k);
	return NULL;
}

/* A key with a password is none for us: nobody is there to ask. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static bool fits(const struct key *k, struct err *e)
{
	if (k->kind == KEY_RSA && (k->bits < KEY_BITS_MIN || k->bits > KEY_BITS_MAX))
		return err_perm(e, "5.7.5", "an RSA key of %u bits; %d to %d are fine", k->bits,
		    KEY_BITS_MIN, KEY_BITS_MAX);
	return true;
}

struct key *key_private(struct span pem, struct err *e)
{
	BIO *bio = pem.n <= KEY_PEM_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	int kind = pkey ? EVP_PKEY_get_base_id(pkey) : EVP_PKEY_NONE;
	struct key *k;

	BIO_free(bio);
	if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_ED25519) {
		err_perm(e, "5.7.5", "no RSA or Ed25519 private key in PEM without a password: %s",
		    reason());
		EVP_PKEY_free(pkey);
		return NULL;
	}
	ERR_clear_error();
	k = hold(pkey, kind == EVP_PKEY_RSA ? KEY_RSA : KEY_ED25519);
	if (fits(k, e))
		return k;
	key_free(k);
	return NULL;
}

struct key *key_make(enum key_kind kind, unsigned bits, struct err *e)
{
	EVP_PKEY *pkey;

	if (kind == KEY_RSA && (bits < KEY_BITS_MIN || bits > KEY_BITS_MAX)) {
		err_perm(e, "5.5.4", "an RSA key has %d to %d bits", KEY_BITS_MIN, KEY_BITS_MAX);
		return NULL;
	}
	pkey = kind == KEY_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (pkey)
		return hold(pkey, kind);
	err_temp(e, "4.7.0", "cannot make a key: %s", reason());
	return NULL;
}

void key_free(struct key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

enum key_kind key_kind(const struct key *k)
{
	return k->kind;
}

unsigned key_bits(const struct key *k)
{
	return k->bits;
}

bool key_print_private(const struct key *k, struct str *pem)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	bool ok =
	    bio && PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) == 1;
	char *text;
	long n;

	if (ok) {
		n = BIO_get_mem_data(bio, &text);
		str_add(pem, (struct span){ text, (size_t)n });
	}
	BIO_free(bio);
	ERR_clear_error();
	return ok && !pem->over;
}

bool key_print_public(const struct key *k, struct str *bytes)
{
	unsigned char *der = NULL, raw[ED25519_BYTES];
	size_t n = sizeof raw;
	int length;

	if (k->kind == KEY_ED25519) {
		if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) != 1)
			return false;
		str_add(bytes, (struct span){ (char *)raw, n });
		return !bytes->over;
	}
	length = i2d_PUBKEY(k->pkey, &der);
	if (length <= 0)
		return false;
	str_add(bytes, (struct span){ (char *)der, (size_t)length });
	OPENSSL_free(der);
	return !bytes->over;
}

/* --- signatures --- */

static EVP_PKEY_CTX *rsa_begin(const struct key *k, int (*init)(EVP_PKEY_CTX *ctx))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);

	if (ctx && init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, known.sha256) > 0)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

static bool rsa_verify(const struct key *k, const unsigned char *digest, struct span sig)
{
	EVP_PKEY_CTX *ctx = rsa_begin(k, EVP_PKEY_verify_init);
	bool ok = ctx &&
	    EVP_PKEY_verify(ctx, (const unsigned char *)sig.p, sig.n, digest, KEY_DIGEST) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool ed25519_verify(const struct key *k, const unsigned char *digest, struct span sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
	    EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n, digest, KEY_DIGEST) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

bool key_verify(const struct key *k, const unsigned char digest[KEY_DIGEST], struct span signature)
{
	bool ok = k->kind == KEY_RSA ? rsa_verify(k, digest, signature) : ed25519_verify(k, digest, signature);

	ERR_clear_error();
	return ok;
}

static bool rsa_sign(const struct key *k, const unsigned char *digest, unsigned char *sig, size_t *n)
{
	EVP_PKEY_CTX *ctx = rsa_begin(k, EVP_PKEY_sign_init);
	bool ok = ctx && EVP_PKEY_sign(ctx, sig, n, digest, KEY_DIGEST) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool ed25519_sign(const struct key *k, const unsigned char *digest, unsigned char *sig, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
	    EVP_DigestSign(ctx, sig, n, digest, KEY_DIGEST) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

bool key_sign(const struct key *k, const unsigned char digest[KEY_DIGEST], struct str *signature,
    struct err *e)
{
	unsigned char sig[KEY_SIGNATURE_MAX];
	size_t n = sizeof sig;

	look_up();
	if (!(k->kind == KEY_RSA ? rsa_sign : ed25519_sign)(k, digest, sig, &n))
		return err_perm(e, "5.7.5", "cannot sign: %s", reason());
	str_add(signature, (struct span){ (char *)sig, n });
	return true;
}
