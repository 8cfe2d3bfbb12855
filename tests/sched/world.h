/*
 * NAME
 *	world - keeper, clerk and send processes to a real mta-sched, on a queue of its own
 * DESCRIPTION
 *	Recipients say what becomes of them: anybody@here.test is local; elsewhere ok@ is taken,
 *	never@ is refused, later@ is deferred, once@ is deferred the first time, die@ kills the send
 *	process, away@ cannot be reached, busy@ is told that there are too many conversations while
 *	another goes on.
 *	A program includes this once, says world_begin(), runs its cases and returns world_end().
 */
#ifndef TESTS_SCHED_WORLD_H
#define TESTS_SCHED_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/conf/conf.h"
#include "common/directory/directory.h"
#include "common/io/packet.h"
#include "common/os/file.h"
#include "common/queue/queue.h"
#include "common/queue/wish.h"
#include "mta/job.h"
#include "tests/stations.h"

enum { CLERKS = 4, SENDERS = 8, PATIENCE_MS = 30000 };

static int program;		/* a descriptor: nobody may not search the way to it */
static char root[64];
static struct conf conf;
static int keeper, conf_fd = -1, clerks[CLERKS], senders[SENDERS];
static pid_t pid;
static struct packet packet;
static struct arena *arena;
static unsigned jobs, rcpts_seen, spawned, once_seen, asked;
static bool clerk_is_away, senders_rest;
static unsigned ways_asked;
static char seen_ways[8192];	/* "DESTINATION WORDS" of each job, a line each */
static char order[1000];	/* the first letter of each job's sender */
static int work = -1;		/* what the next sched finds as descriptor 5 */
static void (*accepted)(const char *address); /* called when a send process says so; may be NULL */

/* --- the others --- */

static int put_end(int *table, int size)
{
	int pair[2];
	struct err e;

	for (int i = 0; i < size; i++) {
		if (table[i] >= 0)
			continue;
		if (!fd_pair(pair, &e))
			die(e.text);
		table[i] = pair[0];
		return pair[1];
	}
	die("no place");
	return -1;
}

static void answer_keeper(void)
{
	char verb = packet.verb;
	int fd = verb == 'O' ? put_end(senders, SENDERS) : put_end(clerks, CLERKS);

	spawned += verb == 'O';
	packet_begin(&packet, '+');
	packet_put_fd(&packet, fd);
	packet_send(keeper, &packet, NULL);
	close(fd);
}

/* What stands in destinations here; the last is for one sender. */
static const struct { const char *sender, *domain, *words, *by_sender; } ways[] = {
	{ "", "hub1.test", "via=hub.test:587 login=isp", "" },
	{ "", "hub2.test", "via=hub.test:587 login=isp tls=encrypt", "" },
	{ "", "patient.test", "via=hub.test after=1", "" },
	{ "", "soon.test", "retry=1s", "" },
	{ "bulk@here.test", "", "via=bulk.test helo=bulk.test", "via=bulk.test helo=bulk.test" },
};

enum { WAYS = sizeof ways / sizeof *ways };

static void answer_ways(int fd)
{
	char sender[400], domains[16][WAY_HOST];
	size_t n = 0;

	packet_take_copy(&packet, sender, sizeof sender);
	while (packet.at < packet.n && n < 16)
		packet_take_copy(&packet, domains[n++], WAY_HOST);
	packet_begin(&packet, '+');
	for (size_t i = 0; i < n; i++) {
		size_t w = 0;

		while (w < WAYS && strcmp(*ways[w].sender ? ways[w].sender : ways[w].domain, *ways[w].sender ? sender : domains[i]) != 0)
			w++;
		packet_put_text(&packet, w < WAYS ? ways[w].words : "");
		packet_put_text(&packet, w < WAYS ? ways[w].by_sender : "");
	}
	ways_asked++;
	packet_send(fd, &packet, NULL);
}

static void answer_clerk(int *fd)
{
	char address[400];
	struct span domain;

	asked++;
	if (clerk_is_away) {
		fd_close(fd);
		return;
	}
	if (packet.verb == 'W') {
		answer_ways(*fd);
		return;
	}
	packet_take_copy(&packet, address, sizeof address);
	domain = span_of(address);
	packet_begin(&packet, '+');
	packet_put_u64(&packet, span_ends(domain, "@here.test") ? DIR_LOCAL : DIR_ELSEWHERE);
	packet_put_text(&packet, "");
	packet_put_text(&packet, "");
	packet_send(*fd, &packet, NULL);
}

static struct job_result_rcpt fate(const char *address, bool *unreachable)
{
	struct span a = span_of(address);

	if (span_starts(a, "never@"))
		return (struct job_result_rcpt){ ERR_PERM, "5.1.1", "550 5.1.1 no such user" };
	if (span_starts(a, "later@") || (span_starts(a, "once@") && !once_seen++))
		return (struct job_result_rcpt){ ERR_TEMP, "4.2.0", "451 4.2.0 not now" };
	if (span_starts(a, "busy@") && jobs == 1) {
		*unreachable = true;
		return (struct job_result_rcpt){ ERR_TEMP, "4.3.2", "421 4.3.2 too many connections" };
	}
	if (span_starts(a, "away@")) {
		*unreachable = true;
		return (struct job_result_rcpt){ ERR_TEMP, "4.4.1", "cannot connect" };
	}
	return (struct job_result_rcpt){ ERR_NONE, "2.0.0", "250 2.0.0 thanks" };
}

static void note_way(const struct job *j)
{
	struct str words = STR(WAY_TEXT);
	size_t n = strlen(seen_ways);

	way_print(&j->way, &way_plain, &words);
	snprintf(seen_ways + n, sizeof seen_ways - n, "%s %s\n", j->destination, words.p);
	str_free(&words);
}

static void do_job(int *fd)
{
	struct job_result r = { .remote = "mx.test", .tls = "", .ip = "192.0.2.1" };
	struct job j;
	struct err e;
	char byte;

	if (!job_take(&packet, arena, &j, &e))
		die(e.text);
	CHECK(pread(j.text, &byte, 1, 0) == 1 && byte == 'R', "%s: the text is not there", j.id);
	close(j.text);
	note_way(&j);
	if (jobs < sizeof order - 1)
		order[jobs] = *j.sender;
	jobs++;
	for (size_t i = 0; i < j.count; i++, rcpts_seen++) {
		if (span_starts(span_of(j.rcpts[i].address), "die@")) {
			fd_close(fd);
			return;
		}
		r.rcpts[r.count] = fate(j.rcpts[i].address, &r.unreachable);
		if (r.rcpts[r.count++].kind == ERR_NONE && accepted)
			accepted(j.rcpts[i].address);
	}
	job_put_result(&r, &packet);
	packet_send(*fd, &packet, NULL);
	arena_reset(arena);
}

static void serve(int *fd)
{
	if (packet_recv(*fd, &packet, clock_ms()) != PACKET_OK) {
		fd_close(fd);
		return;
	}
	if (fd == &keeper)
		answer_keeper();
	else if (packet.verb == 'J')
		do_job(fd);
	else
		answer_clerk(fd);
}

static void step(int ms)
{
	struct pollfd p[1 + CLERKS + SENDERS];
	int *of[1 + CLERKS + SENDERS], n = 0;

	of[n++] = &keeper;
	for (int i = 0; i < CLERKS; i++)
		of[n++] = &clerks[i];
	for (int i = 0; i < SENDERS && !senders_rest; i++)
		of[n++] = &senders[i];
	for (int i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = *of[i], .events = POLLIN };
	if (poll(p, (nfds_t)n, ms) <= 0)
		return;
	for (int i = 0; i < n; i++) {
		if (p[i].revents && *of[i] >= 0)
			serve(of[i]);
	}
}

/* --- the one under test --- */

static void become_sched(int theirs)
{
	int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600),
	    null = open("/dev/null", O_RDWR);
	int a = fcntl(theirs, F_DUPFD, 20), b = fcntl(conf_fd, F_DUPFD, 20),
	    c = fcntl(log, F_DUPFD, 20);
	int d = work < 0 ? -1 : fcntl(work, F_DUPFD, 20);

	dup2(null, 0);
	dup2(null, 1);
	dup2(c, 2);
	dup2(a, 3);
	dup2(b, 4);
	if (d >= 0)
		dup2(d, 5);
	else
		close(5);
	fexecve(program, (char *[]){ (char *)"mta/sched", (char *)"-", NULL }, environ);
	die("mta-sched");
}

static void start(void)
{
	int pair[2];
	struct err e;

	for (int i = 0; i < CLERKS; i++)
		clerks[i] = -1;
	for (int i = 0; i < SENDERS; i++)
		senders[i] = -1;
	if (!fd_pair(pair, &e))
		die(e.text);
	pid = fork();
	if (pid == 0)
		become_sched(pair[1]);
	keeper = pair[0];
	close(pair[1]);
}

static void stop_at(int line, int signo)
{
	int status;

	kill(pid, signo);
	while (waitpid(pid, &status, WNOHANG) == 0)
		step(10);		/* it may be asking somebody */
	check(signo == SIGKILL || (WIFEXITED(status) && WEXITSTATUS(status) == 0), line, "the end",
	    "ended with %d", status);
	fd_close(&keeper);
	for (int i = 0; i < CLERKS; i++)
		fd_close(&clerks[i]);
	for (int i = 0; i < SENDERS; i++)
		fd_close(&senders[i]);
}

#define stop(signo) stop_at(__LINE__, signo)

/* --- the queue, as others see it --- */

static const char *hold_mark = "";	/* of the next message */

/* rcpts: words; "NAME!" wants to hear of success, "NAME-" of nothing. */
static void put(const char *in, const char *sender, const char *words, time_t age, char id[ID_SIZE])
{
	struct station st = station(in);
	struct rcpt r[64] = { 0 };
	struct envelope env = { .sender = sender,
		.arrived = time(NULL) - age,
		.rcpts = r,
		.is_bounce = !*sender,
		.vouched = strcmp(in, "in/net") != 0,
		.hold = hold_mark };
	struct span all = span_of(words), word;
	struct queue_put *q;
	struct err e;

	while ((word = span_word(&all)).n) {
		struct rcpt *one = &r[env.rcpt_count];

		one->number = (unsigned)env.rcpt_count++;
		one->notify = span_ends(word, "!") ? NOTIFY_SUCCESS : span_ends(word, "-") ? NOTIFY_NEVER : 0;
		one->address = arena_text(arena, one->notify ? span_to(word, word.n - 1) : word);
	}
	queue_new_id(id);
	q = queue_put_open(&st, id, &e);
	queue_put_bytes(q, SPAN("Received: by test\nSubject: hello\n\nworld\n"));
	if (!queue_put_commit(q, &env, &e))
		die(e.text);
	station_close(&st);
	arena_reset(arena);
}

struct want { int in, out, local, hold; };

static bool reached(const struct want *w)
{
	return count("in/sub") + count("in/net") + count("in/own") == w->in &&
	    count("out") == w->out && count("local") == w->local && count("hold") == w->hold;
}

static void expect(int line, struct want w)
{
	ms_t until = clock_ms() + PATIENCE_MS;

	while (!reached(&w) && clock_ms() < until)
		step(20);
	check(reached(&w), line, "stations", "in %d out %d local %d hold %d",
	    count("in/sub") + count("in/net") + count("in/own"), count("out"), count("local"),
	    count("hold"));
}
#define EXPECT(...) expect(__LINE__, (struct want){ __VA_ARGS__ })

/* Is there a text in local/ that says this? */
struct search { struct span what; bool found; struct station *st; };

static bool look(void *arg, const char *id)
{
	struct search *s = arg;
	struct str text = STR(1 << 20);
	int fd = queue_open_text(s->st, id, NULL);

	if (fd >= 0 && file_read_all(fd, &text, NULL) && span_search(str_span(&text), s->what) >= 0)
		s->found = true;
	fd_close(&fd);
	str_free(&text);
	return true;
}

static bool local_has(const char *what)
{
	struct station st = station("local");
	struct search s = { span_of(what), false, &st };

	queue_each(&st, look, &s, NULL);
	station_close(&st);
	return s.found;
}

static void clean(void)
{
	char command[200];

	snprintf(command, sizeof command, "rm -f %s/*/new/* %s/in/*/new/* %s/*/ask/*", root, root, root);
	if (system(command) != 0)
		die("rm");
	jobs = rcpts_seen = spawned = once_seen = asked = 0;
	memset(order, 0, sizeof order);
}

static void wish(const char *id, enum wish what)
{
	struct station out = station("out");
	int ask = wish_open(&out);

	wish_leave(ask, id, what, NULL);
	for (int i = 0; i < 100 && wish_waits(ask, id, what); i++)
		step(20);
	CHECK(!wish_waits(ask, id, what), "a wish was not heard");
	close(ask);
	station_close(&out);
}
/* The settings of the sched that is started next. */
static void configure(const char *directory, const char *retry)
{
	char text[600];
	struct err e;

	conf_free(&conf);
	fd_close(&conf_fd);
	snprintf(text, sizeof text, "[posthorn]\nhost-name = mx.here.test\nqueue-directory = %s\n"
	    "postmaster = root@here.test\n[mta]\nretry = %s\ngive-up = 100s\nwarn-after = 50s\n"
	    "send-max = 4\nsend-per-destination = 2\n", directory, retry);
	if (!conf_parse(span_of(text), "test", &conf, NULL, &e) ||
	    !conf_to_fd(&conf, &conf_fd, &e)) {
		printf("%s\n", e.text);
		exit(2);
	}
}

/* where: "/tmp" */
static void world_begin(const char *mta_sched, const char *where)
{
	struct err e;

	program = fcntl(open(mta_sched, O_PATH | O_CLOEXEC), F_DUPFD_CLOEXEC, 30);
	if (program < 0)
		die(mta_sched);
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		die("setuid");
	signal(SIGPIPE, SIG_IGN);
	snprintf(root, sizeof root, "%s/sched.XXXXXX", where);
	if (!mkdtemp(root) || chdir(root) < 0 || !queue_make(root, &e))
		die(root);
	configure(root, "1s");
	queue = queue_open(root, &e);
	arena = arena_new(1 << 24, NULL, NULL);
}

static int world_end(void)
{
	char command[100];

	snprintf(command, sizeof command, bad ? "tail -60 %s/log; rm -rf %s" : "rm -rf %s %s", root,
	    root);
	if (system(command) != 0)
		return 2;
	printf("%d failed\n", bad);
	return bad != 0;
}

#endif
