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
#include "common/io/loop.h"
#include "common/keeper/role.h"
#include "common/net/idna.h"
#include "common/net/dns.h"
#include "common/net/zone.h"
#include "common/os/fd.h"
#include "common/os/log.h"

enum { CHANNELS_MAX = 8192, ANSWER_MEMORY = 1 << 20, TABLE_MEMORY = 256 << 20 };

struct resolver {
	struct role_self	 self;
	struct loop		*loop;
	struct zone		*zone;
	struct arena		*table;		/* what zone is made of */
	struct dns		*dns;
	struct arena		*arena;		/* for one answer */
	struct packet		 packet;	/* the one at hand */
	size_t			 channels;
};

struct question;

struct channel {
	struct resolver	*resolver;
	int		 fd;
	struct loop_io	*io;
	struct question	*first;
	unsigned	 under_way;
};

struct question {
	struct dns_pending	 ask;		/* first: a question is one of dns.h */
	struct channel		*channel;
	struct question		*next, *before;
	struct loop_timer	*timer;
	uint64_t		 serial;
};

/* ---- questions under way ---- */

static void unlink_question(struct question *q)
{
	struct channel *ch = q->channel;

	if (q->before)
		q->before->next = q->next;
	else
		ch->first = q->next;
	if (q->next)
		q->next->before = q->before;
	if (ch->under_way-- == RESOLVE_AT_ONCE)
		loop_want(ch->io, LOOP_READ);
	loop_cancel(q->timer);
	free(q);
}

static struct question *link_question(struct channel *ch, uint64_t serial)
{
	struct question *q = mem_get(sizeof *q);

	q->channel = ch;
	q->serial = serial;
	q->next = ch->first;
	if (ch->first)
		ch->first->before = q;
	ch->first = q;
	if (++ch->under_way == RESOLVE_AT_ONCE)
		loop_want(ch->io, 0);
	return q;
}

static void hang_up(struct channel *ch)
{
	while (ch->first) {
		dns_cancel(ch->resolver->dns, &ch->first->ask);
		unlink_question(ch->first);
	}
	loop_remove(ch->io);
	fd_close(&ch->fd);
	ch->resolver->channels--;
	free(ch);
}

/* ---- answers ---- */

static bool say(struct channel *ch, uint64_t serial, const struct dns_answer *answer)
{
	static const struct dns_answer too_long = { .found = DNS_FAILED, .why = "the answer is too long" };
	struct packet *p = &ch->resolver->packet;

	dns_answer_put(p, serial, answer);
	if (p->bad)
		dns_answer_put(p, serial, &too_long);
	return packet_send(ch->fd, p, NULL);
}

static bool say_failed(struct channel *ch, uint64_t serial, const char *why)
{
	struct dns_answer answer = { .found = DNS_FAILED, .why = why };

	return say(ch, serial, &answer);
}

static void answered(struct dns_pending *ask, const struct dns_answer *answer)
{
	struct question *q = (struct question *)ask;
	struct channel *ch = q->channel;
	uint64_t serial = q->serial;

	unlink_question(q);
	if (!say(ch, serial, answer))
		hang_up(ch);
}

static void took_too_long(void *arg)
{
	struct question *q = arg;
	struct channel *ch = q->channel;
	uint64_t serial = q->serial;

	q->timer = NULL;
	dns_cancel(ch->resolver->dns, &q->ask);
	unlink_question(q);
	if (!say_failed(ch, serial, "no answer in time"))
		hang_up(ch);
}

/* ---- a new question ---- */

static bool ask_elsewhere(struct channel *ch, uint64_t serial, const char *name, unsigned type)
{
	struct resolver *r = ch->resolver;
	struct question *q = link_question(ch, serial);
	struct err e;

	q->ask.answered = answered;
	q->timer = loop_at(r->loop, clock_in((int)r->self.conf.dns_timeout), took_too_long, q);
	if (dns_ask(r->dns, &q->ask, name, type, &e))
		return true;
	unlink_question(q);
	return say_failed(ch, serial, e.text);
}

static bool serve(struct channel *ch)
{
	char ascii[IDNA_NAME], name[DNS_NAME], other[DNS_NAME];
	struct resolver *r = ch->resolver;
	struct dns_answer answer = { .found = DNS_NO_NAME, .why = "" };
	struct dns_question q;

	if (!dns_question_take(&r->packet, &q)) {
		log_warn("a channel asked something that is no question, closing it");
		return false;
	}
	/* What can be no name in DNS does not exist there. */
	if (!idna_to_ascii(span_of(q.name), ascii, NULL) || !dns_name_clean_ask(span_of(ascii), name))
		return say(ch, q.serial, &answer);
	if (zone_find(r->zone, name, (enum dns_type)q.type, r->arena, &answer, other))
		return say(ch, q.serial, &answer);
	return ask_elsewhere(ch, q.serial, other, q.type);
}

static void on_channel(void *arg, unsigned ready)
{
	struct channel *ch = arg;
	struct resolver *r = ch->resolver;

	(void)ready;
	switch (packet_recv(ch->fd, &r->packet, MS_NEVER)) {
	case PACKET_OK:
		packet_drop_fds(&r->packet);
		if (!serve(ch))
			hang_up(ch);
		arena_reset(r->arena);
		return;
	case PACKET_LATE:
		return;
	default:
		hang_up(ch);
	}
}

static void add_channel(struct resolver *r, int fd)
{
	struct channel *ch;

	if (r->channels >= CHANNELS_MAX) {
		log_warn("more than %d channels, refusing another", CHANNELS_MAX);
		fd_close(&fd);
		return;
	}
	ch = mem_get(sizeof *ch);
	fd_set_blocking(fd, false);	/* who does not read its answers must not hold up the others */
	*ch = (struct channel){ .resolver = r, .fd = fd };
	ch->io = loop_add(r->loop, fd, LOOP_READ, on_channel, ch);
	r->channels++;
}

static void on_dns(void *arg, unsigned ready)
{
	struct resolver *r = arg;

	(void)ready;
	dns_process(r->dns);
}

static void on_keeper(void *arg, unsigned ready)
{
	struct resolver *r = arg;
	int fd;

	(void)ready;
	switch (packet_recv(r->self.keeper, &r->packet, clock_ms())) {
	case PACKET_OK:
		fd = r->packet.verb == 'c' ? packet_take_fd(&r->packet) : -1;
		packet_drop_fds(&r->packet);
		if (fd >= 0)
			add_channel(r, fd);
		return;
	case PACKET_LATE:
		return;
	default:
		loop_stop(r->loop);
	}
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
	loop_add(r.loop, r.self.keeper, LOOP_READ, on_keeper, &r);
	loop_run(r.loop);
	return 0;
}
