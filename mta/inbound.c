/*
 * NAME
 *	mta-inbound - take mail from other servers
 * DESCRIPTION
 *	The session behind port 25. It serves several clients one after the other, each
 *	from a wiped state. A recipient is known good before it hears 250: the clerk says
 *	whose address it is, and the gate what we think of the client. Strangers' mail for
 *	elsewhere is refused, unless the domain is one we relay for or the client may relay.
 */
#include "mta/inbound.h"

#include "common/base/mem.h"
#include "common/keeper/meter.h"
#include "common/keeper/receive.h"
#include "common/mail/maillog.h"

enum { TLS_PATIENCE_S = 60 };

static bool start_tls(struct smtp *s, struct err *e)
{
	struct inbound *in = s->self;
	const struct wire_peer *peer = &in->wire.peer;

	wire_hold(&in->wire);
	if (!out_flush(s->out, clock_in(TLS_PATIENCE_S), e) ||
	    !wire_start_tls(&in->wire, clock_in(TLS_PATIENCE_S), e))
		return false;
	maillog_tls(peer->service, peer->ip, peer->tls_text);
	gate_tls(&in->gate);
	return true;
}

static bool greet(struct smtp *s, struct err *e)
{
	struct inbound *in = s->self;

	return gate_greet(&in->gate, s->early, e);
}

static bool take_hello(struct smtp *s, struct span name, bool extended, struct err *e)
{
	struct inbound *in = s->self;

	(void)extended;
	(void)e;
	gate_hello(&in->gate, name);
	return true;
}

static bool go_on(struct smtp *s, struct err *e)
{
	struct inbound *in = s->self;

	return meter_go_on(&in->wire, e);
}

static bool take_mail(struct smtp *s, const struct smtp_mail *from, struct err *e)
{
	struct inbound *in = s->self;

	if (!meter_mail(&in->wire, e))
		return false;
	if (!intake_begin(&in->intake, s, from, e))
		return false;
	in->size = from->params.size;
	in->kind = INBOUND_ANY;
	check_mail(&in->check);
	gate_mail(&in->gate, from, !in->gate.trusted && inbound_is_our_domain(in, from->path.domain));
	return true;
}

static bool take_rcpt(struct smtp *s, const struct smtp_rcpt *to, struct err *e)
{
	struct inbound *in = s->self;

	return meter_rcpt(&in->wire, e) && inbound_rcpt(s, to, e);
}

static bool take_data(struct smtp *s, struct err *e)
{
	struct inbound *in = s->self;

	return meter_data(&in->wire, e) && intake_open(&in->intake, s, e);
}

static void take_text(struct smtp *s, struct span lf_text)
{
	struct inbound *in = s->self;

	intake_text(&in->intake, lf_text);
}

/* Taken, but not trusted: into the recipients' folder Junk, or kept for a person. */
static void quarantine(struct inbound *in)
{
	if (strcmp(in->self.conf.gate_quarantine, "junk") == 0)
		in->intake.env.junk = true;
	else
		in->intake.env.hold = "the gate has doubts about it";
}

static bool commit(struct smtp *s, struct str *said, struct err *e)
{
	struct inbound *in = s->self;

	if (!check_whole(&in->check, &in->intake, s->mail, e))
		return false;
	if (!gate_text(&in->gate, &in->intake, e)) {
		if (e->kind == ERR_PERM)
			check_told(&in->check, CHECK_REFUSED, s->mail);
		return false;
	}
	if (in->gate.junk)
		quarantine(in);
	if (!inbound_forward(in, e)) {
		check_told(&in->check, CHECK_REFUSED, s->mail);
		return false;
	}
	if (!intake_commit(&in->intake, s, said, e))
		return false;
	check_told(&in->check, in->gate.junk ? CHECK_QUARANTINED : CHECK_TAKEN, s->mail);
	gate_took(&in->gate);
	return true;
}

static void reset(struct smtp *s)
{
	struct inbound *in = s->self;

	meter_reset(&in->wire);
	intake_reset(&in->intake);
}

static void refused(struct smtp *s, struct span line, const struct reply *r)
{
	struct inbound *in = s->self;

	meter_refused(&in->wire, line, r);
	if (!*in->intake.env.id)	/* no message yet: the log has the number of the session */
		snprintf(in->intake.env.id, sizeof in->intake.env.id, "%s", in->gate.id);
	intake_refused(&in->intake, line, r);
}

static bool proxied(struct smtp *s, const struct smtp_proxied *client, struct err *e)
{
	struct inbound *in = s->self;

	(void)e;
	milters_close(&in->milters);		/* it is another client to them */
	intake_proxied(&in->wire.peer, client);
	return true;
}

static const struct smtp_hooks hooks = {
	.greet = greet, .go_on = go_on, .hello = take_hello, .start_tls = start_tls, .mail = take_mail, .rcpt = take_rcpt,
	.data = take_data, .text = take_text, .commit = commit, .reset = reset, .refused = refused,
	.proxied = proxied,
};

static void set_up(struct inbound *in)
{
	const struct conf *c = &in->self.conf;

	receive_station(c, "in/net", &in->station);
	in->clerk = -1;
	in->terms = receive_terms(c);
	in->terms.early_judged = true;
	receive_milters(&in->self, &c->mta_milters, &in->milters);
	in->intake = (struct intake){
		.station = &in->station, .host_name = c->host_name, .hops_max = (unsigned)c->hops_max,
		.peer = &in->wire.peer, .login = "", .header = STR(0),
		.milters = in->milters.count ? &in->milters : NULL,
	};
}

static void serve(struct inbound *in)
{
	const struct wire_peer *peer = &in->wire.peer;
	ms_t since = clock_ms();

	receive_xclient(&in->self.conf, peer->ip, &in->terms);
	maillog_connect(peer->service, peer->ip);
	in->terms.early_ms = gate_client(&in->gate, peer);
	if (peer->tls)
		gate_tls(&in->gate);
	smtp_serve(&in->wire.stream, &hooks, &in->terms, peer->tls, in);
	gate_gone(&in->gate);
	check_gone(&in->check);
	milters_close(&in->milters);
	maillog_disconnect(peer->service, peer->ip, in->wire.ended ? "hung-up" : "done",
	    (int)((clock_ms() - since) / 1000));
	wire_close(&in->wire);
}

int main(int argc, char **argv)
{
	static struct inbound in;
	struct err e;

	mem_give_back();
	role_begin(&in.self, ROLE_INBOUND, argc, argv);
	set_up(&in);
	role_jail(&in.self);
	gate_begin(&in.gate, &in.self);
	check_begin(&in.check, &in.self, &in.gate);
	wire_init(&in.wire, in.self.work);
	for (uint64_t left = in.self.conf.mta_clients_per_session; left && wire_accept(&in.wire, MS_NEVER, &e); left--) {
		serve(&in);
		if (left == 1 || gate_is_worn(&in.gate))
			break;
		wire_ready(&in.wire);
	}
	return EXIT_SUCCESS;
}
