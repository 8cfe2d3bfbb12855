/*
 * Sessions that a client goes on with, so that the next connection to a host costs no certificates.
 *
 * What was proved in a session was proved under one tls_want, so a session's key is the digest of all of
 * that: whoever wants another proof, or the same from other records, shakes hands anew. A session is
 * kept only when its connection was good enough, and for an hour: as long as a withdrawn certificate
 * may go unnoticed.
 */
#include "common/net/tls-shared.h"

enum { KEEP_S = 3600 };

static void add(EVP_MD_CTX *md, struct span bytes)
{
	EVP_DigestUpdate(md, &bytes.n, sizeof bytes.n);
	EVP_DigestUpdate(md, bytes.p, bytes.n);
}

static void add_want(EVP_MD_CTX *md, const struct tls_want *w)
{
	unsigned how[] = { w->proof, w->must };

	add(md, (struct span){ (const char *)how, sizeof how });
	add(md, span_of(w->host));
	for (size_t i = 0; i < w->name_count; i++)
		add(md, span_of(w->names[i]));
	for (size_t i = 0; i < w->record_count; i++) {
		unsigned form[] = { w->records[i].usage, w->records[i].selector,
			w->records[i].matching };

		add(md, (struct span){ (const char *)form, sizeof form });
		add(md, w->records[i].data);
	}
	for (size_t i = 0; i < w->print_count; i++)
		add(md, span_of(w->prints[i]));
}

static bool key_of(const struct tls_want *w, unsigned char key[TLS_KEY])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	if (ok) {
		add_want(md, w);
		ok = EVP_DigestFinal_ex(md, key, NULL) == 1;
	}
	EVP_MD_CTX_free(md);
	return ok;
}

bool tls_same_proof(const struct tls_stream *s, const struct tls_want *want)
{
	unsigned char key[TLS_KEY];

	return s->good && key_of(want, key) && memcmp(key, s->key, TLS_KEY) == 0;
}

static void empty(struct tls_kept *k)
{
	SSL_SESSION_free(k->session);
	*k = (struct tls_kept){ .until = 0 };
}

/* The place of that key, or else the one that is over first. */
static struct tls_kept *place_of(struct tls_client *t, const unsigned char key[TLS_KEY])
{
	struct tls_kept *first = &t->kept[0];

	for (size_t i = 0; i < TLS_KEPT_MAX; i++) {
		if (memcmp(t->kept[i].key, key, TLS_KEY) == 0)
			return &t->kept[i];
		if (t->kept[i].until < first->until)
			first = &t->kept[i];
	}
	return first;
}

/* Takes the reference. */
static void keep(struct tls_stream *s, SSL_SESSION *session)
{
	struct tls_kept *k = place_of(s->client, s->key);

	empty(k);
	memcpy(k->key, s->key, TLS_KEY);
	k->session = session;
	k->until = clock_in(KEEP_S);
}

/* OpenSSL has a new session: 1 when we keep it. In TLS 1.3 the ticket comes after the handshake. */
static int has_come(SSL *ssl, SSL_SESSION *session)
{
	struct tls_stream *s = SSL_get_app_data(ssl);

	if (!s || !s->good || !SSL_SESSION_is_resumable(session))
		return 0;
	keep(s, session);
	return 1;
}

void tls_resume_set_up(SSL_CTX *ctx)
{
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, has_come);
}

void tls_resume_begin(struct tls_client *t, struct tls_stream *s, const struct tls_want *want)
{
	struct tls_kept *k;

	if (!key_of(want, s->key))
		return;
	s->client = t;
	SSL_set_app_data((SSL *)s->tls, s);
	k = place_of(t, s->key);
	if (k->session && memcmp(k->key, s->key, TLS_KEY) == 0 && k->until > clock_ms())
		SSL_set_session(s->tls, k->session);
}

void tls_resume_good(struct tls_stream *s)
{
	SSL_SESSION *session;

	s->resumed = SSL_session_reused(s->tls) == 1;
	if (!s->client)
		return;
	s->good = true;
	session = SSL_get1_session(s->tls);
	if (session && SSL_version(s->tls) < TLS1_3_VERSION && SSL_SESSION_is_resumable(session))
		keep(s, session);
	else
		SSL_SESSION_free(session);
}

void tls_resume_forget(struct tls_client *t)
{
	for (size_t i = 0; i < TLS_KEPT_MAX; i++)
		empty(&t->kept[i]);
}
