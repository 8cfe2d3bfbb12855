/* The transaction. See carry.h. */
#include "mta/carry.h"

#include <poll.h>

#include "common/mail/header.h"
#include "common/mail/maillog.h"
#include "common/os/log.h"
#include "mta/link.h"
#include "mta/search.h"

enum { TOP_MAX = 65536 };

static void same_for_all(const struct job *j, const struct err *e, struct job_result *r, struct arena *a)
{
	for (size_t i = 0; i < j->count; i++)
		r->rcpts[i] = (struct job_result_rcpt){ e->kind, arena_text(a, span_of(e->status)),
			arena_text(a, span_of(e->text)) };
}

/* RFC 2852 4.1.4: what is passed on is never more than was asked for, and j->by is up to a second later. */
static struct deliver_by time_left(const struct job *j)
{
	int64_t left = (int64_t)(j->by - clock_wall());

	if (left > 1)
		left--;
	if (left < -PARAM_SECONDS_MAX)
		left = -PARAM_SECONDS_MAX;
	return (struct deliver_by){ (enum by_mode)j->by_mode, j->by_trace,
		left < PARAM_SECONDS_MAX ? left : PARAM_SECONDS_MAX };
}

/* The fields in front of the text, as lines. The same for each try. */
static struct span top_of(const struct job *j, struct arena *a)
{
	struct str top = STR(TOP_MAX);
	struct span lines;

	for (size_t i = 0; i < j->top_count; i++)
		header_fold(span_of(j->top[i]), &top);
	lines = arena_copy(a, str_span(&top));
	str_free(&top);
	return lines;
}

static size_t wire_length(struct span lf_text)
{
	size_t n = lf_text.n;
	struct span line;

	while (span_cut(&lf_text, '\n', &line))
		n++;
	return n;
}

/* A parcel, and where each of its recipients stands in the job. */
struct cargo { struct parcel p; size_t place[JOB_RCPTS]; };

static void fill_cargo(const struct job *j, struct cargo *g, struct arena *a)
{
	struct parcel *p = &g->p;
	struct span top = top_of(j, a);

	*p = (struct parcel){ .sender = j->sender, .top = top, .text = j->text, .count = j->count,
		.params = { .size = j->wire_bytes + wire_length(top), .body8bit = j->body8bit, .smtputf8 = j->smtputf8,
		    .ret = j->ret, .envid = j->envid, .auth = "", .require_tls = j->require_tls, .by = time_left(j),
		    .priority = j->priority } };
	p->rcpts = arena_array(a, j->count, sizeof *p->rcpts);
	for (size_t i = 0; i < j->count; i++) {
		p->rcpts[i] = (struct parcel_rcpt){ .address = j->rcpts[i].address,
			.params = {
			    .notify = j->rcpts[i].notify, .original = j->rcpts[i].original } };
		g->place[i] = i;
	}
}

static void read_cargo(const struct cargo *g, struct job_result *r, struct arena *a)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct parcel_rcpt *got = &g->p.rcpts[i];

		r->rcpts[g->place[i]] = (struct job_result_rcpt){ got->kind, arena_text(a, span_of(got->status)),
			got->code ? arena_printf(a, "%u %s %s", got->code, got->status, got->answer)
			    : arena_text(a, span_of(got->answer)) };
	}
}

/* It offers CHUNKING, and can not do it: over the next connection by DATA. */
static void note_no_bdat(struct carrier *c)
{
	for (size_t i = 0; i < CARRIER_HOSTS; i++) {
		if (strcmp(c->no_bdat[i], c->host) == 0)
			return;
	}
	snprintf(c->no_bdat[c->no_bdat_next++ % CARRIER_HOSTS], sizeof c->no_bdat[0], "%s", c->host);
	log_info("no BDAT host=%s why=\"it offers CHUNKING, and has trouble with it\"", c->host);
}

/* When mta-sched is gone, the next one sends it again: then it must not be here that it is sent. */
static bool sched_waits(void *arg)
{
	const struct carrier *c = arg;
	struct pollfd p = { .fd = c->self->work };

	return poll(&p, 1, 0) <= 0;
}

static void transact(struct carrier *c, const struct job *j, struct parcel *p, struct job_result *r, struct arena *a)
{
	struct err e;

	maillog_sending(j->id, c->host, c->ip, (unsigned)p->count);
	/* Servers without 8BITMIME are 8-bit clean for all we know, and a body is never changed. */
	if (j->body8bit && !(c->client.ext & EXT_8BITMIME))
		log_info("%s eightbit host=%s why=\"sent as it is, though 8BITMIME is not offered\"", j->id, c->host);
	r->remote = arena_text(a, span_of(c->host));
	r->tls = arena_text(a, span_of(c->stream.text));
	r->ip = arena_text(a, span_of(c->ip));
	r->extensions = c->client.ext;
	r->dsn = c->client.ext & EXT_DSN;
	r->by = c->client.ext & EXT_DELIVERBY;
	c->client.is_wanted = sched_waits;
	c->client.wanted_arg = c;
	if (!smtp_client_send(&c->client, p, &e))
		c->client.broken = true;
	if (c->client.no_bdat && c->client.ext & EXT_CHUNKING)
		note_no_bdat(c);
	c->used = clock_ms();
	c->carried++;
	if (c->client.broken)
		link_drop(c);
}

/* Those for whom that connection had no more transactions, to the front. False: nobody. */
static bool keep_left(struct cargo *g)
{
	struct parcel *p = &g->p;
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct parcel_rcpt left = p->rcpts[i];
		size_t place = g->place[i];

		if (!left.left)
			continue;
		p->rcpts[i] = p->rcpts[n];
		g->place[i] = g->place[n];
		p->rcpts[n] = left;
		g->place[n++] = place;
	}
	p->count = n;
	return n > 0;
}

static bool reach_anew(struct carrier *c, const struct job *j, struct arena *a, struct err *e)
{
	const char *who;

	link_hang_up(c);
	return search_reach(c, j, a, e, &who);
}

void carry(struct carrier *c, const struct job *j, struct arena *a, struct job_result *r)
{
	struct cargo g;
	const char *who;
	struct err e;

	*r = (struct job_result){ .remote = "", .tls = "", .count = j->count };
	if (!link_fits(c, j) && !search_reach(c, j, a, &e, &who)) {
		r->remote = who;
		r->unreachable = e.kind == ERR_TEMP;
		same_for_all(j, &e, r, a);
		return;
	}
	fill_cargo(j, &g, a);
	do
		transact(c, j, &g.p, r, a);
	while (keep_left(&g) && reach_anew(c, j, a, &e));
	read_cargo(&g, r, a);
}
