/*
 * What goes on from here to other addresses: a new message with an id of its own, over the same
 * text with a Delivered-To on top, so that the alias recognises it when it comes back. Its sender is
 * one that leads back to us. Mail of which nobody knows whom it is from goes as an attachment, by the setting
 * forward-unverified; a report about a forward goes back to the sender of that.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/mail/charset.h"
#include "common/mail/date.h"
#include "common/mail/header.h"
#include "common/mail/maillog.h"
#include "common/mail/msgid.h"
#include "common/mail/trace.h"
#include "common/mail/wrap.h"
#include "common/os/clock.h"
#include "common/os/dice.h"
#include "common/smtp/param.h"
#include "mda/pick.h"

enum { HEAD_MAX = 65536, ORIGINAL_MAX = 1200 };

/* --- may it go on, and how --- */

static bool read_head(const struct message *m, char head[HEAD_MAX], struct span *text, struct err *e)
{
	ssize_t n = pread(m->text, head, HEAD_MAX, 0);

	if (n < 0)
		return err_sys(e, "cannot read the text");
	*text = (struct span){ head, (size_t)n };
	return true;
}

static bool check_loop(const struct pick *p, struct span text, const char *address, struct err *e)
{
	if (trace_was_delivered_to(text, span_of(address)) ||
	    trace_hops(text) > p->self.conf.hops_max)
		return err_perm(e, "5.4.6", "mail for %s goes round in circles", address);
	return true;
}

/* From one of us, or from whom it says. What the gate has doubts about nobody vouches for. */
static bool is_vouched(const struct envelope *env)
{
	struct span peer = span_of(env->peer);

	return !env->junk && (env->vouched || env->is_bounce || *env->login || span_is(peer, "local") ||
	    span_starts(peer, "local "));
}

/* RFC 3834, and no open relay: what is not a report has a sender, and does not go back. */
static bool check_report(const struct message *m, const char *address, struct err *e)
{
	return !*m->env.sender ||
	    err_perm(e, "5.7.1", "%s takes reports about mail only, which have no sender", address);
}

enum manner { AS_IT_IS, WRAPPED, NOT_AT_ALL };

/* RFC 5321 4.5.1, RFC 2142 4: whoever they are elsewhere, they can be reached by anybody. */
static bool is_contact(const char *address)
{
	struct span domain = span_of(address), local = domain;

	span_cut(&domain, '@', &local);
	return span_is(local, "postmaster") || span_is(local, "abuse");
}

static enum manner manner_of(const struct pick *p, const struct message *m, size_t rcpt)
{
	const char *setting = p->self.conf.mda_forward_unverified;

	if (m->progress[rcpt].back || is_vouched(&m->env) || strcmp(setting, "forward") == 0)
		return AS_IT_IS;
	return strcmp(setting, "attach") == 0 || is_contact(m->env.rcpts[rcpt].address) ?
	    WRAPPED :
	    NOT_AT_ALL;
}

/* --- the envelope --- */

/* RFC 3461 4.2: which of the sender's addresses it is about, where the sender did not say. */
static const char *original_of(const struct message *m, const struct rcpt *r)
{
	struct str xtext = STR(ORIGINAL_MAX);
	const char *original = r->original;

	if (!*original && span_is_ascii(span_of(r->address))) {
		xtext_encode(span_of(r->address), &xtext);
		original = arena_printf(m->memory, "rfc822;%s", xtext.p);
	}
	str_free(&xtext);
	return original;
}

/* RFC 3461 5.2.7.3 (c): of several, success is our word to give. Who wanted nothing else wants no more. */
static unsigned notify_of(const struct rcpt *r, bool alone)
{
	unsigned rest = r->notify & ~(unsigned)NOTIFY_SUCCESS;

	if (alone || !r->notify)
		return r->notify;
	return rest ? rest : NOTIFY_NEVER;
}

static void add_rcpts(const struct message *m, size_t rcpt, struct envelope *env)
{
	const struct progress *g = &m->progress[rcpt];

	env->rcpts = arena_array(m->memory, g->forward_count, sizeof *env->rcpts);
	env->rcpt_count = g->forward_count;
	for (size_t i = 0; i < g->forward_count; i++)
		env->rcpts[i] = (struct rcpt){ .number = (unsigned)i, .address = g->forward[i], .original = "" };
}

/* The sender's wishes go along. */
static void wishes_of(const struct message *m, size_t rcpt, struct envelope *env)
{
	struct progress *g = &m->progress[rcpt];
	const struct rcpt *from = &m->env.rcpts[rcpt];
	const char *original = original_of(m, from);

	g->passed_on = g->targets == 1 || g->back;	/* RFC 3461 5.2.7.2 */
	for (size_t i = 0; i < env->rcpt_count; i++) {
		env->rcpts[i].original = g->back ? "" : original;
		env->rcpts[i].notify = notify_of(from, g->passed_on);
	}
}

static bool begin_envelope(struct pick *p, const struct message *m, size_t rcpt, struct envelope *env, struct err *e)
{
	*env = m->env;
	env->warned = 0;
	env->via = "";
	env->arrived = 0;
	queue_new_id(env->id);
	env->arrived_us = clock_wall_us();
	add_rcpts(m, rcpt, env);
	if (!message_forward_sender(p, m, m->env.rcpts[rcpt].address, &env->sender, &m->progress[rcpt].owned, e))
		return false;
	if (m->progress[rcpt].owned)
		env->envid = env->ret = ""; /* RFC 3461 5.2.7.1: the sender's wishes end here */
	else
		wishes_of(m, rcpt, env);
	return true;
}

/*
 * A message of ours around it. Nobody knows whom it is from, so nobody is told of what becomes of it
 * but our postmaster, or the owner of a list: its sender is null.
 */
static bool begin_own_envelope(struct pick *p, const struct message *m, size_t rcpt, struct envelope *env, struct err *e)
{
	struct progress *g = &m->progress[rcpt];
	const char *from;

	if (!message_forward_sender(p, m, m->env.rcpts[rcpt].address, &from, &g->owned, e))
		return false;
	*env = (struct envelope){ .sender = g->owned ? from : "", .peer = "local", .protocol = "forward", .vouched = true,
		.smtputf8 = m->env.smtputf8, .body8bit = m->env.body8bit || m->env.smtputf8, .require_tls = m->env.require_tls,
		.arrived_us = clock_wall_us() };
	queue_new_id(env->id);
	add_rcpts(m, rcpt, env);
	return true;
}

/* --- the text --- */

static bool copy_text(const struct message *m, struct queue_put *q, struct err *e)
{
	char buf[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(m->text, buf, sizeof buf, at)) > 0) {
		queue_put_bytes(q, (struct span){ buf, (size_t)n });
		at += n;
	}
	if (n < 0)
		return err_sys(e, "cannot read the text");
	if ((uint64_t)at != m->env.text_bytes)
		return err_temp(e, "4.3.0", "the text is not as long as its envelope says");
	return true;
}

static bool put_as_it_is(const struct message *m, const char *address, struct queue_put *q, struct err *e)
{
	struct str line = STR(8192);

	trace_delivered_to(span_of(address), &line);
	queue_put_bytes(q, str_span(&line));
	str_free(&line);
	return copy_text(m, q, e);
}

static void put_str(struct queue_put *q, struct str *s)
{
	queue_put_bytes(q, str_span(s));
	str_reset(s);
}

static bool put_wrapped(struct pick *p, const struct message *m, const char *address,
    struct span text, const struct envelope *env, struct queue_put *q, struct err *e)
{
	time_t now = clock_wall();
	struct str s = STR(8 * HEAD_MAX), id = STR(400);
	struct wrap w = { .through = address, .header = span_to(text, header_length(text)), .now = now,
		.zone = date_local_zone(now), .eight = env->body8bit, .junk = m->env.junk,
		.utf8 = env->smtputf8, .dice = dice_roll() };
	bool ok;

	msgid_new(span_of(p->self.conf.host_name), &id);
	w.message_id = id.p;
	trace_delivered_to(span_of(address), &s);
	trace_received(&(struct trace){ .helo = "", .peer_ip = "", .peer_name = "", .by = p->self.conf.host_name,
	    .protocol = "local", .tls = "", .id = env->id, .recipient = "", .login = "", .when = now, .zone = w.zone }, &s);
	wrap_begin(&w, m->memory, &s);
	put_str(q, &s);
	ok = copy_text(m, q, e);
	wrap_end(&w, &s);
	put_str(q, &s);
	str_free(&s);
	str_free(&id);
	return ok;
}

/* --- all of it --- */

static void tell_log(const struct message *m, const char *address, const struct envelope *env, enum manner how)
{
	for (size_t i = 0; i < env->rcpt_count; i++)
		maillog_expanded(m->id, span_of(address), span_of(env->rcpts[i].address), env->id);
	maillog_received(&(struct maillog_received){ .id = env->id, .parent = m->id,
	    .protocol = how == WRAPPED ? "attach" : "forward", .from = span_of(env->sender),
	    .rcpts = (unsigned)env->rcpt_count, .bytes = env->wire_bytes });
}

static bool write_forward(struct pick *p, const struct message *m, size_t rcpt, struct span text,
    enum manner how, struct err *e)
{
	const char *address = m->env.rcpts[rcpt].address;
	char mark[MADE_NAME];
	struct queue_put *q;
	struct envelope env;
	bool was_made;

	made_name(m->id, m->env.rcpts[rcpt].number, "forward", mark);
	if (!(how == WRAPPED ? begin_own_envelope : begin_envelope)(p, m, rcpt, &env, e))
		return false;
	if (!made_look(p->made, mark, &p->own, &was_made, e))
		return false;
	if (was_made)
		return m->progress[rcpt].made = true;
	q = queue_put_open(&p->own, env.id, e);
	if (!q || !(how == WRAPPED ? put_wrapped(p, m, address, text, &env, q, e) : put_as_it_is(m, address, q, e))) {
		queue_put_drop(q);
		return false;
	}
	queue_put_mark(q, p->made, mark);
	if (!queue_put_commit(q, &env, e))
		return false;
	m->progress[rcpt].made = true;
	tell_log(m, address, &env, how);
	return true;
}

/* Where a mailbox has it, nothing failed that its sender, whoever it is, would have to hear of. */
static bool refuse(const struct message *m, size_t rcpt, struct err *e)
{
	const struct progress *g = &m->progress[rcpt];
	const char *address = m->env.rcpts[rcpt].address;

	err_perm(e, "5.7.1", "%s sends its mail on to another server, and we do that for mail only whose author DMARC, DKIM or "
	    "SPF proves", address);
	if (g->targets == g->forward_count)
		return false;
	maillog_unforwarded(m->id, span_of(address), e);
	return true;
}

static bool forward(struct pick *p, const struct message *m, size_t rcpt, char head[HEAD_MAX], struct err *e)
{
	const struct progress *g = &m->progress[rcpt];
	const char *address = m->env.rcpts[rcpt].address;
	enum manner how = manner_of(p, m, rcpt);
	struct span text;

	if (!read_head(m, head, &text, e) || !check_loop(p, text, address, e) ||
	    (g->back && !check_report(m, address, e)))
		return false;
	if (how == NOT_AT_ALL)
		return refuse(m, rcpt, e);
	return write_forward(p, m, rcpt, text, how, e) || err_while(e, "forwarding");
}

bool forward_send(struct pick *p, const struct message *m, size_t rcpt, struct err *e)
{
	char *head = mem_get(HEAD_MAX);
	bool ok = forward(p, m, rcpt, head, e);

	free(head);
	return ok;
}

void forward_noted(const struct pick *p, const struct message *m)
{
	char mark[MADE_NAME];

	for (size_t i = 0; i < m->env.rcpt_count; i++) {
		if (!m->progress[i].made)
			continue;
		made_name(m->id, m->env.rcpts[i].number, "forward", mark);
		made_noted(p->made, mark);
	}
}
