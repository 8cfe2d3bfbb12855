/* One connection to another server. See link.h. */
#include "mta/link.h"

#include "common/net/tcp.h"
#include "common/os/log.h"

enum {
	CONNECT_S	= 30,	/* RFC 5321 leaves it open; the kernel alone would take two minutes */
	HANDSHAKE_S	= 60,
	ASK_AFTER_MS	= 1000,	/* a connection idle for longer is asked whether it is still there */
	CARRIED_MAX	= 100,	/* messages over one connection */
};

void link_drop(struct carrier *c)
{
	if (!c->open)
		return;
	smtp_client_close(&c->client);
	tls_stream_close(&c->stream);
	c->open = false;
}

void link_hang_up(struct carrier *c)
{
	if (c->open && !c->client.broken)
		smtp_client_quit(&c->client);
	link_drop(c);
}

static bool connect_to(struct carrier *c, const struct target *t, struct err *e)
{
	int fd;

	if (!tcp_connect(t->ip, t->port, c->self->conf.mta_source_address, clock_in(CONNECT_S), &fd, e))
		return false;
	tls_stream_init(&c->stream, fd);
	smtp_client_open(&c->client, &c->stream.stream, c->self->conf.host_name, NULL);
	c->open = true;
	c->assured = false;
	c->carried = 0;
	snprintf(c->host, sizeof c->host, "%s", t->host->name);
	snprintf(c->ip, sizeof c->ip, "%s", t->ip);
	return smtp_client_greet(&c->client, e) && smtp_client_hello(&c->client, e);
}

enum secured { SECURED, IN_THE_CLEAR, HANDSHAKE_FAILED, BROKEN };

static enum secured start_tls(struct carrier *c, bool verify, struct err *e)
{
	if (!(c->client.ext & EXT_STARTTLS)) {
		err_temp(e, "4.7.4", "%s does not offer STARTTLS", c->host);
		return IN_THE_CLEAR;
	}
	if (!smtp_client_start_tls(&c->client, e))
		return c->client.broken ? BROKEN : IN_THE_CLEAR;
	if (!tls_client_start(c->tls, &c->stream, c->host, verify, clock_in(HANDSHAKE_S), e))
		return HANDSHAKE_FAILED;
	smtp_client_switch(&c->client, &c->stream.stream);
	return smtp_client_hello(&c->client, e) ? SECURED : BROKEN;
}

/* Is TLS a must, by the way there or the message's own wish? */
static bool must_encrypt(const struct job *j)
{
	return j->require_tls || (j->way.tls >= WAY_ENCRYPT && !j->tls_optional);
}

/* As the way and the message want it. *again: connect once more, and do without. */
static bool secure(struct carrier *c, const struct job *j, bool *again, struct err *e)
{
	bool must = must_encrypt(j);

	*again = false;
	if (j->way.tls == WAY_NONE && !must)
		return true;
	switch (start_tls(c, j->require_tls, e)) {
	case SECURED:
		return true;
	case IN_THE_CLEAR:
		if (!must)
			return true;
		if (j->require_tls)
			return err_perm(e, "5.7.30", "the message needs REQUIRETLS, and %s offers no TLS", c->host);
		e->kind = ERR_TEMP;
		return err_while(e, "TLS is required");
	case HANDSHAKE_FAILED:
		*again = !must;
		return false;
	case BROKEN:
		break;
	}
	return false;
}

/* The same section: its certificate is good, and it will ask the same of the next. Another server may. */
static bool suits(struct carrier *c, const struct job *j, const struct mx_host *host, struct err *e)
{
	c->assured = host->secure && c->stream.verified && c->client.ext & EXT_REQUIRETLS;
	return c->assured || !j->require_tls ||
	    err_perm(e, "5.7.30", "the message needs REQUIRETLS, which %s does not offer", c->host);
}

bool link_open(struct carrier *c, const struct job *j, const struct target *t, struct err *e)
{
	bool again = false;

	if (connect_to(c, t, e) && secure(c, j, &again, e) && suits(c, j, t->host, e))
		return true;
	link_drop(c);
	if (!again)
		return false;
	log_info("%s plain host=%s ip=%s why=\"%s\"", j->id, t->host->name, t->ip, e->text);
	if (connect_to(c, t, e))
		return true;
	link_drop(c);
	return false;
}

static bool still_there(struct carrier *c)
{
	if (clock_ms() - c->used < ASK_AFTER_MS)
		return true;
	return smtp_client_reset(&c->client, NULL);
}

bool link_fits(struct carrier *c, const struct job *j)
{
	return c->open && strcmp(c->destination, j->destination) == 0
	    && (c->stream.text[0] || !must_encrypt(j)) && (c->assured || !j->require_tls)
	    && c->carried < CARRIED_MAX && still_there(c);
}
