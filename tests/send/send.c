/*
 * Plays keeper, resolver, scheduler and the mail servers of the world to a real mta-send:
 *
 *	play-send MTA-SEND
 *
 * Servers listen at addresses of 127.0.7.0/24, all on one port; how each behaves stands in the
 * table `servers`. Prints what is not as it should be.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/conf/conf.h"
#include "common/io/packet.h"
#include "common/net/zone.h"
#include "common/os/file.h"
#include "mta/job.h"

enum { PATIENCE_MS = 20000, TEXT_MAX = 1 << 16 };

static int program, keeper, work, conf_fd = -1, resolver = -1, bad;
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
	"tls.test A 127.0.7.3",
	"bare.test A 127.0.7.4",
	"hangup.test A 127.0.7.5",
	"gone.test MX 10 nowhere.gone.test",
	"never.test A 127.0.7.6",
	/* what is below signed.test is as if DNSSEC vouched for it; see answer_dns() */
	"signed.test MX 10 plain.signed.test", "plain.signed.test A 127.0.7.4",
	"pinned.signed.test A 127.0.7.4", "_PORT._tcp.pinned.signed.test TLSA 3 1 1 " DIGEST,
	"pkix.signed.test A 127.0.7.4", "_PORT._tcp.pkix.signed.test TLSA 1 1 1 " DIGEST,
	"bogus.signed.test A 127.0.7.4",
	"two.signed.test MX 10 bogus.signed.test", "two.signed.test MX 20 plain.signed.test",
	"pointer.signed.test CNAME pinned.signed.test",
	"led.signed.test MX 10 away.signed.test", "away.signed.test CNAME away.test", "away.test A 127.0.7.4", "_PORT._tcp.away.signed.test TLSA 3 1 1 " DIGEST,
	"unsigned.test MX 10 pinned.signed.test",
	"secret.test A 127.0.7.4", "_PORT._tcp.secret.test TLSA 3 1 1 " DIGEST,
};

/* How the servers behave. */
static const struct server {
	const char *ip, *greeting, *words;
	bool bad_tls, hangs_up;
} servers[] = {
	{ "127.0.7.1", "220 mx.plain.test", "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n250 SIZE 100000", false, false },
	{ "127.0.7.2", "421 busy", "250 mx", false, false },
	{ "127.0.7.3", "220 tls", "250-mx\r\n250 STARTTLS", true, false },
	{ "127.0.7.4", "220 bare", "250 mx", false, false },
	{ "127.0.7.5", "220 hangup", "250-mx\r\n250 PIPELINING", false, true },
	{ "127.0.7.6", "554 no mail for anybody", "250 mx", false, false },
};
enum { SERVERS = sizeof servers / sizeof *servers };

#define CHECK(ok, ...) check(ok, __LINE__, #ok, __VA_ARGS__)

static void __attribute__((format(printf, 4, 5))) check(bool ok, int line, const char *what, const char *fmt, ...)
{
	char text[700];
	va_list args;

	if (ok)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	printf("send.c:%d: %s: %s\n", line, what, text);
	bad++;
}

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	exit(2);
}

/* --- the world's servers: each conversation a process, which writes down what it hears --- */

static void hear(const char *ip, const char *line)
{
	char text[1200];
	int fd = open("heard", O_WRONLY | O_CREAT | O_APPEND, 0600);

	snprintf(text, sizeof text, "%s %s\n", ip + 8, line);
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

/* False: the conversation is over. */
static bool answer(const struct server *s, FILE *in, FILE *out, const char *line, bool *data, int *taken)
{
	if (strncmp(line, "EHLO", 4) == 0) {
		say(out, s->words);
	} else if (strncmp(line, "RCPT", 4) == 0) {
		say(out, reply_to_rcpt(line));
		*taken += *reply_to_rcpt(line) == '2';
	} else if (strncmp(line, "DATA", 4) == 0) {
		*data = *taken > 0;
		say(out, *taken ? "354 go on" : "503 5.5.1 nobody to send to");
		*taken = 0;
	} else if (strncmp(line, "STARTTLS", 8) == 0) {
		say(out, "220 go ahead");
		fgetc(in);		/* what comes before its first byte would be words put into our reply */
		say(out, "this is no handshake at all");
		return false;
	} else if (strncmp(line, "QUIT", 4) == 0) {
		say(out, "221 bye");
		return false;
	} else {
		say(out, "250 2.0.0 ok");
	}
	return true;
}

static void converse(const struct server *s, int fd)
{
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char line[1100];
	bool data = false;
	int taken = 0;

	hear(s->ip, "(connected)");
	say(out, s->greeting);
	while (*s->greeting == '2' && fgets(line, sizeof line, in)) {
		line[strcspn(line, "\r\n")] = '\0';
		hear(s->ip, line);
		if (data && strcmp(line, ".") == 0) {
			if (s->hangs_up)
				return;
			data = false;
			say(out, "250 2.0.0 queued as 42");
		} else if (!data && !answer(s, in, out, line, &data, &taken)) {
			return;
		}
	}
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
		p[i] = (struct pollfd){ .fd = listen_at(servers[i].ip), .events = POLLIN };
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
		made[i] = strncmp(lines[i], "_PORT", 5) ? lines[i] : arena_printf(records, "_%u%s", port, lines[i] + 5);
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
	bool found = fd >= 0 && file_read_all(fd, &text, NULL) && span_search(str_span(&text), span_of(what)) >= 0;

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

static void answer_keeper(void)
{
	int pair[2];

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
	return span_ends(span_of(name), "signed.test") && !span_ends(span_of(name), "unsigned.test");
}

static void answer_dns(void)
{
	struct dns_answer found;
	struct dns_question q;
	char ask[DNS_NAME];

	if (!dns_question_take(&packet, &q))
		die("a question");
	if (span_ends(span_of(q.name), "_tcp.bogus.signed.test") ||
	    !zone_find(zone, q.name, (enum dns_type)q.type, answers, &found, ask))
		found = (struct dns_answer){ .found = DNS_FAILED, .why = "no answer" };
	if (!found.why)
		found.why = "";
	found.secure = signed_name(q.name) && (!found.alias_of || !*found.alias_of || signed_name(found.alias_of));
	dns_answer_put(&packet, q.serial, &found);
	packet_send(resolver, &packet, NULL);
	arena_reset(answers);
}

/* --- the one under test --- */

static void become_send(int theirs, int their_work)
{
	int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600), null = open("/dev/null", O_RDWR);
	int a = fcntl(theirs, F_DUPFD, 20), b = fcntl(conf_fd, F_DUPFD, 20), c = fcntl(log, F_DUPFD, 20);
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
	char text[600];
	struct err e;

	snprintf(text, sizeof text, "[posthorn]\nhost-name = me.here.test\nqueue-directory = %s\n[mta]\nport = %u\n"
	    "listen = smtp=127.0.7.200:%u\n%s", root, port, port, more);
	if (!conf_parse(span_of(text), "test", &conf, NULL, &e) || !conf_to_fd(&conf, &conf_fd, &e)) {
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
		struct pollfd p[] = { { work, POLLIN, 0 }, { keeper, POLLIN, 0 }, { resolver, POLLIN, 0 } };
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

/* --- the cases --- */

static const struct { const char *destination; enum err_kind kind; const char *status, *remote; bool unreachable; } ways[] = {
	{ "plain.test",		ERR_NONE,	"2.0.0",	"mx.plain.test",	false },
	{ "second.test",	ERR_NONE,	"2.0.0",	"mx.plain.test",	false },
	{ "implicit.test",	ERR_NONE,	"2.0.0",	"implicit.test",	false },
	{ "alias.test",		ERR_NONE,	"2.0.0",	"mx.plain.test",	false },
	{ "[127.0.7.1]",	ERR_NONE,	"2.0.0",	"127.0.7.1",		false },
	{ "bare.test",		ERR_NONE,	"2.0.0",	"bare.test",		false },
	{ "loop.test",		ERR_NONE,	"2.0.0",	"mx.plain.test",	false },
	{ "null.test",		ERR_PERM,	"5.1.10",	"",			false },
	{ "nothing.test",	ERR_PERM,	"5.1.2",	"",			false },
	{ "gone.test",		ERR_PERM,	"5.4.4",	"",			false },
	{ "dns.example",	ERR_TEMP,	"4.4.3",	"",			true },
	{ "self.test",		ERR_PERM,	"5.4.6",	"",			false },
	{ "only.test",		ERR_PERM,	"5.4.6",	"",			false },
	{ "[127.0.7.98]",	ERR_TEMP,	"4.4.1",	"",			true },
	{ "never.test",		ERR_PERM,	"5.0.0",	"",			false },
	{ "hangup.test",	ERR_TEMP,	"4.4.2",	"hangup.test",		false },
	{ "tls.test",		ERR_NONE,	"2.0.0",	"tls.test",		false },
};

static void finds_its_way(void)
{
	start("");
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct job_result r = carry(ways[i].destination, "bob@x.test");
		const struct job_result_rcpt *got = &r.rcpts[0];

		CHECK(r.count == 1 && got->kind == ways[i].kind && strcmp(got->status, ways[i].status) == 0
		    && strcmp(r.remote, ways[i].remote) == 0 && r.unreachable == ways[i].unreachable,
		    "%s: kind %d status %s remote %s: %s", ways[i].destination, got->kind, got->status, r.remote,
		    got->answer);
	}
	stop();
}

static void every_recipient_has_its_result(void)
{
	struct job_result r;

	start("");
	r = carry("plain.test", "ok@x.test never@x.test later@x.test");
	CHECK(r.rcpts[0].kind == ERR_NONE && r.rcpts[1].kind == ERR_PERM && r.rcpts[2].kind == ERR_TEMP, "kinds");
	CHECK(strcmp(r.rcpts[1].answer, "550 5.1.1 no such user") == 0, "%s", r.rcpts[1].answer);
	CHECK(strcmp(r.rcpts[2].answer, "450 4.2.0 come again") == 0, "%s", r.rcpts[2].answer);
	CHECK(heard("7.1 ..a dot\n") || heard(" ..a dot\n"), "the dots");
	CHECK(heard(" ..\n") && heard(" bye\n"), "the dots");
	r = carry("plain.test", "never@x.test");
	CHECK(r.rcpts[0].kind == ERR_PERM, "%s", r.rcpts[0].answer);
	r = carry("plain.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_NONE, "%s", r.rcpts[0].answer);
	CHECK(times_heard("(connected)") == 0, "%d connections", times_heard("(connected)"));	/* it is kept */
	stop();
}

static void passes_parameters_on(void)
{
	struct job j = job("plain.test", "ok@x.test");
	struct job_result r;

	start("");
	j.envid = "QQ1";
	j.ret = "hdrs";
	j.body8bit = true;
	j.rcpts[0].notify = 2 | 4;
	j.rcpts[0].original = "rfc822;o+2Bk@x.test";
	run(&j, &r);
	CHECK(r.dsn && heard("ENVID=QQ1") && heard("RET=HDRS") && heard("BODY=8BITMIME"), "MAIL");
	CHECK(heard("NOTIFY=SUCCESS,FAILURE") && heard("ORCPT=rfc822;o+2Bk@x.test"), "RCPT");
	j.destination = "bare.test";
	run(&j, &r);
	CHECK(!r.dsn && r.rcpts[0].kind == ERR_NONE && !heard("ENVID") && !heard("NOTIFY") && !heard("BODY"), "bare");
	j.smtputf8 = true;
	run(&j, &r);
	CHECK(r.rcpts[0].kind == ERR_PERM && strcmp(r.rcpts[0].status, "5.6.7") == 0, "%s", r.rcpts[0].answer);
	j.smtputf8 = false;
	j.destination = "plain.test";
	j.wire_bytes = 100001;
	run(&j, &r);
	CHECK(r.rcpts[0].kind == ERR_PERM && strcmp(r.rcpts[0].status, "5.3.4") == 0, "%s", r.rcpts[0].answer);
	stop();
}

static void goes_the_way_it_is_told(void)
{
	const struct way usual = way;
	struct job_result r;
	char hub[64];

	start("");
	way.tls = WAY_ENCRYPT;
	r = carry("bare.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strcmp(r.rcpts[0].status, "4.7.4") == 0, "%s", r.rcpts[0].answer);
	r = carry("tls.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && !heard("MAIL"), "%s", r.rcpts[0].answer);
	way.tls = WAY_NONE;
	r = carry("tls.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_NONE && !heard("STARTTLS"), "%s", r.rcpts[0].answer);
	snprintf(hub, sizeof hub, "[127.0.7.4]:%u", port);
	way = way_plain;
	way.via = hub;
	r = carry("anywhere.example", "ok@anywhere.example");
	CHECK(r.rcpts[0].kind == ERR_NONE && strcmp(r.remote, "127.0.7.4") == 0, "%s", r.rcpts[0].answer);
	way = usual;
	stop();
}

/* Whoever has no TLS is not what the DNS says about him. bare.test's server is all of them. */
static const struct { const char *destination; enum way_tls tls; enum err_kind kind; const char *status, *words; } policies[] = {
	{ "signed.test",		WAY_MAY,	ERR_NONE, "2.0.0", "" },
	{ "signed.test",		WAY_DANE,	ERR_TEMP, "4.7.5", "no TLSA record that DNSSEC vouches for" },
	{ "pinned.signed.test",		WAY_MAY,	ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "pinned.signed.test",		WAY_NONE,	ERR_NONE, "2.0.0", "" },
	{ "pkix.signed.test",		WAY_MAY,	ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "pkix.signed.test",		WAY_DANE,	ERR_TEMP, "4.7.5", "no TLSA record can be used" },
	{ "bogus.signed.test",		WAY_MAY,	ERR_TEMP, "4.7.5", "cannot look up the TLSA records" },
	{ "bogus.signed.test",		WAY_NONE,	ERR_NONE, "2.0.0", "" },
	{ "two.signed.test",		WAY_MAY,	ERR_NONE, "2.0.0", "" },
	{ "pointer.signed.test",	WAY_MAY,	ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "led.signed.test",		WAY_MAY,	ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "unsigned.test",		WAY_MAY,	ERR_NONE, "2.0.0", "" },
	{ "unsigned.test",		WAY_DANE,	ERR_TEMP, "4.7.5", "DNSSEC does not vouch for the MX records" },
	{ "secret.test",		WAY_MAY,	ERR_NONE, "2.0.0", "" },
	{ "secret.test",		WAY_VERIFY,	ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "secret.test",		WAY_FINGERPRINT, ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "[127.0.7.4]",		WAY_MAY,	ERR_NONE, "2.0.0", "" },
	{ "[127.0.7.4]",		WAY_DANE,	ERR_TEMP, "4.7.5", "no TLSA record" },
};

static void does_what_is_published(void)
{
	const struct way usual = way;

	start("");
	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
		struct job_result r;

		way.tls = policies[i].tls;
		r = carry(policies[i].destination, "bob@x.test");
		CHECK(r.rcpts[0].kind == policies[i].kind && strcmp(r.rcpts[0].status, policies[i].status) == 0
		    && strstr(r.rcpts[0].answer, policies[i].words), "%s, %s: %s %s", policies[i].destination,
		    way_tls_name(way.tls), r.rcpts[0].status, r.rcpts[0].answer);
		CHECK(r.rcpts[0].kind == ERR_NONE || !heard("MAIL"), "%s", policies[i].destination);
	}
	way = usual;
	stop();
}

/* The sender may ask for less than what is published (RFC 8689 5), and for more (4.2.1). */
static void does_what_the_message_says(void)
{
	struct job j = job("pinned.signed.test", "ok@x.test");
	struct job_result r;

	start("");
	j.rcpts[0].address = "ok@x.test";
	j.tls_optional = true;
	run(&j, &r);
	CHECK(r.rcpts[0].kind == ERR_NONE, "%s", r.rcpts[0].answer);
	j.tls_optional = false;		/* not over the link that was good enough for the other */
	run(&j, &r);
	CHECK(r.rcpts[0].kind == ERR_TEMP && strcmp(r.rcpts[0].status, "4.7.4") == 0, "%s", r.rcpts[0].answer);
	j.require_tls = true;
	run(&j, &r);
	CHECK(r.rcpts[0].kind == ERR_PERM && strcmp(r.rcpts[0].status, "5.7.30") == 0, "%s", r.rcpts[0].answer);
	j.destination = "bare.test";
	run(&j, &r);
	CHECK(r.rcpts[0].kind == ERR_PERM && strstr(r.rcpts[0].answer, "vouches"), "%s", r.rcpts[0].answer);
	CHECK(!heard("connected"), "nobody was asked");
	stop();
}

int main(int argc, char **argv)
{
	char command[100];

	if (argc != 2)
		return 2;
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
	finds_its_way();
	every_recipient_has_its_result();
	passes_parameters_on();
	goes_the_way_it_is_told();
	does_what_is_published();
	does_what_the_message_says();
	kill(world, SIGTERM);
	snprintf(command, sizeof command, bad ? "tail -60 %s/log; rm -rf %s" : "rm -rf %s %s", root, root);
	if (system(command) != 0)
		return 2;
	printf("%d failed\n", bad);
	return bad != 0;
}
