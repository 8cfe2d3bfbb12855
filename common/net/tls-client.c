/* The client's side of TLS: a blocking stream with deadlines. See tls.h. */
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include "common/base/mem.h"
#include "common/net/tls-shared.h"
#include "common/os/fd.h"

/* A directory where each authority is found by the hash of its name, as c_rehash makes it? */
static bool is_hashed(const char *directory)
{
	DIR *d = opendir(directory);
	const struct dirent *entry = NULL;

	while (d && (entry = readdir(d)) && !span_ends(span_of(entry->d_name), ".0"))
		;
	if (d)
		closedir(d);
	return entry != NULL;
}

/* By their hashes only those that are needed are read, when they are: all would cost each process 20 ms. */
static int trust_system(SSL_CTX *ctx)
{
	return is_hashed(X509_get_default_cert_dir()) ? SSL_CTX_set_default_verify_dir(ctx) : SSL_CTX_set_default_verify_paths(ctx);
}

static bool set_up(SSL_CTX *ctx, const char *ca_file, struct err *e)
{
	int known;

	/*
	 * Not to be verified is no reason to stop, it is a fact about the connection: who
	 * asked for more looks at the verdict after the handshake, before the first byte.
	 */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	if (!tls_common(ctx, TLS1_2_VERSION, e))
		return false;
	if (SSL_CTX_dane_enable(ctx) != 1)
		return err_temp(e, "4.7.0", "OpenSSL has no DANE");
	SSL_CTX_dane_set_flags(ctx, DANE_FLAG_NO_DANE_EE_NAMECHECKS);	/* RFC 7672 3.1.1: nor its dates */
	tls_resume_set_up(ctx);
	if (*ca_file)
		known = SSL_CTX_load_verify_file(ctx, ca_file);
	else
		known = trust_system(ctx);
	if (known != 1)
		return err_temp(e, "4.7.0", "cannot read certificate authorities from %s",
		    *ca_file ? ca_file : "the system's list");
	return true;
}

struct tls_client *tls_client_new(const char *ca_file, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct tls_client *t;

	if (!ctx) {
		err_temp(e, "4.7.0", "cannot prepare TLS");
		return NULL;
	}
	if (!set_up(ctx, ca_file, e)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	t = mem_get(sizeof *t);
	t->ctx = ctx;
	return t;
}

void tls_client_free(struct tls_client *t)
{
	if (!t)
		return;
	tls_resume_forget(t);
	SSL_CTX_free(t->ctx);
	free(t);
}

static ssize_t plain_read(struct tls_stream *s, void *buf, size_t n, ms_t until)
{
	for (;;) {
		ssize_t got = recv(s->fd, buf, n, MSG_DONTWAIT);

		if (got >= 0 || (errno != EAGAIN && errno != EINTR))
			return got;
		if (!fd_wait_read(s->fd, until)) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
}

/* Wait for what OpenSSL wants. False: the deadline passed, or it wants nothing: broken. */
static bool wait_as_told(SSL *ssl, int fd, int result, ms_t until)
{
	switch (SSL_get_error(ssl, result)) {
	case SSL_ERROR_WANT_READ:
		errno = ETIMEDOUT;
		return fd_wait_read(fd, until);
	case SSL_ERROR_WANT_WRITE:
		errno = ETIMEDOUT;
		return fd_wait_write(fd, until);
	default:
		if (!errno || errno == EAGAIN)
			errno = ECONNRESET;
		return false;
	}
}

static ssize_t stream_read(struct stream *stream, void *buf, size_t n, ms_t until)
{
	struct tls_stream *s = (struct tls_stream *)stream;
	int got;

	if (!s->tls)
		return plain_read(s, buf, n, until);
	do {
		ERR_clear_error();
		errno = 0;
		got = SSL_read(s->tls, buf, n > 1 << 20 ? 1 << 20 : (int)n);
		if (got > 0)
			return got;
		if (SSL_get_error(s->tls, got) == SSL_ERROR_ZERO_RETURN)
			return 0;
	} while (wait_as_told(s->tls, s->fd, got, until));
	return -1;
}

/* Some of bytes are written and eaten, or false. */
static bool write_some(struct tls_stream *s, struct span *bytes, ms_t until)
{
	ssize_t n;

	if (s->tls) {
		ERR_clear_error();
		errno = 0;
		n = SSL_write(s->tls, bytes->p, bytes->n > 1 << 20 ? 1 << 20 : (int)bytes->n);
		if (n <= 0)
			return wait_as_told(s->tls, s->fd, (int)n, until);
	} else {
		n = send(s->fd, bytes->p, bytes->n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			errno = ETIMEDOUT;
			return fd_wait_write(s->fd, until);
		}
		if (n < 0)
			return errno == EINTR;
	}
	*bytes = span_from(*bytes, (size_t)n);
	return true;
}

static bool stream_write(struct stream *stream, struct span bytes, ms_t until, struct err *e)
{
	while (bytes.n) {
		if (write_some((struct tls_stream *)stream, &bytes, until))
			continue;
		return err_temp(e, "4.4.2", "cannot send to the other side: %s", strerror(errno));
	}
	return true;
}

void tls_stream_init(struct tls_stream *s, int fd)
{
	*s = (struct tls_stream){ .stream = { stream_read, stream_write }, .fd = fd };
	fd_set_blocking(fd, false);
}

static bool shake_hands(struct tls_stream *s, ms_t until, struct err *e)
{
	char words[200];
	int done;

	for (;;) {
		ERR_clear_error();
		errno = 0;
		done = SSL_connect(s->tls);
		if (done == 1)
			return true;
		if (!wait_as_told(s->tls, s->fd, done, until))
			break;
	}
	if (errno == ETIMEDOUT)
		return err_temp(e, "4.4.2", "the TLS handshake took too long");
	tls_reason(NULL, words, sizeof words);
	return err_temp(e, "4.7.0", "the TLS handshake failed: %s", words);
}

bool tls_client_prove(struct tls_client *t, struct tls_stream *s, const struct tls_want *want,
    ms_t until, struct err *e)
{
	SSL *ssl = SSL_new(t->ctx);

	s->tls = ssl;
	s->trouble = TLS_BROKEN;
	if (!ssl || SSL_set_fd(ssl, s->fd) != 1 || !tls_ask_proof(ssl, want))
		return err_temp(e, "4.7.0", "cannot start TLS with %s", want->host);
	tls_resume_begin(t, s, want);
	if (!shake_hands(s, until, e))
		return err_while(e, "starting TLS with %s", want->host);
	tls_words(ssl, s->text);
	tls_judge_proof(s, want);
	if (want->must && !s->verified)
		return err_temp(e, "4.7.5", "%s does not prove who it is: %s", want->host, s->why_not);
	tls_resume_good(s);
	return true;
}

bool tls_client_start(struct tls_client *t, struct tls_stream *s, const char *host,
    bool must_verify, ms_t until, struct err *e)
{
	return tls_client_prove(t, s, &(struct tls_want){ .host = host, .must = must_verify }, until, e);
}

void tls_stream_close(struct tls_stream *s)
{
	if (s->tls && SSL_is_init_finished(s->tls)) {
		ERR_clear_error();
		SSL_shutdown(s->tls);	/* one try: nothing depends on our goodbye */
	}
	SSL_free(s->tls);
	s->tls = NULL;
	fd_close(&s->fd);
}
