/*
 * NAME
 *	sendmail - take a message from a program of this machine
 * DESCRIPTION
 *	sendmail(8). The way in for cron, PHP, mutt and whatever else calls sendmail: reads a
 *	message from standard input and puts it into QUEUE/in/sub itself. Not setuid: who may
 *	write there (root, group posthorn) may send. What programs leave out is added, Bcc goes.
 */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/conf/conf.h"
#include "common/mail/addr.h"
#include "common/mail/date.h"
#include "common/mail/fix.h"
#include "common/mail/header.h"
#include "common/mail/msgid.h"
#include "common/mail/trace.h"
#include "common/mail/word.h"
#include "common/os/clock.h"
#include "common/os/file.h"
#include "common/queue/queue.h"
#include "common/smtp/path.h"

enum { MEMORY = 64 << 20, NAME_MAX_BYTES = 256 };

/* What the caller asked for. */
struct wishes {
	const char	*conf_file, *sender, *full_name, *envid, *ret;
	unsigned	 notify;
	bool		 from_header, dots_are_text;
};

struct letter {
	const struct wishes	*w;
	struct conf		 conf;
	struct arena		*memory;
	struct passwd		*user;		/* NULL: the uid has no name */
	struct envelope		 env;
	size_t			 room;		/* of env.rcpts */
	struct str		 text;		/* as read, in LF */
	struct queue_put	*put;
};

static int fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(int code, const char *fmt, ...)
{
	va_list args;

	fputs("sendmail: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

static int fail_err(const struct err *e, int temp)
{
	return fail(e->kind == ERR_PERM ? EX_DATAERR : temp, "%s", e->text);
}

/* --- options --- */

/* Run another of our commands, which lies beside us or in ../bin. */
static int become(const char *name, const char *conf_file)
{
	static const char *const from[] = { "", "../bin/" };
	char self[4096], path[4200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	struct span dir = { self, n > 0 ? (size_t)n : 0 };
	ptrdiff_t slash = span_rfind(dir, '/');

	for (size_t i = 0; slash >= 0 && i < 2; i++) {
		snprintf(path, sizeof path, "%.*s/%s%s", (int)slash, self, from[i], name);
		execl(path, name, "-c", conf_file, NULL);
	}
	return fail(EX_UNAVAILABLE, "cannot run %s", name);
}

static bool read_notify(const char *words, unsigned *notify)
{
	static const struct { const char *name; unsigned bit; } known[] = {
		{ "never", NOTIFY_NEVER }, { "success", NOTIFY_SUCCESS },
		{ "failure", NOTIFY_FAILURE }, { "delay", NOTIFY_DELAY },
	};
	struct span rest = span_of(words), word;

	for (*notify = 0; rest.n; ) {
		size_t i = 0;

		if (!span_cut(&rest, ',', &word)) {
			word = rest;
			rest.n = 0;
		}
		while (i < 4 && !span_is(word, known[i].name))
			i++;
		if (i == 4)
			return false;
		*notify |= known[i].bit;
	}
	return *notify == NOTIFY_NEVER || !(*notify & NOTIFY_NEVER);
}

/* -bX: what to be. A negative code: take a message. */
static int read_mode(const char *mode, const struct wishes *w)
{
	switch (*mode) {
	case 'm':
		return -1;
	case 'p':
		return become("mailq", w->conf_file);
	case 'i':
		return become("newaliases", w->conf_file);
	case 'd':
		return fail(EX_USAGE, "-bd: the daemons are msa(8) and mta(8), started by the system");
	default:
		return fail(EX_USAGE, "-b%s is not supported; mail by SMTP goes to msa(8)", mode);
	}
}

static int read_option(int c, struct wishes *w)
{
	switch (c) {
	case 'b':
		return read_mode(optarg, w);
	case 'C':
		w->conf_file = optarg;
		return -1;
	case 'f':
	case 'r':
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
	case 'N':
		return read_notify(optarg, &w->notify) ? -1
		    : fail(EX_USAGE, "-N wants never, or words of success,failure,delay");
	case 'R':
		w->ret = strcmp(optarg, "full") == 0 || strcmp(optarg, "hdrs") == 0 ? optarg : NULL;
		return w->ret ? -1 : fail(EX_USAGE, "-R wants full or hdrs");
	case 'V':
		w->envid = optarg;
		return -1;
	case '?':
		return EX_USAGE;
	default:
		return -1;		/* known, and without a meaning here */
	}
}

static int read_options(int argc, char **argv, struct wishes *w)
{
	int c, code = -1;

	while (code < 0 && (c = getopt(argc, argv, "+A:B:b:C:c:d:e:F:f:Gh:iL:mN:nO:o:p:q::R:r:tUV:vX:")) != -1)
		code = read_option(c == 'c' ? 'C' : c, w);
	return code;
}

/* --- the text --- */

/*
 * In place: lines end in LF, a CR alone ends one too (bare CR never gets into the queue),
 * no NUL; the mbox line that some programs put first goes. A line with one dot ends it.
 */
static void normalise(struct str *text, bool dots_are_text)
{
	size_t to = 0, line = 0;

	for (size_t i = 0; i < text->n; i++) {
		char c = text->p[i];

		if (c == '\0' || (c == '\r' && i + 1 < text->n && text->p[i + 1] == '\n'))
			continue;
		if (c == '\r')
			c = '\n';
		text->p[to++] = c;
		if (c != '\n')
			continue;
		if (!dots_are_text && to - line == 2 && text->p[line] == '.') {
			to = line;
			break;
		}
		line = to;
	}
	str_cut(text, to);
	if (text->n && text->p[text->n - 1] != '\n')
		str_add_char(text, '\n');
}

static int read_text(struct letter *l)
{
	struct err e;

	l->text = STR(l->conf.message_size_limit + 1);
	if (!file_read_all(STDIN_FILENO, &l->text, &e))
		return e.kind == ERR_PERM ? fail(EX_DATAERR, "the message is larger than message-size-limit, %llu bytes",
		    (unsigned long long)l->conf.message_size_limit) : fail_err(&e, EX_IOERR);
	normalise(&l->text, l->w->dots_are_text);
	return -1;
}

/* --- who --- */

static bool has_8bit(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] >= 0x80)
			return true;
	}
	return false;
}

/* A bare name is somebody of this host. */
static const char *qualify(struct letter *l, struct span address)
{
	if (span_has(address, '@'))
		return arena_text(l->memory, address);
	return arena_printf(l->memory, SPAN_FMT "@%s", SPAN_ARG(address), l->conf.host_name);
}

static int add_rcpt(struct letter *l, struct span address)
{
	struct envelope *env = &l->env;
	const char *full = qualify(l, address);

	if (!path_is_address(span_of(full), true))
		return fail(EX_DATAERR, "\"" SPAN_FMT "\" is no address", SPAN_ARG(span_to(address, 200)));
	for (size_t i = 0; i < env->rcpt_count; i++) {
		if (span_alike(span_of(env->rcpts[i].address), span_of(full)))
			return -1;
	}
	if (env->rcpt_count >= l->conf.recipients_max)
		return fail(EX_DATAERR, "more than %llu recipients (recipients-max)",
		    (unsigned long long)l->conf.recipients_max);
	if (env->rcpt_count == l->room) {
		l->room = l->room ? l->room * 2 : 16;
		env->rcpts = mem_more(env->rcpts, l->room, sizeof *env->rcpts);
	}
	env->rcpts[env->rcpt_count] = (struct rcpt){ .number = (unsigned)env->rcpt_count, .address = full,
		.notify = l->w->notify };
	env->rcpt_count++;
	env->smtputf8 = env->smtputf8 || has_8bit(span_of(full));
	return -1;
}

static int add_field(struct letter *l, struct span value)
{
	struct str text = STR(PATH_TEXT_MAX + 16);
	struct addrs found;
	int code = -1;

	addr_parse(value, l->memory, &found);
	for (size_t i = 0; i < found.count && code < 0; i++) {
		const struct addr *a = &found.list[i];

		if (a->kind != ADDR_MAILBOX || !a->local.n)
			continue;
		str_reset(&text);
		if (a->domain.n)
			addr_print(a->local, a->domain, &text);
		else
			str_add(&text, a->local);
		code = text.over ? fail(EX_DATAERR, "an address of the header is too long") : add_rcpt(l, str_span(&text));
	}
	str_free(&text);
	return code;
}

/* RFC 5322 3.6.6: a message sent on again goes to whom its Resent- fields name. */
static int add_header_rcpts(struct letter *l, const struct header *h)
{
	static const char *const names[2][3] = {
		{ "Resent-To", "Resent-Cc", "Resent-Bcc" }, { "To", "Cc", "Bcc" },
	};
	int code = -1;

	for (int set = 0; set < 2 && !l->env.rcpt_count; set++) {
		for (int i = 0; i < 3; i++) {
			const struct field *f = header_find(h, names[set][i]);

			for (; f && code < 0; f = header_find_after(h, names[set][i], f))
				code = add_field(l, f->value);
		}
	}
	return code;
}

static int find_rcpts(struct letter *l, char **names)
{
	struct header h;
	int code = -1;

	for (; *names && code < 0; names++)
		code = add_field(l, span_of(*names));
	if (code < 0 && l->w->from_header) {
		header_index(str_span(&l->text), l->memory, &h);
		code = add_header_rcpts(l, &h);
	}
	if (code < 0 && !l->env.rcpt_count)
		return fail(EX_USAGE, "nobody to send it to");
	return code;
}

static int find_sender(struct letter *l)
{
	const char *name = l->user ? l->user->pw_name : "nobody";

	l->env.sender = l->w->sender ? l->w->sender : name;
	if (*l->env.sender)
		l->env.sender = qualify(l, span_trim(span_of(l->env.sender)));
	if (*l->env.sender && !path_is_address(span_of(l->env.sender), true))
		return fail(EX_DATAERR, "-f \"%s\" is no address", l->w->sender);
	l->env.login = name;
	l->env.peer = arena_printf(l->memory, "local %u", (unsigned)getuid());
	l->env.protocol = "local";
	l->env.envid = l->w->envid ? l->w->envid : "";
	l->env.ret = l->w->ret ? l->w->ret : "";
	l->env.body8bit = has_8bit(str_span(&l->text));
	l->env.smtputf8 = l->env.smtputf8 || has_8bit(span_of(l->env.sender));
	return -1;
}

/* --- into the queue --- */

static void put(void *arg, struct span lf_text)
{
	queue_put_bytes(arg, lf_text);
}

static const char *full_name(const struct letter *l)
{
	if (l->w->full_name)
		return l->w->full_name;
	if (!l->user || !l->user->pw_gecos || l->w->sender)
		return "";
	return arena_text(l->memory, span_to(span_of(l->user->pw_gecos), strcspn(l->user->pw_gecos, ",")));
}

static void put_from(struct letter *l)
{
	struct span name = span_to(span_of(full_name(l)), NAME_MAX_BYTES);
	struct str line = STR(4096);
	const char *from = *l->env.sender ? l->env.sender : qualify(l, span_of(l->env.login));

	str_add(&line, SPAN("From: "));
	if (name.n) {
		word_encode_phrase(name, line.n, &line);
		str_addf(&line, " <%s>\n", from);
	} else {
		str_addf(&line, "%s\n", from);
	}
	if (!line.over)
		queue_put_bytes(l->put, str_span(&line));
	str_free(&line);
}

static void put_received(struct letter *l, const char *id, time_t now, int zone)
{
	struct str line = STR(4096);

	trace_received(&(struct trace){ .helo = "", .peer_ip = "", .peer_name = "", .by = l->conf.host_name,
	    .protocol = "local", .tls = "", .id = id, .recipient = "", .login = l->env.login, .when = now,
	    .zone = zone }, &line);
	queue_put_bytes(l->put, str_span(&line));
	str_free(&line);
}

static bool put_text(struct letter *l, time_t now, int zone)
{
	struct span text = str_span(&l->text), line;
	struct str id = STR(512);
	struct header h;
	struct fix_with with = { FIX_DATE | FIX_MESSAGE_ID | FIX_RESENT, now, zone, "", "" };
	struct fix fix;
	uint64_t dice;
	bool ok;

	if (span_starts(text, "From "))		/* mbox; it is no field */
		span_cut(&text, '\n', &line);
	header_index(text, l->memory, &h);
	if (!header_find(&h, "From"))
		put_from(l);
	if (getrandom(&dice, sizeof dice, GRND_NONBLOCK) != sizeof dice)
		dice = (uint64_t)getpid();
	msgid_make(clock_wall_us(), dice, span_of(l->conf.host_name), &id);
	with.message_id = id.p;
	fix_init(&fix, (struct sink){ put, l->put }, &with);
	fix_feed(&fix, text);
	ok = fix_end(&fix);
	str_free(&id);
	return ok;
}

static int commit(struct letter *l, const struct station *st)
{
	time_t now = clock_wall();
	int zone = date_local_zone(now);
	char id[ID_SIZE];
	struct err e;

	queue_new_id(id);
	l->put = queue_put_open(st, id, &e);
	if (!l->put)
		return fail_err(&e, EX_TEMPFAIL);
	put_received(l, id, now, zone);
	if (!put_text(l, now, zone)) {
		queue_put_drop(l->put);
		return fail(EX_DATAERR, "the message's header is too large");
	}
	return queue_put_commit(l->put, &l->env, &e) ? EX_OK : fail_err(&e, EX_TEMPFAIL);
}

static int send_it(struct letter *l)
{
	struct station st;
	struct err e;
	int queue = queue_open(l->conf.queue_directory, &e), code;
	bool ok = queue >= 0 && station_open(queue, "in/sub", &st, &e);

	if (!ok && errno == EACCES)
		return fail(EX_NOPERM, "you may not put mail into %s/in/sub; the administrator can add you to the group posthorn",
		    l->conf.queue_directory);
	if (!ok)
		return fail_err(&e, EX_TEMPFAIL);
	st.reserve = l->conf.disk_reserve;
	code = commit(l, &st);
	if (code == EX_TEMPFAIL && errno == EACCES)
		code = EX_NOPERM;
	station_close(&st);
	close(queue);
	return code;
}

int main(int argc, char **argv)
{
	struct wishes w = { .conf_file = CONF_FILE };
	struct letter l = { .w = &w };
	struct err e;
	int code;

	code = read_options(argc, argv, &w);
	if (code >= 0)
		return code;
	if (!conf_read(w.conf_file, &l.conf, NULL, &e))
		return fail(EX_CONFIG, "%s", e.text);
	l.memory = arena_new(MEMORY, NULL, NULL);
	l.user = getpwuid(getuid());
	code = read_text(&l);
	if (code < 0)
		code = find_rcpts(&l, argv + optind);
	if (code < 0)
		code = find_sender(&l);
	return code >= 0 ? code : send_it(&l);
}
