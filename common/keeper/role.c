/* What every role does at its start, and what it asks its keeper. See role.h. */
#include "common/keeper/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/os/history.h"
#include "common/os/log.h"

enum { PATHS_MEMORY = 1 << 20, CONNECT_S = 30, LOGIN_S = 120 };

/* --- words of a row as paths --- */

static const char *dir_of(const char *file, struct arena *a)
{
	ptrdiff_t slash = span_rfind(span_of(file), '/');

	return slash > 0 ? arena_text(a, span_to(span_of(file), (size_t)slash)) : "/";
}

static void add_path(struct jail_path *paths, const char *path, bool write)
{
	size_t n = 0;

	while (n < JAIL_PATHS_MAX && paths[n].path)
		n++;
	if (n + 1 < JAIL_PATHS_MAX && path && *path)
		paths[n] = (struct jail_path){ path, write };
}

static void add_tables(struct jail_path *paths, const struct conf *c, struct arena *a, bool write)
{
	add_path(paths, dir_of(c->users_file, a), write);
	add_path(paths, dir_of(c->domains_file, a), write);
	add_path(paths, dir_of(c->aliases_file, a), write);
	if (c->recipients_file)
		add_path(paths, dir_of(c->recipients_file, a), write);
	if (c->destinations_file)
		add_path(paths, dir_of(c->destinations_file, a), write);
}

static void add_word(struct jail_path *paths, struct span word, const struct conf *c,
    const char *self, struct arena *a, bool write)
{
	const struct { const char *name, *path; } known[] = {
		{ "$queue", c->queue_directory },
		{ "$config", c->config_directory },
		{ "$run", c->run_directory },
		{ "$mail", c->mail_directory },
		{ "$self", self },
	};

	if (span_is(word, "$tables")) {
		add_tables(paths, c, a, write);
		return;
	}
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!span_eat(&word, known[i].name))
			continue;
		if (known[i].path)
			add_path(paths,
			    arena_printf(a, "%s" SPAN_FMT, known[i].path, SPAN_ARG(word)), write);
		return;
	}
	add_path(paths, arena_text(a, word), write);
}

void role_paths(const struct role *role, const struct conf *c, const char *self, struct arena *a,
    struct jail_path paths[JAIL_PATHS_MAX])
{
	struct span words = span_of(role->root), word;

	for (size_t i = 0; i < JAIL_PATHS_MAX; i++)
		paths[i] = (struct jail_path){ NULL, false };
	while ((word = span_word(&words)).n) {
		bool write = role->may & MAY_WRITE;

		if (span_ends(word, ":r")) {
			word = span_to(word, word.n - 2);
			write = false;
		}
		add_word(paths, word, c, self, a, write);
	}
}

/* --- the start --- */

static void __attribute__((noreturn, format(printf, 2, 3))) give_up(int code, const char *fmt, ...)
{
	char why[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof why, fmt, args);
	va_end(args);
	log_error("%s", why);
	exit(code);
}

static enum log_form log_form(const struct conf *c)
{
	if (strcmp(c->log, "journal") == 0)
		return LOG_FORM_JOURNAL;
	if (strcmp(c->log, "syslog") == 0)
		return LOG_FORM_SYSLOG;
	return LOG_FORM_PLAIN;
}

/* "UID:GID", or "-" to stay the caller. */
static bool parse_ids(struct span text, int *uid, int *gid)
{
	uint64_t u, g;

	*uid = *gid = -1;
	if (span_is(text, "-"))
		return true;
	if (!span_eat_u64(&text, INT32_MAX, &u) || !span_eat_char(&text, ':') ||
	    !span_u64(text, INT32_MAX, &g) || !u || !g)
		return false;
	*uid = (int)u;
	*gid = (int)g;
	return true;
}

static void open_history(const struct role_self *self)
{
	const struct conf *c = &self->conf;
	char dir[4096];

	if (!self->role->history || !c->history)
		return;
	snprintf(dir, sizeof dir, "%s/history/%s", c->queue_directory, self->role->history);
	history_open(dir, "", c->history_day);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void only_at_exec_closed(int fd)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void role_begin(struct role_self *self, enum role_id id, int argc, char **argv)
{
	const struct role *role = &roles[id];
	struct err e;

	*self = (struct role_self){ .role = role, .keeper = ROLE_KEEPER_FD, .work = -1 };
	log_open(role->program, STDERR_FILENO, LOG_FORM_PLAIN);
	if (argc < 2 || !is_open(ROLE_KEEPER_FD) || !is_open(ROLE_CONF_FD))
		give_up(EX_CONFIG,
		    "%s is started by its daemon, not by hand; see posthorn-keeper(7)",
		    role->program);
	close_range(ROLE_WORK_FD + 1, ~0U, 0);
	if (!conf_from_fd(ROLE_CONF_FD, &self->conf, &e))
		give_up(EX_CONFIG, "%s", e.text);
	log_open(strchr(argv[0], '/') == argv[0] ? role->program : argv[0], STDERR_FILENO,
	    log_form(&self->conf));
	log_show_debug(self->conf.debug);
	open_history(self);
	if (!parse_ids(span_of(argv[1]), &self->uid, &self->gid))
		give_up(EX_CONFIG, "\"%s\" is not UID:GID", argv[1]);
	if (geteuid() == 0 && self->uid < 0 && strcmp(role->user, "root") != 0)
		give_up(EX_CONFIG, "root must say as whom %s is to run", role->program);
	self->root_arg = argc > 2 ? argv[2] : NULL;
	if (is_open(ROLE_WORK_FD)) {
		self->work = ROLE_WORK_FD;
		only_at_exec_closed(ROLE_WORK_FD);
	}
	only_at_exec_closed(ROLE_KEEPER_FD);
	only_at_exec_closed(ROLE_CONF_FD);
	signal(SIGPIPE, SIG_IGN);
	umask(0007);
	tzset();			/* reads a file; dates are printed in the jail */
}

void role_jail(struct role_self *self)
{
	const struct role *role = self->role;
	struct arena *a = arena_new(PATHS_MEMORY, NULL, NULL);
	struct jail j = { .uid = self->uid, .gid = self->gid, .may = role->may,
		.files = role->files, .memory_mb = role->memory_mb };
	const char *without;
	struct err e;

	role_paths(role, &self->conf, self->root_arg, a, j.paths);
	j.empty = arena_printf(a, "%s/empty", self->conf.run_directory);
	if (self->root_arg && (role->may & MAY_WRITE))
		j.make = self->root_arg;
	if (!jail_enter(&j, &without, &e))
		give_up(EX_OSERR, "%s", e.text);
	if (*without)
		log_debug("jailed without %s", without);
	arena_free(a);
}

/* --- asking the keeper --- */

bool role_ask(struct role_self *self, struct packet *p, int timeout_s, struct err *e)
{
	if (!packet_ask(self->keeper, p, clock_in(timeout_s), e))
		return false;
	if (p->verb == '+')
		return true;
	packet_take_err(p, e);
	packet_drop_fds(p);
	return false;
}

bool role_connect(struct role_self *self, const char *service, int *fd, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'C');
	packet_put_text(&p, service);
	if (!role_ask(self, &p, CONNECT_S, e))
		return err_while(e, "%s", service);
	*fd = packet_take_fd(&p);
	packet_drop_fds(&p);
	if (*fd < 0)
		return err_temp(e, "4.3.0", "%s: our keeper sent no connection", service);
	return true;
}

bool role_milter(struct role_self *self, const char *name, int *fd, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'M');
	packet_put_text(&p, name);
	if (!role_ask(self, &p, CONNECT_S, e))
		return false;
	*fd = packet_take_fd(&p);
	packet_drop_fds(&p);
	return *fd >= 0 || err_temp(e, "4.3.0", "our keeper sent no connection");
}

bool role_fetch(struct role_self *self, int *fd, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'F');
	if (!role_ask(self, &p, CONNECT_S, e))
		return err_while(e, "fetch");
	*fd = packet_take_fd(&p);
	packet_drop_fds(&p);
	return *fd >= 0 || err_temp(e, "4.3.0", "our keeper sent no connection to a fetch process");
}

static void take_user(struct packet *p, struct role_user *who)
{
	packet_take_copy(p, who->login, sizeof who->login);
	who->uid = (uint32_t)packet_take_u64(p);
	who->gid = (uint32_t)packet_take_u64(p);
	packet_take_copy(p, who->home, sizeof who->home);
	packet_take_copy(p, who->mail, sizeof who->mail);
}

bool role_login(struct role_self *self, const char *mechanism, const char *service,
    struct span user, struct span password, const char *peer_ip, struct role_user *who,
    struct err *e)
{
	struct packet p;
	bool ok;

	packet_begin(&p, 'A');
	packet_put_text(&p, mechanism);
	packet_put_text(&p, service);
	packet_put(&p, user);
	packet_put(&p, password);
	packet_put_text(&p, peer_ip);
	ok = !p.bad && role_ask(self, &p, LOGIN_S, e);
	if (ok)
		take_user(&p, who);
	else if (p.bad)
		err_perm(e, "5.7.8", "name or password too long");
	if (ok && p.bad)
		ok = err_temp(e, "4.7.0", "our keeper answered nonsense");
	explicit_bzero(&p, sizeof p);
	return ok;
}

/* '?' is an answer too. */
static enum role_step exchange(struct role_self *self, struct packet *p, struct str *challenge,
    struct role_user *who, struct err *e)
{
	enum role_step step = ROLE_STEP_NO;

	if (p->bad) {
		err_perm(e, "5.7.8", "the response is too long");
	} else if (packet_ask(self->keeper, p, clock_in(LOGIN_S), e)) {
		if (p->verb == '-')
			packet_take_err(p, e);
		else if (p->verb == '?')
			step = ROLE_STEP_ASK, str_add(challenge, packet_take(p));
		else if (p->verb == '+')
			step = ROLE_STEP_YES, take_user(p, who);
		if (p->bad || challenge->over || !strchr("-?+", p->verb)) {
			step = ROLE_STEP_NO;
			err_temp(e, "4.7.0", "our keeper answered nonsense");
		}
	}
	packet_drop_fds(p);
	explicit_bzero(p->buf, sizeof p->buf);
	return step;
}

enum role_step role_exchange_begin(struct role_self *self, const char *mechanism,
    const struct wire_peer *peer, struct span message, struct str *challenge, struct role_user *who,
    struct err *e)
{
	struct packet p;

	packet_begin(&p, 'X');
	packet_put_text(&p, mechanism);
	packet_put_text(&p, peer->service);
	packet_put_text(&p, peer->ip);
	packet_put_text(&p, peer->seal);
	packet_put(&p, message);
	return exchange(self, &p, challenge, who, e);
}

enum role_step role_exchange_go_on(struct role_self *self, struct span message,
    struct str *challenge, struct role_user *who, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'Y');
	packet_put(&p, message);
	return exchange(self, &p, challenge, who, e);
}

bool role_start_session(struct role_self *self, struct span tag, struct span peer,
    struct span input, int wire, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'S');
	packet_put(&p, tag);
	packet_put(&p, peer);
	packet_put(&p, input);
	packet_put_fd(&p, wire);
	return role_ask(self, &p, CONNECT_S, e);
}

bool role_take_over(struct role_self *self, struct packet *p, struct role_handover *h, struct err *e)
{
	if (packet_recv(self->keeper, p, clock_in(CONNECT_S)) != PACKET_OK || p->verb != 'B')
		return err_temp(e, "4.3.0", "our keeper did not say whose session this is");
	h->tag = packet_take(p);
	h->peer = packet_take(p);
	h->input = packet_take(p);
	packet_take_copy(p, h->user.login, sizeof h->user.login);
	packet_take_copy(p, h->user.home, sizeof h->user.home);
	packet_take_copy(p, h->user.mail, sizeof h->user.mail);
	packet_drop_fds(p);
	h->user.uid = getuid();
	h->user.gid = getgid();
	return !p->bad || err_temp(e, "4.3.0", "our keeper handed over nonsense");
}
