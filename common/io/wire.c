/* The session's end of a wire. See wire.h. */
#include "common/io/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/os/fd.h"

enum { SMALL = 4096, PATIENCE_MS = 100 };

static void drop_buffer(struct wire *w)
{
	if (w->buf)
		explicit_bzero(w->buf, w->used);
	free(w->buf);
	w->buf = NULL;
	w->at = w->n = w->used = 0;
}

/* Who waits for long does it without a buffer that large packets have filled. */
static bool wait_for_packet(struct wire *w, ms_t until)
{
	ms_t soon = clock_ms() + PATIENCE_MS;

	if (w->used <= SMALL || until <= soon)
		return fd_wait_read(w->fd, until);
	if (fd_wait_read(w->fd, soon))
		return true;
	drop_buffer(w);
	return fd_wait_read(w->fd, until);
}

/* Receive one packet into the buffer: its bytes, 0 for the end of the wire, -1 errno. */
static ssize_t next_packet(struct wire *w, ms_t until)
{
	int fds[FD_PASS_MAX];
	ssize_t n;

	if (!wait_for_packet(w, until)) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (!w->buf)
		w->buf = mem_more(NULL, WIRE_MAX, 1);
	n = fd_recv(w->fd, w->buf, WIRE_MAX, fds, 0);
	for (int i = 0; i < FD_PASS_MAX; i++)
		fd_close(&fds[i]);
	if (n > 0 && (size_t)n > w->used)
		w->used = (size_t)n;
	return n;
}

static ssize_t take(struct wire *w, void *buf, size_t n)
{
	if (n > w->n - w->at)
		n = w->n - w->at;
	memcpy(buf, w->buf + w->at, n);
	w->at += n;
	return (ssize_t)n;
}

/* Is this the client's words? Then at is where they begin. */
static bool has_words(struct wire *w)
{
	bool limited = w->n > 1 && w->buf[0] == 'L';

	w->over = limited ? (unsigned char)w->buf[1] : 0;
	w->at = limited ? 2 : 1;
	return limited || (w->n && w->buf[0] == 'D');
}

static ssize_t wire_read(struct stream *s, void *buf, size_t n, ms_t until)
{
	struct wire *w = (struct wire *)s;

	while (w->at == w->n) {
		ssize_t got;

		if (w->ended)
			return 0;
		got = next_packet(w, until);
		if (got < 0)
			return -1;
		w->n = (size_t)got;
		if (!has_words(w)) {
			w->at = w->n = 0;
			w->ended = true;	/* 'E', or a front that talks nonsense */
			return 0;
		}
	}
	return take(w, buf, n);
}

static bool anything_to_count(const struct wire *w)
{
	static const uint8_t nothing[WIRE_COUNTS];

	return w->marks != w->told || memcmp(w->counts, nothing, sizeof nothing) != 0;
}

/* What goes in front of bytes for the client; returns how much that is. */
static size_t words_head(struct wire *w, char head[WIRE_HEAD_MAX])
{
	if (!anything_to_count(w)) {
		head[0] = 'D';
		return 1;
	}
	head[0] = 'C';
	head[1] = (char)w->marks;
	memcpy(head + 2, w->counts, WIRE_COUNTS);
	memset(w->counts, 0, sizeof w->counts);
	w->told = w->marks;
	return WIRE_HEAD_MAX;
}

/* There is room mostly, so try first and wait then. */
static bool send_packet(struct wire *w, struct span head, struct span bytes, ms_t until, struct err *e)
{
	struct iovec parts[] = { { (void *)(uintptr_t)head.p, head.n },
		{ (void *)(uintptr_t)bytes.p, bytes.n } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = bytes.n ? 2 : 1 };

	while (sendmsg(w->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EINTR && errno != EAGAIN)
			return err_temp(e, "4.4.2", "the connection is gone");
		if (errno == EAGAIN && !fd_wait_write(w->fd, until))
			return err_temp(e, "4.4.2", "the client does not read");
	}
	return true;
}

static bool send_kind(struct wire *w, char kind, struct span bytes, ms_t until, struct err *e)
{
	return send_packet(w, (struct span){ &kind, 1 }, bytes, until, e);
}

static bool send_words(struct wire *w, struct span bytes, ms_t until, struct err *e)
{
	char head[WIRE_HEAD_MAX];
	size_t n = words_head(w, head);

	return send_packet(w, (struct span){ head, n }, bytes, until, e);
}

static bool wire_write(struct stream *s, struct span bytes, ms_t until, struct err *e)
{
	struct wire *w = (struct wire *)s;

	if (w->hold) {
		str_add(&w->held, bytes);
		return !w->held.over || err_temp(e, "4.3.0", "too much to say before TLS");
	}
	while (bytes.n) {
		if (!send_words(w, span_take(&bytes, WIRE_MAX - WIRE_HEAD_MAX), until, e))
			return false;
	}
	return true;
}

void wire_init(struct wire *w, int fd)
{
	*w = (struct wire){ .stream = { wire_read, wire_write }, .fd = fd, .held = STR(WIRE_MAX - 1) };
}

void wire_reset(struct wire *w)
{
	drop_buffer(w);
	w->hold = false;
	str_free(&w->held);
}

static bool eat_word(struct span *in, char *buf, size_t size)
{
	struct span word = span_word(in);

	return word.n && span_copy(word, buf, size);
}

static bool eat_port(struct span *in, unsigned *port)
{
	uint64_t v;

	if (!span_u64(span_word(in), 65535, &v))
		return false;
	*port = (unsigned)v;
	return true;
}

/* The last such word is the front's: what comes before may be a name that the client chose. */
static bool cut_seal(struct span *text, struct wire_peer *peer)
{
	const struct span mark = SPAN(WIRE_SEAL);
	struct span rest = *text;
	ptrdiff_t at = -1, next;
	size_t skipped = 0;

	while ((next = span_search(rest, mark)) >= 0) {
		at = (ptrdiff_t)skipped + next;
		skipped = (size_t)at + mark.n;
		rest = span_from(*text, skipped);
	}
	peer->seal[0] = '\0';
	if (at < 0)
		return true;
	rest = span_from(*text, (size_t)at + mark.n);
	*text = span_to(*text, (size_t)at);
	return span_copy(rest, peer->seal, sizeof peer->seal);
}

bool wire_peer_parse(struct span text, struct wire_peer *peer)
{
	struct wire_peer got = { .tls = false };

	if (!eat_word(&text, got.ip, sizeof got.ip) || !eat_port(&text, &got.port) ||
	    !eat_word(&text, got.local_ip, sizeof got.local_ip) ||
	    !eat_port(&text, &got.local_port) || !eat_word(&text, got.service, sizeof got.service))
		return false;
	text = span_trim(text);
	if (text.n) {
		if (!span_eat(&text, "tls "))
			return false;
		got.tls = true;
		if (!cut_seal(&text, &got) || !span_copy(text, got.tls_text, sizeof got.tls_text))
			return false;
	}
	*peer = got;
	return true;
}

void wire_peer_print(const struct wire_peer *peer, struct str *out)
{
	str_addf(out, "%s %u %s %u %s%s%s", peer->ip, peer->port, peer->local_ip, peer->local_port,
	    peer->service, peer->tls ? " tls " : "", peer->tls_text);
}

bool wire_accept(struct wire *w, ms_t until, struct err *e)
{
	ssize_t n;

	w->ended = false;
	w->at = w->n = 0;
	w->over = w->marks = w->told = 0;
	memset(w->counts, 0, sizeof w->counts);
	do {
		n = next_packet(w, until);
		if (n <= 0)
			return err_temp(e, "4.3.0", "the front is gone");
	} while (w->buf[0] != 'P');	/* late words of the client before */
	if (!wire_peer_parse((struct span){ w->buf + 1, (size_t)n - 1 }, &w->peer))
		return err_temp(e, "4.3.0", "the front named a client that cannot be");
	return true;
}

void wire_hold(struct wire *w)
{
	w->hold = true;
}

static bool take_tls(struct wire *w, struct span text)
{
	return cut_seal(&text, &w->peer) &&
	    span_copy(text, w->peer.tls_text, sizeof w->peer.tls_text);
}

bool wire_start_tls(struct wire *w, ms_t until, struct err *e)
{
	bool sent = send_kind(w, 'T', str_span(&w->held), until, e);

	w->hold = false;
	str_free(&w->held);
	if (!sent)
		return false;
	w->at = w->n = 0;
	for (;;) {
		ssize_t n = next_packet(w, until);

		if (n <= 0 || w->buf[0] == 'E')
			return err_temp(e, "4.7.0", "the client left during the TLS handshake");
		if (w->buf[0] == 'T' && n == 1)
			return err_temp(e, "4.7.0", "the TLS handshake failed");
		if (w->buf[0] != 'T')
			continue;		/* said in the clear: it never was */
		if (!take_tls(w, (struct span){ w->buf + 1, (size_t)n - 1 }))
			return err_temp(e, "4.7.0", "the front named a TLS that cannot be");
		w->peer.tls = true;
		return true;
	}
}

void wire_count(struct wire *w, enum wire_over what)
{
	if (what < WIRE_COUNTS && w->counts[what] < UINT8_MAX)
		w->counts[what]++;
}

void wire_mark(struct wire *w, enum wire_mark mark, bool yes)
{
	w->marks = (uint8_t)(yes ? w->marks | mark : w->marks & ~mark);
}

void wire_known(struct wire *w)
{
	wire_mark(w, WIRE_KNOWN, true);
	send_words(w, SPAN(""), clock_in(10), NULL);
}

void wire_close(struct wire *w)
{
	if (anything_to_count(w))
		send_words(w, SPAN(""), clock_in(10), NULL);
	send_kind(w, 'Q', SPAN(""), clock_in(10), NULL);
}

void wire_ready(struct wire *w)
{
	wire_reset(w);
	send_kind(w, 'R', SPAN(""), clock_in(10), NULL);
}
