/* What strangers publish and sign, as parsed: key records, signatures, and RSA keys in DER. */
#include <assert.h>

#include "common/trust/der.h"
#include "common/trust/dkim-record.h"
#include "common/trust/dkim-signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ck_record(struct span text, struct arena *a)
{
	struct dkim_record r, again;
	struct str printed = STR(2 * DKIM_RECORD_MAX);
	struct err e = { 0 };

	if (dkim_record_parse(text, a, &r, &e)) {
		assert(r.revoked == !r.key.n);
		dkim_record_print(r.kind, r.key, &printed);
		if (printed.n <= DKIM_RECORD_MAX) {
			assert(dkim_record_parse(str_span(&printed), a, &again, &e));
			assert(again.kind == r.kind && span_same(again.key, r.key));
		}
	} else {
		assert(e.kind == ERR_PERM && e.text[0]);
	}
	str_free(&printed);
}

static void ck_signature(struct span text, struct arena *a)
{
	struct dkim_signature s;
	struct err e = { 0 };
	enum trust_result r = dkim_signature_parse(text, DKIM_PLAIN, a, &s, &e);

	assert(r == TRUST_NONE || (e.kind == ERR_PERM && e.text[0]));
	if (r != TRUST_NONE)
		return;
	assert(s.domain.n && s.selector.n && s.signature.n && s.body_hash.n == KEY_DIGEST);
	assert(s.raw.p >= text.p && s.raw.p + s.raw.n <= text.p + text.n);
	assert(dkim_identity_ok(s.identity, s.domain, false));
}

static void ck_der(struct span der)
{
	struct der_rsa rsa;

	if (!der_rsa_parse(der, &rsa))
		return;
	assert(rsa.modulus.n && rsa.exponent.n && rsa.modulus.p[0] && rsa.exponent.p[0]);
	assert(rsa.modulus.p > der.p && rsa.exponent.p + rsa.exponent.n <= der.p + der.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data, n };
	struct arena *a = arena_new(16 << 20, NULL, NULL);

	ck_record(text, a);
	ck_signature(text, a);
	ck_der(text);
	arena_free(a);
	return 0;
}
