/* Signatures of tokens, by OpenSSL. See signature.h. */
#include "common/auth/signature.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "common/mail/encoding.h"

enum { RSA_BITS_MIN = 2048, RSA_BYTES_MAX = 1024, POINT = 32 };

bool signature_decode(struct span text, struct str *bytes)
{
	struct str usual = STR(16384);
	bool ok;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '+' || text.p[i] == '/' || text.p[i] == '=')
			usual.over = true;
		str_add_char(&usual, text.p[i] == '-' ? '+' : text.p[i] == '_' ? '/' : text.p[i]);
	}
	while (usual.n % 4 && !usual.over)
		str_add_char(&usual, '=');
	ok = !usual.over && base64_decode(str_span(&usual), bytes) && !bytes->over;
	if (usual.cap)
		explicit_bzero(usual.p, usual.cap);
	str_free(&usual);
	return ok;
}

/* --- keys --- */

static bool take_bytes(const json_t *jwk, const char *name, struct str *bytes)
{
	const json_t *v = json_object_get(jwk, name);

	return json_is_string(v) &&
	    signature_decode((struct span){ json_string_value(v), json_string_length(v) }, bytes) &&
	    bytes->n;
}

static bool is_word(const json_t *jwk, const char *name, const char *want)
{
	const char *v = json_string_value(json_object_get(jwk, name));

	return v && strcmp(v, want) == 0;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *rsa_key(const json_t *jwk)
{
	struct str n = STR(RSA_BYTES_MAX), e = STR(16);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *bn = NULL, *be = NULL;
	EVP_PKEY *key = NULL;

	if (is_word(jwk, "kty", "RSA") && take_bytes(jwk, "n", &n) && take_bytes(jwk, "e", &e)) {
		bn = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
		be = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
		if (build && bn && be && BN_num_bits(bn) >= RSA_BITS_MIN &&
		    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
		    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be) == 1)
			key = from_params("RSA", build);
	}
	BN_free(bn);
	BN_free(be);
	OSSL_PARAM_BLD_free(build);
	str_free(&n);
	str_free(&e);
	return key;
}

static EVP_PKEY *ec_key(const json_t *jwk)
{
	struct str point = STR(1 + 2 * POINT);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	str_add_char(&point, 4);		/* not compressed */
	if (is_word(jwk, "kty", "EC") && is_word(jwk, "crv", "P-256") &&
	    take_bytes(jwk, "x", &point) && point.n == 1 + POINT && take_bytes(jwk, "y", &point) &&
	    point.n == 1 + 2 * POINT && build &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) == 1)
		key = from_params("EC", build);
	OSSL_PARAM_BLD_free(build);
	str_free(&point);
	return key;
}

static EVP_PKEY *ed_key(const json_t *jwk)
{
	struct str x = STR(POINT);
	EVP_PKEY *key = NULL;

	if (is_word(jwk, "kty", "OKP") && is_word(jwk, "crv", "Ed25519") &&
	    take_bytes(jwk, "x", &x) && x.n == POINT)
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.p, x.n);
	str_free(&x);
	return key;
}

/* --- algorithms --- */

static bool verify(EVP_PKEY *key, const EVP_MD *md, bool pss, struct span bytes, struct span signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how = NULL;
	bool ok = ctx && EVP_DigestVerifyInit(ctx, &how, md, NULL, key) == 1;

	if (ok && pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n,
	    (const unsigned char *)bytes.p, bytes.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static bool rs256(EVP_PKEY *key, struct span bytes, struct span signature)
{
	return verify(key, EVP_sha256(), false, bytes, signature);
}

static bool ps256(EVP_PKEY *key, struct span bytes, struct span signature)
{
	return verify(key, EVP_sha256(), true, bytes, signature);
}

static bool eddsa(EVP_PKEY *key, struct span bytes, struct span signature)
{
	return verify(key, NULL, false, bytes, signature);
}

/* RFC 7518 3.4: the two numbers side by side, where OpenSSL wants DER. */
static bool es256(EVP_PKEY *key, struct span bytes, struct span signature)
{
	const unsigned char *p = (const unsigned char *)signature.p;
	unsigned char *der = NULL;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	int n = 0;
	bool ok = false;

	if (signature.n == 2 * POINT && pair &&
	    ECDSA_SIG_set0(pair, BN_bin2bn(p, POINT, NULL), BN_bin2bn(p + POINT, POINT, NULL)) == 1)
		n = i2d_ECDSA_SIG(pair, &der);
	if (n > 0)
		ok = verify(key, EVP_sha256(), false, bytes, (struct span){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	return ok;
}

static const struct {
	const char	*name;
	EVP_PKEY	*(*key)(const json_t *jwk);
	bool		(*check)(EVP_PKEY *key, struct span bytes, struct span signature);
} algorithms[] = {
	{ "RS256", rsa_key, rs256 },
	{ "PS256", rsa_key, ps256 },
	{ "ES256", ec_key, es256 },
	{ "EdDSA", ed_key, eddsa },
};

bool signature_is_good(struct span algorithm, const struct json_t *jwk, struct span bytes, struct span signature)
{
	bool ok = false;

	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
		EVP_PKEY *key;

		if (!span_same(algorithm, span_of(algorithms[i].name)))
			continue;
		key = algorithms[i].key(jwk);
		ok = key && algorithms[i].check(key, bytes, signature);
		EVP_PKEY_free(key);
	}
	ERR_clear_error();
	return ok;
}
