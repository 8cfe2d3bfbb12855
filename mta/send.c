/*
 * NAME
 *	mta-send - carries messages to other servers, one connection at a time
 * DESCRIPTION
 *	mta(8). Jobs come over fd 5 from mta-sched, results go back. The end
 *	of that channel is the end of this process, and nothing else is: what was done with a
 *	job must be told.
 */
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/auth/secrets.h"
#include "common/os/log.h"
#include "mta/link.h"
#include "mta/rehearse.h"

enum {
	KEEP_S = 5, /* a connection without work; RFC 5321 4.5.3.2 is kinder, servers are not */
	MEMORY = 8 << 20,
};

static void need(bool ok, const struct err *e)
{
	if (ok)
		return;
	log_error("cannot start: %s", e->text);
	exit(EX_TEMPFAIL);
}

static void work(struct carrier *c, struct packet *p, struct arena *a)
{
	struct job_result r;
	struct job j;
	struct err e;

	if (!job_take(p, a, &j, &e)) {
		packet_drop_fds(p);
		log_error("%s", e.text);
		exit(EX_PROTOCOL);
	}
	(j.probe ? rehearse : carry)(c, &j, a, &r);
	fd_close(&j.text);
	job_put_result(&r, p);
	if (!packet_send(c->self->work, p, &e)) {
		log_error("%s cannot say what became of it: %s", j.id, e.text);
		exit(EX_OSERR);
	}
	arena_reset(a);
}

static void serve(struct carrier *c)
{
	static struct packet p;
	struct arena *a = arena_new(MEMORY, NULL, NULL);

	while (!c->ends) {
		switch (packet_recv(c->self->work, &p, c->open ? clock_in(KEEP_S) : MS_NEVER)) {
		case PACKET_OK:
			work(c, &p, a);
			break;
		case PACKET_LATE:
			link_hang_up(c);
			break;
		case PACKET_END:
		case PACKET_TROUBLE:
			c->ends = true;
			break;
		}
	}
	link_hang_up(c);
	arena_free(a);
}

int main(int argc, char **argv)
{
	static struct role_self self;
	static struct carrier c = { .self = &self, .resolver = -1, .hints = -1, .secrets = -1 };
	struct err e;

	role_begin(&self, ROLE_SEND, argc, argv);
	signal(SIGTERM, SIG_IGN);	/* sched is told too, and waits for our result */
	need(tls_prepare(&e), &e);
	c.tls = tls_client_new(self.conf.mta_authorities, &e);
	need(c.tls != NULL, &e);
	c.secrets = secrets_open(self.conf.relay_secrets, &c.no_secrets);
	myself_find(&c.myself, &self.conf.mta_listen);
	role_jail(&self);
	serve(&c);
	return 0;
}
