/*
 * NAME
 *	posthorn-front - take connections, speak TLS, pump bytes to sessions and back
 * DESCRIPTION
 *	Knows no mail protocol. This file: the start, what the keeper says (front.h), and
 *	the door. front-client.c has a client's life, front-wire.c the sessions' side,
 *	front-crowd.c who goes when places get scarce.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/keeper/front-own.h"
#include "common/os/fd.h"
#include "common/os/log.h"

enum {
	ACCEPT_AT_ONCE	= 32,		/* from one listener before the others' turn */
	PAUSE_MS	= 200,		/* without descriptors: until some are closed */
};

static struct front front;		/* 128 KiB of packets: not for the stack */

/* A keeper that does not listen now will later: then wires_ask() asks again. */
bool front_tell(struct front *f, char verb, uint64_t n)
{
	packet_begin(&f->packet, verb);
	packet_put_u64(&f->packet, n);
	if (packet_send(f->self.keeper, &f->packet, NULL))
		return true;
	loop_want(f->keeper_io, LOOP_READ | LOOP_WRITE);
	return false;
}

static size_t share(uint64_t of_all, uint64_t fronts)
{
	return (size_t)(fronts ? (of_all + fronts - 1) / fronts : of_all);
}

/* --- the door --- */

static bool worth_a_line(unsigned n)
{
	while (n >= 10 && n % 10 == 0)
		n /= 10;
	return n == 1;
}

void front_log_refusal(const struct listener *l, const struct address *who, const char *why, unsigned nth)
{
	char ip[ADDRESS_TEXT];

	if (!worth_a_line(nth))
		return;
	address_print(who, ip);
	log_info("refused peer=%s service=%s why=\"%s\" times=%u", ip, l->name, why, nth);
}

/* Not let in. Words only where they are understood: to TLS they would be wrong bytes. */
static void turn_away(const struct listener *l, int fd, const struct address *who, const char *why, unsigned nth)
{
	ssize_t ignored = 0;

	if (!(l->flags & FRONT_TLS))
		ignored = send(fd, l->refusal, strlen(l->refusal), MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)ignored;
	close(fd);
	front_log_refusal(l, who, why, nth);
}

/*
 * Its address and network first, so that one alone can push nobody out; then, when all places
 * are taken, a stranger who has been silent for longest makes room.
 */
static void admit(struct listener *l, int fd, const struct sockaddr_storage *sa)
{
	static unsigned full;		/* so often in a row, for the log */
	struct peers_seat seat = PEERS_NOWHERE;
	struct front *f = l->front;
	struct address who = { 0 };
	const struct limit *against;
	unsigned port = 0;

	address_from_sockaddr(sa, &who, &port);
	if (l->flags & FRONT_PROXY && !proxy_is_known(f, &who)) {
		turn_away(l, fd, &who, "it is none of the proxies in [proxy] networks", 1);
		return;
	}
	against = l->flags & FRONT_PROXY ? NULL : crowd_door(f, &who);
	if (against) {
		turn_away(l, fd, &who, against->words, peers_turned_away(f->peers, &who, clock_wall()));
		return;
	}
	if (!crowd_make_room(f)) {
		turn_away(l, fd, &who, f->clients >= f->clients_max ? "connections-max reached" :
		    "strangers-max reached", ++full);
		return;
	}
	full = 0;
	seat.stranger = !crowd_trusts(f, &who);
	if (f->peers && seat.stranger && !(l->flags & FRONT_PROXY))
		seat = peers_enter(f->peers, &who, clock_wall());
	client_welcome(l, fd, &who, port, seat);
	crowd_look(f);
}

static void listen_all(struct front *f, bool yes)
{
	for (size_t i = 0; i < f->listener_count; i++)
		loop_want(f->listeners[i].io, yes ? LOOP_READ : 0);
}

static void after_pause(void *arg)
{
	struct front *f = arg;

	f->pause_timer = NULL;
	if (!f->stopping)
		listen_all(f, true);
}

/* Out of descriptors or memory: the listener would stay ready and we would spin. */
static void pause_accepting(struct front *f)
{
	log_warn("cannot accept a connection: %s", strerror(errno));
	listen_all(f, false);
	if (!f->pause_timer)
		f->pause_timer = loop_at(f->loop, clock_ms() + PAUSE_MS, after_pause, f);
}

static void on_listener(void *arg, unsigned ready)
{
	struct listener *l = arg;

	(void)ready;
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage sa = { 0 };
		socklen_t n = sizeof sa;
		int fd = accept4(l->fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(l, fd, &sa);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(l->front);
		return;		/* nobody there, or somebody who left at once */
	}
}

/* --- what the keeper says --- */

static void take_peers(struct front *f)
{
	int fd = packet_take_fd(&f->packet);
	struct err e;

	if (fd < 0 || f->peers)
		return;
	f->peers = peers_map(fd, &e);
	close(fd);
	if (f->peers)
		peers_beat(f->peers, clock_wall());
	else
		log_error("nobody counts connections: %s", e.text);
}

static void take_seal_key(struct front *f)
{
	f->seal_key[0] = packet_take_u64(&f->packet);
	f->seal_key[1] = packet_take_u64(&f->packet);
	f->seals = !f->packet.bad;
}

static void take_client_ca(struct front *f)
{
	fd_close(&f->client_ca);
	f->client_ca = packet_take_fd(&f->packet);
}

static bool ask_clients(struct front *f, struct tls_server *s, struct err *e)
{
	bool ok = f->client_ca < 0 || tls_server_ask_clients(s, f->client_ca, e);

	fd_close(&f->client_ca);
	return ok;
}

static bool add_pair(struct tls_server *s, struct packet *p, struct err *e)
{
	int chain = packet_take_fd(p), key = packet_take_fd(p);
	bool ok = chain >= 0 && key >= 0 ? tls_server_add(s, chain, key, e) :
	    err_perm(e, "5.3.5", "the keeper sent no certificate or no key");

	fd_close(&chain);
	fd_close(&key);
	return ok;
}

/* With a bad pair the old one stays; without an old one we are of no use, and a daemon that is starting ends. */
static void take_certificate(struct front *f)
{
	struct err e;
	struct tls_server *s = tls_server_new(f->self.conf.tls_min, &e);

	if (!s || !ask_clients(f, s, &e) || !add_pair(s, &f->packet, &e)) {
		log_error("cannot use the certificate: %s", e.text);
		if (!f->tls)
			exit(EX_CONFIG);
		tls_server_free(s);
		return;
	}
	if (f->tls)
		log_info("certificate read again");
	tls_server_free(f->tls);
	f->tls = s;
}

static void take_listener(struct front *f)
{
	struct listener *l = &f->listeners[f->listener_count];
	struct packet *p = &f->packet;

	if (f->listener_count == LISTENERS_MAX) {
		log_error("more than %d listeners, the others are left out", LISTENERS_MAX);
		return;
	}
	*l = (struct listener){ .front = f };
	packet_take_copy(p, l->name, sizeof l->name);
	l->flags = (unsigned)packet_take_u64(p);
	packet_take_copy(p, l->alpn, sizeof l->alpn);
	packet_take_copy(p, l->refusal, sizeof l->refusal);
	l->fd = packet_take_fd(p);
	if (p->bad) {
		fd_close(&l->fd);
		log_error("the keeper sent a listener that we do not understand");
		return;
	}
	l->io = loop_add(f->loop, l->fd, 0, on_listener, l);
	f->listener_count++;
}

static void go(struct front *f)
{
	f->wires_max = share(packet_take_u64(&f->packet), f->self.conf.fronts);
	listen_all(f, true);
	wires_ask(f);
	packet_begin(&f->packet, 'G');
	packet_send(f->self.keeper, &f->packet, NULL);
}

static void take_wire(struct front *f)
{
	int fd = packet_take_fd(&f->packet);

	if (fd >= 0)
		wire_add(f, fd);
}

static void on_keeper(void *arg, unsigned ready)
{
	struct front *f = arg;

	if (ready & LOOP_WRITE) {
		loop_want(f->keeper_io, LOOP_READ);
		wires_ask(f);
	}
	switch (packet_recv(f->self.keeper, &f->packet, 0)) {
	case PACKET_OK:
		break;
	case PACKET_LATE:
		return;
	default:
		loop_stop(f->loop);	/* nobody needs us any more */
		return;
	}
	switch (f->packet.verb) {
	case 'p': take_peers(f); break;
	case 's': take_seal_key(f); break;
	case 'a': take_client_ca(f); break;
	case 'k': take_certificate(f); break;
	case 'l': take_listener(f); break;
	case 'g': go(f); break;
	case 'w': take_wire(f); return;	/* the packet may be another one by now */
	default: log_error("the keeper said %c, which we do not know", f->packet.verb);
	}
	packet_drop_fds(&f->packet);
}

/* --- start and stop --- */

static void on_beat(void *arg)
{
	struct front *f = arg;

	if (f->peers)
		peers_beat(f->peers, clock_wall());
	loop_at(f->loop, clock_in(PEERS_SILENT / 4), on_beat, f);
}

static void on_last_call(void *arg)
{
	struct front *f = arg;

	log_info("stopping with %zu clients left", f->clients);
	loop_stop(f->loop);
}

static void on_term(void *arg, int signo)
{
	struct front *f = arg;

	(void)signo;
	if (f->stopping)
		return;
	f->stopping = true;
	listen_all(f, false);
	for (size_t i = 0; i < f->listener_count; i++)
		close(f->listeners[i].fd);
	while (f->first_waiting)
		client_refuse(f->first_waiting);
	wires_close_idle(f);
	if (f->clients)
		loop_at(f->loop, clock_in(STOP_S), on_last_call, f);
	else
		loop_stop(f->loop);
}

int main(int argc, char **argv)
{
	struct front *f = &front;
	struct conf *conf = &f->self.conf;
	struct err e;

	f->client_ca = -1;
	role_begin(&f->self, ROLE_FRONT, argc, argv);
	if (!tls_prepare(&e)) {
		log_error("%s", e.text);
		return 70;
	}
	f->loop = loop_new();
	loop_on_signal(f->loop, SIGTERM, on_term, f);
	loop_on_signal(f->loop, SIGINT, on_term, f);
	role_jail(&f->self);
	f->clients_max = share(conf->connections_max, conf->fronts);
	f->strangers_max = share(conf->strangers_max, conf->fronts);
	f->spare = share(conf->sessions_spare, conf->fronts);
	fd_set_blocking(f->self.keeper, false);	/* it waits for us now and then: never both */
	f->keeper_io = loop_add(f->loop, f->self.keeper, LOOP_READ, on_keeper, f);
	loop_at(f->loop, clock_in(PEERS_SILENT / 4), on_beat, f);
	loop_run(f->loop);
	peers_unmap(f->peers);
	return 0;
}
