/* Wires to sessions: who waits for whom, and what goes through. See front-own.h. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/keeper/front-own.h"
#include "common/os/log.h"

enum {
	PACKETS_AT_ONCE	= 8,		/* from one wire before the others' turn */
	SHORT_PACKET	= 16384,	/* behind a shorter one there is seldom more: do not look */
};

static void drop_held(struct wire_end *w)
{
	if (w->held)
		explicit_bzero(w->held, w->held_n);
	free(w->held);
	w->held = NULL;
}

/* --- the pool --- */

/* Wires that end or get ready will soon do for who waits: they are counted. */
static void become(struct wire_end *w, enum wire_state state)
{
	struct front *f = w->front;

	f->ending -= w->state == WIRE_ALONE || w->state == WIRE_DONE;
	f->ending += state == WIRE_ALONE || state == WIRE_DONE;
	w->state = (uint8_t)state;
}

static void idle_take(struct wire_end *w)
{
	struct front *f = w->front;

	if (w->before)
		w->before->next = w->next;
	else
		f->idle = w->next;
	if (w->next)
		w->next->before = w->before;
	w->next = w->before = NULL;
	f->idle_count--;
}

static void idle_put(struct wire_end *w)
{
	struct front *f = w->front;

	become(w, WIRE_IDLE);
	w->before = NULL;
	w->next = f->idle;
	if (f->idle)
		f->idle->before = w;
	f->idle = w;
	f->idle_count++;
}

static void wire_free(struct wire_end *w)
{
	if (w->state == WIRE_IDLE)
		idle_take(w);
	become(w, WIRE_BUSY);
	w->front->wires--;
	loop_remove(w->io);
	loop_cancel(w->timer);
	drop_held(w);
	close(w->fd);
	free(w);
}

void wires_close_idle(struct front *f)
{
	while (f->idle)
		wire_free(f->idle);
}

/*
 * Spare ones, and one for each who waits, but never more on order than would be useful
 * when all who wait have given up.
 */
void wires_ask(struct front *f)
{
	size_t want = f->spare + (f->waiting < f->spare ? f->waiting : f->spare);

	if (f->stopping || !f->listener_count || f->idle_count + f->owed >= want)
		return;
	want -= f->idle_count + f->owed;
	if (front_tell(f, 'W', want))
		f->owed += want;
}

static void wire_timeout(void *arg)
{
	struct wire_end *w = arg;
	struct front *f = w->front;

	w->timer = NULL;
	log_warn("a session did not end after its client, closing its wire");
	wire_free(w);
	wires_ask(f);
}

static void set_deadline(struct wire_end *w, int seconds)
{
	loop_cancel(w->timer);
	w->timer = seconds ? loop_at(w->front->loop, clock_in(seconds), wire_timeout, w) : NULL;
}

/* --- the queue of clients without a session --- */

void queue_leave(struct client *c)
{
	struct front *f = c->front;

	if (c->before)
		c->before->next = c->next;
	else
		f->first_waiting = c->next;
	if (c->next)
		c->next->before = c->before;
	else
		f->last_waiting = c->before;
	c->next = c->before = NULL;
	f->waiting--;
	if (f->waiting || !f->busy_told)
		return;
	f->busy_told = false;
	front_tell(f, 'B', 0);
}

static void still_busy(void *arg)
{
	struct front *f = arg;

	f->busy_timer = NULL;
	if (!f->waiting || f->busy_told)
		return;
	f->busy_told = true;
	front_tell(f, 'B', f->waiting);
}

static void queue_join(struct client *c)
{
	struct front *f = c->front;

	c->before = f->last_waiting;
	if (f->last_waiting)
		f->last_waiting->next = c;
	else
		f->first_waiting = c;
	f->last_waiting = c;
	f->waiting++;
	if (!f->busy_timer && !f->busy_told)
		f->busy_timer = loop_at(f->loop, clock_ms() + BUSY_MS, still_busy, f);
}

bool wire_find(struct client *c)
{
	struct wire_end *w = c->front->idle;
	bool found = w != NULL;

	if (found) {
		idle_take(w);
		become(w, WIRE_BUSY);
		w->client = c;
		client_serve(c, w);
	} else {
		queue_join(c);
		crowd_look(c->front);
	}
	wires_ask(found ? w->front : c->front);
	return found;
}

/*
 * Who waits longest and has not hung up without a word. In a crowd who came last: a
 * thousand that were here before it may do nothing but wait.
 */
static struct client *next_waiting(struct front *f)
{
	bool last = f->waiting > LIFO_FROM || (f->wires_max && f->wires >= f->wires_max);
	struct client *c;
	char byte;

	while ((c = last ? f->last_waiting : f->first_waiting) &&
	    recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		client_drop(c);
	return c;
}

/* A session is ready: for a client, or to wait itself; too many go home. */
static void make_ready(struct wire_end *w)
{
	struct front *f = w->front;
	struct client *c = next_waiting(f);

	set_deadline(w, 0);
	if (f->stopping || (!c && f->idle_count >= 2 * f->spare)) {
		become(w, WIRE_DONE);
		wire_free(w);
		return;
	}
	if (!c) {
		idle_put(w);
		wire_look(w);
		return;
	}
	queue_leave(c);
	become(w, WIRE_BUSY);
	w->client = c;
	client_serve(c, w);
	wires_ask(f);
}

/* --- to the session --- */

/* A reset of the other end shows at reading too, where all that has to be done is done. */
static bool try_send(struct wire_end *w, const void *packet, size_t n)
{
	ssize_t sent = send(w->fd, packet, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	return sent >= 0 || (errno != EAGAIN && errno != ENOBUFS && errno != EINTR);
}

static void send_parts(struct wire_end *w, struct span head, struct span bytes)
{
	struct iovec parts[] = { { (void *)(uintptr_t)head.p, head.n },
		{ (void *)(uintptr_t)bytes.p, bytes.n } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = bytes.n ? 2 : 1 };

	if (sendmsg(w->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
	    (errno != EAGAIN && errno != ENOBUFS))
		return;
	w->held_n = (uint32_t)(head.n + bytes.n);
	w->held = mem_more(NULL, w->held_n, 1);
	memcpy(w->held, head.p, head.n);
	memcpy(w->held + head.n, bytes.p, bytes.n);
	wire_look(w);
}

void wire_send(struct wire_end *w, char kind, struct span bytes)
{
	send_parts(w, (struct span){ &kind, 1 }, bytes);
}

void wire_send_words(struct wire_end *w, unsigned over, struct span bytes)
{
	const char head[] = { over ? 'L' : 'D', (char)over };

	send_parts(w, (struct span){ head, over ? 2 : 1 }, bytes);
}

static void send_end(struct wire_end *w)
{
	if (!w->owes_end || w->held)
		return;
	w->owes_end = !try_send(w, "E", 1);
}

/* The session has room again. */
static void send_held(struct wire_end *w)
{
	if (w->held) {
		if (!try_send(w, w->held, w->held_n))
			return;
		drop_held(w);
	}
	send_end(w);
	if (w->client)
		client_look(w->client);
}

void wire_end_input(struct wire_end *w)
{
	w->owes_end = true;
	send_end(w);
	wire_look(w);
}

void wire_forget_clear_text(struct wire_end *w)
{
	drop_held(w);
	wire_look(w);
}

void wire_leave(struct wire_end *w)
{
	bool told = w->client->ended;	/* it has had its E, or will have */

	w->client = NULL;
	become(w, WIRE_ALONE);
	set_deadline(w, ALONE_S);
	if (told)
		wire_look(w);
	else
		wire_end_input(w);
}

/* --- from the session --- */

static void session_gone(struct wire_end *w)
{
	struct front *f = w->front;
	struct client *c = w->client;

	if (c) {
		w->client = NULL;
		become(w, WIRE_DONE);
		c->wire = NULL;
		client_finish(c);
	}
	wire_free(w);
	wires_ask(f);
	crowd_look(f);
}

/* Q: the client is not its client any more. */
static void session_done(struct wire_end *w)
{
	struct client *c = w->client;

	w->client = NULL;
	become(w, WIRE_DONE);
	w->owes_end = false;
	drop_held(w);
	set_deadline(w, DONE_S);
	if (!c)
		return;
	c->wire = NULL;
	client_finish(c);
}

/* C: what there is to count, then words. Nobody but its own client can be counted by a session. */
static bool take_counts(struct wire_end *w, struct span in)
{
	static const enum tally what[WIRE_COUNTS] = {
		[WIRE_MESSAGES] = TALLY_MESSAGES, [WIRE_RCPTS] = TALLY_RCPTS,
		[WIRE_REFUSALS] = TALLY_REFUSALS, [WIRE_ERRORS] = TALLY_ERRORS,
	};
	struct peers *peers = w->front->peers;
	struct span bytes = span_from(in, WIRE_HEAD_MAX);

	if (in.n < WIRE_HEAD_MAX || w->state == WIRE_IDLE)
		return false;
	for (int i = 0; i < WIRE_COUNTS && peers && w->counted && w->state != WIRE_DONE; i++)
		peers_count(peers, &w->who, what[i], (unsigned char)in.p[2 + i], clock_wall());
	if (w->state != WIRE_BUSY)
		return true;
	crowd_marks(w->client, (unsigned char)in.p[1]);
	if (bytes.n)
		client_say(w->client, bytes);
	return true;
}

/* One packet that the session sent. False: w is gone, or nonsense and to be gone. */
static bool take_packet(struct wire_end *w, struct span in)
{
	struct span bytes = span_from(in, 1);
	bool busy = w->state == WIRE_BUSY;

	switch (*in.p) {
	case 'D':
		if (busy)
			client_say(w->client, bytes);
		return w->state != WIRE_IDLE;
	case 'C':
		return take_counts(w, in);
	case 'T':
		if (busy && bytes.n)
			client_say(w->client, bytes);
		if (busy && w->client)
			client_start_tls(w->client);
		return w->state != WIRE_IDLE;
	case 'Q':
		if (!busy && w->state != WIRE_ALONE)
			return false;
		session_done(w);
		return true;
	case 'R':
		if (w->state == WIRE_DONE)
			make_ready(w);		/* may free it: the caller looks no more */
		return false;
	default:
		return false;
	}
}

/* May this wire be read now? Not while its client is full or shakes hands. */
static bool is_open(const struct wire_end *w)
{
	return !w->client || (!w->client->held && w->client->state == CLIENT_TALKING);
}

static void read_wire(struct wire_end *w)
{
	for (int i = 0; i < PACKETS_AT_ONCE && is_open(w); i++) {
		char *buf = w->front->scratch;
		ssize_t n = recv(w->fd, buf, sizeof w->front->scratch, MSG_DONTWAIT);
		bool ready = n == 1 && *buf == 'R' && w->state == WIRE_DONE;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0 && take_packet(w, (struct span){ buf, (size_t)n })) {
			if (n < SHORT_PACKET)
				return;
			continue;
		}
		if (!ready)
			session_gone(w);
		return;
	}
}

static void on_wire(void *arg, unsigned ready)
{
	struct wire_end *w = arg;

	if (ready & LOOP_WRITE && (w->held || w->owes_end)) {
		send_held(w);
		wire_look(w);
	}
	if (ready & LOOP_READ && is_open(w))
		read_wire(w);
}

void wire_look(struct wire_end *w)
{
	unsigned want = (is_open(w) ? LOOP_READ : 0u) | (w->held || w->owes_end ? LOOP_WRITE : 0u);

	if (want == w->want)
		return;
	w->want = (uint8_t)want;
	loop_want(w->io, want);
}

void wire_add(struct front *f, int fd)
{
	struct wire_end *w = mem_get(sizeof *w);

	if (f->owed)
		f->owed--;
	w->front = f;
	w->fd = fd;
	w->state = WIRE_BUSY;
	f->wires++;
	become(w, WIRE_DONE);
	w->want = LOOP_READ;
	w->io = loop_add(f->loop, fd, LOOP_READ, on_wire, w);
	make_ready(w);
}
