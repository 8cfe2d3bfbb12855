/* First line: what a server offers; then its challenges, one a line. It gets no yes of ours without the password. */
#include <assert.h>
#include <stdint.h>

#include "common/auth/sasl-client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct span take_line(struct span *in)
{
	struct span line;

	return span_cut(in, '\n', &line) ? line : span_take(in, in->n);
}

/* A large count only takes long. */
static bool is_slow(struct span challenge)
{
	ptrdiff_t at = span_search(challenge, SPAN("i="));

	return at >= 0 && span_while(&(struct span){ challenge.p + at + 2, challenge.n - (size_t)at - 2 }, is_digit).n > 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, offered = take_line(&in);
	struct sasl_client s;
	struct err e = { .kind = ERR_NONE };
	bool ok = sasl_client_begin(&s, offered, "user", "pencil", SPAN("nonce"), &e);

	for (int i = 0; ok && i < 5; i++) {
		struct span challenge = take_line(&in);
		struct str words = STR(4096);

		ok = !is_slow(challenge) && sasl_client_answer(&s, challenge, &words, &e);
		assert(ok || is_slow(challenge) || e.kind == ERR_TEMP);
		assert(!s.shows || span_search(str_span(&words), SPAN("pencil")) < 0);
		str_free(&words);
	}
	if (sasl_client_end(&s, true, &e))
		assert(!s.shows || s.shown);
	return 0;
}
