/* Packets between our own processes. See packet.h. */
#include "common/io/packet.h"

#include <errno.h>
#include <unistd.h>

void packet_begin(struct packet *p, char verb)
{
	p->verb = verb;
	p->bad = false;
	p->buf[0] = verb;
	p->n = p->at = 1;
	for (int i = 0; i < FD_PASS_MAX; i++)
		p->fds[i] = -1;
}

void packet_put(struct packet *p, struct span field)
{
	uint32_t n = (uint32_t)field.n;

	if (p->bad || field.n > PACKET_MAX || field.n + sizeof n > PACKET_MAX - p->n) {
		p->bad = true;
		return;
	}
	memcpy(p->buf + p->n, &n, sizeof n);
	p->n += sizeof n;
	if (field.n)
		memcpy(p->buf + p->n, field.p, field.n);
	p->n += field.n;
}

void packet_put_text(struct packet *p, const char *text)
{
	packet_put(p, span_of(text));
}

void packet_put_u64(struct packet *p, uint64_t v)
{
	char bytes[sizeof v];

	memcpy(bytes, &v, sizeof v);
	packet_put(p, (struct span){ bytes, sizeof v });
}

void packet_put_fd(struct packet *p, int fd)
{
	for (int i = 0; i < FD_PASS_MAX; i++) {
		if (p->fds[i] < 0) {
			p->fds[i] = fd;
			return;
		}
	}
	p->bad = true;
}

void packet_put_err(struct packet *p, const struct err *e)
{
	packet_put_u64(p, e->kind == ERR_PERM ? ERR_PERM : ERR_TEMP);
	packet_put_text(p, e->status);
	packet_put_text(p, e->text);
}

struct span packet_take(struct packet *p)
{
	struct span field = { "", 0 };
	uint32_t n;

	if (p->bad || p->n - p->at < sizeof n) {
		p->bad = true;
		return field;
	}
	memcpy(&n, p->buf + p->at, sizeof n);
	if (n > p->n - p->at - sizeof n) {
		p->bad = true;
		return field;
	}
	field = (struct span){ p->buf + p->at + sizeof n, n };
	p->at += sizeof n + n;
	return field;
}

bool packet_take_copy(struct packet *p, char *buf, size_t size)
{
	if (!span_copy(packet_take(p), buf, size))
		p->bad = true;
	return !p->bad;
}

uint64_t packet_take_u64(struct packet *p)
{
	struct span field = packet_take(p);
	uint64_t v = 0;

	if (field.n == sizeof v)
		memcpy(&v, field.p, sizeof v);
	else
		p->bad = true;
	return v;
}

int packet_take_fd(struct packet *p)
{
	for (int i = 0; i < FD_PASS_MAX; i++) {
		int fd = p->fds[i];

		p->fds[i] = -1;
		if (fd >= 0)
			return fd;
	}
	p->bad = true;
	return -1;
}

void packet_take_err(struct packet *p, struct err *e)
{
	struct err got = { 0 };

	got.kind = packet_take_u64(p) == ERR_PERM ? ERR_PERM : ERR_TEMP;
	packet_take_copy(p, got.status, sizeof got.status);
	packet_take_copy(p, got.text, sizeof got.text);
	if (p->bad)
		err_temp(&got, "4.3.0", "another of our processes answered nonsense");
	if (e)
		*e = got;
}

void packet_drop_fds(struct packet *p)
{
	for (int i = 0; i < FD_PASS_MAX; i++)
		fd_close(&p->fds[i]);
}

bool packet_send(int sock, const struct packet *p, struct err *e)
{
	size_t fds = 0;

	if (p->bad)
		return err_temp(e, "4.3.0", "what we wanted to say to another process is too long");
	while (fds < FD_PASS_MAX && p->fds[fds] >= 0)
		fds++;
	return fd_send(sock, p->buf, p->n, p->fds, fds, e);
}

enum packet_got packet_recv(int sock, struct packet *p, ms_t until)
{
	ssize_t n;

	if (until != MS_NEVER && !fd_wait_read(sock, until))
		return PACKET_LATE;
	n = fd_recv(sock, p->buf, sizeof p->buf, p->fds, 0);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return PACKET_END;
	if (n < 0)
		return errno == EAGAIN ? PACKET_LATE : PACKET_TROUBLE;
	p->verb = p->buf[0];
	p->bad = false;
	p->n = (size_t)n;
	p->at = 1;
	return PACKET_OK;
}

bool packet_ask(int sock, struct packet *p, ms_t until, struct err *e)
{
	if (!packet_send(sock, p, e))
		return false;
	switch (packet_recv(sock, p, until)) {
	case PACKET_OK:
		return true;
	case PACKET_LATE:
		return err_temp(e, "4.3.0", "another of our processes did not answer in time");
	default:
		return err_temp(e, "4.3.0", "another of our processes is not there");
	}
}
