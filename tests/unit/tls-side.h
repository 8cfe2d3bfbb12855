/*
 * NAME
 *	tls-side - certificates and a server of ours, for tests of the client
 */
#ifndef TESTS_UNIT_TLS_SIDE_H
#define TESTS_UNIT_TLS_SIDE_H

#include <openssl/pem.h>
#include <sys/types.h>

#include "common/net/tls.h"

struct pair { int chain, key; };	/* PEM in memory files */
struct talk { struct tls_server *server; struct tls_client *client; struct tls_stream stream; pid_t child; };

/* Signed by itself. */
X509 *tls_side_certificate(EVP_PKEY *key, const char *names, long from_s, long to_s);
int tls_side_file(BIO *pem);
struct pair tls_side_pair(const char *names, long from_s, long to_s);
const char *tls_side_path(int fd);

/* A child that says all bytes back; sock[1] is its end. Exit code: the last step, +10 when the handshake failed. */
pid_t tls_side_serve(struct tls_server *s, const int sock[2], const char *alpn);
/* A server with these certificates, and a client that knows the authorities in ca (-1: the system's). */
void tls_side_begin(struct talk *t, const struct pair *pairs, size_t count, int ca, const char *alpn);
int tls_side_end(struct talk *t);

#endif
