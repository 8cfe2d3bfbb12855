/* TLS: what certificates are taken, who gets which, and what a client thinks of them. */
#include "common/net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/net/tcp.h"
#include "common/os/fd.h"
#include "tests/unit/unit.h"

/* --- certificates, made as we go --- */

struct pair { int chain, key; };

static void add_names(X509 *x, const char *names)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

	ck_assert_ptr_nonnull(ext);
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
}

static X509 *make_certificate(EVP_PKEY *key, const char *names, long from_s, long to_s)
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

static int file_of(BIO *pem)
{
	int fd = memfd_create("pem", 0);
	char *bytes;
	long n = BIO_get_mem_data(pem, &bytes);

	ck_assert(write(fd, bytes, (size_t)n) == n);
	BIO_free(pem);
	return fd;
}

static struct pair make_pair(const char *names, long from_s, long to_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = make_certificate(key, names, from_s, to_s);
	BIO *chain = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(chain, x);
	PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL);
	X509_free(x);
	EVP_PKEY_free(key);
	return (struct pair){ file_of(chain), file_of(secret) };
}

static int file_with(const char *text)
{
	int fd = memfd_create("text", 0);

	ck_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static const char *path_of(int fd)
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
static pid_t serve(struct tls_server *s, const int sock[2], const char *alpn)
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

struct talk { struct tls_server *server; struct tls_client *client; struct tls_stream stream; pid_t child; };

static void begin(struct talk *t, const struct pair *pairs, size_t count, int ca, const char *alpn)
{
	struct err e;
	int sock[2];

	ck_assert(tls_prepare(&e));
	t->server = tls_server_new("TLSv1.2", &e);
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(tls_server_add(t->server, pairs[i].chain, pairs[i].key, &e), "%s", e.text);
	t->client = tls_client_new(ca < 0 ? "" : path_of(ca), &e);
	ck_assert_msg(t->client != NULL, "%s", e.text);
	ck_assert(fd_stream_pair(sock, &e));
	t->child = serve(t->server, sock, alpn);
	tls_stream_init(&t->stream, sock[0]);
}

static int end(struct talk *t)
{
	int status;

	tls_stream_close(&t->stream);
	tls_stream_close(&t->stream);		/* twice is fine */
	ck_assert(waitpid(t->child, &status, 0) == t->child);
	tls_server_free(t->server);
	tls_client_free(t->client);
	return WEXITSTATUS(status);
}

/* --- what must be true --- */

static const struct {
	const char *names;		/* of the certificate */
	const char *host;		/* that the client wants */
	bool known, old, verified;	/* in the client's list; expired; the verdict */
} verdicts[] = {
	{ "DNS:mx.test",		"mx.test",	true,	false,	true },
	{ "DNS:mx.test",		"MX.test.",	true,	false,	true },
	{ "DNS:*.a.test",		"mx.a.test",	true,	false,	true },
	{ "DNS:*.test",			"mx.test",	true,	false,	false },	/* a whole domain of names */
	{ "IP:192.0.2.1",		"192.0.2.1",	true,	false,	true },
	{ "IP:2001:db8::1",		"2001:db8::1",	true,	false,	true },
	{ "DNS:mx.test",		"other.test",	true,	false,	false },
	{ "DNS:mx.test",		"192.0.2.1",	true,	false,	false },
	{ "DNS:mx.test",		"mx.test",	false,	false,	false },
	{ "DNS:mx.test",		"mx.test",	true,	true,	false },
};

START_TEST(client_knows_a_good_certificate)
{
	struct pair pair = make_pair(verdicts[_i].names, -7200, verdicts[_i].old ? -3600 : 3600);
	struct pair other = make_pair("DNS:somebody.else", -7200, 3600);
	int ca = verdicts[_i].known ? pair.chain : other.chain;

	for (int must = 0; must < 2; must++) {
		bool good = verdicts[_i].verified;
		struct talk t;
		struct err e;
		bool ok;

		begin(&t, &pair, 1, ca, "");
		ok = tls_client_start(t.client, &t.stream, verdicts[_i].host, must, clock_in(10), &e);
		ck_assert_int_eq(ok, good || !must);
		ck_assert_int_eq(t.stream.verified, good);
		ck_assert(good || t.stream.why_not[0]);
		ck_assert_str_eq(ok ? "" : e.status, ok ? "" : "4.7.5");
		ck_assert(strncmp(t.stream.text, "TLSv1.3 TLS_", 12) == 0);
		end(&t);
	}
}
END_TEST

/* --- other proofs --- */

/* A certificate with the authority that signed it behind it. */
static struct pair make_chain(const char *names, long from_s, long to_s)
{
	EVP_PKEY *ours = EVP_EC_gen("P-256"), *theirs = EVP_EC_gen("P-256");
	X509 *authority = make_certificate(theirs, "DNS:authority.test", -7200, 3600);
	X509 *x = make_certificate(ours, names, from_s, to_s);
	X509_NAME *name = X509_get_subject_name(authority);
	BIO *chain = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
	X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"authority", -1, -1, 0);
	X509_set_issuer_name(authority, name);
	X509_add_ext(authority, ca, -1);
	X509_EXTENSION_free(ca);
	X509_set_issuer_name(x, name);
	ck_assert(X509_sign(authority, theirs, EVP_sha256()) > 0 && X509_sign(x, theirs, EVP_sha256()) > 0);
	PEM_write_bio_X509(chain, x);
	PEM_write_bio_X509(chain, authority);
	PEM_write_bio_PrivateKey(secret, ours, NULL, NULL, 0, NULL, NULL);
	X509_free(x);
	X509_free(authority);
	EVP_PKEY_free(ours);
	EVP_PKEY_free(theirs);
	return (struct pair){ file_of(chain), file_of(secret) };
}

static X509 *certificate_of(const struct pair *p, int nth)
{
	BIO *pem = BIO_new_fd(p->chain, BIO_NOCLOSE);
	X509 *x = NULL;

	lseek(p->chain, 0, SEEK_SET);
	for (int i = 0; i <= nth; i++) {
		X509_free(x);
		x = PEM_read_bio_X509(pem, NULL, NULL, NULL);
		ck_assert_ptr_nonnull(x);
	}
	BIO_free(pem);
	return x;
}

/* What a record about the pair must hold: its certificate or public key, digested or not. */
static struct span data_of(const struct pair *p, int nth, unsigned selector, unsigned matching)
{
	static unsigned char room[4][4096];
	static int turn;
	unsigned char *der = NULL, *out = room[turn++ % 4];
	X509 *x = certificate_of(p, nth);
	int n = selector ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der) : i2d_X509(x, &der);
	unsigned size = (unsigned)n;

	ck_assert(n > 0 && n < 4096);
	if (matching)
		ck_assert(EVP_Digest(der, (size_t)n, out, &size, matching == 1 ? EVP_sha256() : EVP_sha512(), NULL) == 1);
	else
		memcpy(out, der, size);
	OPENSSL_free(der);
	X509_free(x);
	return (struct span){ (char *)out, size };
}

static const struct {
	unsigned usage, selector, matching;
	bool other, old;		/* the record is about another certificate; ours has expired */
	const char *host;
	bool verified;
	enum tls_trouble trouble;
} pins[] = {
	{ 3, 1, 1, false, false, "mx.test",	true,	TLS_FINE },
	{ 3, 0, 1, false, false, "mx.test",	true,	TLS_FINE },
	{ 3, 1, 2, false, false, "mx.test",	true,	TLS_FINE },
	{ 3, 0, 0, false, false, "mx.test",	true,	TLS_FINE },
	{ 3, 1, 0, false, false, "mx.test",	true,	TLS_FINE },
	{ 3, 1, 1, false, true, "mx.test",	true,	TLS_FINE },	/* RFC 7672 3.1.1: dates and names do not count */
	{ 3, 1, 1, false, false, "other.test",	true,	TLS_FINE },
	{ 3, 1, 1, true, false, "mx.test",	false,	TLS_NOT_TRUSTED },
	{ 2, 1, 1, false, false, "mx.test",	true,	TLS_FINE },
	{ 2, 0, 0, false, false, "mx.test",	true,	TLS_FINE },
	{ 2, 1, 1, false, false, "other.test",	false,	TLS_WRONG_NAME },
	{ 2, 1, 1, false, true, "mx.test",	false,	TLS_EXPIRED },
	{ 2, 1, 1, true, false, "mx.test",	false,	TLS_NOT_TRUSTED },
};

START_TEST(records_are_a_proof)
{
	struct pair pair = make_chain("DNS:mx.test", -7200, pins[_i].old ? -3600 : 3600);
	struct pair other = make_chain("DNS:mx.test", -7200, 3600);
	struct tlsa record = { pins[_i].usage, pins[_i].selector, pins[_i].matching,
		data_of(pins[_i].other ? &other : &pair, pins[_i].usage == TLSA_DANE_TA, pins[_i].selector, pins[_i].matching) };
	struct tls_want want = { .host = pins[_i].host, .proof = TLS_PROOF_TLSA, .must = true, .records = &record,
		.record_count = 1 };
	struct talk t;
	struct err e;

	ck_assert(tls_can_match(&record));
	begin(&t, &pair, 1, -1, "");		/* no authority knows it */
	ck_assert_int_eq(tls_client_prove(t.client, &t.stream, &want, clock_in(10), &e), pins[_i].verified);
	ck_assert_int_eq(t.stream.verified, pins[_i].verified);
	ck_assert_msg(t.stream.trouble == pins[_i].trouble, "%u: %s", t.stream.trouble, t.stream.why_not);
	end(&t);
}
END_TEST

START_TEST(without_a_record_nothing_is_proved)
{
	struct pair pair = make_pair("DNS:mx.test", -60, 3600);
	struct tlsa junk[] = { { 3, 0, 0, SPAN("no certificate") }, { 3, 1, 0, SPAN("no key") }, { 3, 1, 1, SPAN("short") } };
	struct tls_want want = { .host = "mx.test", .proof = TLS_PROOF_TLSA, .must = true, .records = junk, .record_count = 3 };
	struct talk t;
	struct err e;

	ck_assert(!tls_can_match(&junk[0]) && !tls_can_match(&junk[1]));
	begin(&t, &pair, 1, pair.chain, "");
	ck_assert(!tls_client_prove(t.client, &t.stream, &want, clock_in(10), &e));
	ck_assert(!t.stream.verified);
	end(&t);
}
END_TEST

static void hex_of(struct span digest, char hex[TLS_PRINT])
{
	ck_assert_uint_eq(digest.n, 32);
	for (size_t i = 0; i < digest.n; i++)
		snprintf(hex + 2 * i, 3, "%02x", (uint8_t)digest.p[i]);
}

START_TEST(a_fingerprint_is_a_proof)
{
	struct pair pair = make_pair("DNS:somebody.test", -7200, -3600), other = make_pair("DNS:mx.test", -60, 3600);
	const struct { const struct pair *first, *second; unsigned selector; bool ok; } cases[] = {
		{ &other, &pair, 0, true }, { &other, &pair, 1, true }, { &other, &other, 0, false },
	};

	for (int i = 0; i < COUNT(cases); i++) {
		char prints[2][TLS_PRINT];
		struct tls_want want = { .host = "mx.test", .proof = TLS_PROOF_PRINT, .must = true, .prints = prints, .print_count = 2 };
		struct talk t;
		struct err e;

		hex_of(data_of(cases[i].first, 0, cases[i].selector, 1), prints[0]);
		hex_of(data_of(cases[i].second, 0, cases[i].selector, 1), prints[1]);
		begin(&t, &pair, 1, -1, "");
		ck_assert_int_eq(tls_client_prove(t.client, &t.stream, &want, clock_in(10), &e), cases[i].ok);
		end(&t);
	}
}
END_TEST

static const struct { const char *names, *one, *two; bool ok; } name_lists[] = {
	{ "DNS:mx.isp.test",	"b.test",	".isp.test",	true },
	{ "DNS:mx.isp.test",	".isp.test",	"b.test",	true },
	{ "DNS:b.test",		"b.test",	".b.test",	true },
	{ "DNS:isp.test",	"b.test",	".isp.test",	false },
	{ "DNS:mx.c.test",	"b.test",	".isp.test",	false },
	{ "DNS:mx.isp.test",	"192.0.2.1",	"mx.isp.test",	true },
};

START_TEST(any_of_the_names_will_do)
{
	struct pair pair = make_pair(name_lists[_i].names, -60, 3600);
	struct tls_want want = { .host = "mx.elsewhere.test", .must = true, .names = { name_lists[_i].one, name_lists[_i].two },
		.name_count = 2 };
	struct talk t;
	struct err e;

	begin(&t, &pair, 1, pair.chain, "");
	ck_assert_int_eq(tls_client_prove(t.client, &t.stream, &want, clock_in(10), &e), name_lists[_i].ok);
	end(&t);
}
END_TEST

/* --- sessions that go on --- */

/* One more connection to the same server: was it resumed? */
static bool again(struct talk *t, const struct tls_want *want, bool ok)
{
	char echo[4];
	struct err e;
	int sock[2];
	pid_t child;
	bool resumed;

	ck_assert(fd_stream_pair(sock, &e));
	child = serve(t->server, sock, "");
	tls_stream_init(&t->stream, sock[0]);
	ck_assert_int_eq(tls_client_prove(t->client, &t->stream, want, clock_in(10), &e), ok);
	if (ok) {		/* the ticket comes with the first bytes */
		ck_assert(t->stream.stream.write(&t->stream.stream, SPAN("EHLO"), clock_in(10), &e));
		ck_assert(t->stream.stream.read(&t->stream.stream, echo, 4, clock_in(10)) > 0);
	}
	resumed = t->stream.resumed;
	tls_stream_close(&t->stream);
	waitpid(child, NULL, 0);
	return resumed;
}

START_TEST(a_session_goes_on_under_the_same_policy_only)
{
	struct pair pair = make_pair("DNS:mx.test", -60, 3600);
	struct tlsa right = { 3, 1, 1, data_of(&pair, 0, 1, 1) }, also = { 3, 0, 1, data_of(&pair, 0, 0, 1) };
	struct tlsa wrong = { 3, 1, 1, SPAN("0123456789abcdef0123456789abcdef") };
	struct tls_want want = { .host = "mx.test" }, must = { .host = "mx.test", .must = true };
	struct tls_want dane = { .host = "mx.test", .proof = TLS_PROOF_TLSA, .must = true, .records = &right, .record_count = 1 };
	struct talk t;

	begin(&t, &pair, 1, -1, "");
	tls_stream_close(&t.stream);
	waitpid(t.child, NULL, 0);
	ck_assert(!again(&t, &want, true) && again(&t, &want, true) && again(&t, &want, true));
	ck_assert(!t.stream.verified);			/* nobody vouches, and no session makes it so */
	ck_assert(!again(&t, &must, false) && !again(&t, &must, false));
	ck_assert(!again(&t, &dane, true) && again(&t, &dane, true));
	ck_assert(t.stream.verified);
	dane.records = &also;
	ck_assert(!again(&t, &dane, true));
	dane.records = &wrong;
	ck_assert(!again(&t, &dane, false));
	dane.records = &right;
	ck_assert(again(&t, &dane, true));
	want.host = "other.test";
	ck_assert(!again(&t, &want, true));
	tls_server_free(t.server);
	tls_client_free(t.client);
}
END_TEST

START_TEST(few_sessions_are_kept)
{
	struct pair pair = make_pair("DNS:mx.test", -60, 3600);
	struct tls_want want = { .host = "mx.test" };
	char host[32];
	struct talk t;

	begin(&t, &pair, 1, -1, "");
	tls_stream_close(&t.stream);
	waitpid(t.child, NULL, 0);
	ck_assert(!again(&t, &want, true));
	for (int i = 0; i < 40; i++) {
		snprintf(host, sizeof host, "mx%d.test", i);
		ck_assert(!again(&t, &(struct tls_want){ .host = host }, true));
	}
	ck_assert(again(&t, &(struct tls_want){ .host = "mx39.test" }, true));
	ck_assert(!again(&t, &want, true));
	tls_server_free(t.server);
	tls_client_free(t.client);
}
END_TEST

START_TEST(stream_carries_bytes_both_ways)
{
	struct pair pair = make_pair("DNS:mx.test", -60, 3600);
	char *out = malloc(90000), *in = malloc(90000);
	struct talk t;
	struct err e;

	for (size_t i = 0; i < 90000; i++)
		out[i] = (char)(i * 31 + i / 7);
	begin(&t, &pair, 1, pair.chain, "smtp");
	ck_assert(tls_client_start(t.client, &t.stream, "mx.test", true, clock_in(10), &e));
	for (int round = 0; round < 5; round++) {
		size_t n = 0;

		ck_assert(t.stream.stream.write(&t.stream.stream, (struct span){ out, 90000 }, clock_in(10), &e));
		while (n < 90000) {
			ssize_t got = t.stream.stream.read(&t.stream.stream, in + n, 90000 - n, clock_in(10));

			ck_assert_int_gt(got, 0);
			n += (size_t)got;
		}
		ck_assert(memcmp(in, out, 90000) == 0);
	}
	ck_assert_int_eq(end(&t), TLS_END);
	free(out);
	free(in);
}
END_TEST

START_TEST(server_chooses_by_name)
{
	static const struct { const char *host; int nth; } cases[] = {
		{ "one.test", 0 }, { "two.test", 1 }, { "a.three.test", 2 }, { "nobody.test", 0 },
	};
	struct pair pairs[] = {
		make_pair("DNS:one.test", -60, 3600), make_pair("DNS:two.test", -60, 3600),
		make_pair("DNS:*.three.test", -60, 3600),
	};

	for (int i = 0; i < COUNT(cases); i++) {
		struct talk t;
		struct err e;

		begin(&t, pairs, 3, pairs[cases[i].nth].chain, "");
		ck_assert(tls_client_start(t.client, &t.stream, cases[i].host, false, clock_in(10), &e));
		if (strcmp(cases[i].host, "nobody.test") != 0)
			ck_assert_msg(t.stream.verified, "%s: %s", cases[i].host, t.stream.why_not);
		end(&t);
	}
}
END_TEST

START_TEST(what_is_no_pair_is_refused)
{
	struct pair a = make_pair("DNS:a.test", -60, 3600), b = make_pair("DNS:b.test", -60, 3600);
	int text = file_with("no certificate\n"), empty = file_with("");
	const struct { int chain, key; } cases[] = {
		{ a.chain, b.key }, { text, a.key }, { a.chain, text }, { empty, a.key }, { a.chain, empty },
		{ a.key, a.chain }, { -1, a.key },
	};
	struct tls_server *s;
	struct err e;

	ck_assert(tls_prepare(&e));
	ck_assert_ptr_null(tls_server_new("SSLv3", &e));
	ck_assert_int_eq(e.kind, ERR_PERM);
	s = tls_server_new("TLSv1.3", &e);
	for (int i = 0; i < COUNT(cases); i++) {
		ck_assert(!tls_server_add(s, cases[i].chain, cases[i].key, &e));
		ck_assert(e.text[0]);
	}
	ck_assert_ptr_null(tls_conn_new(s, text, ""));		/* nothing to show a client */
	ck_assert(tls_server_add(s, a.chain, a.key, &e));
	ck_assert(tls_server_add(s, a.chain, a.key, &e));	/* the offset of the file does not matter */
	tls_server_free(s);
	ck_assert_ptr_null(tls_client_new("/nowhere/ca.pem", &e));
}
END_TEST

START_TEST(who_speaks_no_tls_is_temporary)
{
	struct tls_client *client;
	struct tls_stream s;
	struct err e;
	int sock[2];

	ck_assert(tls_prepare(&e));
	client = tls_client_new("", &e);
	ck_assert(fd_stream_pair(sock, &e));
	ck_assert(write(sock[1], "220 hello\r\n", 11) == 11);
	tls_stream_init(&s, sock[0]);
	ck_assert(!tls_client_start(client, &s, "mx.test", false, clock_in(10), &e));
	ck_assert_int_eq(e.kind, ERR_TEMP);
	tls_stream_close(&s);
	close(sock[1]);

	ck_assert(fd_stream_pair(sock, &e));
	tls_stream_init(&s, sock[0]);
	ck_assert(!tls_client_start(client, &s, "mx.test", false, clock_ms() + 50, &e));
	ck_assert_str_eq(e.status, "4.4.2");
	tls_stream_close(&s);
	close(sock[1]);
	tls_client_free(client);
}
END_TEST

START_TEST(stream_in_the_clear)
{
	struct tls_stream s;
	struct err e;
	char buf[10];
	int sock[2];

	ck_assert(fd_stream_pair(sock, &e));
	tls_stream_init(&s, sock[0]);
	ck_assert(s.stream.write(&s.stream, SPAN("EHLO"), clock_in(5), &e));
	ck_assert(read(sock[1], buf, 10) == 4);
	errno = 0;
	ck_assert_int_eq(s.stream.read(&s.stream, buf, 10, clock_ms() + 20), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert(write(sock[1], "250", 3) == 3);
	ck_assert_int_eq(s.stream.read(&s.stream, buf, 10, clock_in(5)), 3);
	close(sock[1]);
	ck_assert_int_eq(s.stream.read(&s.stream, buf, 10, clock_in(5)), 0);
	ck_assert(!s.stream.write(&s.stream, SPAN("QUIT"), clock_in(5), &e));
	ck_assert_str_eq(e.status, "4.4.2");
	tls_stream_close(&s);
}
END_TEST

START_TEST(tcp_connects_or_says_why)
{
	static const struct { const char *ip, *source; } bad[] = {
		{ "nonsense", "" }, { "127.0.0.1", "nonsense" }, { "127.0.0.1", "192.0.2.77" },
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof sa;
	struct err e;

	ck_assert(bind(listener, (struct sockaddr *)&sa, n) == 0 && listen(listener, 5) == 0);
	getsockname(listener, (struct sockaddr *)&sa, &n);
	ck_assert(tcp_connect("127.0.0.1", ntohs(sa.sin_port), "127.0.0.9", clock_in(5), &fd, &e));
	close(fd);
	for (int i = 0; i < COUNT(bad); i++) {
		ck_assert(!tcp_connect(bad[i].ip, ntohs(sa.sin_port), bad[i].source, clock_in(5), &fd, &e));
		ck_assert_int_eq(e.kind, ERR_TEMP);
	}
	close(listener);
	ck_assert(!tcp_connect("127.0.0.1", ntohs(sa.sin_port), "", clock_in(5), &fd, &e));
	ck_assert_str_eq(e.status, "4.4.1");
	ck_assert(strstr(e.text, "refused"));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("net-tls");

	tcase_add_loop_test(tc, client_knows_a_good_certificate, 0, COUNT(verdicts));
	tcase_add_loop_test(tc, records_are_a_proof, 0, COUNT(pins));
	tcase_add_test(tc, without_a_record_nothing_is_proved);
	tcase_add_test(tc, a_fingerprint_is_a_proof);
	tcase_add_loop_test(tc, any_of_the_names_will_do, 0, COUNT(name_lists));
	tcase_add_test(tc, a_session_goes_on_under_the_same_policy_only);
	tcase_add_test(tc, few_sessions_are_kept);
	tcase_add_test(tc, stream_carries_bytes_both_ways);
	tcase_add_test(tc, server_chooses_by_name);
	tcase_add_test(tc, what_is_no_pair_is_refused);
	tcase_add_test(tc, who_speaks_no_tls_is_temporary);
	tcase_add_test(tc, stream_in_the_clear);
	tcase_add_test(tc, tcp_connects_or_says_why);
	return unit_end();
}
