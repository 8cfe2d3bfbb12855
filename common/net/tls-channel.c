/* What tells a TLS connection from all others, and who the client is by its certificate. See tls.h. */
#include <openssl/x509v3.h>

#include "common/net/tls-shared.h"

/*
 * RFC 9266 2. Before TLS 1.3 only where the master secret is this connection's own
 * (RFC 7627); renegotiation we never do.
 */
static void export(SSL *ssl, struct channel *c)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return;
	if (SSL_export_keying_material(ssl, c->exporter, sizeof c->exporter, label, sizeof label - 1,
	    (const unsigned char *)"", 0, 1) == 1)
		c->exporter_n = sizeof c->exporter;
}

/* RFC 5929 4.1: by the certificate's own hash, SHA-256 for those that are too weak, none where it has none. */
static void digest_certificate(SSL *ssl, struct channel *c)
{
	X509 *certificate = SSL_get_certificate(ssl);
	const EVP_MD *md;
	unsigned n = 0;
	int hash;

	if (!certificate || X509_get_signature_info(certificate, &hash, NULL, NULL, NULL) != 1 ||
	    hash == NID_undef)
		return;
	md = hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
	if (md && (size_t)EVP_MD_get_size(md) <= sizeof c->end_point &&
	    X509_digest(certificate, md, c->end_point, &n) == 1)
		c->end_point_n = n;
}

/* An address with a NUL in it would be another one to somebody (CVE-2009-2408): length, not strlen(). */
static void add_email(const GENERAL_NAME *name, struct channel *c)
{
	if (name->type == GEN_EMAIL)
		channel_add_name(c, (struct span){ (const char *)ASN1_STRING_get0_data(name->d.rfc822Name),
		    (size_t)ASN1_STRING_length(name->d.rfc822Name) });
}

static void name_client(SSL *ssl, struct channel *c)
{
	X509 *certificate = SSL_get0_peer_certificate(ssl);
	GENERAL_NAMES *names;

	if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK)
		return;
	names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		add_email(sk_GENERAL_NAME_value(names, i), c);
	GENERAL_NAMES_free(names);
}

void tls_channel(struct tls_conn *conn, struct channel *c)
{
	SSL *ssl = tls_conn_ssl(conn);

	*c = (struct channel){ .exporter_n = 0 };
	export(ssl, c);
	digest_certificate(ssl, c);
	name_client(ssl, c);
}
