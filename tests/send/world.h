/*
 * NAME
 *	world - keeper, resolver, scheduler and the mail servers of the world, for a real mta-send
 * DESCRIPTION
 *	Servers listen at addresses of 127.0.7.0/24, all on one port, and one at a socket; how each behaves
 *	stands in the table `servers`. What they hear goes into the file `heard`.
 */
#ifndef TESTS_SEND_WORLD_H
#define TESTS_SEND_WORLD_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/conf/conf.h"
#include "common/io/packet.h"
#include "common/net/zone.h"
#include "common/os/file.h"
#include "mta/job.h"
#include "tests/judge.h"

enum { PATIENCE_MS = 20000, TEXT_MAX = 1 << 16 };

static int program, keeper, work, conf_fd = -1, resolver = -1;
static pid_t pid, world;
static unsigned port;
static struct way way;
static char root[64];
static struct packet packet;
static struct arena *arena, *answers, *records;
static struct zone *zone;

#define DIGEST "abababababababababababababababababababababababababababababababab"

static const char *const lines[] = {
	"test SOA x",
	"plain.test MX 10 mx.plain.test", "mx.plain.test A 127.0.7.1",
	"second.test MX 10 off.second.test", "second.test MX 20 busy.second.test", "second.test MX 30 mx.plain.test",
	"off.second.test A 127.0.7.99", "busy.second.test A 127.0.7.2",
	"implicit.test A 127.0.7.1",
	"null.test MX 0 .",
	"alias.test CNAME plain.test",
	"loop.test MX 5 mx.plain.test", "loop.test MX 20 far.loop.test", "loop.test MX 10 ME.here.test",
	"far.loop.test A 127.0.7.2",
	"self.test MX 10 self.self.test", "self.self.test A 127.0.7.200",
	"only.test MX 10 me.here.test",
	"back.test MX 10 self.self.test", "back.test MX 20 mx.plain.test",	/* by an address of ours: the rest is farther */
	"backup.test MX 10 mx.dns.example", "backup.test MX 20 me.here.test",	/* nobody knows where the first is, today */
	"near.test MX 10 mx.plain.test", "near.test MX 20 self.self.test",
	"tls.test A 127.0.7.3",
	"bare.test A 127.0.7.4",
	"hangup.test A 127.0.7.5",
	"gone.test MX 10 nowhere.gone.test",
	"never.test A 127.0.7.6",
	"busy.test MX 10 mx.busy.test", "busy.test MX 20 near.busy.test", "mx.busy.test A 127.0.7.2", "near.busy.test A 127.0.7.6",
	/* what is below signed.test is as if DNSSEC vouched for it; see answer_dns() */
	"signed.test MX 10 plain.signed.test", "plain.signed.test A 127.0.7.4",
	"pinned.signed.test A 127.0.7.4", "_PORT._tcp.pinned.signed.test TLSA 3 1 1 " DIGEST,
	"pkix.signed.test A 127.0.7.4", "_PORT._tcp.pkix.signed.test TLSA 1 1 1 " DIGEST,
	"bogus.signed.test A 127.0.7.4",
	"two.signed.test MX 10 bogus.signed.test", "two.signed.test MX 20 plain.signed.test",
	"pointer.signed.test CNAME pinned.signed.test",
	"led.signed.test MX 10 away.signed.test", "away.signed.test CNAME away.test", "away.test A 127.0.7.4", "_PORT._tcp.away.signed.test TLSA 3 1 1 " DIGEST,
	"unsigned.test MX 10 pinned.signed.test",
	"chunk.test A 127.0.7.7", "liar.test A 127.0.7.8", "few.test A 127.0.7.9",
	"void.test MX 1 h1.void.test", "void.test MX 2 h2.void.test", "void.test MX 3 h3.void.test", "void.test MX 4 h4.void.test",
	"void.test MX 5 h5.void.test", "void.test MX 6 h6.void.test", "void.test MX 7 h7.void.test", "void.test MX 8 h8.void.test",
	"void.test MX 9 h9.void.test", "void.test MX 10 h10.void.test", "void.test MX 11 h11.void.test", "void.test MX 12 h12.void.test",
	"void.test MX 13 h13.void.test",
	"dead.test MX 10 a.dead.test", "dead.test MX 20 b.dead.test", "dead.test MX 30 mx.dns.example",
	"a.dead.test A 127.0.7.91", "a.dead.test A 127.0.7.92", "a.dead.test A 127.0.7.93", "a.dead.test A 127.0.7.94",
	"b.dead.test A 127.0.7.95", "b.dead.test A 127.0.7.96", "b.dead.test A 127.0.7.97", "b.dead.test A 127.0.7.98",
	"relay.test A 127.0.7.12", "localhost A 127.0.7.12", "sham.test A 127.0.7.13",
	"both.test AAAA ::1", "both.test A 127.0.7.1",
	"secret.test A 127.0.7.4", "_PORT._tcp.secret.test TLSA 3 1 1 " DIGEST,
};

/* How the servers behave. */
static const struct server {
	const char *ip, *greeting, *words;
	bool hangs_up, no_bdat, lmtp;
	const char *login;	/* AUTH PLAIN wants this */
} servers[] = {
	{ "127.0.7.1", "220 mx.plain.test", .words = "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n250-DELIVERBY\r\n250 SIZE 100000" },
	{ "127.0.7.2", "421 busy", .words = "250 mx" },
	{ "127.0.7.3", "220 tls", .words = "250-mx\r\n250 STARTTLS" },
	{ "127.0.7.4", "220 bare", .words = "250 mx" },
	{ "127.0.7.5", "220 hangup", "250-mx\r\n250 PIPELINING", .hangs_up = true },
	{ "127.0.7.6", "554 no mail for anybody", .words = "250 mx" },
	{ "127.0.7.7", "220 chunk", .words = "250-mx\r\n250-PIPELINING\r\n250 CHUNKING" },
	{ "127.0.7.8", "220 liar", "250-mx\r\n250-PIPELINING\r\n250 CHUNKING", .no_bdat = true },
	{ "127.0.7.9", "220 few", .words = "250-mx\r\n250 LIMITS RCPTMAX=2 MAILMAX=1" },
	{ "127.0.7.10", "220 lmtp", "250-mx\r\n250 PIPELINING", .lmtp = true },
	{ "/lists.sock", "220 lmtp", "250-mx\r\n250 PIPELINING", .lmtp = true },
	{ "127.0.7.12", "220 relay", "250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN", .login = "AGlzcC1tZQB3b3JkcyBvZiBtaW5l" },
	{ "127.0.7.13", "220 sham", .words = "250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN" },
};
enum { SERVERS = sizeof servers / sizeof *servers };

/* --- the world's servers: each conversation a process, which writes down what it hears --- */

static void hear(const char *ip, const char *line)
{
	char text[1200];
	int fd = open("heard", O_WRONLY | O_CREAT | O_APPEND, 0600);

	snprintf(text, sizeof text, "%s %s\n", *ip == '/' ? ip : ip + 6, line);
	if (write(fd, text, strlen(text)) < 0)
		die("heard");
	close(fd);
}

static void say(FILE *f, const char *text)
{
	fprintf(f, "%s\r\n", text);
	fflush(f);
}

static const char *reply_to_rcpt(const char *line)
{
	return strstr(line, "never@") ? "550 5.1.1 no such user" : strstr(line, "later@") ? "450 4.2.0 come again"
	    : "250 2.1.5 ok";
}

/* One that can not do what it offers, takes the text for commands. */
static void take_chunk(const struct server *s, FILE *in, FILE *out, const char *line, int *taken)
{
	long n = s->no_bdat ? 0 : strtol(line + 5, NULL, 10);

	while (n-- > 0)
		fgetc(in);
	say(out, s->no_bdat ? "502 5.5.1 what?" : *taken ? "250 2.0.0 chunk taken" : "503 5.5.1 nobody to send to");
	*taken = 0;
}

/* False: the conversation is over. */
static bool answer(const struct server *s, FILE *in, FILE *out, const char *line, bool *data, int *taken)
{
	if (strncmp(line, s->lmtp ? "LHLO" : "EHLO", 4) == 0) {
		say(out, s->words);
	} else if (strncmp(line, "BDAT", 4) == 0) {
		take_chunk(s, in, out, line, taken);
	} else if (strncmp(line, "AUTH PLAIN ", 11) == 0) {
		say(out, s->login && strcmp(line + 11, s->login) == 0 ? "235 2.7.0 you are" : "535 5.7.8 you are not");
	} else if (s->no_bdat &&
	    !strstr("MAIL RCPT DATA RSET QUIT", (char[5]){ line[0], line[1], line[2], line[3] })) {
		say(out, "500 5.5.2 what?");
	} else if (strncmp(line, "RCPT", 4) == 0) {
		say(out, reply_to_rcpt(line));
		*taken += *reply_to_rcpt(line) == '2';
	} else if (strncmp(line, "DATA", 4) == 0) {
		*data = *taken > 0;
		say(out, *taken ? "354 go on" : "503 5.5.1 nobody to send to");
	} else if (strncmp(line, "STARTTLS", 8) == 0) {
		say(out, "220 go ahead");
		fgetc(in); /* what comes before its first byte would be words put into our reply */
		say(out, "this is no handshake at all");
		return false;
	} else if (strncmp(line, "QUIT", 4) == 0) {
		say(out, "221 bye");
		return false;
	} else {
		*taken = 0;		/* MAIL, RSET */
		say(out, "250 2.0.0 ok");
	}
	return true;
}

/* From which address of ours? */
static void hear_peer(const struct server *s, int fd)
{
	struct sockaddr_in a = { 0 };
	socklen_t n = sizeof a;
	char text[80] = "(connected) ";

	if (getpeername(fd, (struct sockaddr *)&a, &n) == 0 && a.sin_family == AF_INET)
		inet_ntop(AF_INET, &a.sin_addr, text + strlen(text), sizeof text - 20);
	hear(s->ip, text);
}

static void say_taken(const struct server *s, FILE *out, int taken)
{
	for (int i = s->lmtp ? taken : 1; i > 0; i--)
		say(out, i == 2 ? "452 4.2.2 this one is full" : "250 2.0.0 queued as 42");
}

static void converse(const struct server *s, int fd)
{
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char line[1100];
	bool data = false;
	int taken = 0;

	hear_peer(s, fd);
	say(out, s->greeting);
	while (*s->greeting == '2' && fgets(line, sizeof line, in)) {
		line[strcspn(line, "\r\n")] = '\0';
		hear(s->ip, line);
		if (data && strcmp(line, ".") == 0) {
			if (s->hangs_up)
				return;
			data = false;
			say_taken(s, out, taken);
			taken = 0;
		} else if (!data && !answer(s, in, out, line, &data, &taken)) {
			return;
		}
	}
}

static int listen_in_file(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s%s", root, path);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 10) < 0)
		die(path);
	return fd;
}

static int listen_at(const char *ip)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	inet_pton(AF_INET, ip, &a.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 10) < 0)
		die(ip);
	getsockname(fd, (struct sockaddr *)&a, &n);
	port = ntohs(a.sin_port);
	return fd;
}

static void run_world(void)
{
	struct pollfd p[SERVERS];

	for (int i = 0; i < SERVERS; i++)
		p[i] = (struct pollfd){ .fd = *servers[i].ip == '/' ? listen_in_file(servers[i].ip) : listen_at(servers[i].ip), .events = POLLIN };
	world = fork();
	if (world) {
		for (int i = 0; i < SERVERS; i++)
			close(p[i].fd);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* when a test dies, the world ends with it */
	signal(SIGCHLD, SIG_IGN);
	while (poll(p, SERVERS, -1) > 0) {
		for (int i = 0; i < SERVERS; i++) {
			int fd = p[i].revents ? accept(p[i].fd, NULL, NULL) : -1;

			if (fd >= 0 && fork() == 0) {
				converse(&servers[i], fd);
				_exit(0);
			}
			if (fd >= 0)
				close(fd);
		}
	}
	_exit(0);
}

/* "_PORT" is the one that the servers listen on. */
static void make_zone(void)
{
	enum { COUNT = sizeof lines / sizeof *lines };
	const char *made[COUNT];
	struct err e;

	for (size_t i = 0; i < COUNT; i++)
		made[i] = strncmp(lines[i], "_PORT", 5) ?
		    lines[i] :
		    arena_printf(records, "_%u%s", port, lines[i] + 5);
	zone = zone_new(made, COUNT, records, &e);
	if (zone)
		return;
	printf("%s\n", e.text);
	exit(2);
}

static bool heard(const char *what)
{
	struct str text = STR(1 << 20);
	int fd = open("heard", O_RDONLY);
	bool found = fd >= 0 && file_read_all(fd, &text, NULL) &&
	    span_search(str_span(&text), span_of(what)) >= 0;

	fd_close(&fd);
	str_free(&text);
	return found;
}

static int times_heard(const char *what)
{
	struct str text = STR(1 << 20);
	int fd = open("heard", O_RDONLY), n = 0;
	struct span rest;
	ptrdiff_t at;

	file_read_all(fd, &text, NULL);
	for (rest = str_span(&text); (at = span_search(rest, span_of(what))) >= 0; n++)
		rest = span_from(rest, (size_t)at + 1);
	fd_close(&fd);
	str_free(&text);
	return n;
}

/* --- keeper and resolver --- */

/* There is a resolver here, and nobody else: no memory, no fetcher. */
static void answer_keeper(void)
{
	struct err e;
	int pair[2];

	if (packet.verb != 'C' || !span_is(packet_take(&packet), "resolver")) {
		err_temp(&e, "4.3.0", "there is none here");
		packet_begin(&packet, '-');
		packet_put_err(&packet, &e);
		packet_send(keeper, &packet, NULL);
		return;
	}
	fd_close(&resolver);
	if (!fd_pair(pair, NULL))
		die("pair");
	resolver = pair[0];
	packet_begin(&packet, '+');
	packet_put_fd(&packet, pair[1]);
	packet_send(keeper, &packet, NULL);
	close(pair[1]);
}

static bool signed_name(const char *name)
{
	return span_ends(span_of(name), "signed.test") &&
	    !span_ends(span_of(name), "unsigned.test");
}

static void answer_dns(void)
{
	struct dns_answer found;
	struct dns_question q;
	char ask[DNS_NAME];

	if (!dns_question_take(&packet, &q))
		die("a question");
	hear("/dns", q.name);
	if (span_ends(span_of(q.name), "_tcp.bogus.signed.test") ||
	    !zone_find(zone, q.name, (enum dns_type)q.type, answers, &found, ask))
		found = (struct dns_answer){ .found = DNS_FAILED, .why = "no answer" };
	if (!found.why)
		found.why = "";
	found.secure = signed_name(q.name) &&
	    (!found.alias_of || !*found.alias_of || signed_name(found.alias_of));
	dns_answer_put(&packet, q.serial, &found);
	packet_send(resolver, &packet, NULL);
	arena_reset(answers);
}

/* --- the one under test --- */

static void become_send(int theirs, int their_work)
{
	int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600),
	    null = open("/dev/null", O_RDWR);
	int a = fcntl(theirs, F_DUPFD, 20), b = fcntl(conf_fd, F_DUPFD, 20),
	    c = fcntl(log, F_DUPFD, 20);
	int w = fcntl(their_work, F_DUPFD, 20);

	dup2(null, 0);
	dup2(null, 1);
	dup2(c, 2);
	dup2(a, 3);
	dup2(b, 4);
	dup2(w, 5);
	fexecve(program, (char *[]){ (char *)"mta/send", (char *)"-", NULL }, environ);
	die("mta-send");
}

static void start(const char *more)
{
	struct conf conf;
	int one[2], two[2];
	char text[900];
	struct err e;

	snprintf(text, sizeof text,
	    "[posthorn]\nhost-name = me.here.test\nqueue-directory = %s\n[mta]\nport = %u\n"
	    "listen = smtp=127.0.7.200:%u\nrelay-secrets = %s/secrets\n%s",
	    root, port, port, root, more);
	if (!conf_parse(span_of(text), "test", &conf, NULL, &e) ||
	    !conf_to_fd(&conf, &conf_fd, &e)) {
		printf("%s\n", e.text);
		exit(2);
	}
	if (!fd_pair(one, &e) || !fd_pair(two, &e))
		die(e.text);
	pid = fork();
	if (pid == 0)
		become_send(one[1], two[1]);
	keeper = one[0];
	work = two[0];
	close(one[1]);
	close(two[1]);
	conf_free(&conf);
	fd_close(&conf_fd);
}

static void stop(void)
{
	int status;

	fd_close(&work);
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ended with %x", (unsigned)status);
	fd_close(&keeper);
	fd_close(&resolver);
}

/* It hangs up on a resolver that could not answer, and asks its keeper for another one. */
static void hung_up(int *from)
{
	if (from != &resolver)
		die("it ended");
	fd_close(&resolver);
}

/* Give it the job, and serve it until the result is there. */
static void run(struct job *j, struct job_result *r)
{
	struct err e = { 0 };

	unlink("heard");
	arena_reset(arena);
	job_put(j, &packet);
	if (!packet_send(work, &packet, &e))
		die(e.text);
	for (;;) {
		struct pollfd p[] = { { work, POLLIN, 0 }, { keeper, POLLIN, 0 },
			{ resolver, POLLIN, 0 } };
		int *const fds[] = { &work, &keeper, &resolver };
		int i = 0;

		if (poll(p, resolver < 0 ? 2 : 3, PATIENCE_MS) <= 0)
			die("no result in time");
		while (!p[i].revents)
			i++;
		if (packet_recv(*fds[i], &packet, clock_ms()) != PACKET_OK) {
			hung_up(fds[i]);
		} else if (i == 0) {
			CHECK(job_take_result(&packet, arena, r, &e), "%s", e.text);
			return;
		} else if (i == 1) {
			answer_keeper();
		} else {
			answer_dns();
		}
	}
}

static struct job job(const char *destination, const char *words)
{
	static const char text[] = "Subject: hello\n\n.a dot\n.\nbye\n";
	struct job j = { .destination = destination, .way = way, .id = "0abcdefghijklm", .sender = "ann@here.test", .envid = "",
		.ret = "", .wire_bytes = sizeof text + 4 };
	struct span all = span_of(words), word;

	j.text = open("text", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (write(j.text, text, sizeof text - 1) < 0)
		die("text");
	while ((word = span_word(&all)).n)
		j.rcpts[j.count++] = (struct job_rcpt){ arena_text(answers, word), "", 0 };
	return j;
}

static struct job_result carry(const char *destination, const char *rcpts)
{
	struct job j = job(destination, rcpts);
	struct job_result r;

	run(&j, &r);
	close(j.text);
	return r;
}

/* --- beginning and end --- */

/* argv[1]: mta-send. */
static void begin_world(int argc, char **argv)
{
	if (argc != 2)
		exit(2);
	program = fcntl(open(argv[1], O_PATH | O_CLOEXEC), F_DUPFD_CLOEXEC, 30);
	if (program < 0)
		die(argv[1]);
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		die("setuid");
	signal(SIGPIPE, SIG_IGN);
	snprintf(root, sizeof root, "/tmp/send.XXXXXX");
	if (!mkdtemp(root) || chdir(root) < 0)
		die(root);
	arena = arena_new(1 << 24, NULL, NULL);
	answers = arena_new(1 << 24, NULL, NULL);
	records = arena_new(1 << 20, NULL, NULL);
	way = way_plain;
	run_world();
	make_zone();
}

static int end_world(void)
{
	char command[100];

	kill(world, SIGTERM);
	snprintf(command, sizeof command, bad ? "tail -60 %s/log; rm -rf %s" : "rm -rf %s %s", root,
	    root);
	if (system(command) != 0)
		return 2;
	printf("%d failed\n", bad);
	return bad != 0;
}

#endif
