/* What a DKIM-Signature field says. See dkim-signature.h. */
#include "common/trust/dkim-signature.h"

#include "common/trust/tags.h"

struct reading {
	const struct tags	*tags;
	struct arena		*arena;
	struct dkim_signature	*out;
	struct err		*why;
};

static enum trust_result bad(struct reading *r, enum trust_result what, const char *why)
{
	err_perm(r->why, "5.7.7", "%s", why);
	return what;
}

static struct span value(struct reading *r, const char *name)
{
	return tags_value(r->tags, name);
}

/* --- the tags, one by one --- */

static enum trust_result read_version(struct reading *r)
{
	struct span v = value(r, "v");

	if (!v.p)
		return bad(r, TRUST_NEUTRAL, "the signature has no v=");
	return span_same(v, SPAN("1")) ?
	    TRUST_NONE :
	    bad(r, TRUST_NEUTRAL, "the signature has a version other than 1");
}

static enum trust_result read_algorithm(struct reading *r)
{
	struct span a = r->out->algorithm = value(r, "a");

	if (!a.n)
		return bad(r, TRUST_NEUTRAL, "the signature has no a=");
	if (span_is(a, "rsa-sha1"))	/* RFC 8301 3.1 */
		return bad(r, TRUST_PERMERROR, "rsa-sha1 signatures prove nothing any more");
	if (!span_is(a, "rsa-sha256") && !span_is(a, "ed25519-sha256"))
		return bad(r, TRUST_NEUTRAL, "the signature's algorithm is not known");
	r->out->kind = span_is(a, "rsa-sha256") ? KEY_RSA : KEY_ED25519;
	return TRUST_NONE;
}

/* Labels of letters, digits, "-", "_" and UTF-8, with single dots: fit to be asked for. */
static bool is_label_char(char c)
{
	return is_alnum(c) || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name(struct span s)
{
	if (!s.n || s.n > 253)
		return false;
	for (;;) {
		if (!span_while(&s, is_label_char).n)
			return false;
		if (!s.n)
			return true;
		if (!span_eat_char(&s, '.'))
			return false;
	}
}

static enum trust_result read_names(struct reading *r)
{
	struct span domain = value(r, "d"), selector = value(r, "s");

	if (!domain.p || !selector.p)
		return bad(r, TRUST_NEUTRAL, "the signature has no d= or no s=");
	if (!is_name(domain) || !is_name(selector))
		return bad(r, TRUST_NEUTRAL, "the signature's d= or s= is no name");
	r->out->domain = domain;
	r->out->selector = selector;
	return TRUST_NONE;
}

/* RFC 6376 2.11: =XX stands for a byte, blanks for nothing. Decoded it is never longer. */
static struct span unquote(struct span in, struct arena *a)
{
	char *out = arena_get(a, in.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];

		if (is_blank(c) || c == '\r' || c == '\n')
			continue;
		if (c == '=' && i + 2 < in.n && hex_value(in.p[i + 1]) >= 0 &&
		    hex_value(in.p[i + 2]) >= 0) {
			c = (char)(hex_value(in.p[i + 1]) << 4 | hex_value(in.p[i + 2]));
			i += 2;
		}
		out[n++] = c;
	}
	return (struct span){ out, n };
}

bool dkim_identity_ok(struct span identity, struct span domain, bool strict)
{
	ptrdiff_t at = span_rfind(identity, '@');
	struct span under;

	if (at < 0)
		return false;
	under = span_from(identity, (size_t)at + 1);
	if (span_alike(under, domain))
		return true;
	return !strict && under.n > domain.n && under.p[under.n - domain.n - 1] == '.' &&
	    span_alike(span_from(under, under.n - domain.n), domain);
}

static enum trust_result read_identity(struct reading *r)
{
	struct span i = value(r, "i");

	if (!i.p)
		r->out->identity =
		    span_of(arena_printf(r->arena, "@" SPAN_FMT, SPAN_ARG(r->out->domain)));
	else
		r->out->identity = unquote(i, r->arena);
	if (dkim_identity_ok(r->out->identity, r->out->domain, false))
		return TRUST_NONE;
	return bad(r, TRUST_NEUTRAL, "the signature's i= is not in the domain of d=");
}

static bool read_canon(struct span word, enum canon *out)
{
	*out = span_is(word, "relaxed") ? CANON_RELAXED : CANON_SIMPLE;
	return span_is(word, "relaxed") || span_is(word, "simple");
}

static enum trust_result read_canons(struct reading *r)
{
	struct span c = value(r, "c"), header;

	if (!c.p)
		return TRUST_NONE;
	if (!span_cut(&c, '/', &header)) {
		header = c;
		c = SPAN("simple");
	}
	if (read_canon(header, &r->out->header) && read_canon(c, &r->out->body))
		return TRUST_NONE;
	return bad(r, TRUST_NEUTRAL, "the signature's c= is not known");
}

/* RFC 6376 5.4: From must be among them. */
static enum trust_result read_fields(struct reading *r)
{
	struct span h = r->out->names = value(r, "h"), word;
	bool from = false;
	size_t n = 0;

	while (tag_word(&h, &word)) {
		from = from || span_is(word, "From");
		if (!word.n)
			return bad(r, TRUST_NEUTRAL, "the signature's h= names nothing in one place");
		if (++n > DKIM_NAMES_MAX)
			return bad(r, TRUST_NEUTRAL, "the signature's h= names too many fields");
	}
	if (!n)
		return bad(r, TRUST_NEUTRAL, "the signature has no h=");
	return from ? TRUST_NONE : bad(r, TRUST_PERMERROR, "the signature does not cover From");
}

static bool read_base64(struct reading *r, const char *name, struct span *out)
{
	struct span written = value(r, name);
	struct str bytes = STR(written.n);
	bool ok = tag_base64(written, &bytes) && bytes.n;

	if (ok)
		*out = arena_copy(r->arena, str_span(&bytes));
	str_free(&bytes);
	return ok;
}

static enum trust_result read_signature(struct reading *r)
{
	const struct tag *b = tags_find(r->tags, "b");
	struct str flat = STR(DKIM_FIELD_MAX);

	if (!b)
		return bad(r, TRUST_NEUTRAL, "the signature has no b=");
	r->out->raw = b->raw;
	tag_squeeze(b->value, &flat);
	r->out->written = arena_copy(r->arena, str_span(&flat));
	str_free(&flat);
	return read_base64(r, "b", &r->out->signature) ? TRUST_NONE :
	    bad(r, TRUST_NEUTRAL, "the signature's b= is no base64");
}

static enum trust_result read_body_hash(struct reading *r)
{
	if (!value(r, "bh").p)
		return bad(r, TRUST_NEUTRAL, "the signature has no bh=");
	if (!read_base64(r, "bh", &r->out->body_hash))
		return bad(r, TRUST_NEUTRAL, "the signature's bh= is no base64");
	return r->out->body_hash.n == KEY_DIGEST ? TRUST_NONE :
	    bad(r, TRUST_NEUTRAL, "the signature's bh= is no SHA-256");
}

static bool read_number(struct reading *r, const char *name, bool *given, uint64_t *out)
{
	struct span v = value(r, name);

	*given = v.p != NULL;
	if (!v.p)
		return true;
	if (!v.n || v.n > 76)		/* RFC 6376 3.5: l= may have 76 digits */
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (!is_digit(v.p[i]))
			return false;
	}
	if (!span_u64(v, UINT64_MAX, out))
		*out = UINT64_MAX;
	return true;
}

static enum trust_result read_numbers(struct reading *r)
{
	struct dkim_signature *s = r->out;
	bool has_time, expires;

	if (!read_number(r, "l", &s->has_length, &s->length) ||
	    !read_number(r, "t", &has_time, &s->signed_at) ||
	    !read_number(r, "x", &expires, &s->expires))
		return bad(r, TRUST_NEUTRAL, "the signature's l=, t= or x= is no number");
	if (expires && has_time && s->expires <= s->signed_at)
		return bad(r, TRUST_NEUTRAL, "the signature's x= is not after its t=");
	if (expires && !s->expires)
		s->expires = 1;
	return TRUST_NONE;
}

static enum trust_result read_query(struct reading *r)
{
	struct span q = value(r, "q");

	return !q.p || tag_has_word(q, "dns/txt") ? TRUST_NONE :
	    bad(r, TRUST_NEUTRAL, "the signature's q= does not lead to the DNS");
}

/* RFC 8617 4.1.3: always relaxed. */
static enum trust_result seal_is_relaxed(struct reading *r)
{
	r->out->header = CANON_RELAXED;
	return TRUST_NONE;
}

enum { READERS_MAX = 11 };

enum trust_result dkim_signature_parse(struct span text, enum dkim_flavour flavour, struct arena *a,
    struct dkim_signature *out, struct err *why)
{
	static enum trust_result (*const flavours[][READERS_MAX])(struct reading *r) = {
		/* names first: a result should say whose signature it is about */
		[DKIM_PLAIN] = { read_names, read_algorithm, read_version, read_identity, read_canons, read_fields,
			read_signature, read_body_hash, read_numbers, read_query },
		[DKIM_ARC_MESSAGE] = { read_names, read_algorithm, read_canons, read_fields,
			read_signature, read_body_hash, read_numbers, read_query },
		[DKIM_ARC_SEAL] = { read_names, read_algorithm, seal_is_relaxed, read_signature, read_numbers },
	};
	enum trust_result (*const *readers)(struct reading *r) = flavours[flavour];
	struct tags tags;
	struct reading r = { &tags, a, out, why };
	enum trust_result got = TRUST_NONE;

	*out = (struct dkim_signature){ 0 };
	if (text.n > DKIM_FIELD_MAX)
		return bad(&r, TRUST_NEUTRAL, "the signature is too long");
	if (!tags_parse(text, &tags, why))
		return TRUST_NEUTRAL;
	for (size_t i = 0; readers[i] && got == TRUST_NONE; i++)
		got = readers[i](&r);
	return got;
}

enum trust_result dkim_signature_timely(const struct dkim_signature *s, uint64_t now, unsigned skew_s, struct err *why)
{
	if (s->expires && now > skew_s && s->expires < now - skew_s) {
		err_perm(why, "5.7.7", "the signature has expired");
		return TRUST_FAIL;
	}
	if (s->signed_at > now && s->signed_at - now > skew_s) {
		err_perm(why, "5.7.7", "the signature is from the future");
		return TRUST_POLICY;
	}
	return TRUST_NONE;
}
