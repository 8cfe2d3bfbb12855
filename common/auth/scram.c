/* The server's half of SCRAM. See scram.h. */
#include "common/auth/scram.h"

#include "common/mail/encoding.h"

static bool malformed(struct err *e, const char *what)
{
	return err_perm(e, "5.5.2", "the response is not well formed: %s", what);
}

/* --- the client's first words --- */

/* RFC 5802 5.1: "=2C" is a comma, "=3D" the sign itself, and nothing else has the sign. */
static bool decode_name(struct span in, char *buf, size_t size)
{
	size_t n = 0;

	while (in.n && n + 1 < size) {
		if ((unsigned char)*in.p < 0x20 || *in.p == 0x7f)
			return false;
		if (*in.p != '=')
			buf[n++] = *span_take(&in, 1).p;
		else if (span_eat(&in, "=2C"))
			buf[n++] = ',';
		else if (span_eat(&in, "=3D"))
			buf[n++] = '=';
		else
			return false;
	}
	buf[n] = '\0';
	return n && !in.n;
}

static bool is_nonce_char(char c)
{
	return c > 0x20 && c < 0x7f && c != ',';
}

static bool is_binding_char(char c)
{
	return is_alnum(c) || c == '.' || c == '-';
}

/* gs2-header: flag, comma, perhaps "a=" and a name, comma. */
static bool eat_header(struct span *in, struct scram_first *f)
{
	struct span all = *in, as;

	if (span_eat_char(in, 'p')) {
		f->flag = 'p';
		if (!span_eat_char(in, '='))
			return false;
		f->binding = span_while(in, is_binding_char);
	} else {
		f->flag = span_eat_char(in, 'y') ? 'y' : 'n';
		if (f->flag == 'n' && !span_eat_char(in, 'n'))
			return false;
	}
	if (!span_eat_char(in, ',') || !span_cut(in, ',', &as))
		return false;
	f->header = span_to(all, all.n - in->n);
	if (!as.n)
		return true;
	return span_eat_char(&as, 'a') && span_eat_char(&as, '=') &&
	    decode_name(as, f->as, sizeof f->as);
}

/* "n=NAME,r=NONCE", and extensions that may be passed over; a mandatory one ("m=") stands in front. */
static bool parse_bare(struct scram_first *f)
{
	struct span in = f->bare, name;

	if (!span_eat_char(&in, 'n') || !span_eat_char(&in, '=') || !span_cut(&in, ',', &name) ||
	    !decode_name(name, f->user, sizeof f->user) || !span_eat_char(&in, 'r') ||
	    !span_eat_char(&in, '='))
		return false;
	f->nonce = span_while(&in, is_nonce_char);
	return f->nonce.n && f->nonce.n <= SCRAM_NONCE_MAX && (!in.n || *in.p == ',');
}

static struct span binding_of(struct span name, const struct channel *c)
{
	if (span_same(name, SPAN("tls-exporter")))
		return (struct span){ (const char *)c->exporter, c->exporter_n };
	if (span_same(name, SPAN("tls-server-end-point")))
		return (struct span){ (const char *)c->end_point, c->end_point_n };
	return SPAN("");
}

/* RFC 5802 6. */
static bool binding_is_right(const struct scram_first *f, const struct channel *c, struct err *e)
{
	if (f->plus != (f->flag == 'p'))
		return err_perm(e, "5.7.8", f->plus ? "a mechanism with -PLUS needs a channel binding" :
		    "a channel binding needs a mechanism with -PLUS");
	if (f->flag == 'y' && (c->exporter_n || c->end_point_n))
		return err_perm(e, "5.7.8", "somebody hides from the client that we offer -PLUS");
	if (f->flag == 'p' && !binding_of(f->binding, c).n)
		return err_perm(e, "5.7.8", "we know no channel binding of that type here");
	return true;
}

static bool find_mechanism(struct span mechanism, struct scram_first *f)
{
	f->plus = span_ends(mechanism, "-PLUS");
	if (f->plus)
		mechanism.n -= strlen("-PLUS");
	return verifier_digest(mechanism, &f->digest);
}

bool scram_begin(struct span mechanism, struct span said, const struct channel *channel,
    struct scram_first *first, struct err *e)
{
	struct scram_first f = { .flag = 'n' };

	if (!find_mechanism(mechanism, &f))
		return err_perm(e, "5.5.4", "no such mechanism");
	if (said.n > SCRAM_FIRST_MAX || span_has(said, '\n') || !eat_header(&said, &f))
		return malformed(e, "its header (RFC 5802 7)");
	f.bare = said;
	if (!parse_bare(&f))
		return malformed(e, "no name and nonce (RFC 5802 5.1)");
	if (!binding_is_right(&f, channel, e))
		return false;
	*first = f;
	return true;
}

void scram_challenge(const struct scram_first *first, struct span nonce, const struct verifier *v,
    struct str *challenge)
{
	str_addf(challenge, "r=" SPAN_FMT SPAN_FMT ",s=", SPAN_ARG(first->nonce), SPAN_ARG(nonce));
	base64_encode((struct span){ (const char *)v->salt, v->salt_n }, challenge);
	str_addf(challenge, ",i=%u", v->iterations);
}

/* --- the client's last words --- */

struct final { struct span binding, nonce, proof, without_proof; };

/* "c=BINDING,r=NONCE", extensions, ",p=PROOF". */
static bool parse_final(struct span said, struct final *f)
{
	struct span at = said;
	ptrdiff_t proof = span_rfind(said, ',');

	if (proof < 0)
		return false;
	f->without_proof = span_to(said, (size_t)proof);
	f->proof = span_from(said, (size_t)proof + 1);
	at = f->without_proof;
	if (!span_eat_char(&f->proof, 'p') || !span_eat_char(&f->proof, '=') ||
	    !span_eat_char(&at, 'c') || !span_eat_char(&at, '=') ||
	    !span_cut(&at, ',', &f->binding) || !span_eat_char(&at, 'r') ||
	    !span_eat_char(&at, '='))
		return false;
	f->nonce = span_while(&at, is_nonce_char);
	return f->nonce.n && (!at.n || *at.p == ',');
}

/* What the client thinks the channel is: its header again, and the binding behind it. */
static bool same_channel(struct span said, const struct scram_first *first, const struct channel *channel)
{
	struct span binding = first->flag == 'p' ? binding_of(first->binding, channel) : SPAN("");
	struct str got = STR(2048), want = STR(2048);
	bool same;

	str_add(&want, first->header);
	str_add(&want, binding);
	same = base64_decode(said, &got) && got.n == want.n && digest_same(got.p, want.p, got.n);
	str_free(&got);
	str_free(&want);
	return same;
}

/* Our challenge begins with "r=", the whole nonce and a comma. */
static bool same_nonce(struct span said, struct span challenge)
{
	struct span nonce;

	return span_eat(&challenge, "r=") && span_cut(&challenge, ',', &nonce) &&
	    span_same(said, nonce);
}

/* RFC 5802 3: the client key that its proof reveals must be the one whose hash we keep. */
static bool proves(struct span proof, const struct verifier *v, struct span message)
{
	unsigned char signature[DIGEST_MAX], key[DIGEST_MAX];
	size_t n = digest_size(v->digest);
	struct str got = STR(128);
	bool ok = base64_decode(proof, &got) && got.n == n;

	digest_keyed(v->digest, (struct span){ (const char *)v->stored_key, n }, message, signature);
	for (size_t i = 0; i < n; i++)
		signature[i] ^= ok ? (unsigned char)got.p[i] : 0;
	digest_of(v->digest, (struct span){ (const char *)signature, n }, key);
	ok = digest_same(key, v->stored_key, n) && ok;
	explicit_bzero(signature, sizeof signature);
	str_free(&got);
	return ok;
}

static void sign(const struct verifier *v, struct span message, struct str *signature)
{
	unsigned char made[DIGEST_MAX];
	size_t n = digest_size(v->digest);

	digest_keyed(v->digest, (struct span){ (const char *)v->server_key, n }, message, made);
	str_add_text(signature, "v=");
	base64_encode((struct span){ (const char *)made, n }, signature);
}

bool scram_finish(const struct scram_first *first, struct span challenge, struct span said,
    const struct channel *channel, const struct verifier *v, struct str *signature, struct err *e)
{
	struct str message = STR(16384);
	struct final f;
	bool ok;

	if (!parse_final(said, &f))
		return malformed(e, "no binding, nonce and proof (RFC 5802 7)");
	if (!same_nonce(f.nonce, challenge))
		return err_perm(e, "5.7.8", "the nonce is another one");
	if (!same_channel(f.binding, first, channel))
		return err_perm(e, "5.7.8",
		    "the client speaks through another channel: somebody is between us");
	str_addf(&message, SPAN_FMT "," SPAN_FMT ",", SPAN_ARG(first->bare), SPAN_ARG(challenge));
	str_add(&message, f.without_proof);
	ok = !message.over && proves(f.proof, v, str_span(&message));
	if (ok)
		sign(v, str_span(&message), signature);
	str_free(&message);
	return ok || err_perm(e, "5.7.8", "wrong password");
}
