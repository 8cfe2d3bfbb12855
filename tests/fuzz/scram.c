/*
 * First line: the mechanism; second: "b" where a channel is known; then the client's first and last words.
 * Nobody gets in without the password, and what is taken of the words lies in them.
 */
#include <assert.h>
#include <stdint.h>

#include "common/auth/prep.h"
#include "common/auth/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct span take_line(struct span *in)
{
	struct span line;

	return span_cut(in, '\n', &line) ? line : span_take(in, in->n);
}

static void check_verifier(struct span word)
{
	struct verifier v, again;
	struct str text = STR(VERIFIER_TEXT);

	if (verifier_parse(word, &v)) {
		verifier_print(&v, &text);
		assert(!text.over && verifier_parse(str_span(&text), &again) &&
		    again.iterations == v.iterations);
	}
	str_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, mechanism = take_line(&in), bound = take_line(&in);
	struct span said = take_line(&in), last = take_line(&in);
	struct channel channel = { .exporter_n = span_is(bound, "b") ? CHANNEL_EXPORTER : 0 };
	struct str challenge = STR(AUTH_CHALLENGE_MAX), signature = STR(AUTH_CHALLENGE_MAX);
	struct scram_first first;
	struct verifier v;
	char prepared[100];
	struct err e;

	check_verifier(last);
	prep(said, data != NULL && n % 2, prepared, sizeof prepared);
	if (scram_begin(mechanism, said, &channel, &first, &e)) {
		assert(first.user[0] && first.nonce.n &&
		    first.bare.p + first.bare.n == said.p + said.n);
		verifier_fake(first.digest, 4096, SPAN("key"), span_of(first.user), &v);
		scram_challenge(&first, SPAN("nonce"), &v, &challenge);
		assert(!challenge.over);
		assert(!scram_finish(&first, str_span(&challenge), last, &channel, &v, &signature, &e) && !signature.n);
	} else {
		assert(e.kind == ERR_PERM && e.text[0]);
	}
	str_free(&challenge);
	str_free(&signature);
	return 0;
}
