/*
 * What children can make their keeper do: two small tables. Who asks for what is
 * not in them, or asks too often, is killed: a healthy process of ours never does that.
 */
#include <errno.h>
#include <pwd.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/keeper/state.h"
#include "common/os/log.h"

#define BY(role)	(1u << ROLE_##role)

enum {
	LOGINS = BY(POP3_LOGIN) | BY(IMAP_LOGIN),
	CLIENTS = BY(SUBMISSION) | BY(INBOUND) | BY(SEND) | BY(CHECK) |
	    BY(REPORT), /* who hear strangers */
};

static bool connect_service(struct child *c, struct packet *p, struct err *e);
static bool start_session(struct child *c, struct packet *p, struct err *e);
static bool start_deliver(struct child *c, struct packet *p, struct err *e);
static bool start_send(struct child *c, struct packet *p, struct err *e);
static bool start_check(struct child *c, struct packet *p, struct err *e);
static bool start_report(struct child *c, struct packet *p, struct err *e);
static bool start_sign(struct child *c, struct packet *p, struct err *e);
static bool start_fetch(struct child *c, struct packet *p, struct err *e);
static bool front_accepts(struct child *c, struct packet *p, struct err *e);
static bool front_wants(struct child *c, struct packet *p, struct err *e);
static bool front_is_busy(struct child *c, struct packet *p, struct err *e);

static const struct request {
	char		 verb;
	const char	*name;
	unsigned	 by;		/* roles that may ask */
	unsigned most; /* times in a process's life, but for "not now"; 0: as often as it likes */
	bool		 after_login;
	bool (*run)(struct child *c, struct packet *p, struct err *e); /* false: answer e */
} requests[] = {
	{ 'C', "connect", CLIENTS, 200, false, connect_service },
	{ 'C', "connect", BY(SCHED) | BY(PICK), 0, false, connect_service },
	{ 'A', "password", BY(SUBMISSION) | LOGINS, ROLE_LOGINS_MAX, false, login_ask },
	{ 'X', "exchange", BY(SUBMISSION) | LOGINS, ROLE_LOGINS_MAX, false, login_exchange },
	{ 'Y', "answer", BY(SUBMISSION) | LOGINS, 2 * ROLE_LOGINS_MAX, false, login_go_on },
	{ 'S', "session", LOGINS, 1, true, start_session },
	{ 'M', "milter", BY(SUBMISSION) | BY(INBOUND), 0, false, dial_milter },
	{ 'D', "deliver", BY(PICK), 0, false, start_deliver },
	{ 'O', "send", BY(SCHED), 0, false, start_send },
	{ 'P', "report", BY(SCHED), 0, false, start_report },
	{ 'K', "check", BY(INBOUND), 0, false, start_check },
	{ 'Y', "sign", BY(SCHED), 0, false, start_sign },
	{ 'F', "fetch", BY(SEND) | BY(REPORT), 0, false, start_fetch },
	{ 'G', "ready", BY(FRONT), 1, false, front_accepts },
	{ 'W', "wires", BY(FRONT), 0, false, front_wants },
	{ 'B', "busy", BY(FRONT), 0, false, front_is_busy },
};

static const struct service {
	const char	*name;
	enum role_id	 server;
	unsigned	 by;
} services[] = {
	{ "clerk", ROLE_CLERK, BY(SUBMISSION) | BY(INBOUND) | BY(SCHED) | BY(PICK) },
	{ "hints", ROLE_HINTS, BY(INBOUND) | BY(SEND) | BY(REPORT) },
	{ "resolver", ROLE_RESOLVER, BY(INBOUND) | BY(SCHED) | BY(SEND) | BY(CHECK) | BY(REPORT) },
};

static const struct request *find_request(enum role_id role, char verb)
{
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		if (requests[i].verb == verb && (requests[i].by & 1u << role))
			return &requests[i];
	}
	return NULL;
}

bool request_allowed(enum role_id role, char verb, unsigned asked, bool known, struct err *e)
{
	const struct request *r = find_request(role, verb);

	if (!r)
		return err_perm(e, "5.5.0", "asked for what it may not have (0x%02x)", (unsigned char)verb);
	if (r->most && asked >= r->most)
		return err_perm(e, "5.5.1", "asked for \"%s\" too often", r->name);
	if (r->after_login && !known)
		return err_perm(e, "5.5.1", "asked for \"%s\" before login", r->name);
	return true;
}

bool service_allowed(enum role_id role, struct span service, enum role_id *server)
{
	for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
		if (span_same(service, span_of(services[i].name)) &&
		    (services[i].by & 1u << role)) {
			*server = services[i].server;
			return true;
		}
	}
	return false;
}

/* --- answers --- */

/* Who does not take its answers is as good as dead, and we never wait. */
static void answer(struct child *c, const struct packet *p)
{
	struct err e;

	if (c->channel >= 0 && !child_tell(c, p, &e))
		child_kill(c, "does not take its answers");
}

void answer_err(struct child *c, const struct err *e)
{
	struct packet p;

	packet_begin(&p, '-');
	packet_put_err(&p, e);
	answer(c, &p);
}

void answer_fd(struct child *c, int fd)
{
	struct packet p;

	packet_begin(&p, '+');
	if (fd >= 0)
		packet_put_fd(&p, fd);
	answer(c, &p);
}

/* --- services: one end of a fresh pair for each --- */

static bool introduce(struct child *server, int fd, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'c');
	packet_put_fd(&p, fd);
	return child_tell(server, &p, e);
}

static bool connect_service(struct child *c, struct packet *p, struct err *e)
{
	struct span name = packet_take(p);
	enum role_id role;
	struct child *server;
	int pair[2];
	bool ok;

	if (!service_allowed(c->role, name, &role))
		return err_perm(e, "5.5.0", "no service " SPAN_FMT " here", SPAN_ARG(span_to(name, 20)));
	server = child_of_role(c->keeper, role);
	if (!server)
		return err_temp(e, "4.3.0", "our %s is not running now", roles[role].name);
	if (!fd_pair(pair, e))
		return false;
	ok = introduce(server, pair[0], e);
	if (ok)
		answer_fd(c, pair[1]);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	return ok;
}

/* --- processes that run as somebody --- */

static bool is_own_group(uint32_t uid, uint32_t gid)
{
	const struct passwd *who = getpwuid(uid);

	return who && who->pw_gid == gid;
}

bool ids_allowed(const struct keeper *k, uint32_t uid, uint32_t gid, struct err *e)
{
	if (!k->as_root)
		return uid == geteuid() || err_perm(e, "5.3.5", "we run as uid %d and cannot become uid %u",
		    (int)geteuid(), uid);
	if (!uid || !gid || uid > INT32_MAX || gid > INT32_MAX)
		return err_perm(e, "5.3.5", "nothing runs as uid %u, gid %u", uid, gid);
	if (uid == (uint32_t)k->vmail.uid)
		return gid == uid || gid == (uint32_t)k->vmail.gid || gid >= k->conf.uid_min ||
		    err_perm(e, "5.3.5", "uid %u is not in group %u", uid, gid);
	if (uid < k->conf.uid_min)
		return err_perm(e, "5.3.5", "uid %u is below uid-min %u", uid, (unsigned)k->conf.uid_min);
	return gid >= k->conf.uid_min || gid == (uint32_t)k->vmail.gid || is_own_group(uid, gid) ||
	    err_perm(e, "5.3.5", "uid %u is not in group %u", uid, gid);
}

bool home_allowed(const char *home)
{
	struct span rest = span_of(home), part;

	if (!span_eat_char(&rest, '/') || !rest.n)
		return false;
	while (span_piece(&rest, '/', &part)) {
		if (span_same(part, SPAN("..")) || span_same(part, SPAN(".")))
			return false;
	}
	return true;
}

/* Not while the role's processes die as soon as they start; not more than there may be. */
static bool may_start(struct keeper *k, enum role_id role, uint64_t most, struct err *e)
{
	if (k->stage == STAGE_STOPPING)
		return err_temp(e, "4.3.2", "%s is about to stop", k->daemon->name);
	if (clock_ms() < k->pace[role].not_before)
		return err_temp(e, "4.3.0", "%s processes died too often, waiting a little", roles[role].name);
	return k->running[role] < most ||
	    err_temp(e, "4.3.2", "%u %s processes are enough at once", k->running[role], roles[role].name);
}

static bool start_deliver(struct child *c, struct packet *p, struct err *e)
{
	struct child_start how = { .role = ROLE_DELIVER };
	uint64_t uid = packet_take_u64(p), gid = packet_take_u64(p);
	char home[1024];
	int job[2];
	bool ok;

	if (!packet_take_copy(p, home, sizeof home) || uid > UINT32_MAX || gid > UINT32_MAX ||
	    !home_allowed(home))
		return err_perm(e, "5.3.5", "cannot deliver there");
	if (!ids_allowed(c->keeper, (uint32_t)uid, (uint32_t)gid, e) ||
	    !may_start(c->keeper, ROLE_DELIVER, c->keeper->conf.mda_deliver_max, e) ||
	    !fd_pair(job, e))
		return false;
	how.ids = (struct ids){ (int)uid, (int)gid };
	how.self = home;
	how.work = job[1];
	ok = child_start(c->keeper, &how, e) != NULL;
	if (ok)
		answer_fd(c, job[0]);
	fd_close(&job[0]);
	fd_close(&job[1]);
	return ok;
}

/* A process for the asker's work, whose other end is the answer. */
static bool start_worker(struct child *c, enum role_id role, uint64_t most, struct err *e)
{
	int job[2];
	bool ok;

	if (!may_start(c->keeper, role, most, e) || !fd_pair(job, e))
		return false;
	ok = child_start_plain(c->keeper, role, job[1], e) != NULL;
	if (ok)
		answer_fd(c, job[0]);
	fd_close(&job[0]);
	fd_close(&job[1]);
	return ok;
}

static bool start_send(struct child *c, struct packet *p, struct err *e)
{
	(void)p;
	return start_worker(c, ROLE_SEND, c->keeper->conf.mta_send_max, e);
}

static bool start_check(struct child *c, struct packet *p, struct err *e)
{
	(void)p;
	return start_worker(c, ROLE_CHECK, c->keeper->conf.mta_checks_max, e);
}

static bool start_report(struct child *c, struct packet *p, struct err *e)
{
	(void)p;
	if (!may_start(c->keeper, ROLE_REPORT, 1, e) ||
	    !child_start_plain(c->keeper, ROLE_REPORT, -1, e))
		return false;
	answer_fd(c, -1);
	return true;
}

/* sched uses one at a time; another may be about to end. */
static bool start_sign(struct child *c, struct packet *p, struct err *e)
{
	(void)p;
	return start_worker(c, ROLE_SIGN, 4, e);
}

/* Never more than there are to ask for one, but for the report process. */
static bool start_fetch(struct child *c, struct packet *p, struct err *e)
{
	(void)p;
	return start_worker(c, ROLE_FETCH, c->keeper->conf.mta_send_max + 1, e);
}

/* --- from login to session --- */

static bool hand_over(struct child *session, const struct role_user *user, struct packet *asked, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'B');
	packet_put(&p, packet_take(asked));	/* tag */
	packet_put(&p, packet_take(asked));	/* peer */
	packet_put(&p, packet_take(asked));	/* input */
	packet_put_text(&p, user->login);
	packet_put_text(&p, user->home);
	packet_put_text(&p, user->mail);
	return child_tell(session, &p, e);
}

static bool start_session(struct child *c, struct packet *p, struct err *e)
{
	struct keeper *k = c->keeper;
	struct child_start how = { .role = k->daemon->after_login, .self = c->user->home,
		.ids = { (int)c->user->uid, (int)c->user->gid } };
	struct child *session;

	how.work = packet_take_fd(p);
	if (how.work < 0)
		return err_perm(e, "5.5.4", "a session needs a wire");
	session = may_start(k, how.role, UINT64_MAX, e) ? child_start(k, &how, e) : NULL;
	fd_close(&how.work);
	if (!session)
		return false;
	if (!hand_over(session, c->user, p, e)) {
		child_kill(session, "could not be told whose it is");
		return false;
	}
	answer_fd(c, -1);
	return true;
}

/* --- fronts --- */

static bool all_fronts_accept(const struct keeper *k)
{
	for (const struct child *c = k->children; c; c = c->next) {
		if (c->role == ROLE_FRONT && !c->accepts)
			return false;
	}
	return k->running[ROLE_FRONT] >= k->conf.fronts;
}

static bool front_accepts(struct child *c, struct packet *p, struct err *e)
{
	(void)p;
	(void)e;
	c->accepts = true;
	if (all_fronts_accept(c->keeper))
		keeper_is_ready(c->keeper);
	return true;
}

static bool front_wants(struct child *c, struct packet *p, struct err *e)
{
	enum { MOST = 1000000 };
	uint64_t more = packet_take_u64(p);

	(void)e;
	if (p->bad || more > MOST || c->wires_wanted > MOST) {
		child_kill(c, "wants more sessions than there are");
		return true;
	}
	c->wires_wanted += more;
	children_tend(c->keeper);
	return true;
}

static bool front_is_busy(struct child *c, struct packet *p, struct err *e)
{
	uint64_t waiting = packet_take_u64(p);

	(void)e;
	if (waiting)
		log_warn("all sessions are taken, %llu clients wait; see sessions-max",
		    (unsigned long long)waiting);
	else
		log_info("no client of %s waits any longer", child_name(c));
	return true;
}

void requests_answer(struct child *c, struct packet *p)
{
	const struct request *r = find_request(c->role, p->verb);
	bool letter = p->verb >= 'A' && p->verb <= 'Z';
	unsigned char *asked = &c->asked[letter ? p->verb - 'A' : 0];
	struct err e;

	if (!request_allowed(c->role, p->verb, *asked, c->user != NULL, &e) || !r) {
		child_kill(c, e.text);
		return;
	}
	if (r->run(c, p, &e)) {
		*asked += *asked < UINT8_MAX;
		return;
	}
	if (e.kind !=
	    ERR_TEMP) /* what cannot be had now it may ask for again: a service that starts anew */
		*asked += *asked < UINT8_MAX;
	answer_err(c, &e);
}
