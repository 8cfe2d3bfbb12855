/*
 * NAME
 *	imapd-login - talk to an IMAP client until somebody is let in
 * DESCRIPTION
 *	Waits ready-made for one client, as a user that owns nothing, without files and network. What
 *	it can make the keeper do is to check a password and to start the session of whom
 *	that let in. See login.h for the conversation.
 */
#include <sysexits.h>

#include "common/keeper/entry.h"
#include "common/mail/maillog.h"
#include "common/os/log.h"
#include "imapd/login.h"

struct self {
	struct role_self	role;
	struct wire		wire;
	struct role_user	who;
	struct entry		entry;
	ms_t			until;
};

static bool start_tls(void *arg, struct out *reply, struct err *e)
{
	struct self *s = arg;

	wire_hold(&s->wire);
	if (!out_flush(reply, s->until, e) || !wire_start_tls(&s->wire, s->until, e))
		return false;
	maillog_tls(s->wire.peer.service, s->wire.peer.ip, s->wire.peer.tls_text);
	entry_open(&s->entry, &s->role, &s->wire, &s->who);
	return true;
}

/* What the wire still holds of a packet goes along with what the line reader holds. */
static bool hand_over(void *arg, struct span tag, struct span input, struct err *e)
{
	struct self *s = arg;
	struct str peer = STR(1024), all = STR(2 * WIRE_MAX);
	bool ok;

	wire_peer_print(&s->wire.peer, &peer);
	str_add(&all, input);
	str_add(&all, (struct span){ s->wire.buf + s->wire.at, s->wire.n - s->wire.at });
	ok = role_start_session(&s->role, tag, str_span(&peer), str_span(&all), s->wire.fd, e);
	if (!ok)
		log_error("%s cannot be given a session: %s", s->who.login, e->text);
	str_free(&peer);
	str_free(&all);
	return ok;
}

static bool serve(struct self *s)
{
	const struct conf *c = &s->role.conf;
	struct login l = {
		.stream = &s->wire.stream, .host_name = c->host_name, .until = s->until,
		.patience_s = (int)c->greet_timeout, .errors_max = (unsigned)c->errors_max,
		.tls = s->wire.peer.tls, .offer_tls = *c->tls_certificate, .clear_ok = c->auth_without_tls,
		.self = s, .judge = entry_judge(&s->entry), .offer = &s->entry.offer, .start_tls = start_tls, .hand_over = hand_over,
	};

	entry_open(&s->entry, &s->role, &s->wire, &s->who);
	return login_serve(&l);
}

int main(int argc, char **argv)
{
	static struct self s;
	struct err e;

	role_begin(&s.role, ROLE_IMAP_LOGIN, argc, argv);
	role_jail(&s.role);
	wire_init(&s.wire, s.role.work);
	if (!wire_accept(&s.wire, MS_NEVER, &e))
		return 0;		/* the front is gone, so nobody needs us */
	s.until = clock_in((int)s.role.conf.greet_timeout);
	if (!serve(&s))
		wire_close(&s.wire);
	return 0;
}
