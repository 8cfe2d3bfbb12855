/*
 * Plays keeper and clerk to a real mda-pick and its mda-deliver processes, on a queue and Maildirs of its own:
 *
 *	play-mda MDA-PICK MDA-DELIVER
 *
 * Recipients at here.test: ann, bob and eve have mailboxes; unknown@ nobody; later@ can not be told
 * now; both@ is ann and bob; away@ is ann and two addresses elsewhere; back@ goes to out@b.test only;
 * closed@ has a Maildir that may not be read; gone@ has one below a home that is not there.
 * Prints what is not as it should be.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
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

#define HOPS_5 "Received: 1\nReceived: 2\nReceived: 3\nReceived: 4\nReceived: 5\n"

enum { CLERKS = 4, WORKERS_MAX = 20, PATIENCE_MS = 8000 };

static int pick_program, deliver_program;	/* descriptors: nobody may not search the way to them */
static char root[64];
static struct conf conf;
static int queue, keeper, conf_fd = -1, clerks[CLERKS];
static pid_t pid, workers[WORKERS_MAX];
static struct packet packet;
static struct arena *arena;
static unsigned spawned;
static bool no_workers, workers_die;
static int bad;

#define CHECK(ok, ...) check(ok, __LINE__, #ok, __VA_ARGS__)

static void __attribute__((format(printf, 4, 5))) check(bool ok, int line, const char *what, const char *fmt, ...)
{
	char text[300];
	va_list args;

	if (ok)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	printf("play.c:%d: %s: %s\n", line, what, text);
	bad++;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* --- processes --- */

static void become(int program, const char *name, const char *self, int channel, int work)
{
	int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600), null = open("/dev/null", O_RDWR);
	int a = fcntl(channel, F_DUPFD, 20), b = fcntl(conf_fd, F_DUPFD, 20), c = fcntl(log, F_DUPFD, 20);
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

static int start_worker(const char *home)
{
	int job[2], channel[2];
	struct err e;

	if (!fd_pair(job, &e) || !fd_pair(channel, &e) || spawned >= WORKERS_MAX)
		die("a deliver process");
	workers[spawned] = fork();
	if (workers[spawned++] == 0) {
		if (workers_die)
			_exit(1);
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

static void put_target(const char *name, bool mailbox)
{
	char home[200], mail[240];

	packet_put_u64(&packet, mailbox ? DIR_MAILBOX : DIR_ADDRESS);
	snprintf(home, sizeof home, "%s/mail/here.test/%s", root, name);
	snprintf(mail, sizeof mail, "%s/Maildir", home);
	packet_put_text(&packet, name);
	packet_put_text(&packet, mailbox ? name : "");
	packet_put_text(&packet, mailbox ? home : "");
	packet_put_text(&packet, mailbox ? mail : "");
	packet_put_text(&packet, "");
	packet_put_u64(&packet, geteuid());
	packet_put_u64(&packet, getegid());
	packet_put_u64(&packet, 0);
}

static void answer_clerk(int fd)
{
	static const struct { const char *who, *boxes, *elsewhere; } people[] = {
		{ "ann@here.test", "ann", "" }, { "bob@here.test", "bob", "" }, { "eve@here.test", "eve", "" },
		{ "both@here.test", "ann bob", "" }, { "away@here.test", "ann", "x@b.test y@c.test" },
		{ "back@here.test", "", "out@b.test" }, { "closed@here.test", "closed", "" },
	};
	struct span boxes, elsewhere, word;
	char address[400];
	struct err e;
	size_t i = 0;

	packet_take_copy(&packet, address, sizeof address);
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
		put_target(arena_text(arena, word), true);
	while ((word = span_word(&elsewhere)).n)
		put_target(arena_text(arena, word), false);
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
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == signo : WEXITSTATUS(status) == 0, "ended with %d", status);
	fd_close(&keeper);
	for (int i = 0; i < CLERKS; i++)
		fd_close(&clerks[i]);
	for (unsigned i = 0; i < spawned; i++) {
		waitpid(workers[i], &status, 0);	/* without pick they end by themselves */
		CHECK(!WIFSIGNALED(status) || WTERMSIG(status) == SIGKILL, "a deliver process ended with %d", status);
	}
}

/* --- queue and mailboxes, as others see them --- */

static struct station station(const char *name)
{
	struct station st;
	struct err e;

	if (!station_open(queue, name, &st, &e))
		die(e.text);
	return st;
}

static bool count_one(void *arg, const char *id)
{
	(void)id;
	++*(int *)arg;
	return true;
}

static int count(const char *name)
{
	struct station st = station(name);
	int n = 0;

	queue_each(&st, count_one, &n, NULL);
	station_close(&st);
	return n;
}

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

static bool next_is_junk;

static void put_text(const char *sender, const char *words, time_t age, const char *text, char id[ID_SIZE])
{
	struct station st = station("local");
	struct rcpt r[16] = { 0 };
	struct envelope env = { .sender = sender, .arrived = time(NULL) - age, .rcpts = r, .junk = next_is_junk };
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
	check(reached(&w), line, "stations", "local %d own %d hold %d, ann %d bob %d eve %d", count("local"),
	    count("in/own"), count("hold"), in_box("ann"), in_box("bob"), in_box("eve"));
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
	shell("rm -rf */new/* in/*/new/* */ask/* mail/here.test log");
}

static void wish(const char *id, enum wish what)
{
	struct station local = station("local");
	int ask = wish_open(&local);

	wish_leave(ask, id, what, NULL);
	for (int i = 0; i < 200 && wish_waits(ask, id, what); i++)
		step(20);
	CHECK(!wish_waits(ask, id, what), "a wish was not heard");
	close(ask);
	station_close(&local);
}

static void wait_for_log(const char *pattern)
{
	for (int i = 0; i < 300 && !has(pattern, "log"); i++)
		step(20);
	CHECK(has(pattern, "log"), "%s is not in the log", pattern);
}

/* --- the cases --- */

static void delivers(void)
{
	char id[ID_SIZE];

	start();
	put("ann@here.test", id);
	put("ann@here.test bob@here.test both@here.test", id);
	EXPECT(.ann = 3, .bob = 2);
	CHECK(has("^Return-Path: <sender@b.test>$", "mail/here.test/ann/Maildir/new/*"), "top");
	CHECK(has("^Delivered-To: both@here.test$", "mail/here.test/bob/Maildir/new/*"), "top");
	CHECK(spawned <= 3, "%u processes for one uid", spawned);
	put("eve@here.test!", id);
	EXPECT(.ann = 3, .bob = 2, .eve = 1, .own = 1);
	CHECK(has("Action: delivered", "in/own/new"), "report");
	stop(SIGTERM);
	clean();
}

static void bounces(void)
{
	char id[ID_SIZE];

	start();
	put("ann@here.test unknown@here.test", id);
	EXPECT(.ann = 1, .own = 1);
	CHECK(has("unknown@here.test", "in/own/new") && has("Action: failed", "in/own/new"), "report");
	put_text("", "unknown@here.test", 0, "Subject: a bounce\n\n", id);
	EXPECT(.ann = 1, .own = 2);			/* to the postmaster */
	put_text("s@b.test", "bob@here.test", 0, "Delivered-To: BOB@here.test\nSubject: loop\n\n", id);
	EXPECT(.ann = 1, .own = 3);
	CHECK(has("5.4.6", "in/own/new"), "a loop");
	put_text("s@b.test", "back@here.test", 0, "Delivered-To: back@here.test\nSubject: loop\n\n", id);
	EXPECT(.ann = 1, .own = 4);
	put_text("s@b.test", "bob@here.test", 0, HOPS_5 HOPS_5 "Received: 11\n\n", id);
	EXPECT(.ann = 1, .own = 5);
	stop(SIGTERM);
	clean();
}

static void forwards(void)
{
	char id[ID_SIZE];

	start();
	put("away@here.test", id);
	EXPECT(.ann = 1, .own = 1);
	CHECK(has("x@b.test", "in/own/new") && has("y@c.test", "in/own/new"), "recipients");
	CHECK(has("^Delivered-To: away@here.test$", "in/own/new"), "top");
	CHECK(has("sender@b.test", "in/own/new/*.e"), "sender");
	stop(SIGTERM);
	clean();
}

static void defers(void)
{
	char id[ID_SIZE];

	start();
	put("later@here.test ann@here.test", id);
	EXPECT(.local = 1, .ann = 1);
	shell("mkdir -p mail/here.test/closed/Maildir/tmp && chmod 0 mail/here.test/closed/Maildir");
	put("closed@here.test", id);
	wait_for_log("deferred to=<closed@here.test>.*mail/here.test/closed/Maildir.*Permission denied");
	EXPECT(.local = 2, .ann = 1);
	shell("chmod 700 mail/here.test/closed/Maildir");
	EXPECT(.local = 1, .ann = 1);			/* a second later */
	CHECK(in_box("closed") == 1, "%d", in_box("closed"));
	put_text("s@b.test", "later@here.test", 1000, "Subject: old\n\n", id);	/* older than give-up */
	EXPECT(.local = 1, .ann = 1, .own = 1);
	stop(SIGTERM);
	clean();
}

/* Killed at any moment: nothing is lost, and nothing comes twice. */
static void survives(void)
{
	char id[ID_SIZE];

	workers_die = true;
	start();
	put("ann@here.test", id);
	wait_for_log("the deliver process ended");
	workers_die = false;
	EXPECT(.ann = 1);
	stop(SIGKILL);
	for (int i = 1; i <= 30; i++) {
		put("bob@here.test", id);
		start();
		step(i % 10);
		for (int k = 0; k < i % 7; k++)
			step(i % 3);
		stop(SIGKILL);
	}
	start();
	EXPECT(.ann = 1, .bob = 30);
	stop(SIGTERM);
	CHECK(in_box("bob") == 30, "%d", in_box("bob"));
	clean();
}

/* The envelope says that it waits, the Maildir has it already; also when it has been read since. */
static void recognises(void)
{
	char id[ID_SIZE];

	start();
	put("ann@here.test bob@here.test", id);
	EXPECT(.ann = 1, .bob = 1);
	stop(SIGTERM);
	put("ann@here.test bob@here.test", id);
	shell("cp local/new/%s.m x.m && cp local/new/%s.e x.e", id, id);
	start();
	EXPECT(.ann = 2, .bob = 2);
	stop(SIGTERM);
	shell("mv mail/here.test/ann/Maildir/new/*%s* mail/here.test/ann/Maildir/cur/a && "
	    "mv mail/here.test/ann/Maildir/cur/a mail/here.test/ann/Maildir/cur/$(cd mail/here.test/bob/Maildir/new; "
	    "ls *%s* | sed 's/r1/r0/;s/,W.*//'):2,S", id, id);
	shell("mv x.m local/new/%s.m && mv x.e local/new/%s.e", id, id);
	start();
	EXPECT(.ann = 1, .bob = 2);
	stop(SIGTERM);
	clean();
}

static void waits_for_processes(void)
{
	char id[ID_SIZE];

	no_workers = true;
	start();
	put("ann@here.test", id);
	for (int i = 0; i < 20; i++)
		step(20);
	EXPECT(.local = 1);
	no_workers = false;
	EXPECT(.ann = 1);
	stop(SIGTERM);
	clean();
}

static void fulfils_wishes(void)
{
	char id[ID_SIZE];

	start();
	put("later@here.test ann@here.test", id);
	EXPECT(.local = 1, .ann = 1);
	wish(id, WISH_HOLD);
	EXPECT(.hold = 1, .ann = 1);
	put("later@here.test", id);
	EXPECT(.local = 1, .hold = 1, .ann = 1);
	wish(WISH_ALL, WISH_RETRY);
	wish(id, WISH_BOUNCE);
	EXPECT(.own = 1, .hold = 1, .ann = 1);
	put("later@here.test", id);
	EXPECT(.local = 1, .own = 1, .hold = 1, .ann = 1);
	wish(id, WISH_DELETE);
	EXPECT(.own = 1, .hold = 1, .ann = 1);
	stop(SIGTERM);
	clean();
}

/* Also for somebody who has no Maildir yet, also after a crash; and the next message goes where it did before. */
static void junk_goes_to_its_folder(void)
{
	char id[ID_SIZE];

	start();
	next_is_junk = true;
	put("ann@here.test bob@here.test", id);
	wait_for_log("delivered to=<ann@here.test>.*folder=Junk");
	wait_for_log("delivered to=<bob@here.test>.*folder=Junk");
	put("ann@here.test", id);
	EXPECT(.local = 0);
	next_is_junk = false;
	put("ann@here.test", id);
	EXPECT(.ann = 1);
	CHECK(files_in("mail/here.test/ann/Maildir/.Junk/new") == 2, "junk");
	CHECK(has("^Junk$", "mail/here.test/ann/Maildir/subscriptions"), "subscribed");
	CHECK(access("mail/here.test/ann/Maildir/.Junk/maildirfolder", F_OK) == 0, "marked");
	stop(SIGTERM);
	clean();
}

static void many_pass(void)
{
	char id[ID_SIZE];

	start();
	for (int i = 0; i < 300; i++)
		put(i % 2 ? "ann@here.test" : "bob@here.test eve@here.test", id);
	EXPECT(.ann = 150, .bob = 150, .eve = 150);
	CHECK(spawned <= 8, "%u processes for one uid", spawned);
	stop(SIGTERM);
	clean();
}

static void set_up(void)
{
	char text[600];
	struct err e;

	snprintf(root, sizeof root, "/tmp/play-mda.XXXXXX");
	if (!mkdtemp(root) || chdir(root) < 0 || !queue_make(root, &e) || mkdir("mail", 0700) < 0)
		die(root);
	snprintf(text, sizeof text, "[posthorn]\nhost-name = mx.here.test\nqueue-directory = %s\n"
	    "postmaster = root@here.test\nhops-max = 10\n[mta]\nretry = 1s\ngive-up = 100s\nwarn-after = 0\n"
	    "[directory]\nmail-directory = %s/mail\n", root, root);
	if (!conf_parse(span_of(text), "test", &conf, NULL, &e) || !conf_to_fd(&conf, &conf_fd, &e)) {
		printf("%s\n", e.text);
		exit(2);
	}
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

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	pick_program = program(argv[1]);
	deliver_program = program(argv[2]);
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		die("setuid");
	umask(0007);
	signal(SIGPIPE, SIG_IGN);
	set_up();
	delivers();
	bounces();
	forwards();
	defers();
	survives();
	recognises();
	waits_for_processes();
	fulfils_wishes();
	junk_goes_to_its_folder();
	many_pass();
	if (bad)
		shell("tail -60 %s/log", root);
	shell("rm -rf %s", root);
	printf("%d failed\n", bad);
	return bad != 0;
}
