/*
 * NAME
 *	bench-load - send mail as fast as it is taken
 * SYNOPSIS
 *	bench-load [-qt] [-c N] [-r N] ADDRESS PORT SESSIONS MESSAGES BYTES RCPT
 * DESCRIPTION
 *	SESSIONS threads send MESSAGES messages of BYTES each, a command at a time, as
 *	most servers do. %d in RCPT is a number below 10, the same for a whole session.
 *	Prints wall seconds and its own CPU milliseconds, so that they can be taken off the
 *	machine's. Any answer that is not what it should be ends the run.
 *	-q	no messages: each is a connection that says EHLO and QUIT
 *	-t	STARTTLS in each connection, with a full handshake, and EHLO again
 *	-c N	messages in one connection (default: all)
 *	-r N	N recipients for each message; %d is a number below N then
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/os/clock.h"

enum { USERS = 10, LINE_ROOM = 1024, BODY_LINE = 72, STACK_BYTES = 256 << 10 };

static struct {
	struct sockaddr_in	to;
	int			sessions, messages, per_connection, rcpts;
	bool			quick;
	SSL_CTX			*tls;		/* NULL: in the clear */
	size_t			bytes;
	const char		*rcpt;
	struct str		text;
} job;

struct client { int number, fd; SSL *tls; char buf[LINE_ROOM]; size_t n; };

static void die(const char *what, struct span got)
{
	fprintf(stderr, "bench-load: %s: " SPAN_FMT "\n", what, SPAN_ARG(got));
	exit(1);
}

static void send_all(struct client *c, struct span s)
{
	while (s.n) {
		ssize_t n =
		    c->tls ? SSL_write(c->tls, s.p, (int)s.n) : send(c->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n <= 0)
			die("cannot send", SPAN(""));
		s = span_from(s, (size_t)n);
	}
}

static ssize_t receive(struct client *c)
{
	size_t room = sizeof c->buf - c->n;

	if (!room)
		return 0;
	return c->tls ? SSL_read(c->tls, c->buf + c->n, (int)room) : recv(c->fd, c->buf + c->n, room, 0);
}

/* Read a reply to its last line; it must begin with that digit. */
static void expect(struct client *c, char digit, const char *after)
{
	for (;;) {
		struct span in = { c->buf, c->n }, line;
		ssize_t n;

		while (span_cut(&in, '\n', &line)) {
			bool last = line.n < 4 || line.p[3] != '-';

			if (last && *line.p != digit)
				die(after, line);
			memmove(c->buf, in.p, in.n);
			c->n = in.n;
			in = (struct span){ c->buf, c->n };
			if (last)
				return;
		}
		n = receive(c);
		if (n <= 0)
			die(after, SPAN("no answer"));
		c->n += (size_t)n;
	}
}

static void say(struct client *c, const char *line, char digit)
{
	send_all(c, span_of(line));
	expect(c, digit, line);
}

/* No session is kept, so that each handshake is a whole one. */
static void start_tls(struct client *c)
{
	say(c, "STARTTLS\r\n", '2');
	c->tls = SSL_new(job.tls);
	if (!c->tls || SSL_set_fd(c->tls, c->fd) != 1 || SSL_connect(c->tls) != 1)
		die("no TLS", SPAN(""));
	say(c, "EHLO bench.test\r\n", '2');
}

static void open_connection(struct client *c)
{
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	c->n = 0;
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&job.to, sizeof job.to) < 0)
		die("cannot connect", SPAN(""));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	expect(c, '2', "the greeting");
	say(c, "EHLO bench.test\r\n", '2');
	if (job.tls)
		start_tls(c);
}

static void close_connection(struct client *c)
{
	say(c, "QUIT\r\n", '2');
	SSL_free(c->tls);
	c->tls = NULL;
	close(c->fd);
}

static void name_recipient(struct client *c, int number)
{
	struct str line = STR(400);

	str_add_text(&line, "RCPT TO:<");
	for (const char *p = job.rcpt; *p; p++) {
		if (p[0] == '%' && p[1] == 'd') {
			str_addf(&line, "%d", number);
			p++;
		} else {
			str_add_char(&line, *p);
		}
	}
	str_add_text(&line, ">\r\n");
	say(c, line.p, '2');
	str_free(&line);
}

static void send_message(struct client *c)
{
	say(c, "MAIL FROM:<bench@sender.test>\r\n", '2');
	for (int i = 0; i < job.rcpts; i++)
		name_recipient(c, job.rcpts > 1 ? i : c->number);
	say(c, "DATA\r\n", '3');
	send_all(c, str_span(&job.text));
	expect(c, '2', "the message");
}

static void *run(void *arg)
{
	struct client *c = arg;

	for (int i = 0; i < job.messages; i++) {
		if (i % job.per_connection == 0)
			open_connection(c);
		if (!job.quick)
			send_message(c);
		if ((i + 1) % job.per_connection == 0 || i + 1 == job.messages)
			close_connection(c);
	}
	return NULL;
}

static void make_text(void)
{
	str_add_text(&job.text,
	    "From: <bench@sender.test>\r\nTo: <bench@bench.test>\r\nSubject: bench\r\n"
	    "Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nMessage-ID: <bench@sender.test>\r\n\r\n");
	while (job.text.n + BODY_LINE + 2 < job.bytes) {
		for (int i = 0; i < BODY_LINE; i++)
			str_add_char(&job.text, (char)('a' + (job.text.n + (size_t)i) % 26));
		str_add_text(&job.text, "\r\n");
	}
	str_add_text(&job.text, ".\r\n");
}

static void run_all(void)
{
	pthread_t *threads = mem_more(NULL, (size_t)job.sessions, sizeof *threads);
	struct client *clients = mem_more(NULL, (size_t)job.sessions, sizeof *clients);
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (int i = 0; i < job.sessions; i++) {
		clients[i] = (struct client){ .number = i % USERS };
		if (pthread_create(&threads[i], &attr, run, &clients[i]))
			die("cannot start a thread", SPAN(""));
	}
	for (int i = 0; i < job.sessions; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	free(clients);
}

static int number(const char *text)
{
	uint64_t v;

	if (!span_u64(span_of(text), 1 << 24, &v) || !v)
		die("not a number", span_of(text));
	return (int)v;
}

static void set_up_tls(void)
{
	job.tls = SSL_CTX_new(TLS_client_method());
	if (!job.tls || SSL_CTX_set1_groups_list(job.tls, "P-256") != 1)
		die("no TLS", SPAN(""));
	SSL_CTX_set_session_cache_mode(job.tls, SSL_SESS_CACHE_OFF);
}

static void options(int argc, char **argv)
{
	int c;

	job.rcpts = 1;
	while ((c = getopt(argc, argv, "qtc:r:")) != -1) {
		switch (c) {
		case 'q': job.quick = true; job.per_connection = 1; break;
		case 't': set_up_tls(); break;
		case 'c': job.per_connection = number(optarg); break;
		case 'r': job.rcpts = number(optarg); break;
		default: exit(2);
		}
	}
	argv += optind;
	if (argc - optind != 6 || inet_pton(AF_INET, argv[0], &job.to.sin_addr) != 1)
		die("usage", SPAN("[-qt] [-c N] [-r N] ADDRESS PORT SESSIONS MESSAGES BYTES RCPT"));
	job.to.sin_family = AF_INET;
	job.to.sin_port = htons((uint16_t)number(argv[1]));
	job.sessions = number(argv[2]);
	job.messages = number(argv[3]);
	job.bytes = (size_t)number(argv[4]);
	job.rcpt = argv[5];
	if (!job.per_connection)
		job.per_connection = job.messages;
}

int main(int argc, char **argv)
{
	struct rusage used;
	ms_t begun;

	options(argc, argv);
	job.text = STR(1 << 24);
	make_text();
	begun = clock_ms();
	run_all();
	getrusage(RUSAGE_SELF, &used);
	printf("%.3f %.1f\n", (double)(clock_ms() - begun) / 1e3,
	    (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
	    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3);
	str_free(&job.text);
	SSL_CTX_free(job.tls);
	return 0;
}
