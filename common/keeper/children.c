/* Starting processes, and starting them again. See state.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/keeper/front.h"
#include "common/keeper/state.h"
#include "common/os/log.h"
#include "common/os/spawn.h"

enum {
	SOON_MS = 1000, /* who dies within this failed to start */
	FIRST_WAIT_MS = 100,
	LAST_WAIT_MS = 30000,
	DOUBLINGS = 9,
	AT_ONCE = 32, /* sessions started in one go, then others have their turn */
	NEXT_GO_MS = 1,
};

ms_t pace_wait(unsigned failures)
{
	ms_t wait;

	if (!failures)
		return 0;
	wait = (ms_t)FIRST_WAIT_MS << (failures < DOUBLINGS ? failures - 1 : DOUBLINGS);
	return wait < LAST_WAIT_MS ? wait : LAST_WAIT_MS;
}

const char *child_name(const struct child *c)
{
	static char name[64];

	snprintf(name, sizeof name, "%s/%s[%d]", c->keeper->daemon->name, roles[c->role].name,
	    (int)c->pid);
	return name;
}

void child_close(struct child *c)
{
	loop_remove(c->io);
	c->io = NULL;
	fd_close(&c->channel);
}

void child_kill(struct child *c, const char *why)
{
	log_error("%s %s: killed", child_name(c), why);
	child_close(c);
	kill(c->pid, SIGKILL);
}

/* --- what children say --- */

static void heard(void *arg, unsigned ready)
{
	static struct packet p;		/* too large for the stack of a small process */
	struct child *c = arg;

	if (c->role == ROLE_AUTH) {
		login_helper_said(c);
		return;
	}
	if (c->wires_wanted && (ready & LOOP_WRITE)) {
		loop_want(c->io, LOOP_READ);
		children_tend(c->keeper);
	}
	switch (packet_recv(c->channel, &p, MS_NEVER)) {
	case PACKET_OK:
		requests_answer(c, &p);
		packet_drop_fds(&p);
		break;
	case PACKET_LATE:
		break;
	default:
		child_close(c);		/* it is about to end, and will be reaped */
	}
}

bool child_tell(struct child *c, const struct packet *p, struct err *e)
{
	if (c->channel < 0)
		return err_temp(e, "4.3.0", "%s is about to end", child_name(c));
	return packet_send(c->channel, p, e) || err_while(e, "%s", child_name(c));
}

/* --- the start --- */

static struct child *adopt(struct keeper *k, enum role_id role, pid_t pid, int channel)
{
	struct child *c = mem_get(sizeof *c);

	*c = (struct child){ .next = k->children, .keeper = k, .role = role, .pid = pid,
		.channel = channel, .started = clock_ms() };
	k->children = c;
	k->running[role]++;
	fd_set_blocking(channel, false);
	c->io = loop_add(k->loop, channel, LOOP_READ, heard, c);
	log_debug("%s started", child_name(c));
	return c;
}

static const char *wish_for_tests(const struct keeper *k)
{
	const char *wish = k->as_root ? NULL : getenv("POSTHORN_SECCOMP");

	return wish && strcmp(wish, "log") == 0 ? "POSTHORN_SECCOMP=log" : NULL;
}

struct child *child_start(struct keeper *k, const struct child_start *how, struct err *e)
{
	const struct role *role = &roles[how->role];
	char program[4096], name[64], ids[32] = "-";
	int pair[2];
	pid_t pid;
	bool ok;

	if (k->as_root && how->ids.uid > 0)
		snprintf(ids, sizeof ids, "%d:%d", how->ids.uid, how->ids.gid);
	snprintf(program, sizeof program, "%s/%s", k->conf.program_directory, role->program);
	snprintf(name, sizeof name, "%s/%s", k->daemon->name, role->name);
	if (!fd_pair(pair, e))
		return NULL;
	ok = spawn(&(struct spawn){ .program = program, .argv = { name, ids, how->self, NULL },
		.environment = wish_for_tests(k),
		.fds = { k->null_fd, k->null_fd, k->log_fd, pair[1], k->conf_fd, how->work } }, &pid, e);
	fd_close(&pair[1]);
	if (ok)
		return adopt(k, how->role, pid, pair[0]);
	fd_close(&pair[0]);
	return NULL;
}

struct child *child_start_plain(struct keeper *k, enum role_id role, int work, struct err *e)
{
	return child_start(k, &(struct child_start){ .role = role, .ids = k->ids[role], .work = work }, e);
}

struct child *child_of_role(const struct keeper *k, enum role_id role)
{
	for (struct child *c = k->children; c; c = c->next) {
		if (c->role == role && c->channel >= 0)
			return c;
	}
	return NULL;
}

/* --- fronts --- */

/* A descriptor with a place of its own in the file, even where the file has been replaced meanwhile. */
static int open_again(int fd)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool tell(struct child *c, char verb, int fd, int fd2)
{
	struct packet p;
	struct err e;

	packet_begin(&p, verb);
	if (fd >= 0)
		packet_put_fd(&p, fd);
	if (fd2 >= 0)
		packet_put_fd(&p, fd2);
	if (child_tell(c, &p, &e))
		return true;
	log_error("%s", e.text);
	return false;
}

void front_tell_certificate(struct child *front)
{
	int certificate = open_again(front->keeper->certificate),
	    key = open_again(front->keeper->key);
	int authorities = front->keeper->client_ca >= 0 ? open_again(front->keeper->client_ca) : -1;

	if (authorities >= 0)
		tell(front, 'a', authorities, -1);
	if (certificate >= 0 && key >= 0)
		tell(front, 'k', certificate, key);
	else
		log_error("cannot open the certificate or its key again: %s", strerror(errno));
	fd_close(&authorities);
	fd_close(&certificate);
	fd_close(&key);
}

static void tell_seal_key(struct child *front)
{
	struct packet p;
	struct err e;

	packet_begin(&p, 's');
	packet_put_u64(&p, front->keeper->seal_key[0]);
	packet_put_u64(&p, front->keeper->seal_key[1]);
	if (!child_tell(front, &p, &e))
		log_error("%s", e.text);
}

static void tell_listener(struct child *front, const struct listener *l)
{
	const struct daemon *d = front->keeper->daemon;
	struct packet p;
	struct err e;

	packet_begin(&p, 'l');
	packet_put_text(&p, l->name);
	packet_put_u64(&p, (l->tls ? FRONT_TLS : 0) | (l->proxied ? FRONT_PROXY : 0));
	packet_put_text(&p, d->alpn);
	packet_put_text(&p, d->refusal);
	packet_put_fd(&p, l->fd);
	if (!child_tell(front, &p, &e))
		log_error("%s", e.text);
}

static uint64_t sessions_max(const struct keeper *k)
{
	return *(const uint64_t *)(const void *)((const char *)&k->conf + k->daemon->sessions_max);
}

static void tell_go(struct child *front)
{
	struct packet p;
	struct err e;

	packet_begin(&p, 'g');
	packet_put_u64(&p, sessions_max(front->keeper));
	if (!child_tell(front, &p, &e))
		log_error("%s", e.text);
}

static void equip_front(struct child *front)
{
	struct keeper *k = front->keeper;

	tell(front, 'p', k->peers_fd, -1);
	tell_seal_key(front);
	if (k->certificate >= 0)
		front_tell_certificate(front);
	for (size_t i = 0; i < k->listener_count; i++)
		tell_listener(front, &k->listeners[i]);
	tell_go(front);
}

static bool is_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

/* One session, ready-made, and the other end of its wire for the front. */
static bool serve(struct child *front, struct err *e)
{
	struct keeper *k = front->keeper;
	int wire[2];
	bool ok;

	if (offer_is_old(k) && !prepare_settings(k, e))
		return false;
	if (!fd_pair(wire, e))
		return false;
	ok = child_start_plain(k, k->daemon->serve, wire[1], e) != NULL &&
	    tell(front, 'w', wire[0], -1);
	fd_close(&wire[0]);
	fd_close(&wire[1]);
	return ok;
}

/* --- what should run --- */

static bool has_room(const struct keeper *k)
{
	return k->running[k->daemon->serve] + (uint64_t)k->running[k->daemon->after_login] <
	    sessions_max(k);
}

static void tend_timer_rang(void *arg)
{
	struct keeper *k = arg;

	k->tend_timer = NULL;
	children_tend(k);
}

static void tend_again_at(struct keeper *k, ms_t when)
{
	if (k->stage == STAGE_STOPPING || (k->tend_timer && k->tend_at <= when))
		return;
	loop_cancel(k->tend_timer);
	k->tend_at = when;
	k->tend_timer = loop_at(k->loop, when, tend_timer_rang, k);
}

static void failed(struct keeper *k, enum role_id role)
{
	struct pace *p = &k->pace[role];

	p->failures++;
	p->not_before = clock_ms() + pace_wait(p->failures);
}

static void start_always(struct keeper *k, enum role_id role)
{
	unsigned wanted = role == ROLE_FRONT ? (unsigned)k->conf.fronts : 1;
	struct child *c;
	struct err e;

	while (k->stage != STAGE_STOPPING && k->running[role] < wanted &&
	    clock_ms() >= k->pace[role].not_before) {
		c = child_start_plain(k, role, -1, &e);
		if (!c) {
			log_error("%s", e.text);
			failed(k, role);
			if (e.kind == ERR_PERM && k->stage == STAGE_STARTING)
				keeper_stop(k, EX_CONFIG);
		} else if (role == ROLE_FRONT) {
			equip_front(c);
		}
	}
}

/* False: that was enough for now. */
static bool serve_front(struct child *front, unsigned *budget)
{
	struct keeper *k = front->keeper;
	struct err e;

	while (front->wires_wanted && *budget) {
		if (!is_writable(front->channel)) {
			loop_want(front->io, LOOP_READ | LOOP_WRITE);
			return true;
		}
		if (!has_room(k))
			return false;
		if (!serve(front, &e)) {
			log_error("%s", e.text);
			failed(k, k->daemon->serve);
			return false;
		}
		front->wires_wanted--;
		--*budget;
	}
	return true;
}

static void serve_fronts(struct keeper *k)
{
	unsigned budget = AT_ONCE;
	bool more = true;

	for (struct child *c = k->children; c && more; c = c->next) {
		if (c->role == ROLE_FRONT && c->channel >= 0)
			more = serve_front(c, &budget);
	}
	if (!budget)
		tend_again_at(k, clock_ms() + NEXT_GO_MS);
}

static void come_back_for(struct keeper *k, enum role_id role, ms_t now)
{
	ms_t when = k->pace[role].not_before;

	if (when > now)
		tend_again_at(k, when);
}

void children_tend(struct keeper *k)
{
	ms_t now = clock_ms();

	if (k->stage == STAGE_STOPPING)
		return;
	for (const enum role_id *role = k->daemon->always; *role != ROLE_KEEPER; role++) {
		start_always(k, *role);
		come_back_for(k, *role, now);
	}
	if (!k->daemon->serve || k->stage == STAGE_STOPPING)
		return;
	if (now >= k->pace[k->daemon->serve].not_before)
		serve_fronts(k);
	come_back_for(k, k->daemon->serve, now);
}

/* --- the end --- */

static bool runs_always(const struct keeper *k, enum role_id role)
{
	for (const enum role_id *r = k->daemon->always; *r != ROLE_KEEPER; r++) {
		if (*r == role)
			return true;
	}
	return false;
}

static void tell_end(const struct child *c, int status)
{
	bool always = runs_always(c->keeper, c->role);

	if (c->keeper->stage == STAGE_STOPPING)
		return;
	if (WIFSIGNALED(status))
		log_error("%s was killed by signal %d (%s)%s", child_name(c), WTERMSIG(status),
		    strsignal(WTERMSIG(status)),
		    WTERMSIG(status) == SIGSYS ? ": a system call its jail forbids" : "");
	else if (WEXITSTATUS(status))
		log_error("%s ended with exit code %d", child_name(c), WEXITSTATUS(status));
	else if (always)
		log_warn("%s ended by itself", child_name(c));
}

static void keep_pace(struct keeper *k, const struct child *c, int status)
{
	bool well = !runs_always(k, c->role) && WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (well || clock_ms() - c->started >= SOON_MS)
		k->pace[c->role] = (struct pace){ 0 };
	if (!well && k->stage != STAGE_STOPPING)
		failed(k, c->role);
}

/* A role that can not work with these settings at all: better to say so than to try for ever. */
static void end_when_hopeless(struct keeper *k, const struct child *c, int status)
{
	if (k->stage == STAGE_STARTING && WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG &&
	    runs_always(k, c->role)) {
		keeper_stop(k, EX_CONFIG);
	}
}

static void bury(struct keeper *k, pid_t pid, int status)
{
	struct child **at = &k->children, *c;

	while (*at && (*at)->pid != pid)
		at = &(*at)->next;
	c = *at;
	if (!c)
		return;
	if (c->role == ROLE_AUTH && c->channel >= 0)
		login_helper_said(c);		/* its last words may still be there */
	tell_end(c, status);
	keep_pace(k, c, status);
	end_when_hopeless(k, c, status);
	login_child_gone(c);
	child_close(c);
	k->running[c->role]--;
	*at = c->next;
	free(c->user);
	free(c);
}

void children_reap(struct keeper *k)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		bury(k, pid, status);
	login_tend(k);
	children_tend(k);
}

void children_signal(struct keeper *k, int signo, bool (*which)(const struct child *c))
{
	for (struct child *c = k->children; c; c = c->next) {
		if (which(c))
			kill(c->pid, signo);
	}
}
