/* Verifying a chain of RFC 8617. See arc.h. */
#include "common/trust/arc.h"

#include "common/trust/tags.h"

static bool fails(struct arc *c, const char *why)
{
	c->result = TRUST_FAIL;
	return err_perm(&c->why, "5.7.29", "%s", why);
}

/* --- the sets --- */

/* i= of any of the three, 1 to 50; 0: none. In ARC-Authentication-Results it stands first (4.1.1). */
static unsigned instance_of(struct span value)
{
	struct tags tags;
	struct span i = { NULL, 0 }, first;
	uint64_t n;

	if (span_cut(&value, ';', &first) && tags_parse(first, &tags, NULL))
		i = tags_value(&tags, "i");
	if (!i.p && tags_parse(value, &tags, NULL))
		i = tags_value(&tags, "i");
	return i.p && span_u64(i, ARC_SETS_MAX, &n) ? (unsigned)n : 0;
}

static bool place(struct arc *c, const struct field *f, const struct field **(*of)(struct arc_set *set))
{
	unsigned i = instance_of(f->value);
	const struct field **at;

	if (!i)
		return fails(c, "a field of the chain has no number");
	at = of(&c->sets[i - 1]);
	if (*at)
		return fails(c, "two fields of the chain have the same number");
	*at = f;
	c->count = i > c->count ? i : c->count;
	return true;
}

static const struct field **results_of(struct arc_set *set)
{
	return &set->results;
}

static const struct field **message_of(struct arc_set *set)
{
	return &set->message;
}

static const struct field **seal_of(struct arc_set *set)
{
	return &set->seal;
}

static const struct kind { const char *name; const struct field **(*of)(struct arc_set *set);
} kinds[] = {
	{ "ARC-Authentication-Results", results_of },
	{ "ARC-Message-Signature", message_of },
	{ "ARC-Seal", seal_of },
};

static bool collect(struct arc *c, const struct header *h)
{
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		for (const struct field *f = NULL; (f = header_find_after(h, kinds[k].name, f));) {
			if (!place(c, f, kinds[k].of))
				return false;
		}
	}
	return true;
}

/* RFC 8617 5.2, steps 2 and 3: whole sets, and each seal says what it must. */
static bool is_whole(struct arc *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		const struct arc_set *set = &c->sets[i];
		struct tags tags;

		if (!set->results || !set->message || !set->seal)
			return fails(c, "a set of the chain is not whole");
		if (!tags_parse(set->seal->value, &tags, NULL) ||
		    !span_is(tags_value(&tags, "cv"), i ? "pass" : "none"))
			return fails(c, "a seal says that the chain was broken before it");
		if (tags_find(&tags, "h")) /* 4.1.3: what it covers is no choice of its own */
			return fails(c, "a seal names fields");
	}
	return true;
}

void arc_begin(struct arc *c, const struct header *h, struct arena *a)
{
	const struct arc_set *newest;

	*c = (struct arc){ .result = TRUST_NONE };
	if (!collect(c, h)) {
		c->count = c->count ? c->count : 1;
		c->message.result = TRUST_FAIL;
		return;
	}
	c->message.result = TRUST_FAIL;
	if (!c->count || !is_whole(c))
		return;
	if (c->count > ARC_SEALS) {
		fails(c, "the chain is longer than we look through");
		return;
	}
	newest = &c->sets[c->count - 1];
	c->message.result = dkim_signature_parse(newest->message->value, DKIM_ARC_MESSAGE, a, &c->message.signature, &c->message.why);
	if (c->message.result == TRUST_NONE && c->message.signature.has_length)
		c->message.result =
		    TRUST_POLICY; /* who leaves text unsigned proves nothing about the message */
	if (c->message.result != TRUST_NONE) {
		fails(c, "the newest message signature of the chain is of no use");
	} else if (tag_has_word(c->message.signature.names, "ARC-Seal")) {	/* 4.1.2 */
		fails(c, "the newest message signature of the chain covers a seal");
		c->message.result = TRUST_FAIL;
	}
}

/* --- the signatures --- */

static bool settle(struct arc *c, const struct dkim_result *r, const char *what)
{
	if (r->result == TRUST_PASS)
		return true;
	c->result = r->result == TRUST_TEMPERROR ? TRUST_TEMPERROR : TRUST_FAIL;
	return err_perm(&c->why, "5.7.29", "%s: %s", what, r->why.text);
}

static bool check_message(struct arc *c, const struct header *h, const struct dkim_wish *body,
    const struct trust_dns *dns, struct arena *a)
{
	unsigned char digest[KEY_DIGEST];

	if (!body || !body->there ||
	    memcmp(body->digest, c->message.signature.body_hash.p, KEY_DIGEST) != 0)
		return fails(c, "the body was changed since the newest set");
	dkim_hash_header(h, &c->message.signature, c->sets[c->count - 1].message, digest);
	dkim_prove(&c->message, digest, dns, a);
	return settle(c, &c->message, "the newest message signature");
}

static void hash_fields(const struct arc *c, unsigned upto, struct key_hash *hash)
{
	struct str canonical = STR(HEADER_BYTES_MAX * 2);

	for (unsigned i = 0; i <= upto; i++) {
		canon_field(CANON_RELAXED, c->sets[i].results->whole, &canonical);
		canon_field(CANON_RELAXED, c->sets[i].message->whole, &canonical);
		if (i < upto)
			canon_field(CANON_RELAXED, c->sets[i].seal->whole, &canonical);
	}
	key_hash_add(hash, str_span(&canonical));
	str_free(&canonical);
}

/* RFC 8617 5.1.1: a seal covers all sets up to its own, itself without its b=. */
static bool check_seal(struct arc *c, unsigned i, const struct trust_dns *dns, struct arena *a)
{
	const struct field *own = c->sets[i].seal;
	struct key_hash *hash = key_hash_new();
	unsigned char digest[KEY_DIGEST];
	struct dkim_result r = { .result = TRUST_NONE };

	r.result = dkim_signature_parse(own->value, DKIM_ARC_SEAL, a, &r.signature, &r.why);
	if (r.result == TRUST_NONE) {
		hash_fields(c, i, hash);
		dkim_hash_own(hash, &r.signature, own->whole);
		key_hash_end(hash, digest);
		dkim_prove(&r, digest, dns, a);
	}
	key_hash_free(hash);
	if (i + 1 == c->count)
		c->sealer = r.signature.domain;
	return settle(c, &r, "a seal");
}

/* Move behind the next semicolon that stands in no comment and no quoted string. */
static void skip_part(struct span *in)
{
	unsigned depth = 0;
	bool quoted = false;

	while (in->n) {
		char c = *in->p;

		*in = span_from(*in, 1);
		if (c == ';' && !quoted && !depth)
			return;
		if (c == '\\' && (quoted || depth) && in->n)
			*in = span_from(*in, 1);
		else if (c == '"' && !depth)
			quoted = !quoted;
		else if (c == '(' && !quoted)
			depth++;
		else if (c == ')' && depth)
			depth--;
	}
}

bool arc_has_dmarc_pass(struct span results)
{
	while (results.n) {
		struct span part = span_trim(results);

		if (span_eat(&part, "dmarc=pass") &&
		    (!part.n || !(is_alnum(*part.p) || *part.p == '-')))
			return true;
		skip_part(&results);
	}
	return false;
}

void arc_end(struct arc *c, const struct header *h, const struct dkim_wish *body,
    const struct trust_dns *dns, struct arena *a)
{
	if (c->result != TRUST_NONE || !check_message(c, h, body, dns, a))
		return;
	for (unsigned i = c->count; i-- > 0;) {
		if (!check_seal(c, i, dns, a))
			return;
	}
	c->result = TRUST_PASS;
	c->saw_pass = arc_has_dmarc_pass(c->sets[c->count - 1].results->value);
}
