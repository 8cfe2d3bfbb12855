/* Signing by DKIM. See dkim.h. */
#include "common/trust/dkim.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/mail/encoding.h"
#include "common/trust/dkim-text.h"
#include "common/trust/tags.h"

enum {
	MEMORY_MAX	= 8 << 20,
	CANONICAL_MAX	= HEADER_BYTES_MAX * 2,
	NAMES_MAX	= 32768,	/* of h= */
	FIELD_MAX	= 65536,
	COLUMNS		= 76,
};

/*
 * What is signed. Once more than it is there, so that nobody can add one: what a reader is shown or
 * acts upon. The others where they are there: a mailing list should be able to add its own.
 * RFC 6376 5.4.1, 8.15; RFC 8058 4 for List-Unsubscribe. Never Received, Return-Path
 * and what servers on the way add or take.
 */
static const struct { struct span name; bool over; } signed_fields[] = {
	{ SPAN("From"), true }, { SPAN("To"), true }, { SPAN("Cc"), true }, { SPAN("Subject"), true },
	{ SPAN("Date"), true }, { SPAN("Message-ID"), true }, { SPAN("Reply-To"), true },
	{ SPAN("In-Reply-To"), true }, { SPAN("References"), true }, { SPAN("MIME-Version"), true },
	{ SPAN("Content-Type"), true }, { SPAN("Content-Transfer-Encoding"), true },
	{ SPAN("Content-Disposition"), true }, { SPAN("Content-ID"), false }, { SPAN("Content-Description"), false },
	{ SPAN("Sender"), false }, { SPAN("Resent-Date"), false }, { SPAN("Resent-From"), false },
	{ SPAN("Resent-To"), false }, { SPAN("Resent-Cc"), false }, { SPAN("Resent-Message-ID"), false },
	{ SPAN("List-Id"), false }, { SPAN("List-Help"), false }, { SPAN("List-Unsubscribe"), false },
	{ SPAN("List-Unsubscribe-Post"), false }, { SPAN("List-Subscribe"), false }, { SPAN("List-Post"), false },
	{ SPAN("List-Owner"), false }, { SPAN("List-Archive"), false }, { SPAN("Autocrypt"), false },
};

struct dkim_sign {
	struct arena		*arena;
	struct dkim_top		 top;
	struct dkim_wish	 wish;
	struct dkim_bodies	*bodies;
};

struct dkim_sign *dkim_sign_new(void)
{
	struct dkim_sign *s = mem_get(sizeof *s);

	s->arena = arena_new(MEMORY_MAX, NULL, NULL);
	dkim_top_init(&s->top);
	s->wish = (struct dkim_wish){ .how = CANON_RELAXED, .most = DKIM_WHOLE };
	s->bodies = dkim_bodies_new(&s->wish, 1);
	return s;
}

void dkim_sign_free(struct dkim_sign *s)
{
	dkim_bodies_free(s->bodies);
	str_free(&s->top.text);
	arena_free(s->arena);
	free(s);
}

struct span dkim_sign_header(const struct dkim_sign *s)
{
	return str_span(&s->top.text);
}

void dkim_sign_feed(struct dkim_sign *s, struct span lf_text)
{
	if (!s->top.whole)
		dkim_top_feed(&s->top, &lf_text);
	if (lf_text.n)
		dkim_bodies_feed(s->bodies, lf_text);
}

/* --- folding --- */

struct folded { struct str *out; size_t column; };

static void new_line(struct folded *f)
{
	str_add_text(f->out, "\n ");
	f->column = 1;
}

/* A word that stays whole, on this line or on the next. */
static void put_word(struct folded *f, const char *before, struct span word)
{
	size_t n = strlen(before);

	if (f->column + n + word.n > COLUMNS && f->column > 1) {
		while (*before == ' ')
			before++, n--;
		new_line(f);
	}
	str_add_text(f->out, before);
	str_add(f->out, word);
	f->column += n + word.n;
}

/* What may be cut anywhere. */
static void put_long(struct folded *f, struct span text)
{
	while (text.n) {
		if (f->column >= COLUMNS)
			new_line(f);
		struct span part = span_take(&text, COLUMNS - f->column);

		str_add(f->out, part);
		f->column += part.n;
	}
}

/* --- the fields to sign --- */

static void add_name(struct str *names, struct span name)
{
	if (names->n)
		str_add_char(names, ':');
	str_add(names, name);
}

/* Fills names for h=, and hashes their canonical form. False: no From, which must be signed. */
static bool hash_fields(const struct header *h, struct key_hash *hash, struct str *names)
{
	struct dkim_pick pick = { .header = h };
	struct str canonical = STR(CANONICAL_MAX);
	const struct field *f;
	bool from = false;

	for (size_t i = 0; i < sizeof signed_fields / sizeof *signed_fields; i++) {
		while ((f = dkim_pick_last(&pick, signed_fields[i].name))) {
			canon_field(CANON_RELAXED, f->whole, &canonical);
			add_name(names, signed_fields[i].name);
			from = from || i == 0;
		}
		if (signed_fields[i].over)
			add_name(names, signed_fields[i].name);
	}
	key_hash_add(hash, str_span(&canonical));
	str_free(&canonical);
	return from;
}

/* --- one signature --- */

/* " name=value;" */
static void put_tag(struct folded *f, const char *name, const char *value)
{
	struct str tag = STR(FIELD_MAX);

	str_addf(&tag, "%s=%s;", name, value);
	put_word(f, " ", str_span(&tag));
	str_free(&tag);
}

static void put_time(struct folded *f, const char *name, uint64_t when)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%llu", (unsigned long long)when);
	put_tag(f, name, digits);
}

struct terms { uint64_t now, valid_s; struct span names; const unsigned char *body; };

/* The field up to "b=". */
static void put_field(const struct dkim_signer *who, const struct terms *t, struct folded *f)
{
	struct str bh = STR(64);
	struct span names = t->names, name;
	const char *before = " h=";

	put_word(f, "DKIM-Signature: ", SPAN("v=1;"));
	put_tag(f, "a", key_kind(who->key) == KEY_RSA ? "rsa-sha256" : "ed25519-sha256");
	put_tag(f, "c", "relaxed/relaxed");
	put_tag(f, "d", who->domain);
	put_tag(f, "s", who->selector);
	put_time(f, "t", t->now);
	if (t->valid_s)
		put_time(f, "x", t->now + t->valid_s);
	for (; tag_word(&names, &name); before = ":")
		put_word(f, before, name);
	put_word(f, "", SPAN(";"));
	base64_encode((struct span){ (const char *)t->body, KEY_DIGEST }, &bh);
	put_tag(f, "bh", bh.p);
	put_word(f, " ", SPAN("b="));
	str_free(&bh);
}

static bool sign_one(const struct dkim_signer *who, const struct terms *t,
    const struct key_hash *fields, struct str *out, struct err *e)
{
	struct str field = STR(FIELD_MAX), canonical = STR(FIELD_MAX), sig = STR(KEY_SIGNATURE_MAX), b = STR(FIELD_MAX);
	struct folded f = { &field, 0 };
	struct key_hash *hash = key_hash_new();
	unsigned char digest[KEY_DIGEST];
	bool ok;

	put_field(who, t, &f);
	canon_field(CANON_RELAXED, str_span(&field), &canonical);
	str_cut(&canonical, canonical.n - 2);
	key_hash_copy(hash, fields);
	key_hash_add(hash, str_span(&canonical));
	key_hash_end(hash, digest);
	ok = key_sign(who->key, digest, &sig, e);
	base64_encode(str_span(&sig), &b);
	put_long(&f, str_span(&b));
	str_add_char(&field, '\n');
	str_add(out, str_span(&field));
	key_hash_free(hash);
	str_free(&field);
	str_free(&canonical);
	str_free(&sig);
	str_free(&b);
	return ok;
}

bool dkim_sign_end(struct dkim_sign *s, const struct dkim_signer *signers, size_t count,
    uint64_t now, uint64_t valid_s, struct str *out, struct err *e)
{
	struct key_hash *fields = key_hash_new();
	struct str names = STR(NAMES_MAX);
	struct header h;
	bool ok;

	dkim_bodies_end(s->bodies);
	header_index(str_span(&s->top.text), s->arena, &h);
	if (h.cut || s->top.too_long)
		ok = err_perm(e, "5.6.0", "the header is too large to be signed");
	else if (!hash_fields(&h, fields, &names))
		ok = err_perm(e, "5.6.0", "a message without From can not be signed");
	else
		ok = !names.over ||
		    err_perm(e, "5.6.0", "the header has too many fields to be signed");
	for (size_t i = 0; ok && i < count; i++) {
		struct terms t = { now, valid_s, str_span(&names), s->wish.digest };

		ok = sign_one(&signers[i], &t, fields, out, e);
	}
	key_hash_free(fields);
	str_free(&names);
	return ok;
}
