/*
 * A milter that says anything at all: the conversation comes to an end, every verdict is one that
 * is known, what it says of replies and fields can do no harm, and changes come only with a yes.
 */
#include <assert.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mail/edit.h"
#include "common/milter/milter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct milter_facts facts = { .host_name = "mx", .id = "q", .sender = "a@b", .client_ip = "192.0.2.1" };

static void no_line_ends(const char *text, bool between)
{
	for (; *text; text++)
		assert((unsigned char)*text >= ' ' || (between && *text == '\n'));
}

static void look(const struct milter *m, enum milter_verdict v)
{
	assert(v <= MILTER_GONE && (v == MILTER_GONE) == m->gone);
	if (v == MILTER_GONE)
		assert(m->why.kind != ERR_NONE && m->stream.fd < 0);
	if (v != MILTER_REFUSE)
		return;
	assert(m->reply.code >= 400 && m->reply.code <= 599);
	assert(m->reply.status[0] == (char)('0' + m->reply.code / 100));
	no_line_ends(m->reply.status, false);
	no_line_ends(m->reply.text, true);
}

static void change(void *arg, struct milter *m, const struct milter_answer *a)
{
	struct edit *d = arg;

	assert(a->change && !m->gone);
	if (a->kind == ANSWER_ADD_HEADER || a->kind == ANSWER_INSERT_HEADER)
		edit_insert(d, a->number, a->name, a->value, NULL);
	else if (a->kind == ANSWER_CHANGE_HEADER)
		edit_change(d, a->name, a->number, a->value, NULL);
	assert(!span_has(a->text, '\0') && !span_has(a->name, '\0'));
}

static enum milter_verdict say(struct milter *m, char what)
{
	enum milter_verdict v = milter_stands(m);

	if (milter_begin(m, what, &facts)) {
		frame_text(&m->out, SPAN("words"));
		v = milter_end(m);
	}
	look(m, v);
	return v;
}

static void message(struct milter *m)
{
	static const char steps[] = "CHMRRTLLNBB";
	struct edit d;

	edit_init(&d, SPAN("Received: us\n"), SPAN("A: 1\nB: 2\n"));
	for (const char *s = steps; *s; s++)
		say(m, *s);
	look(m, milter_finish(m, &facts, change, &d));
	assert(span_search(str_span(&d.text), SPAN("\n\n")) < 0 && d.text.n);
	milter_abort(m);
	edit_free(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct milter_where where = { .name = "m", .open = true };
	const struct milter_times times = { 1, 1, 1 };
	struct milter m;
	int pair[2];

	if (n > 65536 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 0;
	assert(write(pair[1], data, n) == (ssize_t)n && shutdown(pair[1], SHUT_WR) == 0);
	milter_init(&m, &where, &times);
	if (milter_start(&m, pair[0])) {
		message(&m);
		message(&m);
	} else {
		look(&m, milter_stands(&m));
	}
	milter_close(&m);
	close(pair[1]);
	return 0;
}
