/*
 * NAME
 *	tls - TLS for fronts (event-driven) and for outgoing mail (blocking)
 * DESCRIPTION
 *	The only interface to OpenSSL for connections; the files tls-*.c and tls.c
 *	behind it are the only files that see it. No OpenSSL type leaves it. Call
 *	tls_prepare() once before the jail: it reads OpenSSL's configuration, loads
 *	its provider, seeds its random numbers, and ignores SIGPIPE for the process; after
 *	it nothing here opens a file, but tls_client_new(), which belongs before the jail too.
 *	TLS 1.2 and later, no renegotiation, no compression. A text about a connection reads
 *	"PROTOCOL CIPHER BITS", for example "TLSv1.3 TLS_AES_256_GCM_SHA384 256".
 */
#ifndef COMMON_NET_TLS_H
#define COMMON_NET_TLS_H

#include "common/base/err.h"
#include "common/io/stream.h"
#include "common/net/channel.h"

enum { TLS_TEXT = 160 };

bool tls_prepare(struct err *e);

/* --- the server's side: never blocks --- */

struct tls_server;			/* certificates, one key each, and how we talk */
struct tls_conn;			/* one client */

/* min: "TLSv1.2" or "TLSv1.3". */
struct tls_server *tls_server_new(const char *min, struct err *e);
/*
 * A certificate chain and its key, both PEM, read from the start of two descriptors (which
 * stay the caller's). The first is the default; a client that names a host (SNI) gets
 * the first whose certificate is for that host, or the default. PERM when the files are
 * not a chain and its key.
 */
bool tls_server_add(struct tls_server *s, int chain_fd, int key_fd, struct err *e);
/*
 * Ask each client for a certificate, and take one that an authority in this PEM file (pread from its
 * start; stays the caller's) vouches for as its name. One that is not good is no reason to send the client
 * away: it is nobody then. Before the first tls_server_add().
 */
bool tls_server_ask_clients(struct tls_server *s, int authorities_fd, struct err *e);
void tls_server_free(struct tls_server *s);	/* clients that run keep what they need */

/*
 * fd: connected, non-blocking, stays the caller's. alpn: names of the one protocol we speak here
 * ("smtp esmtp"); a client that offers protocols, but not this one, is refused ("" = any client is fine), so that
 * no browser can be made to talk to us (ALPACA).
 */
struct tls_conn *tls_conn_new(struct tls_server *s, int fd, const char *alpn);
void tls_conn_free(struct tls_conn *c);		/* NULL is fine; fd stays open */

enum tls_step {
	TLS_DONE,		/* it is done, or n bytes moved */
	TLS_WANT_READ,		/* nothing moved: when fd is readable, again */
	TLS_WANT_WRITE,		/* nothing moved: when fd is writable, again */
	TLS_END,		/* the other side said goodbye */
	TLS_FAILED		/* over: broken or gone */
};

enum tls_step tls_handshake(struct tls_conn *c);
enum tls_step tls_read(struct tls_conn *c, void *buf, size_t size, size_t *n);
/* After TLS_WANT_... come again with the same bytes, or more behind them. */
enum tls_step tls_write(struct tls_conn *c, struct span bytes, size_t *n);
bool tls_has_input(struct tls_conn *c);		/* bytes are decrypted and not yet read */
/* Say goodbye (close_notify). DONE or a WANT; the caller need not try again. */
enum tls_step tls_goodbye(struct tls_conn *c);
/* "TLSv1.3 CIPHER BITS", and " sni=NAME" when the client named a host (and it fits). */
void tls_describe(struct tls_conn *c, char text[TLS_TEXT]);
/* After the handshake. Names are those of a certificate that was verified. */
void tls_channel(struct tls_conn *c, struct channel *channel);
/* Why the last step failed, for the log: one sentence. */
void tls_why(struct tls_conn *c, char *text, size_t size);

/* --- the client's side: a blocking stream with deadlines --- */

struct tls_client;			/* whom we trust */

/* ca_file: PEM file of certificate authorities; "" = the system's. */
struct tls_client *tls_client_new(const char *ca_file, struct err *e);
void tls_client_free(struct tls_client *t);

/*
 * A connection that starts in the clear and may become TLS in place, so that whoever reads
 * and writes through it (line, out) need not know. Flush out and line_forget() before.
 */
struct tls_stream {
	struct stream	 stream;		/* first: a tls_stream is a stream */
	int		 fd;			/* ours from tls_stream_init() to tls_stream_close() */
	void		*tls;
	char		 text[TLS_TEXT];	/* "TLSv1.3 ..."; "" in the clear */
	bool		 verified;		/* chain and host name are good */
	char		 why_not[160];		/* one sentence, when they are not */
};

void tls_stream_init(struct tls_stream *s, int fd);
/*
 * Start TLS as the client. host: its name, for SNI and for the certificate (an address is
 * checked as one, without SNI). With must_verify a certificate that is not good for host
 * ends it, TEMP 4.7.5; without, opportunistic (RFC 7435): verified tells. False: the stream
 * is of no more use, close it (a fresh connection may go on in the clear).
 */
bool tls_client_start(struct tls_client *t, struct tls_stream *s, const char *host,
    bool must_verify, ms_t until, struct err *e);
void tls_stream_close(struct tls_stream *s);	/* goodbye where possible, and close; twice is fine */

#endif
