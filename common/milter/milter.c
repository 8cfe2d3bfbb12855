/* Talking to a milter. See milter.h. */
#include "common/milter/milter.h"

#include <errno.h>

#include "common/os/fd.h"

enum { SAID_MAX = FRAME_MAX + 65536, HELD_BACK = 32768, READ_PIECE = 4096 };

/* What we say: which step it is, what it looks like in the terms, and how long an answer may take. */
static const struct say {
	char			what;
	enum milter_stage	stage;		/* whose macros go in front */
	unsigned		no, mute;	/* steps that make it go, or go without an answer */
	bool			content;
} says[] = {
	{ SAY_CONNECT,		STAGE_CONNECT,	NO_CONNECT,	MUTE_CONNECT,	false },
	{ SAY_HELO,		STAGE_HELO,	NO_HELO,	MUTE_HELO,	false },
	{ SAY_MAIL,		STAGE_MAIL,	NO_MAIL,	MUTE_MAIL,	false },
	{ SAY_RCPT,		STAGE_RCPT,	NO_RCPT,	MUTE_RCPT,	false },
	{ SAY_DATA,		STAGE_DATA,	NO_DATA,	MUTE_DATA,	false },
	{ SAY_HEADER,		STAGE_NONE,	NO_HEADER,	MUTE_HEADER,	true },
	{ SAY_HEADER_END,	STAGE_HEADER_END, NO_HEADER_END, MUTE_HEADER_END, true },
	{ SAY_BODY,		STAGE_NONE,	NO_BODY,	MUTE_BODY,	true },
	{ SAY_MESSAGE_END,	STAGE_MESSAGE_END, 0,		0,		true },
};

static const struct say *find_say(char what)
{
	const struct say *s = says;

	while (s->what != what)
		s++;
	return s;
}

void milter_init(struct milter *m, const struct milter_where *where, const struct milter_times *times)
{
	*m = (struct milter){ .open = where->open, .times = *times, .out = STR(SAID_MAX), .in = STR(FRAME_MAX + READ_PIECE),
		.changes = STR(MILTER_CHANGES_BYTES), .stream = { .fd = -1 } };
	snprintf(m->name, sizeof m->name, "%s", where->name);
}

/* --- trouble --- */

static void hang_up(struct milter *m)
{
	fd_close(&m->stream.fd);
	str_free(&m->out);
	str_free(&m->in);
	str_free(&m->changes);
}

/* Of a milter's trouble nobody dies: it is always temporary for the client. */
void milter_lost(struct milter *m, const struct err *why)
{
	m->why = *why;
	err_while(&m->why, "milter %s", m->name);
	m->gone = true;
	hang_up(m);
}

static enum milter_verdict lost(struct milter *m, const struct err *why)
{
	milter_lost(m, why);
	return MILTER_GONE;
}

/* --- frames out and in --- */

static bool flush(struct milter *m, ms_t until, struct err *e)
{
	bool ok = !m->out.over || err_temp(e, "4.3.0", "what is to be said is too long");

	ok = ok && m->stream.stream.write(&m->stream.stream, str_span(&m->out), until, e);
	str_reset(&m->out);
	return ok;
}

/* More bytes into m->in, or why not. */
static bool read_more(struct milter *m, ms_t until, struct err *e)
{
	char *at = str_room(&m->in, READ_PIECE);
	ssize_t n;

	if (!at)
		return err_temp(e, "4.3.0", "its answer is longer than %d bytes", FRAME_MAX);
	n = m->stream.stream.read(&m->stream.stream, at, READ_PIECE, until);
	if (n > 0) {
		str_grew(&m->in, (size_t)n);
		return true;
	}
	if (n == 0)
		return err_temp(e, "4.4.2", "it hung up");
	return errno == ETIMEDOUT ? err_temp(e, "4.4.2", "no answer in time") : err_sys(e, "cannot read its answer");
}

/* The next frame; it stands in m->in until used(). */
static bool next_frame(struct milter *m, ms_t until, struct span *frame, struct err *e)
{
	struct span in = str_span(&m->in);

	while (!frame_take(&in, frame)) {
		if (!read_more(m, until, e))
			return false;
		in = str_span(&m->in);
	}
	return true;
}

/* Forget a frame and its length, keep what came behind it. */
static void used(struct milter *m, struct span frame)
{
	size_t n = (size_t)(frame.p - m->in.p) + frame.n, rest = m->in.n - n;

	memmove(m->in.p, m->in.p + n, rest);
	str_cut(&m->in, rest);
}

/* --- the beginning --- */

static bool agree(struct milter *m, ms_t until, struct err *e)
{
	struct span frame;

	terms_offer(&m->out);
	if (!flush(m, until, e) || !next_frame(m, until, &frame, e) ||
	    !terms_take(frame, &m->terms, e))
		return false;
	used(m, frame);
	return true;
}

bool milter_start(struct milter *m, int fd)
{
	ms_t until = clock_in(m->times.connect_s);
	struct err e;

	fd_stream_init(&m->stream, fd);
	m->started = true;
	if (!fd_wait_write(fd, until))
		err_temp(&e, "4.4.1", "cannot connect: no answer in time");
	else if (agree(m, until, &e))
		return true;
	milter_lost(m, &e);
	return false;
}

/* --- steps --- */

enum milter_verdict milter_stands(const struct milter *m)
{
	if (m->gone)
		return MILTER_GONE;
	return m->connection != MILTER_GO_ON ? m->connection : m->message;
}

static bool is_wanted(const struct milter *m, const struct say *s)
{
	return milter_stands(m) == MILTER_GO_ON && !(m->terms.steps & s->no) &&
	    !(s->what == SAY_BODY && m->skip_body);
}

static void put_macros(struct milter *m, const struct say *s, const struct milter_facts *facts)
{
	uint32_t which = s->stage < STAGES ? m->terms.macros[s->stage] : 0;
	size_t began;

	if (!which || !facts)
		return;
	began = frame_begin(&m->out, SAY_MACROS);
	str_add_char(&m->out, s->what);
	macro_put(facts, which, &m->out);
	frame_end(&m->out, began);
}

bool milter_begin(struct milter *m, char what, const struct milter_facts *facts)
{
	const struct say *s = find_say(what);

	if (!is_wanted(m, s))
		return false;
	put_macros(m, s, facts);
	m->in_message = m->in_message || (what != SAY_CONNECT && what != SAY_HELO);
	m->saying = what;
	m->began = frame_begin(&m->out, what);
	return true;
}

static bool is_connection(const struct milter *m)
{
	return m->saying == SAY_CONNECT || m->saying == SAY_HELO;
}

static enum milter_verdict verdict_of(struct milter *m, const struct milter_answer *a)
{
	switch (a->kind) {
	case ANSWER_ACCEPT:
		return MILTER_DONE;
	case ANSWER_DISCARD:
		return MILTER_DROP;
	case ANSWER_REFUSE:
		m->reply = a->reply;
		return MILTER_REFUSE;
	case ANSWER_SKIP:
		m->skip_body = true;
		return MILTER_GO_ON;
	default:
		return MILTER_GO_ON;
	}
}

/* A refusal is of what was asked, all else holds on. */
static enum milter_verdict keep(struct milter *m, enum milter_verdict v)
{
	if (is_connection(m))
		m->connection = v;
	else if (v != MILTER_REFUSE || m->saying != SAY_RCPT)
		m->message = v;
	return v;
}

/* One answer that must be a verdict. */
static enum milter_verdict hear(struct milter *m, ms_t until)
{
	struct milter_answer a;
	struct span frame;
	struct err e;

	if (!flush(m, until, &e) || !next_frame(m, until, &frame, &e) ||
	    !answer_parse(frame, m->terms.may, m->name, &a, &e))
		return lost(m, &e);
	if (a.change || a.kind == ANSWER_PROGRESS) {
		err_temp(&e, "4.3.0", "it answers \"%c\" before the message is over", *frame.p);
		return lost(m, &e);
	}
	used(m, frame);
	return keep(m, verdict_of(m, &a));
}

enum milter_verdict milter_end(struct milter *m)
{
	const struct say *s = find_say(m->saying);
	ms_t until = clock_in(s->content ? m->times.content_s : m->times.command_s);
	struct err e;

	frame_end(&m->out, m->began);
	if (!(m->terms.steps & s->mute))
		return hear(m, until);
	if (m->out.n > HELD_BACK && !flush(m, until, &e))
		return lost(m, &e);
	return MILTER_GO_ON;
}

/* --- the end of a message --- */

static bool keep_change(struct milter *m, struct span frame, unsigned *count, struct err *e)
{
	if (++*count > MILTER_CHANGES_MAX)
		return err_temp(e, "4.3.0", "it makes more than %d changes", MILTER_CHANGES_MAX);
	frame_number(&m->changes, (uint32_t)frame.n);
	str_add(&m->changes, frame);
	return !m->changes.over ||
	    err_temp(e, "4.3.0", "its changes take more than %d bytes", MILTER_CHANGES_BYTES);
}

/* Keep the changes, wait as long as it says that it works, until the verdict is there. */
static bool hear_all(struct milter *m, struct milter_answer *last, struct err *e)
{
	ms_t until = clock_in(m->times.content_s), limit = clock_in(MILTER_PATIENCE_S);
	unsigned changes = 0;
	struct span frame;

	if (!flush(m, until, e))
		return false;
	for (;;) {
		if (!next_frame(m, until < limit ? until : limit, &frame, e) ||
		    !answer_parse(frame, m->terms.may, m->name, last, e))
			return false;
		if (last->change && !keep_change(m, frame, &changes, e))
			return false;
		used(m, frame);
		if (!last->change && last->kind != ANSWER_PROGRESS)
			return true;
		until = clock_in(m->times.content_s);
	}
}

enum milter_verdict milter_finish(struct milter *m, const struct milter_facts *facts,
    void (*change)(void *arg, struct milter *m, const struct milter_answer *a), void *arg)
{
	struct milter_answer a;
	struct span in, frame;
	enum milter_verdict v;
	struct err e;

	if (!milter_begin(m, SAY_MESSAGE_END, facts))
		return milter_stands(m);
	frame_end(&m->out, m->began);
	str_reset(&m->changes);
	if (!hear_all(m, &a, &e))
		return lost(m, &e);
	m->in_message = false;
	v = keep(m, verdict_of(m, &a));
	in = str_span(&m->changes);
	while ((v == MILTER_GO_ON || v == MILTER_DONE) && frame_take(&in, &frame)) {
		if (answer_parse(frame, m->terms.may, m->name, &a, &e))
			change(arg, m, &a);
	}
	str_free(&m->changes);
	return v;
}

static void say_alone(struct milter *m, char what)
{
	struct err e;

	frame_end(&m->out, frame_begin(&m->out, what));
	if (!flush(m, clock_in(m->times.command_s), &e))
		milter_lost(m, &e);
}

void milter_abort(struct milter *m)
{
	if (m->started && !m->gone && m->in_message)
		say_alone(m, SAY_ABORT);
	m->in_message = m->skip_body = false;
	m->message = MILTER_GO_ON;
}

void milter_close(struct milter *m)
{
	if (m->started && !m->gone)
		say_alone(m, SAY_QUIT);
	hang_up(m);
	m->started = m->gone = m->told = m->in_message = m->skip_body = false;
	m->connection = m->message = MILTER_GO_ON;
}
