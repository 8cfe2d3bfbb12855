/* One client from accept to close: TLS, and bytes both ways. See front-own.h. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/keeper/front-own.h"
#include "common/os/log.h"

enum { RECORD_MAX = 16384 };		/* a TLS record's content, RFC 8446 5.1 */

/* It is over, whatever was still to be said. What the client said before goes on to its session. */
void client_drop(struct client *c)
{
	struct front *f = c->front;

	if (c->state == CLIENT_WAITING)
		queue_leave(c);
	if (c->wire)
		wire_leave(c->wire);
	crowd_leave(c);
	crowd_marks(c, 0);
	loop_remove(c->io);
	loop_cancel(c->timer);
	tls_conn_free(c->tls);
	close(c->fd);
	if (f->peers)
		peers_leave(f->peers, &c->seat);
	f->strangers -= c->stranger;
	if (c->held)
		explicit_bzero(c->held, c->held_n);
	free(c->held);
	free(c);
	f->clients--;
	if (f->stopping && !f->clients)
		loop_stop(f->loop);
}

void client_look(struct client *c)
{
	unsigned want = c->held ? LOOP_WRITE : 0;

	if (c->state == CLIENT_TALKING && !c->ended && !c->wire->held)
		want |= LOOP_READ;
	if (c->state == CLIENT_LEAVING)
		want |= LOOP_READ;
	if (want == c->want || c->state == CLIENT_SHAKING)
		return;
	c->want = (uint8_t)want;
	loop_want(c->io, want);
}

/* --- deadlines --- */

static void shaken_too_long(struct client *c);

static void client_timeout(void *arg)
{
	struct client *c = arg;

	c->timer = NULL;
	if (c->state == CLIENT_WAITING)
		client_refuse(c);
	else if (c->state == CLIENT_SHAKING)
		shaken_too_long(c);
	else
		client_drop(c);
}

static void enter(struct client *c, enum client_state state, int seconds)
{
	loop_cancel(c->timer);
	c->state = (uint8_t)state;
	crowd_join(c, c->wire && state == CLIENT_TALKING ? SILENT_SESSION : c->wire ? SILENT_CLIENT : SILENT_UNSERVED);
	c->timer = seconds ? loop_at(c->front->loop, clock_in(seconds), client_timeout, c) : NULL;
}

/* --- to the client --- */

/* As much as it has room for; the rest stays in *bytes. False: it is gone. */
static bool give(struct client *c, struct span *bytes)
{
	while (bytes->n) {
		enum tls_step step = TLS_DONE;
		ssize_t n = 0;
		size_t put;

		if (c->tls) {
			step = tls_write(c->tls, *bytes, &put);
			n = (ssize_t)put;
		} else {
			n = send(c->fd, bytes->p, bytes->n, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN && errno != EINTR)
				return false;
			step = n < 0 ? TLS_WANT_WRITE : TLS_DONE;
		}
		if (step == TLS_WANT_WRITE || step == TLS_WANT_READ)
			return true;
		if (step != TLS_DONE)
			return false;
		*bytes = span_from(*bytes, (size_t)n);
	}
	return true;
}

/* All is said: goodbye, and wait a moment for the client to hang up, so that the kernel
   does not throw our last words away with a reset. */
static void say_goodbye(struct client *c)
{
	if (c->tls)
		tls_goodbye(c->tls);
	shutdown(c->fd, SHUT_WR);
	if (c->ended) {
		client_drop(c);
		return;
	}
	enter(c, CLIENT_LEAVING, LEAVE_S);
	client_look(c);
}

static void hold(struct client *c, struct span bytes)
{
	c->held = mem_more(NULL, bytes.n, 1);
	memcpy(c->held, bytes.p, bytes.n);
	c->held_n = (uint32_t)bytes.n;
	c->held_at = 0;
	if (c->wire)
		wire_look(c->wire);
	client_look(c);
}

/* Nothing is held when this is called: a wire with a full client is not read. */
void client_say(struct client *c, struct span bytes)
{
	crowd_join(c, SILENT_CLIENT);
	if (!give(c, &bytes))
		client_drop(c);
	else if (bytes.n)
		hold(c, bytes);
}

static void give_held(struct client *c)
{
	struct span rest = { c->held + c->held_at, c->held_n - c->held_at };

	if (!give(c, &rest)) {
		client_drop(c);
		return;
	}
	c->held_at = c->held_n - (uint32_t)rest.n;
	if (rest.n)
		return;
	explicit_bzero(c->held, c->held_n);
	free(c->held);
	c->held = NULL;
	if (c->state == CLIENT_CLOSING) {
		say_goodbye(c);
		return;
	}
	client_look(c);
	if (c->wire)
		wire_look(c->wire);
}

void client_finish(struct client *c)
{
	crowd_marks(c, 0);
	if (c->state == CLIENT_SHAKING) {	/* the session died meanwhile */
		client_drop(c);
		return;
	}
	if (!c->held) {
		say_goodbye(c);
		return;
	}
	enter(c, CLIENT_CLOSING, FLUSH_S);
	client_look(c);
}

static bool understands(const struct client *c)
{
	return c->state == CLIENT_WAITING || c->state == CLIENT_TALKING ||
	    (c->state == CLIENT_NAMING && !(c->from->flags & FRONT_TLS));
}

/* In the middle of a handshake or of other words these would be wrong bytes, so nothing then. */
void client_refuse(struct client *c)
{
	struct span words = span_of(c->from->refusal);

	if (c->held || !understands(c)) {
		client_drop(c);
		return;
	}
	if (c->state == CLIENT_WAITING)
		queue_leave(c);
	if (c->wire)
		wire_leave(c->wire);
	c->wire = NULL;
	c->state = CLIENT_CLOSING;
	if (give(c, &words))
		client_finish(c);
	else
		client_drop(c);
}

/* --- from the client --- */

static void client_ended(struct client *c)
{
	c->ended = true;
	wire_end_input(c->wire);
	client_look(c);
}

/* Decrypt whole records while there is room for another one, so that none stays behind in OpenSSL. */
static enum tls_step read_records(struct client *c, char *buf, size_t size, size_t *n)
{
	enum tls_step step;
	size_t got;

	*n = 0;
	do {
		step = tls_read(c->tls, buf + *n, size - *n, &got);
		*n += got;
	} while (step == TLS_DONE && size - *n >= RECORD_MAX);
	return step;
}

static enum tls_step read_some(struct client *c, char *buf, size_t size, size_t *n)
{
	ssize_t got;

	if (c->tls)
		return read_records(c, buf, size, n);
	got = recv(c->fd, buf, size, MSG_DONTWAIT);
	*n = got > 0 ? (size_t)got : 0;
	if (got > 0)
		return TLS_DONE;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? TLS_WANT_READ : TLS_FAILED;
	return TLS_END;
}

static void read_client(struct client *c)
{
	char *buf = c->front->scratch;
	size_t n;
	enum tls_step step = read_some(c, buf, WIRE_MAX - WIRE_HEAD_MAX, &n);

	if (n) {
		crowd_join(c, SILENT_SESSION);
		wire_send_words(c->wire, crowd_over(c), (struct span){ buf, n });
	}
	if (step == TLS_END)
		client_ended(c);
	else if (step == TLS_FAILED)
		client_drop(c);
	else
		client_look(c);
}

/* It should hang up; what it says instead nobody hears. */
static void read_nothing(struct client *c)
{
	ssize_t n = recv(c->fd, c->front->scratch, sizeof c->front->scratch, MSG_DONTWAIT);

	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	client_drop(c);
}

/* --- TLS --- */

static void log_failure(struct client *c, const char *why)
{
	char ip[ADDRESS_TEXT];

	address_print(&c->who, ip);
	log_info("tls-failed peer=%s service=%s why=\"%s\"", ip, c->from->name, why);
}

/* After STARTTLS the session hears of it; nobody else is there yet after an accept. */
static void shake_failed(struct client *c, const char *why)
{
	log_failure(c, why);
	if (c->wire)
		wire_send(c->wire, 'T', SPAN(""));
	client_drop(c);
}

static void shaken_too_long(struct client *c)
{
	shake_failed(c, "it took too long");
}

/* " seal=...": what an auth helper may rely on, behind what everybody may know. */
static void add_seal(struct client *c, struct str *text)
{
	struct channel channel;

	if (!c->tls || !c->front->seals)
		return;
	tls_channel(c->tls, &channel);
	str_add_text(text, WIRE_SEAL);
	channel_seal(&channel, c->front->seal_key, text);
}

static void tell_tls(struct client *c)
{
	char words[TLS_TEXT];
	struct str text = STR(1024);

	tls_describe(c->tls, words);
	str_add_text(&text, words);
	add_seal(c, &text);
	wire_send(c->wire, 'T', str_span(&text));
	str_free(&text);
}

static void shaken(struct client *c)
{

	if (!c->wire) {
		enter(c, CLIENT_WAITING, (int)c->front->self.conf.greet_timeout);
		c->want = 0;
		loop_want(c->io, 0);
		wire_find(c);
		return;
	}
	enter(c, CLIENT_TALKING, 0);
	tell_tls(c);
	c->want = 0;			/* whatever the handshake wanted */
	loop_want(c->io, 0);
	client_look(c);
	wire_look(c->wire);
}

static void shake(struct client *c)
{
	enum tls_step step = tls_handshake(c->tls);
	char why[200];

	switch (step) {
	case TLS_DONE:
		shaken(c);
		return;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		loop_want(c->io, step == TLS_WANT_READ ? LOOP_READ : LOOP_WRITE);
		return;
	default:
		tls_why(c->tls, why, sizeof why);
		shake_failed(c, why);
	}
}

static bool begin_tls(struct client *c)
{
	if (c->front->tls)
		c->tls = tls_conn_new(c->front->tls, c->fd, c->from->alpn);
	if (!c->tls)
		return false;
	enter(c, CLIENT_SHAKING, HANDSHAKE_S);
	return true;
}

void client_start_tls(struct client *c)
{
	/* All that came before belongs to the conversation in the clear, RFC 3207 4.2. */
	wire_forget_clear_text(c->wire);
	if (c->tls || c->ended || c->held || !begin_tls(c)) {
		wire_send(c->wire, 'T', SPAN(""));
		return;
	}
	wire_look(c->wire);
	shake(c);
}

/* --- the life of it --- */

static void on_client(void *arg, unsigned ready)
{
	struct client *c = arg;

	if (c->state == CLIENT_NAMING)
		proxy_read(c);
	else if (c->state == CLIENT_SHAKING)
		shake(c);
	else if (c->state == CLIENT_LEAVING)
		read_nothing(c);
	else if (ready & LOOP_WRITE && c->held)
		give_held(c);
	else if (ready & LOOP_READ && c->state == CLIENT_TALKING && !c->wire->held && !c->ended)
		read_client(c);
}

void client_serve(struct client *c, struct wire_end *w)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t n = sizeof sa;
	struct wire_peer peer = { .port = c->port, .tls = c->tls != NULL };
	struct address here = { 0 };
	struct str text = STR(2048);

	if (c->here.family) {
		here = c->here;
		peer.local_port = c->here_port;
	} else {
		getsockname(c->fd, (struct sockaddr *)&sa, &n);
		address_from_sockaddr(&sa, &here, &peer.local_port);
	}
	address_print(&c->who, peer.ip);
	address_print(&here, peer.local_ip);
	span_copy(span_of(c->from->name), peer.service, sizeof peer.service);
	if (c->tls)
		tls_describe(c->tls, peer.tls_text);
	wire_peer_print(&peer, &text);
	add_seal(c, &text);
	c->wire = w;
	w->who = c->who;
	w->counted = c->stranger;
	enter(c, CLIENT_TALKING, 0);
	wire_send(w, 'P', str_span(&text));
	str_free(&text);
	wire_look(w);
	client_look(c);
}

void client_name(struct client *c)
{
	enter(c, CLIENT_NAMING, NAMING_S);
	loop_want(c->io, LOOP_READ);
}

void client_begin(struct client *c)
{
	if (c->from->flags & FRONT_TLS) {
		if (begin_tls(c))
			shake(c);
		else
			shake_failed(c, "no usable certificate");
		return;
	}
	enter(c, CLIENT_WAITING, (int)c->front->self.conf.greet_timeout);
	wire_find(c);
}

void client_welcome(struct listener *from, int fd, const struct address *who, unsigned port,
    struct peers_seat seat)
{
	struct front *f = from->front;
	struct client *c = mem_get(sizeof *c);
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->front = f;
	c->from = from;
	c->fd = fd;
	c->who = *who;
	c->port = (uint16_t)port;
	c->seat = seat;
	c->stranger = seat.stranger;
	f->strangers += c->stranger;
	c->state = CLIENT_CLOSING;
	c->io = loop_add(f->loop, fd, 0, on_client, c);
	f->clients++;
	if (from->flags & FRONT_PROXY)
		client_name(c);
	else
		client_begin(c);
}
