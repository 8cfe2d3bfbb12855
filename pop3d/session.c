/*
 * NAME
 *	pop3d-session - one user's POP3 session, as that user
 * DESCRIPTION
 *	Started by pop3d's keeper when a login process has let somebody in. It is told
 *	who that is and what the login process had read already, and holds the wire to the
 *	front from then on. It sees the user's one directory and nothing else.
 */
#include <sysexits.h>

#include "common/io/wire.h"
#include "common/keeper/role.h"
#include "common/mail/maillog.h"
#include "common/os/fd.h"
#include "common/os/log.h"
#include "pop3d/pop3.h"

static void serve(struct wire *w, const struct role_self *self, const struct role_handover *h, int root)
{
	struct pop3_terms terms = { (int)self->conf.pop3d_idle_timeout,
		(unsigned)self->conf.errors_max };
	struct pop3 s = { .terms = &terms, .root = root, .login = h->user.login };
	ms_t start = clock_ms();

	s.out = out_new(&w->stream);
	s.line = line_new(&w->stream, POP3_LINE_MAX);
	line_push(s.line, h->input);
	pop3_serve(&s);
	maillog_session_end("pop3", w->peer.ip, span_of(s.login), s.fetched, s.deleted, s.bytes,
	    (int)((clock_ms() - start) / 1000));
	line_free(s.line);
	out_free(s.out);
}

/* There is a client who waits for a reply, and we have no mailbox for it. */
static void turn_away(struct wire *w, const struct role_handover *h, const struct err *why)
{
	struct out *o = out_new(&w->stream);

	log_error("%s cannot open the mailbox: %s", h->user.login, why->text);
	pop3_no(o, pop3_code(why), "your mailbox can not be opened now");
	out_flush(o, clock_in(10), NULL);
	out_free(o);
}

int main(int argc, char **argv)
{
	static struct packet packet;
	struct role_self self;
	struct role_handover h;
	struct wire wire;
	struct err e;
	int root;

	role_begin(&self, ROLE_POP3_SESSION, argc, argv);
	role_jail(&self);
	if (!role_take_over(&self, &packet, &h, &e)) {
		log_error("cannot take over from the login: %s", e.text);
		return EX_SOFTWARE;
	}
	wire_init(&wire, self.work);
	if (!wire_peer_parse(h.peer, &wire.peer))
		log_warn("the peer's address is not readable");
	root = maildir_open(h.user.home, h.user.mail, &e);
	if (root < 0)
		turn_away(&wire, &h, &e);
	else
		serve(&wire, &self, &h, root);
	fd_close(&root);
	wire_close(&wire);
	return 0;
}
