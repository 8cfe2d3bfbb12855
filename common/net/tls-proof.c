/* What a server shows of itself, and whether it is who we mean. See tls.h. */
#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "common/net/tls-shared.h"

/* --- before the handshake --- */

static bool is_address(const char *host)
{
	unsigned char b[16];

	return inet_pton(AF_INET, host, b) == 1 || inet_pton(AF_INET6, host, b) == 1;
}

/* The dot at the end is DNS's, not the certificate's. */
static bool plain_name(const char *host, char name[DNS_NAME])
{
	struct span s = span_of(host);

	if (span_ends(s, "."))
		s = span_to(s, s.n - 1);
	return s.n && span_copy(s, name, DNS_NAME);
}

/* An address is no name for SNI: RFC 6066 3. */
static bool tell_host(SSL *ssl, const char *host)
{
	char name[DNS_NAME];

	return is_address(host) ||
	    (plain_name(host, name) && SSL_set_tlsext_host_name(ssl, name) == 1);
}

static bool expect_name(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *want = SSL_get0_param(ssl);
	char name[DNS_NAME];

	if (is_address(host))
		return X509_VERIFY_PARAM_set1_ip_asc(want, host) == 1;
	return plain_name(host, name) && X509_VERIFY_PARAM_add1_host(want, name, 0) == 1;
}

static bool expect_names(SSL *ssl, const struct tls_want *want)
{
	const char *alone = want->name_count ? want->names[0] : want->host;
	bool named = false, ok = true;

	/* OpenSSL wants the address and a name, not one of them: an address counts where no name does. */
	for (size_t i = 0; ok && i < want->name_count; i++) {
		if (is_address(want->names[i]))
			continue;
		ok = expect_name(ssl, want->names[i]);
		named = true;
	}
	return ok && (named || expect_name(ssl, alone));
}

static bool expect_records(SSL *ssl, const struct tls_want *want)
{
	char base[DNS_NAME];
	size_t taken = 0;

	if (!plain_name(want->host, base) || SSL_dane_enable(ssl, base) != 1)
		return false;
	for (size_t i = 0; i < want->record_count; i++) {
		const struct tlsa *t = &want->records[i];

		taken += SSL_dane_tlsa_add(ssl, (uint8_t)t->usage, (uint8_t)t->selector, (uint8_t)t->matching,
		    (const unsigned char *)t->data.p, t->data.n) == 1;
	}
	return taken > 0;	/* none: everything would match */
}

bool tls_ask_proof(SSL *ssl, const struct tls_want *want)
{
	if (!tell_host(ssl, want->host))
		return false;
	if (want->proof == TLS_PROOF_PRINT)
		return true;
	/* Whether CN is a name is for DANE to say (RFC 7672 3.2.3), and elsewhere over: RFC 9525 2. */
	X509_VERIFY_PARAM_set_hostflags(SSL_get0_param(ssl), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    (want->proof == TLS_PROOF_NAME ? X509_CHECK_FLAG_NEVER_CHECK_SUBJECT : 0));
	if (want->proof == TLS_PROOF_TLSA && !expect_records(ssl, want))
		return false;
	return expect_names(ssl, want);
}

bool tls_can_match(const struct tlsa *record)
{
	const unsigned char *at = (const unsigned char *)record->data.p, *end = at + record->data.n;
	EVP_PKEY *key = NULL;
	X509 *certificate = NULL;
	bool ok;

	if (record->matching != TLSA_EXACT)
		return true;
	if (record->selector == TLSA_CERTIFICATE)
		ok = (certificate = d2i_X509(NULL, &at, (long)record->data.n)) && at == end &&
		    X509_get0_pubkey(certificate);
	else
		ok = (key = d2i_PUBKEY(NULL, &at, (long)record->data.n)) && at == end;
	X509_free(certificate);
	EVP_PKEY_free(key);
	return ok;
}

/* --- after it --- */

static bool say_no(struct tls_stream *s, enum tls_trouble trouble, const char *why)
{
	s->verified = false;
	s->trouble = trouble;
	snprintf(s->why_not, sizeof s->why_not, "%s", why);
	return false;
}

static enum tls_trouble trouble_of(long verdict)
{
	switch (verdict) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_WRONG_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TLS_EXPIRED;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_DANE_NO_MATCH:
		return TLS_NOT_TRUSTED;
	default:
		return TLS_INVALID;
	}
}

enum { DIGEST = 32 };

static bool is_among(const unsigned char digest[DIGEST], const struct tls_want *want)
{
	char hex[TLS_PRINT];

	for (int i = 0; i < DIGEST; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	for (size_t i = 0; i < want->print_count; i++) {
		if (strcmp(hex, want->prints[i]) == 0)
			return true;
	}
	return false;
}

static bool digest_key(const X509 *certificate, unsigned char digest[DIGEST])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	bool ok = n > 0 && EVP_Digest(der, (size_t)n, digest, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return ok;
}

static bool print_matches(const X509 *certificate, const struct tls_want *want)
{
	unsigned char digest[DIGEST];

	return (X509_digest(certificate, EVP_sha256(), digest, NULL) == 1 && is_among(digest, want))
	    || (digest_key(certificate, digest) && is_among(digest, want));
}

static bool judge(struct tls_stream *s, const struct tls_want *want)
{
	long verdict = SSL_get_verify_result(s->tls);
	const X509 *certificate = SSL_get0_peer_certificate(s->tls);

	if (!certificate)
		return say_no(s, TLS_INVALID, "no certificate");
	if (want->proof == TLS_PROOF_PRINT)
		return print_matches(certificate, want) ||
		    say_no(s, TLS_NOT_TRUSTED, "its certificate is another one");
	return verdict == X509_V_OK ||
	    say_no(s, trouble_of(verdict), X509_verify_cert_error_string(verdict));
}

void tls_judge_proof(struct tls_stream *s, const struct tls_want *want)
{
	if (!judge(s, want))
		return;
	s->verified = true;
	s->trouble = TLS_FINE;
}
