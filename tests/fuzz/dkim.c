/*
 * A whole message verified, and the DNS answers whatever it likes: what stands before the first
 * line "=" is the text of the key record. Results are complete and do not depend on the pieces.
 */
#include <assert.h>

#include "common/trust/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { NOW = 1700000000, RECORD_MAX = 60000 };

static void ask(void *arg, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out)
{
	const struct str *rdata = arg;

	assert(strlen(name) <= 253 && strstr(name, "._domainkey.") && type == DNS_TXT);
	*out = (struct dns_answer){ .found = DNS_YES, .why = "", .records = arena_array(a, 2, sizeof *out->records), .count = 2 };
	out->records[0] = str_span(rdata);
	out->records[1] = SPAN("\x06v=spf1");
}

static void to_rdata(struct span text, struct str *out)
{
	while (text.n) {
		struct span part = span_take(&text, 255);

		str_add_char(out, (char)part.n);
		str_add(out, part);
	}
}

static struct dkim_verify *verify(struct span text, size_t piece, struct str *rdata, struct dkim_verdict *out)
{
	struct dkim_verify *v = dkim_verify_new(NOW);
	struct trust_dns dns = { ask, rdata };

	while (text.n)
		dkim_verify_feed(v, span_take(&text, piece));
	dkim_verify_end(v, &dns, out);
	return v;
}

static void ck_result(const struct dkim_result *r)
{
	struct str out = STR(1 << 20);

	assert(r->result != TRUST_NONE && r->result < TRUST_RESULTS);
	assert(r->result == TRUST_PASS || (r->why.kind != ERR_NONE && r->why.text[0]));
	assert(r->result != TRUST_PASS || (r->signature.domain.n && r->bits));
	dkim_result_print(r, &out);
	assert(!span_has(str_span(&out), '\n') && !span_has(str_span(&out), ';'));
	str_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data, n }, record = { 0 };
	ptrdiff_t at = span_search(text, SPAN("\n=\n"));
	struct dkim_verdict whole, pieces;
	struct str rdata = STR(RECORD_MAX);
	struct dkim_verify *v, *w;

	if (at >= 0) {
		record = span_to(text, (size_t)at);
		text = span_from(text, (size_t)at + 3);
	}
	to_rdata(record, &rdata);
	v = verify(text, text.n, &rdata, &whole);
	w = verify(text, 1 + n % 7, &rdata, &pieces);
	assert(whole.count == pieces.count && whole.count <= DKIM_JUDGED);
	for (size_t i = 0; i < whole.count; i++) {
		ck_result(&whole.results[i]);
		assert(whole.results[i].result == pieces.results[i].result);
	}
	dkim_verify_free(v);
	dkim_verify_free(w);
	str_free(&rdata);
	return 0;
}
