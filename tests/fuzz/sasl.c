/* First byte: which mechanism; then words of a client, as lines. What is let through is whole and clean. */
#include <assert.h>
#include <stdint.h>

#include "common/auth/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool yes(void *self, const char *mechanism, struct span user, struct span password, struct err *e)
{
	(void)self, (void)mechanism, (void)e;
	assert(user.n && password.n);
	return true;
}

static enum sasl_next hear(void *self, const char *mechanism, bool first, struct span message,
    struct str *challenge, struct err *e)
{
	(void)mechanism, (void)e;
	assert(message.n <= AUTH_MESSAGE_MAX && first == (*(unsigned *)self == 0));
	++*(unsigned *)self;
	str_add(challenge, message);
	return message.n ? SASL_ASK : SASL_DONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, word;
	struct str challenge = STR(SASL_WORD_MAX);
	static const char *const words[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256" };
	enum sasl_next next = SASL_ASK;
	struct sasl_offer offer;
	unsigned heard = 0;
	struct sasl s;
	struct err e;
	char which = n ? *span_take(&in, 1).p : 'P';

	sasl_offer(words, 3, SPAN(""), &offer);
	assert(sasl_begin(&s, (struct sasl_judge){ &heard, yes, hear }, &offer, which == 'L' ? SPAN("LOGIN") :
	    which == 'S' ? SPAN("SCRAM-SHA-256") : SPAN("PLAIN")));
	while (next == SASL_ASK && in.n) {
		if (!span_cut(&in, '\n', &word))
			word = span_take(&in, in.n);
		next = sasl_step(&s, &word, &challenge, &e);
		assert(next != SASL_FAILED || (e.kind == ERR_PERM && e.text[0]));
	}
	if (next == SASL_DONE && which != 'S')
		assert(s.user[0] && s.password[0] && memchr(s.user, '\0', sizeof s.user) &&
		    memchr(s.password, '\0', sizeof s.password));
	sasl_wipe(&s);
	str_free(&challenge);
	return 0;
}
