/*
 * What goes on from here to other addresses: a new message with an id of its own, over the same
 * text with a Delivered-To on top, so that the alias recognises it when it comes back.
 */
#include <fcntl.h>
#include <unistd.h>

#include "common/mail/maillog.h"
#include "common/mail/trace.h"
#include "common/os/clock.h"
#include "mda/pick.h"

enum { HEAD_MAX = 65536 };

static bool check_loop(const struct pick *p, const struct message *m, const char *address, struct err *e)
{
	char head[HEAD_MAX];
	ssize_t n = pread(m->text, head, sizeof head, 0);
	struct span text = { head, n > 0 ? (size_t)n : 0 };

	if (n < 0)
		return err_sys(e, "cannot read the text");
	if (trace_was_delivered_to(text, span_of(address)) || trace_hops(text) > p->self.conf.hops_max)
		return err_perm(e, "5.4.6", "mail for %s goes round in circles", address);
	return true;
}

static bool copy_text(const struct message *m, const char *address, struct queue_put *q, struct err *e)
{
	struct str line = STR(8192);
	char buf[65536];
	off_t at = 0;
	ssize_t n;

	trace_delivered_to(span_of(address), &line);
	queue_put_bytes(q, str_span(&line));
	str_free(&line);
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

/* The sender's wishes go along; success was our word to give (RFC 3461 6.2.5.1, expanded). */
static void fill_envelope(const struct message *m, size_t rcpt, struct envelope *env)
{
	const struct progress *g = &m->progress[rcpt];
	const struct rcpt *from = &m->env.rcpts[rcpt];

	*env = m->env;
	env->warned = 0;
	env->via = "";
	env->arrived = 0;
	env->rcpts = arena_array(m->memory, g->forward_count, sizeof *env->rcpts);
	env->rcpt_count = g->forward_count;
	for (size_t i = 0; i < g->forward_count; i++)
		env->rcpts[i] = (struct rcpt){ .number = (unsigned)i, .address = g->forward[i],
			.original = from->original, .notify = from->notify & ~(unsigned)NOTIFY_SUCCESS };
	queue_new_id(env->id);
	env->arrived_us = clock_wall_us();
}

bool forward_send(struct pick *p, const struct message *m, size_t rcpt, struct err *e)
{
	const char *address = m->env.rcpts[rcpt].address;
	struct queue_put *q;
	struct envelope env;

	if (!check_loop(p, m, address, e))
		return false;
	fill_envelope(m, rcpt, &env);
	q = queue_put_open(&p->own, env.id, e);
	if (!q || !copy_text(m, address, q, e)) {
		queue_put_drop(q);
		return err_while(e, "forwarding");
	}
	if (!queue_put_commit(q, &env, e))
		return err_while(e, "forwarding");
	for (size_t i = 0; i < env.rcpt_count; i++)
		maillog_expanded(m->id, span_of(address), span_of(env.rcpts[i].address), env.id);
	maillog_received(&(struct maillog_received){ .id = env.id, .parent = m->id, .protocol = "forward",
	    .from = span_of(env.sender), .rcpts = (unsigned)env.rcpt_count, .bytes = env.wire_bytes });
	return true;
}
