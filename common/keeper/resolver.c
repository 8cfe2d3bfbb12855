/*
 * NAME
 *	posthorn-resolver - answer DNS questions of one daemon's processes
 * DESCRIPTION
 *	Its keeper sends a channel for each process that has questions ('c'); what they look like
 *	stands in net/resolve.h. Local data comes first, then libunbound. A question that takes
 *	longer than dns timeout is answered as failed. A channel that talks nonsense, or that
 *	does not take its answers, is closed; one with RESOLVE_AT_ONCE questions under way
 *	is not read until some are answered.
 */
#include <signal.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/keeper/askers.h"
#include "common/keeper/role.h"
#include "common/net/idna.h"
#include "common/net/dns.h"
#include "common/net/zone.h"
#include "common/os/log.h"

enum { ANSWER_MEMORY = 1 << 20, TABLE_MEMORY = 256 << 20 };

struct resolver {
	struct role_self	 self;
	struct loop		*loop;
	struct zone		*zone;
	struct arena		*table;		/* what zone is made of */
	struct dns		*dns;
	struct arena		*arena;		/* for one answer */
	struct askers		 askers;
};

struct question;

struct client {				/* a process that asks */
	struct asker	 asker;
	struct question	*first;
	unsigned	 under_way;
};

struct question {
	struct dns_pending	 ask;		/* first: a question is one of dns.h */
	struct client		*client;
	struct question		*next, *before;
	struct loop_timer	*timer;
	uint64_t		 serial;
};

static struct resolver *resolver_of(const struct client *cl)
{
	return cl->asker.all->server;
}

/* ---- questions under way ---- */

static void unlink_question(struct question *q)
{
	struct client *cl = q->client;

	if (q->before)
		q->before->next = q->next;
	else
		cl->first = q->next;
	if (q->next)
		q->next->before = q->before;
	if (cl->under_way-- == RESOLVE_AT_ONCE)
		loop_want(cl->asker.io, LOOP_READ);
	loop_cancel(q->timer);
	free(q);
}

static struct question *link_question(struct client *cl, uint64_t serial)
{
	struct question *q = mem_get(sizeof *q);

	q->client = cl;
	q->serial = serial;
	q->next = cl->first;
	if (cl->first)
		cl->first->before = q;
	cl->first = q;
	if (++cl->under_way == RESOLVE_AT_ONCE)
		loop_want(cl->asker.io, 0);
	return q;
}

static void gone(struct asker *a)
{
	struct client *cl = (struct client *)a;

	while (cl->first) {
		dns_cancel(resolver_of(cl)->dns, &cl->first->ask);
		unlink_question(cl->first);
	}
}

/* ---- answers ---- */

static bool say(struct client *cl, uint64_t serial, const struct dns_answer *answer)
{
	static const struct dns_answer too_long = { .found = DNS_FAILED,
		.why = "the answer is too long" };
	struct packet *p = &cl->asker.all->packet;

	dns_answer_put(p, serial, answer);
	if (p->bad)
		dns_answer_put(p, serial, &too_long);
	return packet_send(cl->asker.fd, p, NULL);
}

static bool say_failed(struct client *cl, uint64_t serial, const char *why)
{
	struct dns_answer answer = { .found = DNS_FAILED, .why = why };

	return say(cl, serial, &answer);
}

static void answered(struct dns_pending *ask, const struct dns_answer *answer)
{
	struct question *q = (struct question *)ask;
	struct client *cl = q->client;
	uint64_t serial = q->serial;

	unlink_question(q);
	if (!say(cl, serial, answer))
		asker_hang_up(&cl->asker);
}

static void took_too_long(void *arg)
{
	struct question *q = arg;
	struct client *cl = q->client;
	uint64_t serial = q->serial;

	q->timer = NULL;
	dns_cancel(resolver_of(cl)->dns, &q->ask);
	unlink_question(q);
	if (!say_failed(cl, serial, "no answer in time"))
		asker_hang_up(&cl->asker);
}

/* ---- a new question ---- */

static bool ask_elsewhere(struct client *cl, uint64_t serial, const char *name, unsigned type)
{
	struct resolver *r = resolver_of(cl);
	struct question *q = link_question(cl, serial);
	struct err e;

	q->ask.answered = answered;
	q->timer = loop_at(r->loop, clock_in((int)r->self.conf.dns_timeout), took_too_long, q);
	if (dns_ask(r->dns, &q->ask, name, type, &e))
		return true;
	unlink_question(q);
	return say_failed(cl, serial, e.text);
}

static bool answer(struct client *cl)
{
	char ascii[IDNA_NAME], name[DNS_NAME], other[DNS_NAME];
	struct resolver *r = resolver_of(cl);
	struct dns_answer found = { .found = DNS_NO_NAME, .why = "" };
	struct dns_question q;

	if (!dns_question_take(&r->askers.packet, &q))
		return asker_nonsense();
	/* What can be no name in DNS does not exist there. */
	if (!idna_to_ascii(span_of(q.name), ascii, NULL) ||
	    !dns_name_clean_ask(span_of(ascii), name))
		return say(cl, q.serial, &found);
	if (zone_find(r->zone, name, (enum dns_type)q.type, r->arena, &found, other))
		return say(cl, q.serial, &found);
	return ask_elsewhere(cl, q.serial, other, q.type);
}

static bool serve(struct asker *a)
{
	struct resolver *r = a->all->server;
	bool ok;

	packet_drop_fds(&a->all->packet);
	ok = answer((struct client *)a);
	arena_reset(r->arena);
	return ok;
}

static void on_dns(void *arg, unsigned ready)
{
	struct resolver *r = arg;

	(void)ready;
	dns_process(r->dns);
}

static void on_signal(void *arg, int signo)
{
	struct resolver *r = arg;

	(void)signo;
	loop_stop(r->loop);
}

/* ---- the start ---- */

static bool begin(struct resolver *r, struct err *e)
{
	const struct conf *c = &r->self.conf;
	struct dns_settings how = {
		c->dns_forward.words, c->dns_forward.count, c->dns_trust_anchor,
	};

	r->table = arena_new(TABLE_MEMORY, NULL, NULL);
	r->zone = zone_new(c->dns_local_data.words, c->dns_local_data.count, r->table, e);
	if (!r->zone)
		return err_while(e, "dns local-data");
	r->dns = dns_new(&how, e);
	return r->dns || err_while(e, "dns");
}

int main(int argc, char **argv)
{
	static struct resolver r;
	struct err e;

	role_begin(&r.self, ROLE_RESOLVER, argc, argv);
	r.loop = loop_new();
	loop_on_signal(r.loop, SIGTERM, on_signal, &r);	/* before there is a thread that could get them */
	loop_on_signal(r.loop, SIGINT, on_signal, &r);
	if (!begin(&r, &e)) {
		log_error("%s", e.text);
		return 78;
	}
	r.arena = arena_new(ANSWER_MEMORY, NULL, NULL);
	role_jail(&r.self);
	loop_add(r.loop, dns_fd(r.dns), LOOP_READ, on_dns, &r);
	r.askers = (struct askers){ .loop = r.loop, .keeper = r.self.keeper, .server = &r,
		.size = sizeof(struct client), .serve = serve, .gone = gone };
	askers_begin(&r.askers);
	loop_run(r.loop);
	return 0;
}
