/*
 * NAME
 *	bench-load - send mail as fast as it is taken
 * SYNOPSIS
 *	bench-load ADDRESS PORT SESSIONS MESSAGES BYTES RCPT [PER-CONNECTION]
 * DESCRIPTION
 *	SESSIONS threads send MESSAGES messages of BYTES each, a command at a time, as
 *	most servers do. %d in RCPT is a digit, the same for a whole session. A connection carries
 *	PER-CONNECTION messages (default: all). Prints wall seconds and its own CPU
 *	milliseconds, so that they can be taken off the machine's. Any answer that is
 *	not what it should be ends the run.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
	int			sessions, messages, per_connection;
	size_t			bytes;
	const char		*rcpt;
	struct str		text;
} job;

struct client { int number, fd; char buf[LINE_ROOM]; size_t n; };

static void die(const char *what, struct span got)
{
	fprintf(stderr, "bench-load: %s: " SPAN_FMT "\n", what, SPAN_ARG(got));
	exit(1);
}

static void send_all(struct client *c, struct span s)
{
	while (s.n) {
		ssize_t n = send(c->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n <= 0)
			die("cannot send", SPAN(""));
		s = span_from(s, (size_t)n);
	}
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
		n = c->n < sizeof c->buf ? recv(c->fd, c->buf + c->n, sizeof c->buf - c->n, 0) : 0;
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
}

static void close_connection(struct client *c)
{
	say(c, "QUIT\r\n", '2');
	close(c->fd);
}

static void send_message(struct client *c)
{
	char line[300];
	struct str rcpt = STR(300);

	for (const char *p = job.rcpt; *p; p++) {
		if (p[0] == '%' && p[1] == 'd') {
			str_addf(&rcpt, "%d", c->number);
			p++;
		} else {
			str_add_char(&rcpt, *p);
		}
	}
	say(c, "MAIL FROM:<bench@sender.test>\r\n", '2');
	snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", rcpt.p);
	say(c, line, '2');
	say(c, "DATA\r\n", '3');
	send_all(c, str_span(&job.text));
	expect(c, '2', "the message");
	str_free(&rcpt);
}

static void *run(void *arg)
{
	struct client *c = arg;

	for (int i = 0; i < job.messages; i++) {
		if (i % job.per_connection == 0)
			open_connection(c);
		send_message(c);
		if ((i + 1) % job.per_connection == 0 || i + 1 == job.messages)
			close_connection(c);
	}
	return NULL;
}

static void make_text(void)
{
	str_add_text(&job.text, "From: <bench@sender.test>\r\nTo: <bench@bench.test>\r\nSubject: bench\r\n"
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

int main(int argc, char **argv)
{
	struct rusage used;
	ms_t begun;

	if (argc < 7 || inet_pton(AF_INET, argv[1], &job.to.sin_addr) != 1)
		die("usage", SPAN("ADDRESS PORT SESSIONS MESSAGES BYTES RCPT [PER-CONNECTION]"));
	job.to.sin_family = AF_INET;
	job.to.sin_port = htons((uint16_t)number(argv[2]));
	job.sessions = number(argv[3]);
	job.messages = number(argv[4]);
	job.bytes = (size_t)number(argv[5]);
	job.rcpt = argv[6];
	job.per_connection = argc > 7 ? number(argv[7]) : job.messages;
	job.text = STR(1 << 24);
	make_text();
	begun = clock_ms();
	run_all();
	getrusage(RUSAGE_SELF, &used);
	printf("%.3f %.1f\n", (double)(clock_ms() - begun) / 1e3,
	    (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
	    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3);
	str_free(&job.text);
	return 0;
}
