/*
 * A whole conversation with the server, hooks that take everything, any bytes from the client:
 * every line that comes back is a reply, and nothing with a bare CR, LF or NUL is taken.
 */
#include <assert.h>
#include <errno.h>

#include "common/smtp/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct talk {
	struct stream	stream;
	struct span	in;
	size_t		piece;
	struct str	said;
	bool		open;		/* between data and commit or reset */
};

static ssize_t give(struct stream *s, void *buf, size_t n, ms_t until)
{
	struct talk *t = (struct talk *)s;
	struct span some;

	if (until < clock_ms() + 1000) {	/* the look for early talkers */
		errno = ETIMEDOUT;
		return -1;
	}
	some = span_take(&t->in, n < t->piece ? n : t->piece);
	memcpy(buf, some.p, some.n);
	return (ssize_t)some.n;
}

static bool hear(struct stream *s, struct span bytes, ms_t until, struct err *e)
{
	(void)until;
	(void)e;
	str_add(&((struct talk *)s)->said, bytes);
	return true;
}

static bool take_mail(struct smtp *s, const struct smtp_mail *from, struct err *e)
{
	(void)s;
	(void)e;
	assert(from->address && from->params.ret && from->params.envid && from->params.auth);
	return true;
}

static bool proxied(struct smtp *s, const struct smtp_proxied *client, struct err *e)
{
	(void)e;
	assert(s->rcpts == 0 && (!client->ip || *client->ip) && client->port < 65536);
	return true;
}

static bool take_rcpt(struct smtp *s, const struct smtp_rcpt *to, struct err *e)
{
	(void)s;
	assert(*to->address && to->params.original);
	return to->address[0] != 'x' || err_perm(e, "5.1.1", "no %s here", to->address);
}

static bool start_tls(struct smtp *s, struct err *e)
{
	return out_flush(s->out, MS_NEVER, e);
}

static bool take_data(struct smtp *s, struct err *e)
{
	struct talk *t = s->self;

	(void)e;
	assert(s->rcpts > 0 && !t->open);
	t->open = true;
	return true;
}

static void take_text(struct smtp *s, struct span lf_text)
{
	struct talk *t = s->self;

	assert(t->open && lf_text.n);
	assert(!memchr(lf_text.p, '\r', lf_text.n) && !memchr(lf_text.p, '\0', lf_text.n));
}

static bool commit(struct smtp *s, struct str *said, struct err *e)
{
	struct talk *t = s->self;

	(void)e;
	assert(t->open && s->rcpts > 0);
	str_add_text(said, "taken");
	return true;
}

static void reset(struct smtp *s)
{
	((struct talk *)s->self)->open = false;
}

static enum smtp_auth auth(struct smtp *s, struct span mechanism, const struct span *said,
    bool first, struct str *challenge, struct err *e)
{
	(void)s;
	assert(mechanism.n);
	if (first || (said && said->n > 4)) {
		str_add_text(challenge, "more");
		return SMTP_AUTH_MORE;
	}
	if (said && said->n == 4)
		return SMTP_AUTH_DONE;
	err_perm(e, "5.7.8", "wrong");
	return SMTP_AUTH_FAILED;
}

static const struct smtp_hooks hooks = {
	.start_tls = start_tls, .auth = auth, .mail = take_mail, .rcpt = take_rcpt, .data = take_data,
	.text = take_text, .commit = commit, .reset = reset, .proxied = proxied,
};

static void check_replies(struct span said)
{
	struct span line;

	while (said.n) {
		assert(span_cut(&said, '\n', &line) && line.n >= 4 && line.p[line.n - 1] == '\r');
		assert(is_digit(line.p[0]) && is_digit(line.p[1]) && is_digit(line.p[2]));
		assert(line.p[3] == ' ' || line.p[3] == '-');
		/* RFC 2034: each refusal says why in the enhanced way, too. */
		assert(line.p[0] < '4' || (line.n > 9 && line.p[4] == line.p[0] && line.p[5] == '.'));
		assert(!memchr(line.p, '\r', line.n - 1) && !memchr(line.p, '\0', line.n));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct smtp_terms terms = {
		.host_name = "mx.test", .auth_words = "PLAIN", .offer = 2 * EXT_HELP - 1, .auth_without_tls = true,
		.early_talkers = n % 3, .mails_max = 4, .hold_max = 100, .priority_max = 4, .size_max = 500, .rcpts_max = 3, .errors_max = 20, .command_timeout_s = 300,
	};
	struct talk t = {
		.stream = { give, hear },
		.in = { (const char *)data, n },
		.piece = n && data[0] % 2 ? 3 : 65536,
		.said = STR(1 << 22),
	};

	smtp_serve(&t.stream, &hooks, &terms, n && data[n - 1] % 2, &t);
	assert(!t.open);
	check_replies(str_span(&t.said));
	str_free(&t.said);
	return 0;
}
