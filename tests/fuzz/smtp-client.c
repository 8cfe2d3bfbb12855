/*
 * Another server that says anything at all: the client comes to an end, every recipient
 * has a result, and none counts as taken without a 2xx of the server behind it, by LMTP two.
 * It hears our password only when it offered AUTH, and has not let us in by SCRAM before it has
 * shown that it knows it. A greeting with LMTP in it makes it an LMTP server.
 */
#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/auth/sasl-client.h"
#include "common/smtp/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define PASSWORD	"pencil and paper"
#define AS_PLAIN	"AHVzAHBlbmNpbCBhbmQgcGFwZXI="
#define AS_LOGIN	"cGVuY2lsIGFuZCBwYXBlcg=="

struct server {
	struct stream stream;
	struct span says;
	size_t piece;
	bool knows;	/* the password */
};

static ssize_t give(struct stream *s, void *buf, size_t n, ms_t until)
{
	struct server *v = (struct server *)s;
	struct span some = span_take(&v->says, n < v->piece ? n : v->piece);

	(void)until;
	memcpy(buf, some.p, some.n);
	return (ssize_t)some.n;
}

static bool hear(struct stream *s, struct span bytes, ms_t until, struct err *e)
{
	struct server *v = (struct server *)s;

	(void)until;
	(void)e;
	v->knows = v->knows || span_search(bytes, SPAN(AS_PLAIN)) >= 0 ||
	    span_search(bytes, SPAN(AS_LOGIN)) >= 0;
	assert(span_search(bytes, SPAN(PASSWORD)) < 0);
	return bytes.n > 0;
}

/* --- the login --- */

/* A large count only takes long. */
static bool is_slow(struct span challenge)
{
	ptrdiff_t at = span_search(challenge, SPAN("i="));
	struct span count = span_from(challenge, at < 0 ? challenge.n : (size_t)at + 2);

	return span_while(&count, is_digit).n > 2;
}

static bool answer(void *arg, struct span challenge, struct str *words, struct err *e)
{
	if (is_slow(challenge))
		return err_temp(e, "4.7.0", "that would take long");
	return sasl_client_answer(arg, challenge, words, e);
}

static void log_in(struct smtp_client *c, const struct server *v)
{
	struct smtp_auth how = { .answer = answer };
	struct sasl_client s;
	struct err e, end;
	bool yes = sasl_client_begin(&s, span_of(c->auth_words), "us", PASSWORD, SPAN("nonce"), &e), shows = s.shows;

	if (yes) {
		how.mechanism = s.mechanism;
		how.initial = sasl_client_initial(&s);
		how.arg = &s;
		yes = smtp_client_auth(c, &how, &e);
		assert(yes ? c->last.code == 235 : e.kind != ERR_NONE);
		assert(!v->knows || (c->ext & EXT_AUTH && !shows));
		assert(yes || !v->knows || (!strstr(e.text, PASSWORD) && !strstr(e.text, AS_PLAIN) && !strstr(e.text, AS_LOGIN)));
	}
	if (sasl_client_end(&s, yes, &end))
		assert(yes && (!shows || s.shown));
}

/* --- the message --- */

static int text(void)
{
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("text", 0);
		assert(write(fd, "hi\n.x", 5) == 5);
	}
	return fd;
}

/* How many did it take? */
static size_t one_message(struct smtp_client *c)
{
	struct parcel_rcpt rcpts[3] = { { .address = "a@x" }, { .address = "b@y" },
		{ .address = "c@x" } };
	struct parcel p = { .sender = "s@x",
		.params = { .size = 7, .ret = "full", .envid = "q" },
		.text = text(),
		.rcpts = rcpts,
		.count = 3 };
	struct err e = { .kind = ERR_NONE };
	bool usable = smtp_client_send(c, &p, &e);
	size_t taken = 0;

	assert(usable == !c->broken && (usable || e.kind != ERR_NONE));
	for (int i = 0; i < 3; i++) {
		assert(rcpts[i].kind != ERR_NONE || rcpts[i].code / 100 == 2);
		assert(rcpts[i].kind != ERR_PERM || rcpts[i].code / 100 == 5 || !rcpts[i].code);
		assert(!rcpts[i].left ||
		    (usable && rcpts[i].kind == ERR_TEMP && smtp_client_used_up(c)));
		assert(rcpts[i].status[0] && memchr(rcpts[i].answer, '\0', sizeof rcpts[i].answer));
		taken += rcpts[i].kind == ERR_NONE;
	}
	return taken;
}

static bool is_met(struct smtp_client *c)
{
	if (!smtp_client_greet(c, NULL))
		return false;
	c->lmtp = strstr(c->last.text, "LMTP");
	return smtp_client_hello(c, NULL);
}

static bool is_secured(struct smtp_client *c, struct server *v)
{
	if (!(c->ext & EXT_STARTTLS) || !smtp_client_start_tls(c, NULL))
		return !c->broken;
	smtp_client_switch(c, &v->stream);
	return smtp_client_hello(c, NULL);
}

static size_t times_yes(struct span said)
{
	size_t n = 0;
	struct span line;

	for (; span_cut(&said, '\n', &line); n += line.n && *line.p == '2')
		;
	return n + (said.n && *said.p == '2');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct server v = { .stream = { give, hear },
		.says = { (const char *)data, n },
		.piece = n % 2 ? 5 : 65536 };
	struct smtp_client c;
	size_t taken = 0;

	smtp_client_open(&c, &v.stream, "us.test", NULL);
	if (is_met(&c) && is_secured(&c, &v)) {
		if (c.ext & EXT_AUTH)
			log_in(&c, &v);
		for (int i = 0; i < 5 && !c.broken; i++)
			taken += one_message(&c);
		assert(c.broken || !smtp_client_try(&c, "s@x", "a@x", NULL) || c.last.code / 100 == 2);
		smtp_client_quit(&c);
	}
	assert((c.lmtp ? 2 : 1) * taken <= times_yes((struct span){ (const char *)data, n }));
	smtp_client_close(&c);
	return 0;
}
