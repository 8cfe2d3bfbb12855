/*
 * Clients that come through a proxy: their first bytes are the proxy's, and say who they
 * are. See front-own.h and net/proxy.h. From then on they are counted and limited as
 * themselves. A proxy that speaks for itself (a health check) is a client as any other.
 */
#include <errno.h>
#include <sys/socket.h>

#include "common/keeper/front-own.h"
#include "common/net/proxy.h"
#include "common/os/log.h"

bool proxy_is_known(const struct front *f, const struct address *who)
{
	const struct conf_list *networks = &f->self.conf.proxy_networks;

	return networks_have(networks->words, networks->count, who);
}

/* Wake us when there are more bytes than that: until then there is nothing new to look at. */
static void wait_beyond(struct client *c, size_t n)
{
	int low = (int)n + 1;

	setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
	c->peeked = (uint16_t)n;
}

static void fail(struct client *c, const char *why)
{
	char ip[ADDRESS_TEXT];

	address_print(&c->who, ip);
	log_warn("proxy-failed peer=%s service=%s why=\"%s\"", ip, c->from->name, why);
	client_drop(c);
}

/* The client's seat, instead of none for the proxy. */
static void take_seat(struct client *c)
{
	struct front *f = c->front;

	crowd_leave(c);
	f->strangers -= c->stranger;
	c->stranger = !crowd_trusts(f, &c->who);
	f->strangers += c->stranger;
	if (f->peers && c->stranger)
		c->seat = peers_enter(f->peers, &c->who, clock_wall());
}

static void named(struct client *c, const struct proxy_client *said)
{
	struct front *f = c->front;
	const struct limit *against;

	c->who = said->who;
	c->port = (uint16_t)said->port;
	c->here = said->here;
	c->here_port = (uint16_t)said->here_port;
	against = crowd_door(f, &c->who);
	if (against) {
		front_log_refusal(c->from, &c->who, against->words,
		    peers_turned_away(f->peers, &c->who, clock_wall()));
		client_refuse(c);
		return;
	}
	take_seat(c);
	client_begin(c);
}

static void header_is_there(struct client *c, const struct proxy_client *said, size_t used)
{
	if (recv(c->fd, c->front->scratch, used, MSG_DONTWAIT) != (ssize_t)used) {
		fail(c, "it hung up");
		return;
	}
	wait_beyond(c, 0);
	c->want = 0;
	loop_want(c->io, 0);
	if (said->named)
		named(c, said);
	else
		client_begin(c);
}

void proxy_read(struct client *c)
{
	char *buf = c->front->scratch;
	ssize_t n = recv(c->fd, buf, PROXY_MAX, MSG_PEEK | MSG_DONTWAIT);
	struct proxy_client said;
	size_t used;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || (size_t)n == c->peeked) {
		fail(c, "it hung up before its header was whole");
		return;
	}
	switch (proxy_parse((struct span){ buf, (size_t)n }, &said, &used)) {
	case PROXY_DONE:
		header_is_there(c, &said, used);
		break;
	case PROXY_MORE:
		wait_beyond(c, (size_t)n);
		break;
	case PROXY_NONE:
		fail(c, "that is no PROXY header");
		break;
	}
}
