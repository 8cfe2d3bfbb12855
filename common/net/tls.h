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
#include "common/net/dane.h"

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
/* Say goodbye (close_notify). DONE or a WANT; the caller need not try again. */
enum tls_step tls_goodbye(struct tls_conn *c);
/* "TLSv1.3 CIPHER BITS", and " sni=NAME" when the client named a host (and it fits). */
void tls_describe(struct tls_conn *c, char text[TLS_TEXT]);
/* After the handshake. Names are those of a certificate that was verified. */
void tls_channel(struct tls_conn *c, struct channel *channel);
/* Why the last step failed, for the log: one sentence. */
void tls_why(struct tls_conn *c, char *text, size_t size);

/* --- the client's side: a blocking stream with deadlines --- */

struct tls_client; /* whom we trust, and sessions that the next connection may go on with */

/* ca_file: PEM file of certificate authorities; "" = the system's. */
struct tls_client *tls_client_new(const char *ca_file, struct err *e);
void tls_client_free(struct tls_client *t);

/* How the other side can show that it is who we mean. */
enum tls_proof {
	TLS_PROOF_NAME, /* a certificate for one of names, from an authority we trust: RFC 9525 */
	TLS_PROOF_TLSA, /* one that a record matches, and for TLSA_DANE_TA a name too: RFC 7672 3 */
	TLS_PROOF_PRINT, /* the SHA-256 of its certificate, or of its public key, is among prints */
};

enum { TLS_NAMES_MAX = 8, TLS_PRINT = 65, TLS_KEY = 32 };

struct tls_want {
	const char		*host;		/* SNI; not sent when it is an address */
	enum tls_proof		 proof;
	bool must; /* without it TLS ends; else it is a fact, and host is enough */
	const char *names[TLS_NAMES_MAX]; /* ".example.org" is any name below; none: host's */
	size_t			 name_count;
	const struct tlsa	*records;	/* usable ones, see net/dane.h */
	size_t			 record_count;
	char			(*prints)[TLS_PRINT];	/* 64 hex digits, lower case */
	size_t			 print_count;
};

/* What is wrong with the other side; each is a result type of RFC 8460 4.3. */
enum tls_trouble { TLS_FINE, TLS_BROKEN, TLS_WRONG_NAME, TLS_EXPIRED, TLS_NOT_TRUSTED, TLS_INVALID };

/*
 * A connection that starts in the clear and may become TLS in place, so that whoever reads
 * and writes through it (line, out) need not know. Flush out and line_forget() before.
 */
struct tls_stream {
	struct stream	 stream;		/* first: a tls_stream is a stream */
	int fd; /* ours from tls_stream_init() to tls_stream_close() */
	void		*tls;
	char		 text[TLS_TEXT];	/* "TLSv1.3 ..."; "" in the clear */
	bool		 verified;		/* the proof is good */
	enum tls_trouble trouble;
	char		 why_not[160];		/* one sentence, when it is not */
	bool		 resumed;		/* the proof is that of an earlier connection */
	/* of tls-resume.c */
	struct tls_client *client;
	unsigned char	 key[TLS_KEY];
	bool		 good;
};

void tls_stream_init(struct tls_stream *s, int fd);
/*
 * Start TLS as the client. False: the stream is of no more use, close it (a fresh connection may
 * go on in the clear). TEMP 4.7.5 when the proof that must be is not there.
 */
bool tls_client_prove(struct tls_client *t, struct tls_stream *s, const struct tls_want *want,
    ms_t until, struct err *e);
/* The same, with a certificate for host (which may be an address) as the proof, that must be or not. */
bool tls_client_start(struct tls_client *t, struct tls_stream *s, const char *host,
    bool must_verify, ms_t until, struct err *e);
/* Was all that want asks for asked for when this stream became TLS, and nothing else? */
bool tls_same_proof(const struct tls_stream *s, const struct tls_want *want);
/* Is it in the form that OpenSSL takes? A record that names its data exactly has to hold what it says. */
bool tls_can_match(const struct tlsa *record);
void tls_stream_close(struct tls_stream *s); /* goodbye where possible, and close; twice is fine */

#endif
