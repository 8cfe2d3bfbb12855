/*
 * NAME
 *	pop3d-login - talk to a POP3 client until somebody is let in
 * DESCRIPTION
 *	Waits ready-made for one client, as a user that owns nothing, without files and network. What
 *	it can make the keeper do is to check a password and to start the session of whom
 *	that let in. See login.h for the conversation.
 */
#include <sysexits.h>

#include "common/keeper/entry.h"
#include "common/mail/maillog.h"
#include "pop3d/login.h"
#include "pop3d/pop3.h"

struct self {
	struct role_self	role;
	struct wire		wire;
	struct role_user	who;
	struct entry		entry;
	struct out		*out;
	ms_t			until;
};

static bool start_tls(void *arg, struct err *e)
{
	struct self *s = arg;

	wire_hold(&s->wire);
	if (!out_flush(s->out, s->until, e) || !wire_start_tls(&s->wire, s->until, e))
		return false;
	maillog_tls(s->wire.peer.service, s->wire.peer.ip, s->wire.peer.tls_text);
	entry_open(&s->entry, &s->role, &s->wire, &s->who);
	return true;
}

/* What the wire still holds of a packet goes along with what the line reader holds. */
static bool hand_over(void *arg, struct span input, struct err *e)
{
	struct self *s = arg;
	struct str peer = STR(512), all = STR(2 * WIRE_MAX);
	bool ok;

	wire_peer_print(&s->wire.peer, &peer);
	str_add(&all, input);
	str_add(&all, (struct span){ s->wire.buf + s->wire.at, s->wire.n - s->wire.at });
	ok = role_start_session(&s->role, SPAN(""), str_span(&peer), str_span(&all), s->wire.fd, e);
	str_free(&peer);
	str_free(&all);
	return ok;
}

static bool serve(struct self *s)
{
	const struct conf *c = &s->role.conf;
	struct login l = {
		.line = line_new(&s->wire.stream, POP3_LINE_MAX), .out = out_new(&s->wire.stream),
		.until = s->until, .errors_max = (unsigned)c->errors_max, .tls = s->wire.peer.tls,
		.stls = *c->tls_certificate, .clear_ok = c->auth_without_tls,
		.self = s, .judge = entry_judge(&s->entry), .offer = &s->entry.offer, .start_tls = start_tls, .hand_over = hand_over,
	};
	bool in;

	s->out = l.out;
	entry_open(&s->entry, &s->role, &s->wire, &s->who);
	in = login_serve(&l);

	line_free(l.line);
	out_free(l.out);
	return in;
}

int main(int argc, char **argv)
{
	static struct self s;
	struct err e;

	role_begin(&s.role, ROLE_POP3_LOGIN, argc, argv);
	role_jail(&s.role);
	if (s.role.work < 0)
		return EX_CONFIG;
	wire_init(&s.wire, s.role.work);
	if (!wire_accept(&s.wire, MS_NEVER, &e))
		return 0;
	s.until = clock_in((int)s.role.conf.greet_timeout);
	maillog_connect(s.wire.peer.service, s.wire.peer.ip);
	if (!serve(&s)) {
		maillog_disconnect(s.wire.peer.service, s.wire.peer.ip, "no login",
		    (int)s.role.conf.greet_timeout - clock_left(s.until) / 1000);
		wire_close(&s.wire);
	}
	return 0;
}
