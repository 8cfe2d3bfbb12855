/* The process that stays root: its start, its signals, its end. See keeper.h and state.h. */
#include "common/keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/keeper/notify.h"
#include "common/keeper/state.h"
#include "common/os/log.h"

enum { MISTAKES_MAX = 65536 };

/* --- the end --- */

/* Fronts first, so that clients may finish; then who has no work left; then all; then by force. */
enum { STOP_FRONTS, STOP_IDLE, STOP_ALL, STOP_BY_FORCE, STOP_STEPS };

static const int step_s[STOP_STEPS] = { 12, 2, 3, 5 };

static void stop_step(struct keeper *k);

static bool is_front(const struct child *c)
{
	return c->role == ROLE_FRONT;
}

static bool is_anybody(const struct child *c)
{
	(void)c;
	return true;
}

/* Who waits for clients or work sees that nobody needs it; a message in hand is finished. */
static bool is_server(const struct child *c)
{
	switch (c->role) {
	case ROLE_CLERK: case ROLE_RESOLVER: case ROLE_HINTS: case ROLE_SCHED: case ROLE_PICK:
		return true;
	default:
		return false;
	}
}

static void next_step(void *arg)
{
	struct keeper *k = arg;

	k->tend_timer = NULL;
	if (k->stop_step < STOP_BY_FORCE)
		k->stop_step++;
	stop_step(k);
}

static void stop_step(struct keeper *k)
{
	loop_cancel(k->tend_timer);
	k->tend_timer = loop_at(k->loop, clock_in(step_s[k->stop_step]), next_step, k);
	switch (k->stop_step) {
	case STOP_FRONTS:
		children_signal(k, SIGTERM, is_front);
		break;
	case STOP_IDLE:
		for (struct child *c = k->children; c; c = c->next)
			child_close(c);
		children_signal(k, SIGTERM, is_server);
		break;
	case STOP_ALL:
		children_signal(k, SIGTERM, is_anybody);
		break;
	default:
		children_signal(k, SIGKILL, is_anybody);
	}
	keeper_child_ended(k);
}

void keeper_child_ended(struct keeper *k)
{
	if (k->stage != STAGE_STOPPING)
		return;
	if (!k->children)
		loop_stop(k->loop);
	else if (k->stop_step == STOP_FRONTS && !k->running[ROLE_FRONT])
		next_step(k);
}

void keeper_stop(struct keeper *k, int code)
{
	if (k->stage == STAGE_STOPPING) {
		next_step(k);		/* asked again: impatient */
		return;
	}
	k->stage = STAGE_STOPPING;
	k->exit_code = code;
	log_info("stopping");
	notify("STOPPING=1");
	k->stop_step = STOP_FRONTS;
	stop_step(k);
}

/* --- signals --- */

static void on_stop(void *arg, int signo)
{
	(void)signo;
	keeper_stop(arg, 0);
}

static void on_child(void *arg, int signo)
{
	(void)signo;
	children_reap(arg);
	keeper_child_ended(arg);
}

static bool read_again(struct keeper *k, struct err *e)
{
	struct conf was = k->conf, fresh;

	if (!conf_read(k->file, &fresh, NULL, e))
		return false;
	k->conf = fresh;
	if (prepare_tls(k, e) && prepare_settings(k, e)) {
		conf_free(&was);
		return true;
	}
	k->conf = was;
	conf_free(&fresh);
	return false;
}

static void on_reload(void *arg, int signo)
{
	struct keeper *k = arg;
	struct err e;

	(void)signo;
	notify("RELOADING=1");
	if (!read_again(k, &e))
		log_error("the old settings stay: %s", e.text);
	else if (!prepare_log(k, &e))
		log_error("%s", e.text);
	else
		log_info("settings read again, for processes that start from now on");
	for (struct child *c = k->children; c; c = c->next) {
		if (is_front(c) && k->certificate >= 0)
			front_tell_certificate(c);
	}
	notify("READY=1");
}

static void watchdog(void *arg)
{
	struct keeper *k = arg;

	notify("WATCHDOG=1");
	loop_at(k->loop, clock_ms() + notify_every(), watchdog, k);
}

void keeper_is_ready(struct keeper *k)
{
	if (k->stage != STAGE_STARTING)
		return;
	k->stage = STAGE_READY;
	log_info("ready");
	notify("READY=1");
}

/* --- the start --- */

/* Whoever started us by hand should not have to look into the log for the reason. */
static void __attribute__((noreturn)) end(const struct keeper *k, int code, const struct err *e)
{
	log_error("%s", e->text);
	if (k->log_fd >= 0 && strcmp(k->conf.log, "stderr") != 0 &&
	    strcmp(k->conf.log, "journal") != 0)
		fprintf(stderr, "%s: %s\n", k->daemon->name, e->text);
	exit(code);
}

static void usage(const struct daemon *d, FILE *to)
{
	fprintf(to, "usage: %s [-tV] [-c FILE]\n", d->name);
}

/* The settings file; -t and -V never come back. */
static const char *options(const struct daemon *d, int argc, char **argv, bool *only_test)
{
	const char *file = DEFAULT_SETTINGS;
	int c;

	while ((c = getopt(argc, argv, "c:hftV")) != -1) {
		switch (c) {
		case 'c': file = optarg; break;
		case 'f': break;		/* foreground: always */
		case 't': *only_test = true; break;
		case 'V': printf("%s (Posthorn %s)\n", d->name, POSTHORN_VERSION); exit(0);
		case 'h': usage(d, stdout); exit(0);
		default: usage(d, stderr); exit(EX_USAGE);
		}
	}
	if (optind < argc) {
		usage(d, stderr);
		exit(EX_USAGE);
	}
	return file;
}

static void read_settings(struct keeper *k, const char *file)
{
	struct str mistakes = STR(MISTAKES_MAX);
	char *path = realpath(file, NULL);
	struct err e;

	k->file = path ? path : file;
	if (!conf_read(k->file, &k->conf, &mistakes, &e)) {
		if (mistakes.n)
			fprintf(stderr, "%s", mistakes.p);
		else
			fprintf(stderr, "%s: %s\n", k->daemon->name, e.text);
		exit(EX_CONFIG);
	}
	str_free(&mistakes);
}

static void raise_limit_of_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static void open_null(struct keeper *k)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);		/* started with some of 0 to 2 closed */
	k->null_fd = fd;
	if (fd < 0)
		exit(EX_OSERR);
}

/* Everything that can fail for a reason an admin can mend, in the order of what they would mend first. */
static void prepare(struct keeper *k)
{
	int code = EX_CONFIG;
	struct err e;

	if (!prepare_log(k, &e))
		end(k, EX_NOPERM, &e);
	if (!prepare_users(k, &e) || !prepare_tls(k, &e))
		end(k, EX_CONFIG, &e);
	if (k->daemon->serve && !listen_all(k, &code, &e))
		end(k, code, &e);
	if (!prepare_run(k, &code, &e))
		end(k, code, &e);
	if (k->daemon->serve && k->daemon->on_request[0] == ROLE_AUTH)
		prepare_salts(k);
	if (!prepare_queue(k, &e) || (k->daemon->serve && !listen_write_ports(k, &e)))
		end(k, EX_NOPERM, &e);
	if (!prepare_settings(k, &e))
		end(k, EX_OSERR, &e);
}

static void begin(void *arg)
{
	struct keeper *k = arg;

	children_tend(k);
	if (!k->daemon->serve)
		keeper_is_ready(k);
}

static void run(struct keeper *k)
{
	k->loop = loop_new();
	loop_on_signal(k->loop, SIGTERM, on_stop, k);
	loop_on_signal(k->loop, SIGINT, on_stop, k);
	loop_on_signal(k->loop, SIGHUP, on_reload, k);
	loop_on_signal(k->loop, SIGCHLD, on_child, k);
	if (notify_every())
		watchdog(k);
	loop_at(k->loop, clock_ms(), begin, k);
	loop_run(k->loop);
}

int keeper_main(const struct daemon *d, int argc, char **argv)
{
	static struct keeper k;
	bool only_test = false;
	const char *file = options(d, argc, argv, &only_test);
	struct err e;

	k = (struct keeper){ .daemon = d, .as_root = geteuid() == 0, .conf_fd = -1, .log_fd = -1, .peers_fd = -1,
		.lock_fd = -1, .certificate = -1, .key = -1, .client_ca = -1 };
	umask(0022);
	signal(SIGPIPE, SIG_IGN);
	open_null(&k);
	log_open(d->name, STDERR_FILENO, LOG_FORM_PLAIN);
	read_settings(&k, file);
	if (only_test) {
		printf("%s: the settings are fine\n", k.file);
		return 0;
	}
	if (chdir("/") < 0)
		return EX_OSERR;
	raise_limit_of_descriptors();
	if (!jail_hide(&e))
		end(&k, EX_OSERR, &e);
	prepare(&k);
	run(&k);
	log_info("stopped");
	return k.exit_code;
}
