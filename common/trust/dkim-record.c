/* The key that a domain publishes for DKIM. See dkim-record.h. */
#include "common/trust/dkim-record.h"

#include "common/mail/encoding.h"
#include "common/trust/tags.h"

static bool no_record(struct err *e, const char *why)
{
	return err_perm(e, "5.7.5", "%s", why);
}

/* RFC 6376 3.6.1: where it stands, it stands first. */
static bool check_version(const struct tags *t, struct err *e)
{
	const struct tag *v = tags_find(t, "v");

	if (!v || (v == t->list && span_same(v->value, SPAN("DKIM1"))))
		return true;
	return no_record(e, "the key record has a version other than DKIM1");
}

static bool read_kind(struct span k, struct dkim_record *out, struct err *e)
{
	if (!k.p || span_is(k, "rsa"))
		out->kind = KEY_RSA;
	else if (span_is(k, "ed25519"))
		out->kind = KEY_ED25519;
	else
		return no_record(e, "the key record's k= is not known");
	return true;
}

static bool check_uses(const struct tags *t, struct err *e)
{
	struct span h = tags_value(t, "h"), s = tags_value(t, "s");

	if (h.p && !tag_has_word(h, "sha256"))
		return no_record(e, "the key record is not for SHA-256");
	if (s.p && !tag_has_word(s, "*") && !tag_has_word(s, "email"))
		return no_record(e, "the key record is not for mail");
	return true;
}

static bool read_key(struct span p, struct arena *a, struct dkim_record *out, struct err *e)
{
	struct str bytes = STR(DKIM_RECORD_MAX);
	bool ok;

	if (!p.p)
		return no_record(e, "the key record has no p=");
	out->revoked = !p.n;
	ok = tag_base64(p, &bytes);
	out->key = arena_copy(a, str_span(&bytes));
	str_free(&bytes);
	return ok || no_record(e, "the key record's p= is no base64");
}

bool dkim_record_parse(struct span text, struct arena *a, struct dkim_record *out, struct err *e)
{
	struct tags t;

	*out = (struct dkim_record){ 0 };
	if (text.n > DKIM_RECORD_MAX)
		return no_record(e, "the key record is too long");
	if (!tags_parse(text, &t, e))
		return err_while(e, "the key record");
	out->testing = tag_has_word(tags_value(&t, "t"), "y");
	out->strict = tag_has_word(tags_value(&t, "t"), "s");
	return check_version(&t, e) && read_kind(tags_value(&t, "k"), out, e) &&
	    check_uses(&t, e) && read_key(tags_value(&t, "p"), a, out, e);
}

void dkim_record_print(enum key_kind kind, struct span key, struct str *out)
{
	str_addf(out, "v=DKIM1; k=%s; p=", key_kind_name(kind));
	base64_encode(key, out);
}
