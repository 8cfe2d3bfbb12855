/*
 * NAME
 *	imapd-session - one user's IMAP session, as that user, in that user's mailbox
 * DESCRIPTION
 *	Started by imapd's keeper when a login process has let somebody in. It is told who
 *	that is and what the login process had already read, and it holds the wire to the
 *	front from then on. It sees the user's one directory and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/keeper/role.h"
#include "common/mail/charset.h"
#include "common/mail/maillog.h"
#include "common/os/file.h"
#include "common/os/log.h"
#include "imapd/imap.h"

enum { SEARCH_CPU_S = 60 };

static struct imap_terms terms_of(const struct conf *c)
{
	return (struct imap_terms){
		.host_name = c->host_name,
		.message_max = c->message_size_limit,
		.disk_reserve = c->disk_reserve,
		.idle_timeout_s = (int)c->imapd_idle_timeout,
		.command_timeout_s = (int)c->command_timeout,
		.errors_max = (unsigned)c->errors_max,
		.search_cpu_s = SEARCH_CPU_S,
	};
}

/* The Maildir, below the user's home; made when this is the user's first day. */
static int open_maildir(const struct role_user *user, struct err *e)
{
	struct span below = span_of(user->mail);
	int home = -1, root = -1;

	if (!span_eat(&below, user->home))
		err_temp(e, "4.3.5", "%s is not below %s", user->mail, user->home);
	else if ((home = open(user->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		err_sys(e, "cannot open %s", user->home);
	if (home < 0)
		return -1;
	while (span_eat_char(&below, '/'))
		;
	if (maildir_make(home, below.n ? below.p : "", e)) {
		root = file_open_beneath(home, below.n ? below.p : ".", O_RDONLY | O_DIRECTORY, 0);
		if (root < 0)
			err_sys(e, "cannot open %s", user->mail);
	}
	close(home);
	return root;
}

static void serve(struct wire *w, const struct role_self *self, const struct role_handover *h, int root)
{
	struct imap_terms terms = terms_of(&self->conf);
	struct imap s = {
		.terms = &terms, .poll_fd = w->fd, .wire = w, .root = root, .login = h->user.login,
	};
	ms_t since = clock_ms();
	char tag[READ_LOGIN_LINE];

	if (!span_copy(h->tag, tag, sizeof tag))
		return;
	s.out = out_new(&w->stream);
	s.reader.line = line_new(&w->stream, READ_LINE);
	line_push(s.reader.line, h->input);
	imap_serve(&s, tag);
	line_free(s.reader.line);
	out_free(s.out);
	maillog_session_end("imap", w->peer.ip, span_of(s.login), s.fetched, s.deleted, s.bytes,
	    (int)((clock_ms() - since) / 1000));
}

/* There is a client who waits for a reply, and we have no mailbox for it. */
static void turn_away(struct wire *w, const struct role_handover *h, const struct err *why)
{
	struct out *o = out_new(&w->stream);

	out_addf(o, SPAN_FMT " NO [UNAVAILABLE] your mailbox can not be opened now\r\n",
	    SPAN_ARG(h->tag));
	out_text(o, "* BYE try again later\r\n");
	out_flush(o, clock_in(10), NULL);
	out_free(o);
	log_error("%s cannot open the mailbox: %s", h->user.login, why->text);
}

int main(int argc, char **argv)
{
	static struct packet packet;
	struct role_self self;
	struct role_handover h;
	struct wire wire;
	struct err e;
	int root;

	role_begin(&self, ROLE_IMAP_SESSION, argc, argv);
	charset_preload();
	role_jail(&self);
	if (!role_take_over(&self, &packet, &h, &e)) {
		log_error("cannot take over from the login: %s", e.text);
		return EX_SOFTWARE;
	}
	wire_init(&wire, self.work);
	if (!wire_peer_parse(h.peer, &wire.peer))
		log_warn("the peer's address is not readable");
	root = open_maildir(&h.user, &e);
	if (root < 0)
		turn_away(&wire, &h, &e);
	else
		serve(&wire, &self, &h, root);
	wire_close(&wire);
	return 0;
}
