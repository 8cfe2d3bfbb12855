/*
 * NAME
 *	sendmail - take a message from a program of this machine
 * DESCRIPTION
 *	sendmail(8). The way in for cron, PHP, mutt and whatever else calls sendmail: reads a
 *	message from standard input and puts it into QUEUE/in/sub itself. Not setuid: who may
 *	write there (root, group posthorn) may send. What programs leave out is added, Bcc goes.
 */
#include "msa/sendmail.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/os/history.h"
#include "common/os/log.h"
#include "common/smtp/param.h"

int sendmail_fail(int code, const char *fmt, ...)
{
	va_list args;

	fputs("sendmail: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

int sendmail_fail_err(const struct err *e, int temp)
{
	return sendmail_fail(e->kind == ERR_PERM ? EX_DATAERR : temp, "%s", e->text);
}

/* --- to be another command --- */

enum {
	WORDS_MAX	= 8,
	ENVID_MAX	= 100,		/* RFC 3461 4.4 */
};

/* Run another of our commands, which lies beside us or in the directory next door. */
static int become(const char *name, const struct wishes *w, const char *const words[])
{
	static const char *const from[] = { "", "../bin/", "../sbin/" };
	char *argv[WORDS_MAX] = { (char *)name, (char *)"-c", (char *)w->conf_file }, self[4096], path[4200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	struct span dir = { self, n > 0 ? (size_t)n : 0 };
	ptrdiff_t slash = span_rfind(dir, '/');

	for (int i = 0; words && words[i] && i + 4 < WORDS_MAX; i++)
		argv[i + 3] = (char *)words[i];
	for (size_t i = 0; slash >= 0 && i < sizeof from / sizeof *from; i++) {
		snprintf(path, sizeof path, "%.*s/%s%s", (int)slash, self, from[i], name);
		execv(path, argv);
	}
	return sendmail_fail(EX_UNAVAILABLE, "cannot run %s", name);
}

/* -qI, -qR, -qS: those with this id, recipient, sender. What has no @ is a domain. */
static int retry_some(char what, const char *value, const struct wishes *w)
{
	bool address = strchr(value, '@') != NULL;
	char domain[300];
	const char *words[] = { "queue", "retry", what == 'S' ? "--sender" : address ? "--recipient" : "--destination", value, NULL };

	snprintf(domain, sizeof domain, "@%.290s", value);
	if (what == 'S' && !address)
		words[3] = domain;
	if (what == 'I')
		words[2] = value, words[3] = NULL;
	return become("posthorn", w, words);
}

/* -q, -q15m: how often mta looks is its own affair, so both mean now. */
static int retry(const char *what, int argc, char **argv, const struct wishes *w)
{
	static const char *const all[] = { "queue", "retry", "all", NULL };

	if (!what || !*what || !strchr("IRS", *what))
		return become("posthorn", w, all);
	if (what[1])
		return retry_some(*what, what + 1, w);
	if (optind < argc)
		return retry_some(*what, argv[optind], w);
	return sendmail_fail(EX_USAGE, "-q%c needs a value", *what);
}

static int verify(int argc, char **argv, const struct wishes *w)
{
	const char *words[] = { "address", "explain", optind < argc ? argv[optind] : NULL, NULL };

	if (argc - optind != 1)
		return sendmail_fail(EX_USAGE, "-bv wants one address");
	return become("posthorn", w, words);
}

/* --- options --- */

static bool read_notify(const char *words, unsigned *notify)
{
	static const struct { const char *name; unsigned bit; } known[] = {
		{ "never", NOTIFY_NEVER }, { "success", NOTIFY_SUCCESS },
		{ "failure", NOTIFY_FAILURE }, { "delay", NOTIFY_DELAY },
	};
	struct span rest = span_of(words), word;

	*notify = 0;
	while (span_piece(&rest, ',', &word)) {
		size_t i = 0;

		while (i < 4 && !span_is(span_trim(word), known[i].name))
			i++;
		if (i == 4)
			return false;
		*notify |= known[i].bit;
	}
	return *notify == NOTIFY_NEVER || !(*notify & NOTIFY_NEVER);
}

static int read_ret(struct wishes *w, const char *value)
{
	w->ret = span_is(span_of(value), "full") ? "full" : span_is(span_of(value), "hdrs") ? "hdrs" : NULL;
	return w->ret ? -1 : sendmail_fail(EX_USAGE, "-R wants full or hdrs");
}

/* It goes into commands as it is. */
static int read_envid(struct wishes *w, const char *value)
{
	struct str plain = STR(ENVID_MAX);
	bool ok = *value && strlen(value) <= ENVID_MAX && xtext_decode(span_of(value), &plain);

	str_free(&plain);
	w->envid = value;
	return ok ? -1 : sendmail_fail(EX_USAGE, "-V wants up to %d characters, a blank as +20 (xtext of RFC 3461)", ENVID_MAX);
}

/* -XV, -XV+=; any other -X is a log file, which is not ours to write. */
static int read_verp(struct wishes *w, const char *value)
{
	if (*value != 'V')
		return -1;
	w->verp = value[1] ? value[1] : '+';
	w->verp_at = value[1] ? value[2] : '=';
	return !value[1] || (value[2] && !value[3] && strspn(value + 1, "-=+") == 2) ? -1
	    : sendmail_fail(EX_USAGE, "-XV wants nothing, or two characters of -=+");
}

/* -bX: what to be. */
static int read_mode(const char *mode, int argc, char **argv, struct wishes *w)
{
	switch (*mode) {
	case 'm': case 'a':
		return -1;
	case 's':
		w->dialogue = true;
		return -1;
	case 'p':
		return become("mailq", w, NULL);
	case 'i': case 'I':
		return become("newaliases", w, NULL);
	case 'v':
		return verify(argc, argv, w);
	case 'd': case 'D': case 'l':
		return sendmail_fail(EX_USAGE,
		    "-b%c: the daemons are msa(8) and mta(8), started by the system", *mode);
	case 'h': case 'H':
		return sendmail_fail(EX_USAGE, "-b%c: what is known of other hosts, posthorn destination shows", *mode);
	default:
		return sendmail_fail(EX_USAGE, "-b%s is not supported", mode);
	}
}

/* What needs the other options is done when all were read: *late, and its value. */
static int read_option(int c, struct wishes *w, int *late, const char **late_value)
{
	switch (c) {
	case 'b': case 'q': case 'I':
		*late = c;
		*late_value = optarg;
		return -1;
	case 'C': case 'c':
		w->conf_file = optarg;
		return -1;
	case 'f': case 'r':
		w->sender = strcmp(optarg, "<>") == 0 ? "" : optarg;
		return -1;
	case 'F':
		w->full_name = optarg;
		return -1;
	case 'i':
		w->dots_are_text = true;
		return -1;
	case 'o':
		w->dots_are_text = w->dots_are_text || *optarg == 'i';
		return -1;
	case 't':
		w->from_header = true;
		return -1;
	case 'v':
		w->verbose = true;
		return -1;
	case 'N':
		return read_notify(optarg, &w->notify) ? -1
		    : sendmail_fail(EX_USAGE, "-N wants never, or words of success,failure,delay");
	case 'R':
		return read_ret(w, optarg);
	case 'V':
		return read_envid(w, optarg);
	case 'X':
		return read_verp(w, optarg);
	case '?':
		return EX_USAGE;
	default:
		return -1;		/* known, and without a meaning here */
	}
}

static int read_options(int argc, char **argv, struct wishes *w)
{
	const char *value = NULL;
	int c, late = 0, code = -1;

	while (code < 0 &&
	    (c = getopt(argc, argv, "+A:B:b:C:c:d:e:F:f:Gh:IiL:mN:nO:o:p:q::R:r:tUV:vX:x")) != -1)
		code = read_option(c, w, &late, &value);
	if (code >= 0 || !late)
		return code;
	if (late == 'q')
		return retry(value, argc, argv, w);
	return read_mode(late == 'I' ? "i" : value, argc, argv, w);
}

/* The names that sendmail is called by, too. */
static int read_name(const char *called, struct wishes *w)
{
	const char *slash = strrchr(called, '/'), *name = slash ? slash + 1 : called;

	if (strcmp(name, "mailq") == 0)
		return become("mailq", w, NULL);
	if (strcmp(name, "newaliases") == 0)
		return become("newaliases", w, NULL);
	w->dialogue = strcmp(name, "smtpd") == 0;
	return -1;
}

/* --- what is open --- */

/* Standard error is the caller's; so lines go where the daemons' go, or nowhere. */
static void open_log(const struct mailer *m)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	const char *log = m->conf.log;
	char history[4096], uid[16];
	int fd = -1;

	if (*log == '/') {
		fd = open(log, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	} else if (strcmp(log, "stderr") != 0) {
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd >= 0)
			(void)!connect(fd, (struct sockaddr *)&to, sizeof to);
	}
	log_open("sendmail", fd, *log == '/' ? LOG_FORM_PLAIN : LOG_FORM_SYSLOG);
	snprintf(history, sizeof history, "%s/history/sub", m->conf.queue_directory);
	snprintf(uid, sizeof uid, "%u", (unsigned)getuid());
	if (m->conf.history)
		history_open(history, uid, m->conf.history_day);
}

static int open_station(struct mailer *m)
{
	struct err e;
	int queue = queue_open(m->conf.queue_directory, &e);
	bool ok = queue >= 0 && station_open(queue, "in/sub", &m->station, &e);

	if (!ok && errno == EACCES)
		return sendmail_fail(EX_NOPERM,
		    "you may not put mail into %s/in/sub; the administrator can add you to the "
		    "group posthorn",
		    m->conf.queue_directory);
	if (!ok)
		return sendmail_fail_err(&e, EX_TEMPFAIL);
	close(queue);
	m->station.reserve = m->conf.disk_reserve;
	return -1;
}

int main(int argc, char **argv)
{
	struct mailer m = { .w.conf_file = CONF_FILE };
	struct err e;
	int code = argc ? read_name(argv[0], &m.w) : EX_USAGE;

	if (code < 0)
		code = read_options(argc, argv, &m.w);
	if (code >= 0)
		return code;
	if (!conf_read(m.w.conf_file, &m.conf, NULL, &e))
		return sendmail_fail(EX_CONFIG, "%s", e.text);
	m.user = getpwuid(getuid());
	m.login = m.user ? m.user->pw_name : "nobody";
	code = open_station(&m);
	if (code >= 0)
		return code;
	signal(SIGPIPE, SIG_IGN);
	open_log(&m);
	return m.w.dialogue ? dialogue_serve(&m) : letter_send(&m, argv + optind);
}
