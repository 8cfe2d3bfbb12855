/* First byte: which mechanism; then two words of a client, as lines. What is let through is whole and clean. */
#include <assert.h>
#include <stdint.h>

#include "common/auth/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, word;
	struct str challenge = STR(1024);
	enum sasl_next next = SASL_ASK;
	struct sasl s;
	struct err e;
	char which = n ? *span_take(&in, 1).p : 'P';

	sasl_begin(&s, which == 'L' ? SPAN("LOGIN") : SPAN("PLAIN"));
	while (next == SASL_ASK && in.n) {
		if (!span_cut(&in, '\n', &word))
			word = span_take(&in, in.n);
		next = sasl_step(&s, &word, &challenge, &e);
		assert(next != SASL_FAILED || (e.kind == ERR_PERM && e.text[0]));
	}
	if (next == SASL_DONE)
		assert(s.user[0] && s.password[0] && memchr(s.user, '\0', sizeof s.user) &&
		    memchr(s.password, '\0', sizeof s.password));
	sasl_wipe(&s);
	str_free(&challenge);
	return 0;
}
