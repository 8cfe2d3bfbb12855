/* What both sides of TLS share. See tls.h and tls-shared.h. */
#include "common/net/tls-shared.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>

bool tls_prepare(struct err *e)
{
	unsigned char some[16];

	signal(SIGPIPE, SIG_IGN);	/* OpenSSL writes with write(2) */
	if (!OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CONFIG, NULL) ||
	    RAND_bytes(some, sizeof some) != 1)
		return err_temp(e, "4.7.0", "cannot start OpenSSL");
	return true;
}

void tls_reason(const SSL *ssl, char *text, size_t size)
{
	unsigned long code = ERR_peek_last_error();
	const char *words = ERR_reason_error_string(code);
	long chain = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;

	if (chain != X509_V_OK)
		words = X509_verify_cert_error_string(chain);
	else if (code && ERR_SYSTEM_ERROR(code))
		words = strerror(ERR_GET_REASON(code));
	else if (!words && !code)
		words = errno ? strerror(errno) : "the connection ended";
	snprintf(text, size, "%s", words ? words : "unknown trouble");
}

bool tls_common(SSL_CTX *ctx, int min_version, struct err *e)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	/* Many connections are idle; a buffer they might need costs 32 KiB each. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (!SSL_CTX_set_min_proto_version(ctx, min_version))
		return err_temp(e, "4.7.0", "OpenSSL does not know that version of TLS");
	return true;
}

void tls_words(const SSL *ssl, char text[TLS_TEXT])
{
	snprintf(text, TLS_TEXT, "%.32s %.80s %d", SSL_get_version(ssl), SSL_get_cipher_name(ssl),
	    SSL_get_cipher_bits(ssl, NULL));
}
