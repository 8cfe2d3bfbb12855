/* From an SMTP transaction into the queue. See intake.h. */
#include "common/queue/intake.h"

#include "common/mail/date.h"
#include "common/mail/header.h"
#include "common/mail/maillog.h"
#include "common/mail/trace.h"
#include "common/os/clock.h"
#include "common/queue/milters.h"

_Static_assert(PARAM_NEVER == (int)NOTIFY_NEVER && PARAM_SUCCESS == (int)NOTIFY_SUCCESS &&
    PARAM_FAILURE == (int)NOTIFY_FAILURE && PARAM_DELAY == (int)NOTIFY_DELAY, "NOTIFY has one meaning");
_Static_assert(BY_RETURN == (int)DELIVER_OR_RETURN && BY_NOTIFY == (int)DELIVER_OR_NOTIFY,
    "BY has one meaning");

enum { RCPTS_FIRST = 4 };

static const char *keep(struct smtp *s, const char *text)
{
	return arena_text(s->mail, span_of(text));
}

static const char *protocol(const struct intake *in, const struct smtp *s)
{
	return trace_protocol(false, s->extended, s->tls, *in->login, s->smtputf8);
}

bool intake_begin(struct intake *in, struct smtp *s, const struct smtp_mail *from, struct err *e)
{
	struct envelope *env = &in->env;
	int64_t now = clock_wall_us();

	*env = (struct envelope){
		.arrived = (time_t)(now / 1000000), .arrived_us = now,
		.sender = keep(s, from->address), .envid = keep(s, from->params.envid),
		.ret = keep(s, from->params.ret), .login = keep(s, in->login),
		.peer = arena_printf(s->mail, "%s %u", in->peer->ip, in->peer->port),
		.helo = keep(s, s->hello), .tls = keep(s, in->peer->tls_text),
		.smtputf8 = from->params.smtputf8, .body8bit = from->params.body8bit,
		.require_tls = from->params.require_tls, .release = from->release,
		.by_mode = (enum deliver_mode)from->params.by.mode, .by_trace = from->params.by.trace, .by = from->by,
		.priority = from->params.priority,
	};
	queue_new_id(env->id);
	return !in->milters || milters_mail(in->milters, in, s, from, e);
}

static bool have(const struct envelope *env, const char *address)
{
	for (size_t i = 0; i < env->rcpt_count; i++) {
		if (strcmp(env->rcpts[i].address, address) == 0)
			return true;
	}
	return false;
}

static void more_room(struct intake *in, struct smtp *s)
{
	struct rcpt *rcpts;

	if (in->env.rcpt_count < in->room)
		return;
	in->room = in->room ? 2 * in->room : RCPTS_FIRST;
	rcpts = arena_array(s->mail, in->room, sizeof *rcpts);
	if (in->env.rcpt_count)
		memcpy(rcpts, in->env.rcpts, in->env.rcpt_count * sizeof *rcpts);
	in->env.rcpts = rcpts;
}

static unsigned next_number(const struct envelope *env)
{
	return env->rcpt_count ? env->rcpts[env->rcpt_count - 1].number + 1 : 1;
}

void intake_add_rcpt(struct intake *in, struct smtp *s, const char *address, const struct rcpt_params *params)
{
	struct envelope *env = &in->env;

	if (have(env, address))
		return;		/* said twice, delivered once */
	more_room(in, s);
	env->rcpts[env->rcpt_count] = (struct rcpt){
		.number = next_number(env), .address = keep(s, address),
		.original = keep(s, params->original), .notify = params->notify, .next = env->release,
		.status = "", .answer = "", .remote = "",
	};
	env->rcpt_count++;
}

void intake_delete_rcpt(struct intake *in, struct span address)
{
	struct envelope *env = &in->env;
	size_t kept = 0;

	for (size_t i = 0; i < env->rcpt_count; i++) {
		if (!span_alike(span_of(env->rcpts[i].address), address))
			env->rcpts[kept++] = env->rcpts[i];
	}
	env->rcpt_count = kept;
}

bool intake_rcpt(struct intake *in, struct smtp *s, const char *address, const struct smtp_rcpt *to,
    struct err *e)
{
	if (in->milters && !have(&in->env, address) &&
	    !milters_rcpt(in->milters, in, s, address, to, e))
		return false;
	intake_add_rcpt(in, s, address, &to->params);
	return true;
}

static void put_received(struct intake *in, const struct smtp *s)
{
	const struct envelope *env = &in->env;
	struct str line = STR(8192);
	struct trace t = {
		.helo = s->hello, .peer_ip = in->peer->ip, .peer_name = "", .by = in->host_name,
		.protocol = env->protocol, .tls = in->peer->tls_text, .id = env->id, .login = in->login,
		.recipient = env->rcpt_count == 1 ? env->rcpts[0].address : "", .priority = env->priority,
		.hide_client = in->hide_client, .when = env->arrived, .zone = date_local_zone(env->arrived),
	};

	trace_received(&t, &line);
	queue_put_bytes(in->put, str_span(&line));
	in->top = line.n;
	str_free(&line);
}

bool intake_open(struct intake *in, struct smtp *s, struct err *e)
{
	in->env.protocol = protocol(in, s);
	in->header = STR(HEADER_BYTES_MAX);
	in->in_body = false;
	in->put = queue_put_open(in->station, in->env.id, e);
	if (!in->put)
		return false;
	put_received(in, s);
	return !in->milters || milters_data(in->milters, in, s, e);
}

/* Keep the header until it is whole; its end may fall between two pieces. */
static void watch_header(struct intake *in, struct span text)
{
	size_t was = in->header.n;
	ptrdiff_t end;

	if (was == 0 && text.n && text.p[0] == '\n') {
		in->in_body = true;
		return;
	}
	str_add(&in->header, span_to(text, HEADER_BYTES_MAX - was));
	end = span_search(span_from(str_span(&in->header), was ? was - 1 : 0), SPAN("\n\n"));
	in->in_body = end >= 0;
	if (end >= 0)
		str_cut(&in->header, (was ? was - 1 : 0) + (size_t)end + 1);
	else if (in->header.n == HEADER_BYTES_MAX)
		in->header.over = true;
}

void intake_text(struct intake *in, struct span lf_text)
{
	if (!in->in_body && !in->header.over)
		watch_header(in, lf_text);
	queue_put_bytes(in->put, lf_text);
}

static void gather(void *arg, struct span text)
{
	str_add(arg, text);
}

/* Our own lines were put and not kept: they are needed for few messages. */
struct edit *intake_header(struct intake *in, struct err *e)
{
	struct str top = STR(in->top);

	if (in->editing)
		return &in->edit;
	in->editing = queue_put_read(in->put, 0, in->top, (struct sink){ gather, &top }, e);
	if (in->editing)
		edit_init(&in->edit, str_span(&top), str_span(&in->header));
	str_free(&top);
	return in->editing ? &in->edit : NULL;
}

bool intake_body(struct intake *in, struct sink to, struct err *e)
{
	struct edit original;
	struct field f;
	size_t at = 0;

	edit_init(&original, (struct span){ "", 0 }, str_span(&in->header));
	while (edit_next(&original, &at, &f))
		;
	edit_free(&original);
	return queue_put_read(in->put, in->top + (at < in->header.n ? at : in->header.n), UINT64_MAX, to, e);
}

static bool rewrite_header(struct intake *in, struct err *e)
{
	struct span header = str_span(&in->edit.text);

	if (!in->editing || !in->edit.changes)
		return true;
	in->env.body8bit |= !span_is_ascii(header);
	return queue_put_replace(in->put, in->top + in->header.n, header, e);
}

static bool check_header(const struct intake *in, struct err *e)
{
	if (in->header.over)
		return err_perm(e, "5.3.4", "the header is larger than %d bytes", HEADER_BYTES_MAX);
	if (trace_hops(str_span(&in->header)) >= in->hops_max)
		return err_perm(e, "5.4.6",
		    "the message has been through %u servers: that is a loop", in->hops_max);
	return true;
}

/* A milter may say so, or leave nobody who is to have it. */
static bool is_thrown_away(const struct intake *in)
{
	return in->milters && (in->milters->by || !in->env.rcpt_count);
}

static bool throw_away(struct intake *in, struct str *said)
{
	const struct milter *by = in->milters->by;

	maillog_milter(in->env.id, by ? by->name : "?", by ? "discarded" : "left no recipient",
	    span_of(in->env.sender));
	maillog_removed(in->env.id, "a milter wanted it so");
	str_addf(said, "taken as %s", in->env.id);
	return true;
}

/* The value of the first field of that name, or nothing. */
static struct span find_field(const struct intake *in, const char *name)
{
	struct span text = str_span(&in->header);
	struct field f;

	while (header_next(&text, &f)) {
		if (span_is(f.name, name))
			return span_trim(f.value);
	}
	return (struct span){ "", 0 };
}

bool intake_commit(struct intake *in, struct smtp *s, struct str *said, struct err *e)
{
	struct envelope *env = &in->env;
	struct queue_put *put;

	if (!check_header(in, e) || (in->milters && !milters_message(in->milters, in, s, e)))
		return false;
	if (is_thrown_away(in))
		return throw_away(in, said);
	if (!rewrite_header(in, e))
		return false;
	put = in->put;
	env->body8bit = env->body8bit || s->body.has8bit;
	/* RFC 8689 3, 4.1: REQUIRETLS outweighs the field. */
	env->tls_optional = !env->require_tls && span_is(find_field(in, "TLS-Required"), "No");
	in->put = NULL;			/* commit frees it either way */
	if (!queue_put_commit(put, env, e))
		return false;
	str_addf(said, "queued as %s", env->id);
	maillog_received(&(struct maillog_received){ .id = env->id, .peer = in->peer->ip, .helo = env->helo,
	    .login = env->login, .protocol = env->protocol, .tls = env->tls, .from = span_of(env->sender),
	    .rcpts = (unsigned)env->rcpt_count, .bytes = env->wire_bytes, .message_id = find_field(in, "Message-ID") });
	return true;
}

void intake_reset(struct intake *in)
{
	queue_put_drop(in->put);
	in->put = NULL;
	if (in->milters)
		milters_reset(in->milters);
	str_free(&in->header);
	edit_free(&in->edit);
	in->editing = false;
	in->env = (struct envelope){ .id = "" };
	in->room = 0;
}

/* What the front knows of TLS (its certificate, its channel) is the proxy's, and nothing of the client's. */
void intake_proxied(struct wire_peer *peer, const struct smtp_proxied *client)
{
	peer->seal[0] = '\0';
	if (client->ip) {
		snprintf(peer->ip, sizeof peer->ip, "%s", client->ip);
		peer->port = client->port;
	}
	if (client->local_ip) {
		snprintf(peer->local_ip, sizeof peer->local_ip, "%s", client->local_ip);
		peer->local_port = client->local_port;
	}
	maillog_connect(peer->service, peer->ip);
}

/* What stands between < and > in the tail of a MAIL or RCPT, well formed or not. */
static struct span said_address(struct span tail)
{
	ptrdiff_t open = span_find(tail, '<'), close = span_rfind(tail, '>');

	return open >= 0 && close > open ?
	    span_to(span_from(tail, (size_t)open + 1), (size_t)(close - open - 1)) :
	    tail;
}

void intake_refused(const struct intake *in, struct span line, const struct reply *r)
{
	struct span rest = line, word = span_word(&rest), none = { NULL, 0 };
	struct span address = said_address(span_trim(rest));
	struct err e = { .kind = r->code >= 500 ? ERR_PERM : ERR_TEMP };
	bool mail = span_is(word, "MAIL"), rcpt = span_is(word, "RCPT");
	char verb[16] = "?";

	span_copy(word, verb, sizeof verb);
	snprintf(e.status, sizeof e.status, "%s", r->status);
	snprintf(e.text, sizeof e.text, "%.300s", r->text);
	maillog_rejected(in->env.id, in->peer->ip, verb,
	    mail ? address : in->env.sender ? span_of(in->env.sender) : none, rcpt ? address : none, (int)r->code, &e);
}
