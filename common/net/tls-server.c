/* The server's side of TLS, for an event loop. See tls.h. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/net/tls-shared.h"

enum {
	CERTIFICATES_MAX = 64,		/* names we can be; linear search at each handshake */
	PEM_MAX = 1 << 20,		/* a chain of some dozens of certificates */
	CHAIN_MAX = 16,
	AUTHORITIES_MAX = 256,
};

struct tls_server {
	unsigned	 uses;			/* the owner, and each connection */
	int		 min_version;
	size_t		 count;
	X509_STORE *clients; /* who vouches for clients; NULL: they are not asked */
	struct {
		SSL_CTX	*ctx;
		X509	*certificate;		/* whose names SNI is compared with */
	} hosts[CERTIFICATES_MAX];
};

struct tls_conn {
	struct tls_server	*server;
	SSL			*ssl;
	char			 alpn[32];
};

struct tls_server *tls_server_new(const char *min, struct err *e)
{
	struct tls_server *s;
	int version = strcmp(min, "TLSv1.3") == 0 ? TLS1_3_VERSION : TLS1_2_VERSION;

	if (version == TLS1_2_VERSION && strcmp(min, "TLSv1.2") != 0) {
		err_perm(e, "5.3.5", "the lowest TLS version is TLSv1.2 or TLSv1.3, not %s", min);
		return NULL;
	}
	s = mem_get(sizeof *s);
	s->uses = 1;
	s->min_version = version;
	return s;
}

void tls_server_free(struct tls_server *s)
{
	if (!s || --s->uses)
		return;
	for (size_t i = 0; i < s->count; i++)
		SSL_CTX_free(s->hosts[i].ctx);
	X509_STORE_free(s->clients);
	free(s);
}

/* --- certificates of clients --- */

static bool add_authority(X509_STORE *store, BIO *pem)
{
	X509 *cert = PEM_read_bio_X509(pem, NULL, NULL, NULL);
	bool ok = cert && X509_STORE_add_cert(store, cert) == 1;

	X509_free(cert);
	return ok;
}

/* A verdict, and no end of the handshake: whoever needs a name looks at the verdict. */
static int judge_client(int ok, X509_STORE_CTX *chain)
{
	(void)ok;
	(void)chain;
	return 1;
}

static bool ask_clients(SSL_CTX *ctx, X509_STORE *store)
{
	STACK_OF(X509_OBJECT) *known = X509_STORE_get0_objects(store);

	for (int i = 0; i < sk_X509_OBJECT_num(known); i++) {
		X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(known, i));

		if (authority && SSL_CTX_add_client_CA(ctx, authority) != 1)
			return false;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, judge_client);
	return SSL_CTX_set1_verify_cert_store(ctx, store) == 1;
}

/* A client that names the host it wants gets that host's certificate, or the first. */
static int choose_host(SSL *ssl, int *alert, void *arg)
{
	struct tls_conn *c = SSL_get_app_data(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	(void)arg;
	for (size_t i = 0; name && i < c->server->count; i++) {
		if (X509_check_host(c->server->hosts[i].certificate, name, 0, 0, NULL) != 1)
			continue;
		if (i)
			SSL_set_SSL_CTX(ssl, c->server->hosts[i].ctx);
		return SSL_TLSEXT_ERR_OK;
	}
	return name ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static bool is_ours(struct span words, struct span name)
{
	struct span word;

	while ((word = span_word(&words)).n) {
		if (span_same(word, name))
			return true;
	}
	return false;
}

/* RFC 7301 3.2: a client that offers protocols, none of them ours, must not go on. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
    const unsigned char *in, unsigned n, void *arg)
{
	struct tls_conn *c = SSL_get_app_data(ssl);

	(void)arg;
	if (!*c->alpn)
		return SSL_TLSEXT_ERR_NOACK;
	for (unsigned at = 0; at < n && in[at] < n - at; at += in[at] + 1u) {
		if (!is_ours(span_of(c->alpn), (struct span){ (const char *)in + at + 1, in[at] }))
			continue;
		*out = in + at + 1;
		*out_n = in[at];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool why_not(struct err *e, const char *what)
{
	char words[200];

	tls_reason(NULL, words, sizeof words);
	return err_perm(e, "5.3.5", "%s: %s", what, words);
}

/* Read a descriptor from its start, wherever others who share it have read to. */
static bool read_pem(int fd, struct str *pem, struct err *e)
{
	char *room;
	ssize_t n;

	while ((room = str_room(pem, 4096))) {
		n = pread(fd, room, 4096, (off_t)pem->n);
		if (n < 0)
			return err_sys(e, "cannot read a certificate or key");
		if (n == 0)
			return true;
		str_grew(pem, (size_t)n);
	}
	return err_perm(e, "5.3.5", "a certificate or key file is larger than %d bytes", PEM_MAX);
}

static bool use_chain(SSL_CTX *ctx, BIO *pem, struct err *e)
{
	X509 *cert = PEM_read_bio_X509(pem, NULL, NULL, NULL);
	bool ok = cert && SSL_CTX_use_certificate(ctx, cert) == 1;

	X509_free(cert);
	if (!ok)
		return why_not(e, "no usable certificate in the certificate file");
	for (int i = 0; i < CHAIN_MAX; i++) {
		cert = PEM_read_bio_X509(pem, NULL, NULL, NULL);
		if (!cert)
			break;
		if (SSL_CTX_add0_chain_cert(ctx, cert) != 1) {
			X509_free(cert);
			return why_not(e, "cannot use the certificate chain");
		}
	}
	ERR_clear_error();		/* the end of the file is "no start line" */
	return true;
}

static bool use_key(SSL_CTX *ctx, BIO *pem, struct err *e)
{
	/* The passphrase "" instead of a question at the terminal. */
	EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, NULL, (void *)(uintptr_t)"");
	bool ok = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;

	EVP_PKEY_free(key);
	if (!ok)
		return why_not(e, "no usable key in the key file");
	if (SSL_CTX_check_private_key(ctx) != 1)
		return why_not(e, "the key is not the certificate's");
	return true;
}

static bool fill_with(SSL_CTX *ctx, int fd, bool (*use)(SSL_CTX *, BIO *, struct err *), struct err *e)
{
	struct str pem = STR(PEM_MAX);
	bool ok = read_pem(fd, &pem, e);
	BIO *bio = ok ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;

	ok = bio && use(ctx, bio, e);
	BIO_free(bio);
	if (pem.cap)
		explicit_bzero(pem.p, pem.cap);
	str_free(&pem);
	return ok;
}

static bool set_up(SSL_CTX *ctx, const struct tls_server *s, int chain_fd, int key_fd, struct err *e)
{
	static const unsigned char id[] = "posthorn";

	ERR_clear_error();
	if (!tls_common(ctx, s->min_version, e))
		return false;
	if (s->clients && !ask_clients(ctx, s->clients))
		return why_not(e, "cannot ask clients for certificates");
	/* Tickets are the client's memory, not ours. One is enough for a mail client. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_tlsext_servername_callback(ctx, choose_host);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	return fill_with(ctx, chain_fd, use_chain, e) && fill_with(ctx, key_fd, use_key, e);
}

bool tls_server_ask_clients(struct tls_server *s, int authorities_fd, struct err *e)
{
	struct str pem = STR(PEM_MAX);
	bool ok = read_pem(authorities_fd, &pem, e);
	BIO *bio = ok ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;

	ERR_clear_error();
	s->clients = X509_STORE_new();
	ok = bio && s->clients && add_authority(s->clients, bio);
	if (!ok)
		why_not(e, "no usable certificate in the file of clients' authorities");
	for (int i = 1; ok && i < AUTHORITIES_MAX && add_authority(s->clients, bio); i++)
		;
	ERR_clear_error();		/* the end of the file is "no start line" */
	BIO_free(bio);
	str_free(&pem);
	return ok;
}

bool tls_server_add(struct tls_server *s, int chain_fd, int key_fd, struct err *e)
{
	SSL_CTX *ctx;

	if (s->count == CERTIFICATES_MAX)
		return err_perm(e, "5.3.5", "more than %d certificates", CERTIFICATES_MAX);
	ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx)
		return why_not(e, "cannot prepare TLS");
	if (!set_up(ctx, s, chain_fd, key_fd, e)) {
		SSL_CTX_free(ctx);
		return false;
	}
	s->hosts[s->count].ctx = ctx;
	s->hosts[s->count++].certificate = SSL_CTX_get0_certificate(ctx);
	return true;
}

struct tls_conn *tls_conn_new(struct tls_server *s, int fd, const char *alpn)
{
	struct tls_conn *c;
	SSL *ssl = s->count ? SSL_new(s->hosts[0].ctx) : NULL;

	if (!ssl || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	c = mem_get(sizeof *c);
	c->ssl = ssl;
	c->server = s;
	s->uses++;
	snprintf(c->alpn, sizeof c->alpn, "%s", alpn);
	SSL_set_app_data(ssl, c);
	SSL_set_accept_state(ssl);
	return c;
}

SSL *tls_conn_ssl(const struct tls_conn *c)
{
	return c->ssl;
}

void tls_conn_free(struct tls_conn *c)
{
	if (!c)
		return;
	SSL_free(c->ssl);
	tls_server_free(c->server);
	free(c);
}

/* What OpenSSL wants before it can go on; 1 and above is done. */
static enum tls_step step_of(struct tls_conn *c, int result)
{
	switch (SSL_get_error(c->ssl, result)) {
	case SSL_ERROR_NONE:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_END;
	default:
		return TLS_FAILED;
	}
}

static void forget_errors(void)
{
	ERR_clear_error();
	errno = 0;
}

enum tls_step tls_handshake(struct tls_conn *c)
{
	forget_errors();
	return step_of(c, SSL_do_handshake(c->ssl));
}

enum tls_step tls_read(struct tls_conn *c, void *buf, size_t size, size_t *n)
{
	forget_errors();
	*n = 0;
	return step_of(c, SSL_read_ex(c->ssl, buf, size, n));
}

enum tls_step tls_write(struct tls_conn *c, struct span bytes, size_t *n)
{
	*n = 0;
	if (!bytes.n)
		return TLS_DONE;
	forget_errors();
	return step_of(c, SSL_write_ex(c->ssl, bytes.p, bytes.n, n));
}

enum tls_step tls_goodbye(struct tls_conn *c)
{
	int done;

	if (!SSL_is_init_finished(c->ssl))
		return TLS_DONE;
	forget_errors();
	done = SSL_shutdown(c->ssl);
	return done >= 0 ? TLS_DONE : step_of(c, done);
}

void tls_describe(struct tls_conn *c, char text[TLS_TEXT])
{
	const char *name = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
	size_t n;

	tls_words(c->ssl, text);
	n = strlen(text);
	if (name && n + strlen(name) + sizeof " sni=" <= TLS_TEXT)
		snprintf(text + n, TLS_TEXT - n, " sni=%s", name);
}

void tls_why(struct tls_conn *c, char *text, size_t size)
{
	tls_reason(c->ssl, text, size);
}
