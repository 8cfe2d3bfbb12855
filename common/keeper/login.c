/*
 * Having passwords checked: one posthorn-auth process for each attempt, some at once,
 * the others wait their turn. The keeper never waits for one. See state.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "common/auth/record.h"
#include "common/base/mem.h"
#include "common/base/siphash.h"
#include "common/keeper/state.h"
#include "common/os/log.h"

enum { PATIENCE_S = 30 };

enum attempt_stage { ATTEMPT_WAITS, ATTEMPT_CHECKED, ATTEMPT_TOLD };	/* TOLD: no, and it hears so later */

struct attempt {
	struct attempt		*next;
	struct keeper		*keeper;
	struct child		*asker, *helper;	/* NULL: gone, or not there yet */
	enum attempt_stage	 stage;
	struct loop_timer	*timer;
	struct err		 answer;
	uint64_t		 mark;
	char			 mechanism[16], service[16], peer[ADDRESS_TEXT];
	char			 user[AUTH_NAME_MAX], password[AUTH_PASSWORD_MAX];
};

/* What a stranger calls himself must not look like more fields of a log line. */
static const char *shown(const char *user)
{
	static char text[80];
	size_t n = 0;

	for (; user[n] && n < sizeof text - 1; n++)
		text[n] = user[n] == '"' || user[n] == '\\' ? '?' : user[n];
	text[n] = '\0';
	return text;
}

static void forget(struct attempt *a)
{
	struct attempt **at = &a->keeper->attempts;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	loop_cancel(a->timer);
	if (a->asker)
		a->asker->attempt = NULL;
	if (a->helper)
		a->helper->attempt = NULL;
	explicit_bzero(a, sizeof *a);
	free(a);
}

static void say_yes(struct attempt *a, const struct role_user *user)
{
	struct child *c = a->asker;
	struct packet p;
	struct err e;

	if (!c->user)
		c->user = mem_get(sizeof *c->user);
	*c->user = *user;
	packet_begin(&p, '+');
	packet_put_text(&p, user->login);
	packet_put_u64(&p, user->uid);
	packet_put_u64(&p, user->gid);
	packet_put_text(&p, user->home);
	packet_put_text(&p, user->mail);
	forget(a);
	if (!child_tell(c, &p, &e))
		child_kill(c, "does not take its answers");
}

static void say_no(struct attempt *a, const struct err *why)
{
	struct child *c = a->asker;
	struct err e = *why;

	forget(a);
	if (c)
		answer_err(c, &e);
}

/* --- no: said after a while, so that guessing is slow --- */

static void said_no_long_enough(void *arg)
{
	struct attempt *a = arg;

	a->timer = NULL;
	say_no(a, &a->answer);
}

static void wrong(struct attempt *a, const char *why)
{
	unsigned wait_s = peers_login_failed(a->keeper->peers, a->peer, a->mark, clock_wall());

	log_info("- login-refused service=%s peer=%s login=\"%s\" why=\"%s\" wait=%us", a->service, a->peer, shown(a->user),
	    why, wait_s);
	err_perm(&a->answer, "5.7.8", "wrong name or password");
	a->stage = ATTEMPT_TOLD;
	loop_cancel(a->timer);
	a->timer = loop_at(a->keeper->loop, clock_in((int)wait_s), said_no_long_enough, a);
}

/* --- the helper's record --- */

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool is_below(const char *path, const char *home)
{
	size_t n = strlen(home);

	return strncmp(path, home, n) == 0 && (path[n] == '/' || !path[n]);
}

static bool believable(const struct keeper *k, const struct auth_record *r, struct role_user *user, struct err *e)
{
	*user = (struct role_user){ .uid = r->uid, .gid = r->gid };
	if (!r->login[0] || !home_allowed(r->home) || !home_allowed(r->mail) || !is_below(r->mail, r->home))
		return err_temp(e, "4.7.0", "a user without a usable home");
	memcpy(user->login, r->login, sizeof user->login);
	memcpy(user->home, r->home, sizeof user->home);
	memcpy(user->mail, r->mail, sizeof user->mail);
	return ids_allowed(k, r->uid, r->gid, e);
}

static void cannot_tell(struct attempt *a, const char *why)
{
	struct err e;

	log_error("- login-undecided service=%s peer=%s login=\"%s\" why=\"%s\"", a->service, a->peer, shown(a->user), why);
	err_temp(&e, "4.7.0", "passwords cannot be checked now");
	say_no(a, &e);
}

static void let_in(struct attempt *a, const struct auth_record *r)
{
	struct role_user user;
	struct err e;

	if (!believable(a->keeper, r, &user, &e)) {
		cannot_tell(a, e.text);
		return;
	}
	peers_login_ok(a->keeper->peers, a->peer, clock_wall());
	log_debug("- login-allowed service=%s peer=%s login=\"%s\"", a->service, a->peer, user.login);
	if (a->asker)
		say_yes(a, &user);
	else
		forget(a);
}

static void conclude(struct attempt *a, const struct auth_record *r)
{
	if (a->helper)
		a->helper->attempt = NULL;
	a->helper = NULL;
	if (!r || r->magic != AUTH_MAGIC || !ends(r->login, sizeof r->login) || !ends(r->home, sizeof r->home) ||
	    !ends(r->mail, sizeof r->mail) || !ends(r->why, sizeof r->why))
		cannot_tell(a, "the auth helper ended without an answer");
	else if (r->verdict == AUTH_YES)
		let_in(a, r);
	else if (r->verdict == AUTH_NO)
		wrong(a, r->why);
	else
		cannot_tell(a, r->why);
}

void login_helper_said(struct child *helper)
{
	struct attempt *a = helper->attempt;
	struct auth_record r;
	int fds[FD_PASS_MAX];
	ssize_t n = fd_recv(helper->channel, &r, sizeof r, fds, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	for (int i = 0; n > 0 && i < FD_PASS_MAX; i++)
		fd_close(&fds[i]);
	child_close(helper);
	if (a)
		conclude(a, n == (ssize_t)sizeof r ? &r : NULL);
}

/* --- the helper's start --- */

static void took_too_long(void *arg)
{
	struct attempt *a = arg;

	a->timer = NULL;
	if (a->helper)
		child_kill(a->helper, "took too long");
	conclude(a, NULL);
}

static bool pose(struct attempt *a, struct err *e)
{
	struct packet p;
	bool ok;

	packet_begin(&p, 'A');
	packet_put_text(&p, a->mechanism);
	packet_put_text(&p, a->service);
	packet_put_text(&p, a->user);
	packet_put_text(&p, a->password);
	packet_put_text(&p, a->peer);
	ok = child_tell(a->helper, &p, e);
	explicit_bzero(&p, sizeof p);
	explicit_bzero(a->password, sizeof a->password);
	return ok;
}

static void check(struct attempt *a)
{
	struct err e;

	a->stage = ATTEMPT_CHECKED;
	a->helper = child_start_plain(a->keeper, ROLE_AUTH, -1, &e);
	if (!a->helper) {
		cannot_tell(a, e.text);
		return;
	}
	a->helper->attempt = a;
	a->timer = loop_at(a->keeper->loop, clock_in(PATIENCE_S), took_too_long, a);
	if (!pose(a, &e)) {
		child_kill(a->helper, "does not listen");
		conclude(a, NULL);
	}
}

void login_tend(struct keeper *k)
{
	struct attempt *next;

	for (struct attempt *a = k->attempts; a && k->running[ROLE_AUTH] < roles[ROLE_AUTH].at_most; a = next) {
		next = a->next;
		if (a->stage == ATTEMPT_WAITS)
			check(a);
	}
}

/* --- who asks --- */

static bool take_question(struct attempt *a, struct packet *p, struct err *e)
{
	packet_take_copy(p, a->mechanism, sizeof a->mechanism);
	packet_take_copy(p, a->service, sizeof a->service);
	packet_take_copy(p, a->user, sizeof a->user);
	packet_take_copy(p, a->password, sizeof a->password);
	packet_take_copy(p, a->peer, sizeof a->peer);
	if (p->bad)		/* too long, or a NUL in it */
		return err_perm(e, "5.7.8", "wrong name or password");
	return true;
}

static uint64_t mark_of(const struct attempt *a)
{
	char both[AUTH_NAME_MAX + AUTH_PASSWORD_MAX];
	int n = snprintf(both, sizeof both, "%s:%s", a->user, a->password);
	uint64_t mark = siphash(a->keeper->mark_key, (struct span){ both, (size_t)n });

	explicit_bzero(both, sizeof both);
	return mark;
}

static void line_up(struct attempt *a)
{
	struct attempt **last = &a->keeper->attempts;

	while (*last)
		last = &(*last)->next;
	*last = a;
}

bool login_ask(struct child *c, struct packet *p, struct err *e)
{
	struct attempt *a;
	bool ok;

	if (c->attempt || c->user) {
		child_kill(c, "asks about a second login");
		return true;
	}
	a = mem_get(sizeof *a);
	a->keeper = c->keeper;
	ok = take_question(a, p, e) && peers_may_login(c->keeper->peers, a->peer, clock_wall(), e);
	explicit_bzero(p->buf, sizeof p->buf);
	if (!ok) {
		log_info("- login-refused service=%s peer=%s login=\"%s\" why=\"%s\"", a->service, a->peer, shown(a->user),
		    e->text);
		explicit_bzero(a, sizeof *a);
		free(a);
		return false;
	}
	a->asker = c;
	c->attempt = a;
	a->mark = mark_of(a);
	line_up(a);
	login_tend(c->keeper);
	return true;
}

void login_child_gone(struct child *c)
{
	struct attempt *a = c->attempt;

	c->attempt = NULL;
	if (!a)
		return;
	if (c == a->helper) {
		conclude(a, NULL);
		return;
	}
	a->asker = NULL;
	if (a->stage != ATTEMPT_CHECKED)
		forget(a);
}
