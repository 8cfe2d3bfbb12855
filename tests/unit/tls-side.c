/* The other side of TLS, for tests. See tls-side.h. */
#include "tests/unit/tls-side.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/os/fd.h"
#include "tests/unit/unit.h"

/* --- certificates, made as we go --- */

static void add_names(X509 *x, const char *names)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

	ck_assert_ptr_nonnull(ext);
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
}

X509 *tls_side_certificate(EVP_PKEY *key, const char *names, long from_s, long to_s)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), to_s);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	add_names(x, names);
	ck_assert(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

int tls_side_file(BIO *pem)
{
	int fd = memfd_create("pem", 0);
	char *bytes;
	long n = BIO_get_mem_data(pem, &bytes);

	ck_assert(write(fd, bytes, (size_t)n) == n);
	BIO_free(pem);
	return fd;
}

struct pair tls_side_pair(const char *names, long from_s, long to_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = tls_side_certificate(key, names, from_s, to_s);
	BIO *chain = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(chain, x);
	PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL);
	X509_free(x);
	EVP_PKEY_free(key);
	return (struct pair){ tls_side_file(chain), tls_side_file(secret) };
}

const char *tls_side_path(int fd)
{
	static char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return path;
}

/* --- a server in a process of its own: says the bytes back until goodbye --- */

static bool wait_as_told(int fd, enum tls_step step)
{
	ms_t until = clock_in(10);

	if (step == TLS_WANT_READ)
		return fd_wait_read(fd, until);
	return step == TLS_WANT_WRITE && fd_wait_write(fd, until);
}

static enum tls_step say_back(struct tls_conn *c, int fd)
{
	static char buf[100000];
	struct span rest;
	enum tls_step step;
	size_t n;

	while ((step = tls_read(c, buf, sizeof buf, &n)) != TLS_DONE) {
		if (!wait_as_told(fd, step))
			return step;
	}
	for (rest = (struct span){ buf, n }; rest.n; rest = span_from(rest, n)) {
		step = tls_write(c, rest, &n);
		if (step != TLS_DONE && !wait_as_told(fd, step))
			return step;
	}
	return TLS_DONE;
}

/* Exit code: the last step, +10 when the handshake failed already. */
pid_t tls_side_serve(struct tls_server *s, const int sock[2], const char *alpn)
{
	pid_t child = fork();
	struct tls_conn *c;
	enum tls_step step;
	int fd = sock[1];

	close(sock[child ? 1 : 0]);
	if (child)
		return child;
	fd_set_blocking(fd, false);
	c = tls_conn_new(s, fd, alpn);
	while ((step = tls_handshake(c)) != TLS_DONE) {
		if (!wait_as_told(fd, step))
			_exit(10 + step);
	}
	while ((step = say_back(c, fd)) == TLS_DONE)
		;
	tls_goodbye(c);
	tls_conn_free(c);
	_exit((int)step);
}

void tls_side_begin(struct talk *t, const struct pair *pairs, size_t count, int ca, const char *alpn)
{
	struct err e;
	int sock[2];

	ck_assert(tls_prepare(&e));
	t->server = tls_server_new("TLSv1.2", &e);
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(tls_server_add(t->server, pairs[i].chain, pairs[i].key, &e), "%s", e.text);
	t->client = tls_client_new(ca < 0 ? "" : tls_side_path(ca), &e);
	ck_assert_msg(t->client != NULL, "%s", e.text);
	ck_assert(fd_stream_pair(sock, &e));
	t->child = tls_side_serve(t->server, sock, alpn);
	tls_stream_init(&t->stream, sock[0]);
}

int tls_side_end(struct talk *t)
{
	int status;

	tls_stream_close(&t->stream);
	tls_stream_close(&t->stream);		/* twice is fine */
	ck_assert(waitpid(t->child, &status, 0) == t->child);
	tls_server_free(t->server);
	tls_client_free(t->client);
	return WEXITSTATUS(status);
}
