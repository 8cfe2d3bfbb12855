/* What a server shows of itself: records, fingerprints, names; and sessions that go on. */
#include "common/net/tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/os/fd.h"
#include "tests/unit/tls-side.h"
#include "tests/unit/unit.h"

/* A certificate with the authority that signed it behind it. */
static struct pair make_chain(const char *names, long from_s, long to_s)
{
	EVP_PKEY *ours = EVP_EC_gen("P-256"), *theirs = EVP_EC_gen("P-256");
	X509 *authority = tls_side_certificate(theirs, "DNS:authority.test", -7200, 3600);
	X509 *x = tls_side_certificate(ours, names, from_s, to_s);
	X509_NAME *name = X509_get_subject_name(authority);
	BIO *chain = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
	X509_EXTENSION *ca =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"authority", -1, -1, 0);
	X509_set_issuer_name(authority, name);
	X509_add_ext(authority, ca, -1);
	X509_EXTENSION_free(ca);
	X509_set_issuer_name(x, name);
	ck_assert(X509_sign(authority, theirs, EVP_sha256()) > 0 &&
	    X509_sign(x, theirs, EVP_sha256()) > 0);
	PEM_write_bio_X509(chain, x);
	PEM_write_bio_X509(chain, authority);
	PEM_write_bio_PrivateKey(secret, ours, NULL, NULL, 0, NULL, NULL);
	X509_free(x);
	X509_free(authority);
	EVP_PKEY_free(ours);
	EVP_PKEY_free(theirs);
	return (struct pair){ tls_side_file(chain), tls_side_file(secret) };
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
	bool other, old; /* the record is about another certificate; ours has expired */
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
		data_of(pins[_i].other ? &other : &pair, pins[_i].usage == TLSA_DANE_TA,
		    pins[_i].selector, pins[_i].matching) };
	struct tls_want want = { .host = pins[_i].host,
		.proof = TLS_PROOF_TLSA,
		.must = true,
		.records = &record,
		.record_count = 1 };
	struct talk t;
	struct err e;

	ck_assert(tls_can_match(&record));
	tls_side_begin(&t, &pair, 1, -1, "");		/* no authority knows it */
	ck_assert_int_eq(tls_client_prove(t.client, &t.stream, &want, clock_in(10), &e), pins[_i].verified);
	ck_assert_int_eq(t.stream.verified, pins[_i].verified);
	ck_assert_msg(t.stream.trouble == pins[_i].trouble, "%u: %s", t.stream.trouble, t.stream.why_not);
	tls_side_end(&t);
}
END_TEST

START_TEST(without_a_record_nothing_is_proved)
{
	struct pair pair = tls_side_pair("DNS:mx.test", -60, 3600);
	struct tlsa junk[] = { { 3, 0, 0, SPAN("no certificate") }, { 3, 1, 0, SPAN("no key") },
		{ 3, 1, 1, SPAN("short") } };
	struct tls_want want = { .host = "mx.test", .proof = TLS_PROOF_TLSA, .must = true, .records = junk, .record_count = 3 };
	struct talk t;
	struct err e;

	ck_assert(!tls_can_match(&junk[0]) && !tls_can_match(&junk[1]));
	tls_side_begin(&t, &pair, 1, pair.chain, "");
	ck_assert(!tls_client_prove(t.client, &t.stream, &want, clock_in(10), &e));
	ck_assert(!t.stream.verified);
	tls_side_end(&t);
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
	struct pair pair = tls_side_pair("DNS:somebody.test", -7200, -3600), other = tls_side_pair("DNS:mx.test", -60, 3600);
	const struct { const struct pair *first, *second; unsigned selector; bool ok;
	} cases[] = {
		{ &other, &pair, 0, true },
		{ &other, &pair, 1, true },
		{ &other, &other, 0, false },
	};

	for (int i = 0; i < COUNT(cases); i++) {
		char prints[2][TLS_PRINT];
		struct tls_want want = { .host = "mx.test", .proof = TLS_PROOF_PRINT, .must = true, .prints = prints, .print_count = 2 };
		struct talk t;
		struct err e;

		hex_of(data_of(cases[i].first, 0, cases[i].selector, 1), prints[0]);
		hex_of(data_of(cases[i].second, 0, cases[i].selector, 1), prints[1]);
		tls_side_begin(&t, &pair, 1, -1, "");
		ck_assert_int_eq(tls_client_prove(t.client, &t.stream, &want, clock_in(10), &e), cases[i].ok);
		tls_side_end(&t);
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
	{ "DNS:mx.test", "192.0.2.1", "192.0.2.2", false },	/* addresses alone are names still */
	{ "IP:192.0.2.1", "192.0.2.1", "192.0.2.2", true },
};

START_TEST(any_of_the_names_will_do)
{
	struct pair pair = tls_side_pair(name_lists[_i].names, -60, 3600);
	struct tls_want want = { .host = "mx.elsewhere.test",
		.must = true,
		.names = { name_lists[_i].one, name_lists[_i].two },
		.name_count = 2 };
	struct talk t;
	struct err e;

	tls_side_begin(&t, &pair, 1, pair.chain, "");
	ck_assert_int_eq(tls_client_prove(t.client, &t.stream, &want, clock_in(10), &e), name_lists[_i].ok);
	tls_side_end(&t);
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
	struct tls_want other = *want;
	bool resumed;

	ck_assert(fd_stream_pair(sock, &e));
	child = tls_side_serve(t->server, sock, "");
	tls_stream_init(&t->stream, sock[0]);
	ck_assert_int_eq(tls_client_prove(t->client, &t->stream, want, clock_in(10), &e), ok);
	if (ok) {		/* the ticket comes with the first bytes */
		ck_assert(t->stream.stream.write(&t->stream.stream, SPAN("EHLO"), clock_in(10), &e));
		ck_assert(t->stream.stream.read(&t->stream.stream, echo, 4, clock_in(10)) > 0);
	}
	resumed = t->stream.resumed;
	other.must = !want->must;
	ck_assert_int_eq(tls_same_proof(&t->stream, want), ok);
	ck_assert(!tls_same_proof(&t->stream, &other));
	tls_stream_close(&t->stream);
	waitpid(child, NULL, 0);
	return resumed;
}

START_TEST(a_session_goes_on_under_the_same_policy_only)
{
	struct pair pair = tls_side_pair("DNS:mx.test", -60, 3600);
	struct tlsa right = { 3, 1, 1, data_of(&pair, 0, 1, 1) }, also = { 3, 0, 1, data_of(&pair, 0, 0, 1) };
	struct tlsa wrong = { 3, 1, 1, SPAN("0123456789abcdef0123456789abcdef") };
	struct tls_want want = { .host = "mx.test" }, must = { .host = "mx.test", .must = true };
	struct tls_want dane = { .host = "mx.test", .proof = TLS_PROOF_TLSA, .must = true, .records = &right, .record_count = 1 };
	struct talk t;

	tls_side_begin(&t, &pair, 1, -1, "");
	tls_stream_close(&t.stream);
	waitpid(t.child, NULL, 0);
	ck_assert(!again(&t, &want, true) && again(&t, &want, true) && again(&t, &want, true));
	ck_assert(!t.stream.verified); /* nobody vouches, and no session makes it so */
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

/* A server of another make that speaks TLS 1.2 only: its ticket comes within the handshake. */
static pid_t serve_old(SSL_CTX *ctx, const int sock[2])
{
	pid_t child = fork();
	char byte;
	SSL *ssl;

	close(sock[child ? 1 : 0]);
	if (child)
		return child;
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, sock[1]);
	if (SSL_accept(ssl) == 1)
		SSL_read(ssl, &byte, 1);
	_exit(0);
}

static SSL_CTX *old_server(const struct pair *pair)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	BIO *secret = BIO_new_fd(pair->key, BIO_NOCLOSE);
	X509 *x = certificate_of(pair, 0);
	EVP_PKEY *key;

	lseek(pair->key, 0, SEEK_SET);
	key = PEM_read_bio_PrivateKey(secret, NULL, NULL, NULL);
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	ck_assert(SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1);
	X509_free(x);
	EVP_PKEY_free(key);
	BIO_free(secret);
	return ctx;
}

START_TEST(an_old_session_goes_on_too)
{
	struct pair pair = tls_side_pair("DNS:mx.test", -60, 3600);
	struct tls_want must = { .host = "mx.test", .must = true };
	SSL_CTX *ctx = old_server(&pair);
	struct tls_client *client;
	struct tls_stream s;
	struct err e;
	int sock[2];

	ck_assert(tls_prepare(&e));
	client = tls_client_new(tls_side_path(pair.chain), &e);
	for (int i = 0; i < 3; i++) {
		pid_t child;

		ck_assert(fd_stream_pair(sock, &e));
		child = serve_old(ctx, sock);
		tls_stream_init(&s, sock[0]);
		ck_assert_msg(tls_client_prove(client, &s, &must, clock_in(10), &e), "%s", e.text);
		ck_assert(strncmp(s.text, "TLSv1.2", 7) == 0 && s.verified);
		ck_assert_int_eq(s.resumed, i > 0);
		tls_stream_close(&s);
		waitpid(child, NULL, 0);
	}
	tls_client_free(client);
	SSL_CTX_free(ctx);
}
END_TEST

START_TEST(few_sessions_are_kept)
{
	struct pair pair = tls_side_pair("DNS:mx.test", -60, 3600);
	struct tls_want want = { .host = "mx.test" };
	char host[32];
	struct talk t;

	tls_side_begin(&t, &pair, 1, -1, "");
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

int main(void)
{
	TCase *tc = unit_begin("net-tls-proof");

	tcase_add_loop_test(tc, records_are_a_proof, 0, COUNT(pins));
	tcase_add_test(tc, without_a_record_nothing_is_proved);
	tcase_add_test(tc, a_fingerprint_is_a_proof);
	tcase_add_loop_test(tc, any_of_the_names_will_do, 0, COUNT(name_lists));
	tcase_add_test(tc, a_session_goes_on_under_the_same_policy_only);
	tcase_add_test(tc, an_old_session_goes_on_too);
	tcase_add_test(tc, few_sessions_are_kept);
	return unit_end();
}
