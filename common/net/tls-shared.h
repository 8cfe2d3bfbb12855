/*
 * NAME
 *	tls-shared - what the files behind tls.h share; nobody else includes it
 */
#ifndef COMMON_NET_TLS_SHARED_H
#define COMMON_NET_TLS_SHARED_H

#include <openssl/ssl.h>

#include "common/net/tls.h"

enum { TLS_KEPT_MAX = 32 };

struct tls_kept { unsigned char key[TLS_KEY]; SSL_SESSION *session; ms_t until; };
struct tls_client { SSL_CTX *ctx; struct tls_kept kept[TLS_KEPT_MAX]; };

SSL *tls_conn_ssl(const struct tls_conn *c);
/* Why OpenSSL failed last, as words; says why the chain is bad where that is it. */
void tls_reason(const SSL *ssl, char *text, size_t size);
/* Options that hold for both sides: no compression, no renegotiation, no idle buffers. */
bool tls_common(SSL_CTX *ctx, int min_version, struct err *e);
/* Before the handshake: say whom we mean, and what will be looked at. */
bool tls_ask_proof(SSL *ssl, const struct tls_want *want);
/* After it: verified, trouble and why_not. */
void tls_judge_proof(struct tls_stream *s, const struct tls_want *want);
/* tls-resume.c: of a client, before a handshake, after one that was good enough, at the end. */
void tls_resume_set_up(SSL_CTX *ctx);
void tls_resume_begin(struct tls_client *t, struct tls_stream *s, const struct tls_want *want);
void tls_resume_good(struct tls_stream *s);
void tls_resume_forget(struct tls_client *t);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384 256" */
void tls_words(const SSL *ssl, char text[TLS_TEXT]);

#endif
