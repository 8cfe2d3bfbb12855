/* Verifying DKIM signatures. See dkim.h. */
#include "common/trust/dkim.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/trust/arc.h"
#include "common/trust/dkim-record.h"
#include "common/trust/dkim-text.h"
#include "common/trust/tags.h"

enum {
	MEMORY_MAX = 64 << 20, /* far above what the limits of a header allow */
	CANONICAL_MAX = HEADER_BYTES_MAX * 2, /* LF become CRLF */
	DKIM_DNS_NAME = 253, /* RFC 1035 2.3.4, without the last dot */
};

struct dkim_verify {
	uint64_t		 now;
	struct arena		*arena;
	struct dkim_top		 top;
	struct header		 header;
	struct dkim_verdict	 verdict;
	const struct field	*fields[DKIM_JUDGED];	/* of the results */
	struct dkim_wish	 wishes[DKIM_JUDGED + 1];	/* the last is ARC's */
	struct arc		 arc;
	struct dkim_bodies	*bodies;		/* NULL: nobody wants the body */
	bool			 begun;			/* the header was looked at */
};

struct dkim_verify *dkim_verify_new(uint64_t now)
{
	struct dkim_verify *v = mem_get(sizeof *v);

	v->now = now;
	v->arena = arena_new(MEMORY_MAX, NULL, NULL);
	dkim_top_init(&v->top);
	return v;
}

void dkim_verify_free(struct dkim_verify *v)
{
	dkim_bodies_free(v->bodies);
	str_free(&v->top.text);
	arena_free(v->arena);
	free(v);
}

struct span dkim_verify_header(const struct dkim_verify *v)
{
	return str_span(&v->top.text);
}

/* --- the header --- */

static void judge_field(struct dkim_verify *v, const struct field *f)
{
	struct dkim_result *r = &v->verdict.results[v->verdict.count];

	v->fields[v->verdict.count++] = f;
	r->result = dkim_signature_parse(f->value, DKIM_PLAIN, v->arena, &r->signature, &r->why);
	if (r->result == TRUST_NONE)
		r->result = dkim_signature_timely(&r->signature, v->now, DKIM_SKEW_S, &r->why);
	if (r->result == TRUST_NONE && (v->top.too_long || v->header.cut)) {
		err_perm(&r->why, "5.7.7", "the header is larger than we look at");
		r->result = TRUST_PERMERROR;
	}
}

static void find_signatures(struct dkim_verify *v)
{
	const struct field *f = NULL;

	v->verdict.results = arena_array(v->arena, DKIM_JUDGED, sizeof *v->verdict.results);
	while ((f = header_find_after(&v->header, "DKIM-Signature", f))) {
		if (v->verdict.count < DKIM_JUDGED)
			judge_field(v, f);
		else
			v->verdict.ignored++;
	}
}

static void begin_body(struct dkim_verify *v)
{
	size_t n = 0;

	v->begun = true;
	header_index(str_span(&v->top.text), v->arena, &v->header);
	find_signatures(v);
	if (!v->top.too_long && !v->header.cut)
		arc_begin(&v->arc, &v->header, v->arena);
	for (size_t i = 0; i < v->verdict.count; i++) {
		const struct dkim_signature *s = &v->verdict.results[i].signature;

		if (v->verdict.results[i].result == TRUST_NONE)
			v->wishes[n++] = (struct dkim_wish){ .how = s->body,
				.most = s->has_length ? s->length : DKIM_WHOLE };
	}
	if (v->arc.message.result == TRUST_NONE && v->arc.count)
		v->wishes[n++] =
		    (struct dkim_wish){ .how = v->arc.message.signature.body, .most = DKIM_WHOLE };
	if (n)
		v->bodies = dkim_bodies_new(v->wishes, n);
}

void dkim_verify_feed(struct dkim_verify *v, struct span lf_text)
{
	if (!v->begun) {
		dkim_top_feed(&v->top, &lf_text);
		if (v->top.whole)
			begin_body(v);
	}
	if (v->bodies && lf_text.n)
		dkim_bodies_feed(v->bodies, lf_text);
}

/* --- one signature --- */

/* The field itself is signed without its b=, and without its last line end. */
void dkim_hash_own(struct key_hash *hash, const struct dkim_signature *s, struct span whole)
{
	struct str bare = STR(whole.n), canonical = STR(CANONICAL_MAX);
	size_t at = (size_t)(s->raw.p - whole.p);

	str_add(&bare, span_to(whole, at));
	str_add(&bare, span_from(whole, at + s->raw.n));
	canon_field(s->header, str_span(&bare), &canonical);
	str_cut(&canonical, canonical.n >= 2 ? canonical.n - 2 : 0);
	key_hash_add(hash, str_span(&canonical));
	str_free(&bare);
	str_free(&canonical);
}

void dkim_hash_header(const struct header *h, const struct dkim_signature *s,
    const struct field *own, unsigned char digest[KEY_DIGEST])
{
	struct dkim_pick pick = { .header = h };
	struct key_hash *hash = key_hash_new();
	struct str canonical = STR(CANONICAL_MAX);
	struct span names = s->names, name;

	pick.used[own - h->fields] = true;	/* RFC 6376 5.4: never among those of h= */
	while (tag_word(&names, &name)) {
		const struct field *f = dkim_pick_last(&pick, name);

		if (f)
			canon_field(s->header, f->whole, &canonical);
	}
	key_hash_add(hash, str_span(&canonical));
	dkim_hash_own(hash, s, own->whole);
	key_hash_end(hash, digest);
	key_hash_free(hash);
	str_free(&canonical);
}

static enum trust_result settle(struct dkim_result *r, enum trust_result what, const char *why)
{
	if (why)
		err_perm(&r->why, "5.7.7", "%s", why);
	return r->result = what;
}

static enum trust_result check_record(struct dkim_result *r, const struct dkim_record *rec,
    const unsigned char digest[KEY_DIGEST])
{
	const struct dkim_signature *s = &r->signature;
	struct key *key;
	bool good;

	if (rec->revoked)
		return settle(r, TRUST_PERMERROR, "the key was revoked");
	if (rec->kind != s->kind)
		return settle(r, TRUST_PERMERROR, "the key is of another kind than the signature");
	if (rec->strict && !dkim_identity_ok(s->identity, s->domain, true))
		return settle(r, TRUST_PERMERROR, "the key is not for identities below its domain");
	key = key_public(rec->kind, rec->key, &r->why);
	if (!key)
		return settle(r, TRUST_PERMERROR, NULL);
	r->bits = key_bits(key);
	r->testing = rec->testing;
	good = key_verify(key, digest, s->signature);
	key_free(key);
	if (!good)
		return settle(r, TRUST_FAIL, "the signature does not fit the header");
	if (r->bits < KEY_BITS_MIN && s->kind == KEY_RSA)	/* RFC 8301 3.2 */
		return settle(r, TRUST_POLICY, "the key is too short to prove anything");
	return settle(r, TRUST_PASS, NULL);
}

/* Several records at one name: the first that proves it counts, else the last that is a key. */
static void check_records(struct arena *arena, struct dkim_result *r, const struct dns_answer *a,
    const unsigned char digest[KEY_DIGEST])
{
	struct str text = STR(DKIM_RECORD_MAX);
	struct dkim_record rec;
	bool a_key = false;
	struct err e;

	for (size_t i = 0, tried = 0; i < a->count && tried < DKIM_RECORDS && r->result != TRUST_PASS; i++) {
		str_reset(&text);
		if (!trust_dns_text(a->records[i], &text)) {
			err_perm(&e, "5.7.5", "the key record is too long");
		} else if (dkim_record_parse(str_span(&text), arena, &rec, &e)) {
			tried++;
			a_key = true;
			check_record(r, &rec, digest);
		}
		if (!a_key)
			r->why = e;
	}
	if (!a_key)
		settle(r, TRUST_PERMERROR, NULL);
	str_free(&text);
}

const char *dkim_key_name(const struct dkim_signature *s, struct arena *a)
{
	return arena_printf(a, SPAN_FMT "._domainkey." SPAN_FMT, SPAN_ARG(s->selector), SPAN_ARG(s->domain));
}

void dkim_prove(struct dkim_result *r, const unsigned char digest[KEY_DIGEST],
    const struct trust_dns *dns, struct arena *a)
{
	const char *name = dkim_key_name(&r->signature, a);
	struct dns_answer answer;

	if (strlen(name) > DKIM_DNS_NAME) {
		settle(r, TRUST_PERMERROR, "the key's name is too long for the DNS");
		return;
	}
	dns->ask(dns->arg, name, DNS_TXT, a, &answer);
	if (answer.found == DNS_FAILED) {
		err_temp(&r->why, "4.4.3", "cannot get the key %s: %s", name, answer.why);
		settle(r, TRUST_TEMPERROR, NULL);
	} else if (answer.found != DNS_YES || !answer.count) {
		err_perm(&r->why, "5.7.5", "there is no key %s", name);
		settle(r, TRUST_PERMERROR, NULL);
	} else {
		check_records(a, r, &answer, digest);
	}
}

static void check_key(struct dkim_verify *v, struct dkim_result *r, const struct field *own,
    const struct trust_dns *dns)
{
	unsigned char digest[KEY_DIGEST];

	dkim_hash_header(&v->header, &r->signature, own, digest);
	dkim_prove(r, digest, dns, v->arena);
}

static bool check_body(struct dkim_verify *v, struct dkim_result *r, const struct dkim_wish *w)
{
	struct span bh = r->signature.body_hash;

	if (!w->there) {
		settle(r, TRUST_PERMERROR, "the body is shorter than its signature says");
		return false;
	}
	if (w->most != DKIM_WHOLE)
		r->beyond = dkim_bodies_length(v->bodies, w->how) - w->most;
	if (memcmp(bh.p, w->digest, KEY_DIGEST) == 0)
		return true;
	settle(r, TRUST_FAIL, "the body was changed");
	return false;
}

void dkim_verify_end(struct dkim_verify *v, const struct trust_dns *dns, struct dkim_verdict *out)
{
	const struct dkim_wish *w = v->wishes;

	if (!v->begun)
		begin_body(v);		/* a header is all there is */
	if (v->bodies)
		dkim_bodies_end(v->bodies);
	for (size_t i = 0; i < v->verdict.count; i++) {
		struct dkim_result *r = &v->verdict.results[i];

		if (r->result == TRUST_NONE && check_body(v, r, w++))
			check_key(v, r, v->fields[i], dns);
	}
	if (v->arc.count)
		arc_end(&v->arc, &v->header, v->arc.message.result == TRUST_NONE ? w : NULL, dns,
		    v->arena);
	*out = v->verdict;
}

const struct arc *dkim_verify_arc(const struct dkim_verify *v)
{
	return &v->arc;
}

/* --- for Authentication-Results --- */

static bool is_safe(char c)
{
	return is_alnum(c) || (unsigned char)c >= 0x80 || memchr("-_.+/=@", c, 7);
}

/* What a stranger wrote is told only where it can not be mistaken for something else. */
static void print_property(struct str *out, const char *name, struct span value, bool quoted)
{
	struct span rest = value;

	span_while(&rest, is_safe);
	if (value.n && !rest.n && value.n <= DKIM_DNS_NAME)
		str_addf(out, " header.%s=%s" SPAN_FMT "%s", name, quoted ? "\"" : "",
		    SPAN_ARG(value), quoted ? "\"" : "");
}

void dkim_result_print(const struct dkim_result *r, struct str *out)
{
	const struct dkim_signature *s = &r->signature;

	str_add_text(out, trust_result_name(r->result));
	if (r->result == TRUST_PASS && r->beyond)
		str_addf(out, " (l= leaves %llu bytes unsigned)", (unsigned long long)r->beyond);
	if (r->result != TRUST_PASS)
		trust_reason_print(r->why.text, out);
	print_property(out, "d", s->domain, false);
	print_property(out, "s", s->selector, false);
	print_property(out, "a", s->algorithm, false);
	print_property(out, "b", span_to(s->written, 8), true);		/* RFC 6008 */
}
