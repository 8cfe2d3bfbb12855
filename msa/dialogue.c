/*
 * sendmail -bs: SMTP with the program that called us, in place of a message. It is who it is, so there is no
 * login; what it says is put into the queue as any submitted mail. See sendmail.h.
 */
#include "msa/sendmail.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/mail/date.h"
#include "common/mail/fix.h"
#include "common/mail/msgid.h"
#include "common/os/clock.h"
#include "common/queue/intake.h"

struct dialogue {
	const struct mailer	*m;
	struct intake		 intake;
	struct wire_peer	 peer;		/* "local", and the uid where others have a port */
	struct fix		 fix;
	bool			 fixing;	/* fix_init() without fix_end() yet */
	char			 message_id[512];
};

/* --- standard input and output as one stream --- */

enum ends { UNKNOWN, WITH_CR, WITHOUT_CR };

struct two_ways { struct stream stream; struct fd_stream in, out; enum ends ends; bool cr; };

/* How the first line ends is how all do: those of a script have no CR. n bytes become up to twice as many. */
static size_t add_returns(struct two_ways *t, const char *from, size_t n, char *to)
{
	char *end = to;

	for (; n; n--, from++) {
		if (*from == '\n' && t->ends == UNKNOWN)
			t->ends = t->cr ? WITH_CR : WITHOUT_CR;
		if (*from == '\n' && t->ends == WITHOUT_CR && !t->cr)
			*end++ = '\r';
		t->cr = *from == '\r';
		*end++ = *from;
	}
	return (size_t)(end - to);
}

/* Into the second half of buf, so that there is room in front of it. */
static ssize_t read_in(struct stream *s, void *buf, size_t n, ms_t until)
{
	struct two_ways *t = (struct two_ways *)s;
	char *half = (char *)buf + (n - n / 2);
	ssize_t got;

	if (n == 1)		/* what is left of a chunk, whose length counts */
		return t->in.stream.read(&t->in.stream, buf, n, until);
	got = t->in.stream.read(&t->in.stream, half, n / 2, until);

	return got > 0 ? (ssize_t)add_returns(t, half, (size_t)got, buf) : got;
}

static bool write_out(struct stream *s, struct span bytes, ms_t until, struct err *e)
{
	struct two_ways *t = (struct two_ways *)s;

	return t->out.stream.write(&t->out.stream, bytes, until, e);
}

/* --- hooks --- */

static bool take_mail(struct smtp *s, const struct smtp_mail *from, struct err *e)
{
	struct dialogue *d = s->self;

	return intake_begin(&d->intake, s, from, e);
}

static bool take_rcpt(struct smtp *s, const struct smtp_rcpt *to, struct err *e)
{
	struct dialogue *d = s->self;

	return intake_rcpt(&d->intake, s, to->path.domain.n ? to->address : d->m->conf.postmaster, to, e);
}

static void put_fixed(void *arg, struct span lf_text)
{
	struct dialogue *d = arg;

	intake_text(&d->intake, lf_text);
}

static void make_message_id(struct dialogue *d)
{
	struct str id = STR(sizeof d->message_id - 1);

	msgid_new(span_of(d->m->conf.host_name), &id);
	snprintf(d->message_id, sizeof d->message_id, "%s", id.p);
	str_free(&id);
}

static bool take_data(struct smtp *s, struct err *e)
{
	struct dialogue *d = s->self;
	time_t now = d->intake.env.arrived;
	struct fix_with with = { FIX_ALL, now, date_local_zone(now), d->message_id,
		d->intake.env.sender };

	if (!intake_open(&d->intake, s, e))
		return false;
	make_message_id(d);
	fix_init(&d->fix, (struct sink){ put_fixed, d }, &with);
	d->fixing = true;
	return true;
}

static void take_text(struct smtp *s, struct span lf_text)
{
	struct dialogue *d = s->self;

	fix_feed(&d->fix, lf_text);
}

static bool commit(struct smtp *s, struct str *said, struct err *e)
{
	struct dialogue *d = s->self;

	d->fixing = false;
	if (!fix_end(&d->fix))
		return err_perm(e, "5.3.4", "the header of the message is too large");
	return intake_commit(&d->intake, s, said, e);
}

static void reset(struct smtp *s)
{
	struct dialogue *d = s->self;

	if (d->fixing)
		fix_end(&d->fix);
	d->fixing = false;
	intake_reset(&d->intake);
}

static const struct smtp_hooks hooks = {
	.mail = take_mail, .rcpt = take_rcpt, .data = take_data, .text = take_text, .commit = commit, .reset = reset,
};

/* --- the dialogue --- */

int dialogue_serve(const struct mailer *m)
{
	const struct conf *c = &m->conf;
	struct dialogue d = { .m = m, .peer = { .ip = "local", .port = (unsigned)getuid() } };
	struct two_ways ways = { .stream = { read_in, write_out } };
	struct smtp_terms terms = {
		.host_name = c->host_name, .auth_words = "",
		.offer = EXT_PIPELINING | EXT_SIZE | EXT_8BITMIME | EXT_ENHANCED | EXT_CHUNKING | EXT_DSN | EXT_SMTPUTF8 | EXT_HELP,
		.early_talkers = true, .batch = true, .size_max = c->message_size_limit, .rcpts_max = c->recipients_max,
		.command_timeout_s = (int)c->command_timeout, .errors_max = (unsigned)c->errors_max,
	};

	fd_stream_init(&ways.in, STDIN_FILENO);
	fd_stream_init(&ways.out, STDOUT_FILENO);
	d.intake = (struct intake){ .station = &m->station, .host_name = c->host_name, .hops_max = (unsigned)c->hops_max,
		.hide_client = true, .peer = &d.peer, .login = m->login, .header = STR(0) };
	smtp_serve(&ways.stream, &hooks, &terms, false, &d);
	return EX_OK;
}
