/*
 * NAME
 *	smtp-talk - play a transcript against the SMTP server
 * SYNOPSIS
 *	smtp-talk FILE.talk...
 * DESCRIPTION
 *	The server runs in a thread on one end of a socketpair, with hooks that keep what
 *	it takes in memory. A line of a transcript is
 *
 *	> text		sent, with CRLF behind it
 *	! text		sent as it is; \r \n \0 \t \\ and \xHH are bytes
 *	= N text	sent N times, without line ends
 *	< glob		must be the next line that comes back
 *	<EOF		the server must hang up now
 *	? N		so many messages have been taken so far
 *	| text		must be the next line of the last message that was taken
 *	set WORD[=N]	before the first of the others: how the server is set up
 *	# text		for the reader, as is an empty line
 *
 *	Words: msa (login needed), notls (no STARTTLS), intls (TLS from the start), clear (AUTH
 *	without TLS), all (every mechanism, see judge.h), size=N, rcpts=N, errors=N, timeout=N (seconds; 0 is over at once), strict
 *	(no word before the greeting), late (the server comes when an answer is wanted), mails=N,
 *	hold=N (seconds), priority=N, and the words of extensions that are not offered else
 *	(REQUIRETLS). The people: ann, bob, postmaster and
 *	"two words" at example.org; full@ and slow@ there answer 4.2.2 and 4.3.0; relay.example is
 *	a domain we carry mail for. ann's password is secret. Who comes from 192.0.2.9, as a
 *	proxy says, may send anywhere; who comes from 192.0.2.66 is not welcome.
 */
#include <fnmatch.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/os/fd.h"
#include "common/smtp/server.h"
#include "tests/talk/judge.h"

enum { LINE = 16384, TEXT_MAX = 1 << 20, ALARM_S = 60 };

/* --- the fake house behind the server --- */

struct house {
	bool		msa, trusted, unwelcome;
	struct str	text, last;	/* coming in; taken */
	size_t		read;		/* of last, by "|" */
	unsigned	taken;
	struct judge	judge;
	struct sasl	sasl;
};

static const struct { const char *address, *status; } people[] = {
	{ "ann@example.org", NULL }, { "bob@example.org", NULL }, { "postmaster@example.org", NULL },
	{ "postmaster", NULL }, { "\"two words\"@example.org", NULL }, { "jürgen@example.org", NULL },
	{ "full@example.org", "4.2.2" }, { "slow@example.org", "4.3.0" },
};

static bool take_mail(struct smtp *s, const struct smtp_mail *from, struct err *e)
{
	struct house *h = s->self;

	if (h->msa && *from->address && !span_is(span_of(from->address), "ann@example.org"))
		return err_perm(e, "5.7.1", "ann may not send as %s", from->address);
	return true;
}

static bool take_rcpt(struct smtp *s, const struct smtp_rcpt *to, struct err *e)
{
	struct house *h = s->self;
	const char *at = strrchr(to->address, '@');
	size_t i = 0;

	while (i < sizeof people / sizeof *people && !span_is(span_of(to->address), people[i].address))
		i++;
	if (i < sizeof people / sizeof *people)
		return !people[i].status || err_temp(e, people[i].status, "not now");
	if (at && strcmp(at, "@example.org") == 0)
		return err_perm(e, "5.1.1", "nobody here has that address");
	if (h->msa || h->trusted || (at && strcmp(at, "@relay.example") == 0))
		return true;
	return err_perm(e, "5.7.1", "we do not relay");
}

static bool greet(struct smtp *s, struct err *e)
{
	return !((struct house *)s->self)->unwelcome || err_perm(e, "5.7.1", "you are not welcome");
}

static bool proxied(struct smtp *s, const struct smtp_proxied *client, struct err *e)
{
	struct house *h = s->self;

	(void)e;
	if (!client->ip)
		return true;
	h->trusted = strcmp(client->ip, "192.0.2.9") == 0;
	h->unwelcome = strcmp(client->ip, "192.0.2.66") == 0;
	return true;
}

static bool take_data(struct smtp *s, struct err *e)
{
	struct house *h = s->self;

	(void)e;
	str_reset(&h->text);
	return true;
}

static void take_text(struct smtp *s, struct span lf_text)
{
	struct house *h = s->self;

	str_add(&h->text, lf_text);
}

static bool commit(struct smtp *s, struct str *said, struct err *e)
{
	struct house *h = s->self;

	if (h->text.over)
		return err_temp(e, "4.3.1", "no room");
	str_reset(&h->last);
	str_add(&h->last, str_span(&h->text));
	h->read = 0;
	str_addf(said, "queued as %u", ++h->taken);
	return true;
}

static void reset(struct smtp *s)
{
	struct house *h = s->self;

	str_reset(&h->text);
}

static bool start_tls(struct smtp *s, struct err *e)
{
	return out_flush(s->out, MS_NEVER, e);
}

static enum smtp_auth auth(struct smtp *s, struct span mechanism, const struct span *said,
    bool first, struct str *challenge, struct err *e)
{
	struct house *h = s->self;
	enum sasl_next next;

	if (first && !sasl_begin(&h->sasl, judge_of(&h->judge), &h->judge.offer, mechanism)) {
		err_perm(e, "5.5.4", "no such mechanism");
		return SMTP_AUTH_FAILED;
	}
	next = sasl_step(&h->sasl, said, challenge, e);
	return next == SASL_ASK ? SMTP_AUTH_MORE : next == SASL_DONE ? SMTP_AUTH_DONE : SMTP_AUTH_FAILED;
}

static const struct smtp_hooks hooks = {
	.start_tls = start_tls, .auth = auth, .mail = take_mail, .rcpt = take_rcpt, .data = take_data,
	.text = take_text, .commit = commit, .reset = reset, .greet = greet, .proxied = proxied,
};

/* --- the server's side --- */

struct scene {
	int			server, client;
	bool			in_tls, late, running;
	struct smtp_terms	terms;
	struct house		house;
	pthread_t		thread;
};

static void *serve(void *arg)
{
	struct scene *s = arg;
	struct fd_stream stream;

	fd_stream_init(&stream, s->server);
	smtp_serve(&stream.stream, &hooks, &s->terms, s->in_tls, &s->house);
	fd_close(&s->server);
	return NULL;
}

static void set_up(struct scene *s)
{
	*s = (struct scene){
		.server = -1, .client = -1,
		.terms = {
			.host_name = "mx.example.org", .auth_words = "PLAIN LOGIN", .early_talkers = true,
			.offer = EXT_PIPELINING | EXT_SIZE | EXT_8BITMIME | EXT_ENHANCED | EXT_STARTTLS |
			    EXT_CHUNKING | EXT_DSN | EXT_SMTPUTF8 | EXT_HELP,
			.size_max = 100000, .rcpts_max = 100, .errors_max = 1000, .command_timeout_s = 20,
		},
		.house = { .text = STR(TEXT_MAX), .last = STR(TEXT_MAX) },
	};
	judge_init(&s->house.judge, "secret", false);
}

static bool set_extension(struct scene *s, struct span name, uint64_t n)
{
	if (span_is(name, "mails"))
		s->terms.mails_max = n;
	else if (span_is(name, "hold"))
		s->terms.hold_max = n;
	else if (span_is(name, "priority"))
		s->terms.priority_max = (int)n;
	else
		s->terms.offer |= smtp_ext_bit(name);
	return span_is(name, "mails") || span_is(name, "hold") || span_is(name, "priority") ||
	    smtp_ext_bit(name);
}

static bool set(struct scene *s, struct span word)
{
	struct span name = word, number = word;
	uint64_t n = 0;

	if (span_cut(&number, '=', &name) && !span_u64(number, UINT32_MAX, &n))
		return false;
	if (span_is(name, "msa")) {
		s->house.msa = s->terms.auth_needed = true;
		s->terms.offer |= EXT_AUTH;
	} else if (span_is(name, "all")) {
		judge_init(&s->house.judge, "secret", true);
		s->terms.auth_words = s->house.judge.offer.text;
	} else if (span_is(name, "clear")) {
		s->terms.auth_without_tls = true;
	} else if (span_is(name, "intls")) {
		s->in_tls = true;
	} else if (span_is(name, "notls")) {
		s->terms.offer &= ~(unsigned)EXT_STARTTLS;
	} else if (span_is(name, "late")) {
		s->late = true;
	} else if (span_is(name, "strict")) {
		s->terms.early_talkers = false;
	} else if (span_is(name, "timeout")) {
		s->terms.command_timeout_s = (int)n;
	} else if (span_is(name, "size")) {
		s->terms.size_max = n;
	} else if (span_is(name, "rcpts")) {
		s->terms.rcpts_max = n;
	} else if (span_is(name, "errors")) {
		s->terms.errors_max = (unsigned)n;
	} else {
		return set_extension(s, name, n);
	}
	return true;
}

static bool start(struct scene *s, bool answer_wanted)
{
	int pair[2];

	if (s->client < 0) {
		if (!fd_stream_pair(pair, NULL))
			return false;
		s->server = pair[0];
		s->client = pair[1];
	}
	if (s->running || (s->late && !answer_wanted))
		return true;
	s->running = pthread_create(&s->thread, NULL, serve, s) == 0;
	return s->running;
}

/* --- the client's side --- */

static void send_all(struct scene *s, struct span bytes)
{
	while (bytes.n) {
		ssize_t n = send(s->client, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n <= 0)
			return;		/* it hung up: what comes next will tell */
		bytes = span_from(bytes, (size_t)n);
	}
}

static void send_escaped(struct scene *s, struct span text)
{
	struct str out = STR(LINE);

	while (text.n) {
		char c = span_take(&text, 1).p[0];
		char kind = c == '\\' && text.n ? span_take(&text, 1).p[0] : 0;

		switch (kind) {
		case 0:   str_add_char(&out, c); break;
		case 'r': str_add_char(&out, '\r'); break;
		case 'n': str_add_char(&out, '\n'); break;
		case 't': str_add_char(&out, '\t'); break;
		case '0': str_add_char(&out, '\0'); break;
		case 'x': {
			char hex[3] = "";

			span_copy(span_take(&text, 2), hex, sizeof hex);
			str_add_char(&out, (char)strtol(hex, NULL, 16));
			break;
		}
		default:  str_add_char(&out, kind); break;
		}
	}
	send_all(s, str_span(&out));
	str_free(&out);
}

static void send_often(struct scene *s, struct span arg)
{
	struct str out = STR(TEXT_MAX);
	uint64_t n = 0;

	span_eat_u64(&arg, 1000000, &n);
	span_eat_char(&arg, ' ');
	while (n--)
		str_add(&out, arg);
	send_all(s, str_span(&out));
	str_free(&out);
}

/* One line that came back, without CRLF; a lonely LF would show as part of it. */
static bool receive(struct scene *s, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read(s->client, line + n, 1) == 1) {
		n++;
		if (n >= 2 && line[n - 2] == '\r' && line[n - 1] == '\n') {
			line[n - 2] = '\0';
			return true;
		}
	}
	line[n] = '\0';
	return false;
}

static bool expect(struct scene *s, const char *glob, char got[LINE])
{
	if (!receive(s, got, LINE)) {
		snprintf(got, LINE, "(end of connection)");
		return strcmp(glob, "EOF") == 0;
	}
	return fnmatch(*glob == ' ' ? glob + 1 : glob, got, 0) == 0;
}

static bool expect_text(struct scene *s, struct span want, char got[LINE])
{
	struct span rest = span_from(str_span(&s->house.last), s->house.read), line = rest;

	if (!span_cut(&rest, '\n', &line)) {
		snprintf(got, LINE, "(end of message) %.*s", SPAN_ARG(span_to(line, 100)));
		return false;
	}
	s->house.read = s->house.last.n - rest.n;
	snprintf(got, LINE, SPAN_FMT, SPAN_ARG(line));
	return span_same(line, want);
}

static bool step(struct scene *s, struct span line, char got[LINE])
{
	char first = span_take(&line, 1).p[0];
	uint64_t n;

	if (first != '<')
		span_eat_char(&line, ' ');
	switch (first) {
	case '>':
		send_all(s, line);
		send_all(s, SPAN("\r\n"));
		return true;
	case '!':
		send_escaped(s, line);
		return true;
	case '=':
		send_often(s, line);
		return true;
	case '<':
		return expect(s, line.p, got);	/* a NUL stands behind the line */
	case '|':
		return expect_text(s, line, got);
	case '?':
		snprintf(got, LINE, "%u messages", s->house.taken);
		return span_u64(line, UINT32_MAX, &n) && n == s->house.taken;
	default:
		snprintf(got, LINE, "a line that is none of ours");
		return false;
	}
}

static bool play(struct scene *s, FILE *script, const char *name)
{
	char line[LINE], got[LINE];

	for (int n = 1; fgets(line, sizeof line, script); n++) {
		struct span text = { line, strcspn(line, "\n") };

		line[text.n] = '\0';
		if (!text.n || line[0] == '#')
			continue;
		if (span_eat(&text, "set ")) {
			if (s->client < 0 && set(s, text))
				continue;
			printf("%s:%d: cannot be set here\n", name, n);
			return false;
		}
		if (!start(s, line[0] == '<') || !step(s, text, got)) {
			printf("%s:%d: wanted %s\n%s:%d: got      %s\n", name, n, line, name, n, got);
			return false;
		}
	}
	return true;
}

static bool play_file(const char *path)
{
	FILE *script = fopen(path, "r");
	struct scene s;
	bool ok;

	if (!script) {
		printf("%s: cannot be opened\n", path);
		return false;
	}
	set_up(&s);
	ok = play(&s, script, path);
	fclose(script);
	fd_close(&s.client);
	if (s.running)
		pthread_join(s.thread, NULL);
	str_free(&s.house.text);
	str_free(&s.house.last);
	return ok;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;

	alarm(ALARM_S);
	for (int i = 1; i < argc; i++)
		failed += !play_file(argv[i]);
	return failed ? 1 : 0;
}
