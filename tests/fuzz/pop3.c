/* Any bytes from a POP3 client before login: it ends, and nobody gets in without the password. */
#include <assert.h>

#include "pop3d/login.h"
#include "pop3d/pop3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct memory { struct stream stream; struct span left; size_t said; bool right; };

static ssize_t from_memory(struct stream *s, void *buf, size_t n, ms_t until)
{
	struct memory *m = (struct memory *)s;
	struct span got = span_take(&m->left, n);

	(void)until;
	if (got.n)
		memcpy(buf, got.p, got.n);
	return (ssize_t)got.n;
}

static bool to_nowhere(struct stream *s, struct span bytes, ms_t until, struct err *e)
{
	(void)until, (void)e;
	((struct memory *)s)->said += bytes.n;
	return true;
}

static bool password(void *arg, const char *mechanism, struct span user, struct span password, struct err *e)
{
	struct memory *m = arg;

	(void)mechanism;
	assert(user.n && password.n && !span_has(user, '\0'));
	m->right = span_same(user, SPAN("ann")) && span_same(password, SPAN("secret"));
	return m->right || err_perm(e, "5.7.8", "wrong");
}

/* The same for who says it in an exchange. */
static enum sasl_next exchange(void *arg, const char *mechanism, bool first, struct span message,
    struct str *challenge, struct err *e)
{
	struct memory *m = arg;

	(void)mechanism;
	assert(message.n <= AUTH_MESSAGE_MAX);
	str_add_text(challenge, "and?");
	m->right = !first && span_same(message, SPAN("secret"));
	if (m->right)
		return SASL_DONE;
	if (first)
		return SASL_ASK;
	err_perm(e, "5.7.8", "wrong");
	return SASL_FAILED;
}

static bool start_tls(void *arg, struct err *e)
{
	(void)arg, (void)e;
	return true;
}

static bool hand_over(void *arg, struct span input, struct err *e)
{
	struct memory *m = arg;

	(void)e;
	assert(m->right && input.n <= POP3_AUTH_MAX + m->left.n + 65536);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const words[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256" };
	struct sasl_offer offer;
	struct memory m = { { from_memory, to_nowhere }, { (const char *)data, n }, 0, false };
	struct login l = {
		.line = line_new(&m.stream, POP3_LINE_MAX), .out = out_new(&m.stream), .until = clock_in(10),
		.errors_max = 100, .tls = n & 1, .stls = true, .self = &m,
		.judge = { &m, password, exchange }, .offer = &offer, .start_tls = start_tls, .hand_over = hand_over,
	};

	sasl_offer(words, 3, SPAN(""), &offer);
	assert(!login_serve(&l) || m.right);
	assert(m.said > 0);
	line_free(l.line);
	out_free(l.out);
	return 0;
}
