/*
 * Another server that says anything at all: the client comes to an end, every recipient
 * has a result, and none counts as taken without a 2xx of the server behind it.
 */
#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/smtp/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct server { struct stream stream; struct span says; size_t piece; };

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
	(void)s;
	(void)until;
	(void)e;
	return bytes.n > 0;
}

static int text(void)
{
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("text", 0);
		assert(write(fd, "hi\n.x", 5) == 5);
	}
	return fd;
}

static void one_message(struct smtp_client *c)
{
	struct parcel_rcpt rcpts[3] = { { .address = "a@x" }, { .address = "b@x" }, { .address = "c@x" } };
	struct parcel p = { .sender = "s@x", .params = { .size = 7, .ret = "full", .envid = "q" }, .text = text(),
	    .rcpts = rcpts, .count = 3 };
	struct err e = { .kind = ERR_NONE };
	bool usable = smtp_client_send(c, &p, &e);

	assert(usable == !c->broken && (usable || e.kind != ERR_NONE));
	for (int i = 0; i < 3; i++) {
		assert(rcpts[i].kind != ERR_NONE || rcpts[i].code / 100 == 2);
		assert(rcpts[i].kind != ERR_PERM || rcpts[i].code / 100 == 5 || !rcpts[i].code);
		assert(rcpts[i].status[0] && memchr(rcpts[i].answer, '\0', sizeof rcpts[i].answer));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct server v = { .stream = { give, hear }, .says = { (const char *)data, n }, .piece = n % 2 ? 5 : 65536 };
	struct smtp_client c;
	struct err e;

	smtp_client_open(&c, &v.stream, "us.test", NULL);
	if (smtp_client_greet(&c, &e) && smtp_client_hello(&c, &e)) {
		if (c.ext & EXT_STARTTLS && smtp_client_start_tls(&c, &e))
			smtp_client_switch(&c, &v.stream);
		for (int i = 0; i < 5 && !c.broken; i++)
			one_message(&c);
		smtp_client_quit(&c);
	}
	smtp_client_close(&c);
	return 0;
}
