/* Everything but the message. See rehearse.h. */
#include "mta/rehearse.h"

#include "mta/link.h"
#include "mta/search.h"
#include "mta/trace.h"

struct rehearsal { char remote[ROUTE_NAME], tls[TLS_TEXT]; struct err why; };

/* Would it have this recipient? */
static bool ask(struct carrier *c, const struct job *j, struct err *e)
{
	bool ok = smtp_client_try(&c->client, j->sender, j->rcpts[0].address, e);

	if (ok)
		trace(c, TRACE_GOOD, "recipient", "%u %s %s", c->client.last.code,
		    c->client.last.status, c->client.last.text);
	else
		trace(c, TRACE_BAD, "recipient", "%s", e->text);
	return ok;
}

/* A server that will talk. Never enough: the next one is looked at too. */
static bool look_closer(struct carrier *c, const struct job *j, void *arg)
{
	struct rehearsal *r = arg;
	struct err e;

	if (j->count && !ask(c, j, &e)) {
		if (!*r->remote)
			r->why = e;
		return false;
	}
	trace(c, TRACE_GOOD, "result", "it would have the mail");
	if (!*r->remote) {
		snprintf(r->remote, sizeof r->remote, "%s", c->host);
		snprintf(r->tls, sizeof r->tls, "%s", c->stream.text);
	}
	return false;
}

void rehearse(struct carrier *c, const struct job *j, struct arena *a, struct job_result *r)
{
	struct rehearsal found = { .why = { .kind = ERR_NONE } };
	struct err e = { .kind = ERR_NONE };
	bool ok;

	link_hang_up(c);
	c->watched = true;
	trace_about(c, "");
	ok = search_each(c, j, a, look_closer, &found, &e);
	trace_about(c, "");
	c->watched = false;
	if (ok && !*found.remote)
		e = found.why;
	*r = (struct job_result){ .remote = arena_text(a, span_of(found.remote)), .tls = arena_text(a, span_of(found.tls)),
		.count = 1 };
	r->rcpts[0] = (struct job_result_rcpt){ *found.remote ? ERR_NONE : e.kind,
		arena_text(a, span_of(e.status)),
		*found.remote ? "" : arena_text(a, span_of(e.text)) };
}
