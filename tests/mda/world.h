/*
 * NAME
 *	world - keeper and clerk to a real mda-pick and its mda-deliver processes, on a queue and Maildirs of its own
 * DESCRIPTION
 *	Recipients at here.test: ann, bob and eve have mailboxes; unknown@ nobody; later@ can not be told
 *	now; both@ is ann and bob; away@ is ann and two addresses elsewhere; back@ goes to out@b.test only;
 *	list@ is likewise two, and owner-list@ looks after it;
 *	SRS0=x@ is where reports go back to far@c.test, and the sender of every forward whose sender is not null;
 *	closed@ has a Maildir that may not be read.
 *	A program includes this once, says world_begin(), runs its cases and returns world_end().
 */
#ifndef TESTS_MDA_WORLD_H
#define TESTS_MDA_WORLD_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/conf/conf.h"
#include "common/directory/directory.h"
#include "common/io/packet.h"
#include "common/os/file.h"
#include "common/queue/queue.h"
#include "common/queue/wish.h"
#include "tests/stations.h"

#define HOPS_5 "Received: 1\nReceived: 2\nReceived: 3\nReceived: 4\nReceived: 5\n"

enum { CLERKS = 4, WORKERS_MAX = 20, PATIENCE_MS = 30000 };

static int pick_program, deliver_program; /* descriptors: nobody may not search the way to them */
static char root[64];
static struct conf conf;
static int keeper, conf_fd = -1, clerks[CLERKS];
static pid_t pid, workers[WORKERS_MAX];
static struct packet packet;
static struct arena *arena;
static unsigned spawned;
static uint64_t quota;
static bool no_workers, workers_die;

/* --- processes --- */

static void become(int program, const char *name, const char *self, int channel, int work)
{
	int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600),
	    null = open("/dev/null", O_RDWR);
	int a = fcntl(channel, F_DUPFD, 20), b = fcntl(conf_fd, F_DUPFD, 20),
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
	fexecve(program, (char *[]){ (char *)name, (char *)"-", (char *)self, NULL }, environ);
	die(name);
}

/* With a job in hand: one that is dead before can not even be given one. */
static void die_at_work(const int job[2])
{
	struct pollfd p = { .fd = job[1], .events = POLLIN };

	close(job[0]);
	poll(&p, 1, PATIENCE_MS);
	_exit(1);
}

static int start_worker(const char *home)
{
	int job[2], channel[2];
	struct err e;

	if (!fd_pair(job, &e) || !fd_pair(channel, &e) || spawned >= WORKERS_MAX)
		die("a deliver process");
	workers[spawned] = fork();
	if (workers[spawned++] == 0) {
		if (workers_die)
			die_at_work(job);
		become(deliver_program, "mda/deliver", home, channel[1], job[1]);
	}
	close(job[1]);
	close(channel[0]);
	close(channel[1]);
	return job[0];
}

static int start_clerk(void)
{
	int pair[2];
	struct err e;

	for (int i = 0; i < CLERKS; i++) {
		if (clerks[i] >= 0)
			continue;
		if (!fd_pair(pair, &e))
			die(e.text);
		clerks[i] = pair[0];
		return pair[1];
	}
	die("too many clerks");
	return -1;
}

static void answer_keeper(void)
{
	char home[1024] = "";
	struct err e;
	int fd;

	if (packet.verb == 'D') {
		CHECK(packet_take_u64(&packet) == geteuid() && packet_take_u64(&packet) == getegid(), "ids");
		packet_take_copy(&packet, home, sizeof home);
	}
	if (packet.verb == 'D' && no_workers) {
		err_temp(&e, "4.3.2", "enough at once");
		packet_begin(&packet, '-');
		packet_put_err(&packet, &e);
		packet_send(keeper, &packet, NULL);
		return;
	}
	fd = packet.verb == 'D' ? start_worker(home) : start_clerk();
	packet_begin(&packet, '+');
	packet_put_fd(&packet, fd);
	packet_send(keeper, &packet, NULL);
	close(fd);
}

static void put_target(const char *name, enum dir_target_kind kind)
{
	bool mailbox = kind == DIR_MAILBOX;
	char home[200], mail[240];

	packet_put_u64(&packet, kind);
	snprintf(home, sizeof home, "%s/mail/here.test/%s", root, name);
	snprintf(mail, sizeof mail, "%s/Maildir", home);
	packet_put_text(&packet, name);
	packet_put_text(&packet, mailbox ? name : "");
	packet_put_text(&packet, mailbox ? home : "");
	packet_put_text(&packet, mailbox ? mail : "");
	packet_put_text(&packet, "");
	packet_put_u64(&packet, geteuid());
	packet_put_u64(&packet, getegid());
	packet_put_u64(&packet, quota);
}

static void answer_clerk(int fd)
{
	static const struct { const char *who, *boxes, *elsewhere; } people[] = {
		{ "ann@here.test", "ann", "" }, { "bob@here.test", "bob", "" }, { "eve@here.test", "eve", "" },
		{ "both@here.test", "ann bob", "" }, { "away@here.test", "ann", "x@b.test y@c.test" },
		{ "back@here.test", "", "out@b.test" }, { "closed@here.test", "closed", "" },
		{ "SRS0=x@here.test", "", "far@c.test" }, { "list@here.test", "", "x@b.test y@c.test" },
	};
	enum dir_target_kind kind;
	char list[400];
	bool owner;
	struct span boxes, elsewhere, word;
	char address[400];
	struct err e;
	size_t i = 0;

	packet_take_copy(&packet, address, sizeof address);
	if (packet.verb == 'F') {
		owner = *address && packet_take_copy(&packet, list, sizeof list) &&
		    strcmp(list, "list@here.test") == 0;
		packet_begin(&packet, '+');
		packet_put_text(&packet, owner ? "owner-list@here.test" : *address ? "SRS0=x@here.test" : "");
		packet_put_u64(&packet, owner);
		packet_send(fd, &packet, NULL);
		return;
	}
	kind = span_starts(span_of(address), "SRS0=") ? DIR_SENDER : DIR_ADDRESS;
	while (i < sizeof people / sizeof *people && strcmp(people[i].who, address) != 0)
		i++;
	if (i == sizeof people / sizeof *people) {
		if (strcmp(address, "later@here.test") == 0)
			err_temp(&e, "4.3.0", "the tables can not be read now");
		else
			err_perm(&e, "5.1.1", "nobody is called %s here", address);
		packet_begin(&packet, '-');
		packet_put_err(&packet, &e);
		packet_send(fd, &packet, NULL);
		return;
	}
	boxes = span_of(people[i].boxes);
	elsewhere = span_of(people[i].elsewhere);
	packet_begin(&packet, '+');
	i = 0;
	for (struct span in = boxes; span_word(&in).n; )
		i++;
	for (struct span in = elsewhere; span_word(&in).n; )
		i++;
	packet_put_u64(&packet, i);
	while ((word = span_word(&boxes)).n)
		put_target(arena_text(arena, word), DIR_MAILBOX);
	while ((word = span_word(&elsewhere)).n)
		put_target(arena_text(arena, word), kind);
	packet_send(fd, &packet, NULL);
	arena_reset(arena);
}

static void step(int ms)
{
	struct pollfd p[1 + CLERKS] = { { .fd = keeper, .events = POLLIN } };

	for (int i = 0; i < CLERKS; i++)
		p[i + 1] = (struct pollfd){ .fd = clerks[i], .events = POLLIN };
	if (poll(p, 1 + CLERKS, ms) <= 0)
		return;
	if (p[0].revents && packet_recv(keeper, &packet, clock_ms()) == PACKET_OK)
		answer_keeper();
	for (int i = 0; i < CLERKS; i++) {
		if (!p[i + 1].revents)
			continue;
		if (packet_recv(clerks[i], &packet, clock_ms()) == PACKET_OK)
			answer_clerk(clerks[i]);
		else
			fd_close(&clerks[i]);
	}
}

static void start(void)
{
	int pair[2];
	struct err e;

	spawned = 0;
	for (int i = 0; i < CLERKS; i++)
		clerks[i] = -1;
	if (!fd_pair(pair, &e))
		die(e.text);
	pid = fork();
	if (pid == 0)
		become(pick_program, "mda/pick", NULL, pair[1], -1);
	keeper = pair[0];
	close(pair[1]);
}

static void stop(int signo)
{
	int status;

	kill(pid, signo);
	while (waitpid(pid, &status, WNOHANG) == 0)
		step(10);		/* it may be asking somebody */
	CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == signo : WEXITSTATUS(status) == 0,
	    "ended with %d", status);
	fd_close(&keeper);
	for (int i = 0; i < CLERKS; i++)
		fd_close(&clerks[i]);
	for (unsigned i = 0; i < spawned; i++) {
		waitpid(workers[i], &status, 0);	/* without pick they end by themselves */
		CHECK(!WIFSIGNALED(status) || WTERMSIG(status) == SIGKILL,
		    "a deliver process ended with %d", status);
	}
}

/* --- queue and mailboxes, as others see them --- */

static int files_in(const char *path)
{
	struct dirent *entry;
	int n = 0;
	DIR *d = opendir(path);

	while (d && (entry = readdir(d)))
		n += entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static int in_box(const char *who)
{
	char path[200];

	snprintf(path, sizeof path, "mail/here.test/%s/Maildir/new", who);
	return files_in(path);
}

static bool next_is_junk, next_is_unknown;	/* unknown: nobody vouches for it */

static void put_text(const char *sender, const char *words, time_t age, const char *text, char id[ID_SIZE])
{
	struct station st = station("local");
	struct rcpt r[16] = { 0 };
	struct envelope env = { .sender = sender,
		.arrived = time(NULL) - age,
		.rcpts = r,
		.junk = next_is_junk,
		.vouched = !next_is_unknown };
	struct span all = span_of(words), word;
	struct queue_put *q;
	struct err e;

	while ((word = span_word(&all)).n) {
		struct rcpt *one = &r[env.rcpt_count];

		one->number = (unsigned)env.rcpt_count++;
		one->notify = span_ends(word, "!") ? NOTIFY_SUCCESS : 0;
		one->address = arena_text(arena, one->notify ? span_to(word, word.n - 1) : word);
	}
	queue_new_id(id);
	q = queue_put_open(&st, id, &e);
	queue_put_bytes(q, span_of(text));
	if (!queue_put_commit(q, &env, &e))
		die(e.text);
	station_close(&st);
	arena_reset(arena);
}

static void put(const char *words, char id[ID_SIZE])
{
	put_text("sender@b.test", words, 0, "Received: by test\nSubject: hello\n\nworld\n", id);
}

struct want { int local, own, hold, ann, bob, eve; };

static bool reached(const struct want *w)
{
	return count("local") == w->local && count("in/own") == w->own && count("hold") == w->hold
	    && in_box("ann") == w->ann && in_box("bob") == w->bob && in_box("eve") == w->eve;
}

static void expect(int line, struct want w)
{
	ms_t until = clock_ms() + PATIENCE_MS;

	while (!reached(&w) && clock_ms() < until)
		step(20);
	check(reached(&w), line, "stations", "local %d own %d hold %d, ann %d bob %d eve %d",
	    count("local"), count("in/own"), count("hold"), in_box("ann"), in_box("bob"),
	    in_box("eve"));
}
#define EXPECT(...) expect(__LINE__, (struct want){ __VA_ARGS__ })

static void __attribute__((format(printf, 1, 2))) shell(const char *fmt, ...)
{
	char command[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof command, fmt, args);
	va_end(args);
	if (system(command) != 0)
		die(command);
}

static bool has(const char *pattern, const char *where)
{
	char command[400];

	snprintf(command, sizeof command, "grep -rqs -e '%s' %s", pattern, where);
	return system(command) == 0;
}

static void clean(void)
{
	shell("rm -rf run/full/* */made/* */new/* in/*/new/* */ask/* mail/here.test log");
}

static void wait_for_log(const char *pattern)
{
	ms_t until = clock_ms() + PATIENCE_MS;

	while (!has(pattern, "log") && clock_ms() < until)	/* not so many steps: what happens makes them short */
		step(20);
	CHECK(has(pattern, "log"), "%s is not in the log", pattern);
}

/* --- beginning and end --- */

static void configure(const char *over_quota)
{
	char text[700];
	struct err e;

	snprintf(text, sizeof text, "[posthorn]\nhost-name = mx.here.test\nqueue-directory = %s\nrun-directory = %s/run\n"
	    "postmaster = root@here.test\nhops-max = 10\n[mta]\nretry = 1s\ngive-up = 100s\nwarn-after = 0\n"
	    "[mda]\nover-quota = %s\n[directory]\nmail-directory = %s/mail\n", root, root, over_quota, root);
	conf_free(&conf);
	fd_close(&conf_fd);
	if (!conf_parse(span_of(text), "test", &conf, NULL, &e) ||
	    !conf_to_fd(&conf, &conf_fd, &e)) {
		printf("%s\n", e.text);
		exit(2);
	}
}

static void set_up(void)
{
	struct err e;

	snprintf(root, sizeof root, "/tmp/play-mda.XXXXXX");
	if (!mkdtemp(root) || chdir(root) < 0 || !queue_make(root, &e) || mkdir("mail", 0700) < 0 ||
	    mkdir("run", 0700) < 0 || mkdir("run/full", 0700) < 0)
		die(root);
	configure("defer");
	queue = queue_open(root, &e);
	arena = arena_new(1 << 24, NULL, NULL);
}

static int program(const char *path)
{
	int fd = fcntl(open(path, O_PATH | O_CLOEXEC), F_DUPFD_CLOEXEC, 30);

	if (fd < 0)
		die(path);
	return fd;
}

static void world_begin(int argc, char **argv)
{
	if (argc != 3)
		exit(2);
	pick_program = program(argv[1]);
	deliver_program = program(argv[2]);
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		die("setuid");
	umask(0007);
	signal(SIGPIPE, SIG_IGN);
	set_up();
}

static int world_end(void)
{
	if (bad && access("log", F_OK) == 0)
		shell("tail -60 %s/log", root);
	shell("rm -rf %s", root);
	printf("%d failed\n", bad);
	return bad != 0;
}

#endif
