/*
 * Having logins checked: one posthorn-auth process for each password or message of an exchange, some
 * at once, the others wait their turn. The keeper never waits for one, and while a client thinks
 * about a challenge there is none: what the next must know is remembered here, unread. See state.h.
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

enum attempt_stage {
	ATTEMPT_WAITS, ATTEMPT_CHECKED,
	ATTEMPT_TOLD,			/* no, and it hears so later */
	ATTEMPT_ASKED,			/* it is the client's turn */
};

struct attempt {
	struct attempt		*next;
	struct keeper		*keeper;
	struct child		*asker, *helper;	/* NULL: gone, or not there yet */
	enum attempt_stage	 stage;
	struct loop_timer	*timer;
	ms_t			 asked;			/* when the helper was */
	struct err		 answer;
	uint64_t		 mark;
	char			 mechanism[24], service[24], peer[ADDRESS_TEXT];
	char			 user[AUTH_NAME_MAX], password[AUTH_PASSWORD_MAX];
	/* an exchange */
	bool			 exchange;
	char			 seal[WIRE_SEAL_MAX];
	struct str		 message, state;
	struct auth_record *verdict; /* to be said once the client has heard its challenge */
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

static void wipe(struct str *s)
{
	if (s->cap)
		explicit_bzero(s->p, s->cap);
	str_free(s);
}

static void attempt_free(struct attempt *a)
{
	wipe(&a->message);
	wipe(&a->state);
	free(a->verdict);
	explicit_bzero(a, sizeof *a);
	free(a);
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
	attempt_free(a);
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

static void ask_client(struct attempt *a, const struct auth_record *r)
{
	struct child *c = a->asker;
	struct packet p;
	struct err e;

	if (!c) {
		forget(a);
		return;
	}
	loop_cancel(a->timer);
	a->timer = NULL;
	a->stage = ATTEMPT_ASKED;
	str_reset(&a->state);
	str_add(&a->state, (struct span){ r->state, r->state_n });
	packet_begin(&p, '?');
	packet_put(&p, (struct span){ r->challenge, r->challenge_n });
	if (!child_tell(c, &p, &e))
		child_kill(c, "does not take its answers");
}

/* The client must hear a challenge first: a signature of ours, or why its token is no good. */
static void remember_verdict(struct attempt *a, const struct auth_record *r)
{
	if (!a->verdict)
		a->verdict = mem_get(sizeof *a->verdict);
	*a->verdict = *r;
}

/* --- no: said after a while, so that guessing is slow; and counted from the question, so that
   the time tells nothing of what the helper had to do: is there such a user, with what hash? --- */

static void said_no_long_enough(void *arg)
{
	struct attempt *a = arg;

	a->timer = NULL;
	if (a->verdict)
		ask_client(a, a->verdict);
	else
		say_no(a, &a->answer);
}

static void wrong(struct attempt *a, const char *why)
{
	unsigned wait_s = peers_login_failed(a->keeper->peers, a->peer, a->mark, clock_wall());

	log_info("- login-refused service=%s peer=%s login=\"%s\" why=\"%s\" wait=%us", a->service,
	    a->peer, shown(a->user), why, wait_s);
	err_perm(&a->answer, "5.7.8", "wrong name or password");
	a->stage = ATTEMPT_TOLD;
	loop_cancel(a->timer);
	a->timer = loop_at(a->keeper->loop, a->asked + (ms_t)wait_s * 1000, said_no_long_enough, a);
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
	if (!r->login[0] || !home_allowed(r->home) || !home_allowed(r->mail) ||
	    !is_below(r->mail, r->home))
		return err_temp(e, "4.7.0", "a user without a usable home");
	memcpy(user->login, r->login, sizeof user->login);
	memcpy(user->home, r->home, sizeof user->home);
	memcpy(user->mail, r->mail, sizeof user->mail);
	return ids_allowed(k, r->uid, r->gid, e);
}

static void cannot_tell(struct attempt *a, const char *why)
{
	struct err e;

	log_error("- login-undecided service=%s peer=%s login=\"%s\" why=\"%s\"", a->service,
	    a->peer, shown(a->user), why);
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

static bool well_formed(const struct auth_record *r)
{
	return r->magic == AUTH_MAGIC && ends(r->login, sizeof r->login) &&
	    ends(r->home, sizeof r->home) && ends(r->mail, sizeof r->mail) &&
	    ends(r->why, sizeof r->why) && r->challenge_n <= sizeof r->challenge &&
	    r->state_n <= sizeof r->state;
}

static void conclude_exchange(struct attempt *a, const struct auth_record *r)
{
	memcpy(a->user, r->login, sizeof a->user);	/* only the helper knows who it is about */
	if (r->challenge_n && r->verdict != AUTH_ASK)
		remember_verdict(a, r);
	if (r->verdict == AUTH_ASK || (r->verdict == AUTH_YES && r->challenge_n))
		ask_client(a, r);
	else if (r->verdict == AUTH_YES)
		let_in(a, r);
	else
		wrong(a, r->why);
}

static void conclude(struct attempt *a, const struct auth_record *r)
{
	if (a->helper)
		a->helper->attempt = NULL;
	a->helper = NULL;
	if (!r || !well_formed(r))
		cannot_tell(a, "the auth helper ended without an answer");
	else if (r->verdict > AUTH_ASK || r->verdict == AUTH_CANNOT_TELL)
		cannot_tell(a, r->why);
	else if (a->exchange)
		conclude_exchange(a, r);
	else if (r->verdict == AUTH_YES)
		let_in(a, r);
	else
		wrong(a, r->why);
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

static void put_message(struct attempt *a, struct packet *p)
{
	const struct keeper *k = a->keeper;

	packet_put_text(p, a->seal);
	packet_put_u64(p, k->seal_key[0]);
	packet_put_u64(p, k->seal_key[1]);
	packet_put(p, (struct span){ (const char *)k->salt_key, sizeof k->salt_key });
	packet_put(p, str_span(&a->state));
	packet_put(p, str_span(&a->message));
	wipe(&a->message);
}

static bool pose(struct attempt *a, struct err *e)
{
	struct packet p;
	bool ok;

	packet_begin(&p, a->exchange ? 'X' : 'A');
	packet_put_text(&p, a->mechanism);
	packet_put_text(&p, a->service);
	packet_put_text(&p, a->keeper->daemon->name);
	packet_put_text(&p, a->peer);
	if (a->exchange) {
		put_message(a, &p);
	} else {
		packet_put_text(&p, a->user);
		packet_put_text(&p, a->password);
	}
	ok = child_tell(a->helper, &p, e);
	explicit_bzero(&p, sizeof p);
	explicit_bzero(a->password, sizeof a->password);
	return ok;
}

static void check(struct attempt *a)
{
	struct err e;

	a->stage = ATTEMPT_CHECKED;
	a->asked = clock_ms();
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

static bool take_password(struct attempt *a, struct packet *p, struct err *e)
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

static bool take_exchange(struct attempt *a, struct packet *p, struct err *e)
{
	a->exchange = true;
	packet_take_copy(p, a->mechanism, sizeof a->mechanism);
	packet_take_copy(p, a->service, sizeof a->service);
	packet_take_copy(p, a->peer, sizeof a->peer);
	packet_take_copy(p, a->seal, sizeof a->seal);
	str_add(&a->message, packet_take(p));
	if (p->bad || a->message.over)
		return err_perm(e, "5.7.8", "the response is too long");
	return true;
}

/* The same wrong password again counts once; of an exchange each message is another one. */
static uint64_t mark_of(const struct attempt *a)
{
	struct str both = STR(AUTH_NAME_MAX + AUTH_PASSWORD_MAX);
	uint64_t mark;

	if (a->exchange)
		return siphash(a->keeper->mark_key, str_span(&a->message));
	str_addf(&both, "%s:%s", a->user, a->password);
	mark = siphash(a->keeper->mark_key, str_span(&both));
	wipe(&both);
	return mark;
}

static void line_up(struct attempt *a)
{
	struct attempt **last = &a->keeper->attempts;

	while (*last)
		last = &(*last)->next;
	*last = a;
}

/* A client that begins anew has given up what it was asked. */
static bool may_begin(struct child *c)
{
	if (c->attempt && c->attempt->stage == ATTEMPT_ASKED)
		forget(c->attempt);
	return !c->attempt && !c->user;
}

static bool begin(struct child *c, struct packet *p,
    bool (*take)(struct attempt *a, struct packet *p, struct err *e), struct err *e)
{
	struct attempt *a;
	bool ok;

	if (!may_begin(c)) {
		child_kill(c, "asks about a second login");
		return true;
	}
	a = mem_get(sizeof *a);
	a->keeper = c->keeper;
	a->message = STR(AUTH_MESSAGE_MAX);
	a->state = STR(AUTH_STATE_MAX);
	ok = take(a, p, e) && peers_may_login(c->keeper->peers, a->peer, clock_wall(), e);
	explicit_bzero(p->buf, sizeof p->buf);
	if (!ok) {
		log_info("- login-refused service=%s peer=%s login=\"%s\" why=\"%s\"", a->service,
		    a->peer, shown(a->user), e->text);
		attempt_free(a);
		return false;
	}
	a->asker = c;
	c->attempt = a;
	a->mark = mark_of(a);
	line_up(a);
	login_tend(c->keeper);
	return true;
}

bool login_ask(struct child *c, struct packet *p, struct err *e)
{
	return begin(c, p, take_password, e);
}

bool login_exchange(struct child *c, struct packet *p, struct err *e)
{
	return begin(c, p, take_exchange, e);
}

/* It has heard what it had to hear. RFC 5802: nothing is left to say to our signature. */
static void say_verdict(struct attempt *a)
{
	struct auth_record r = *a->verdict;

	free(a->verdict);
	a->verdict = NULL;
	if (r.verdict != AUTH_YES)
		say_no(a, &a->answer);
	else if (a->message.n)
		wrong(a, "more words than the mechanism has");
	else
		let_in(a, &r);
}

bool login_go_on(struct child *c, struct packet *p, struct err *e)
{
	struct attempt *a = c->attempt;
	struct span message = packet_take(p);

	(void)e;
	if (!a || a->stage != ATTEMPT_ASKED || p->bad || message.n > AUTH_MESSAGE_MAX) {
		child_kill(c, "answers what nobody asked");
		return true;
	}
	str_add(&a->message, message);
	explicit_bzero(p->buf, sizeof p->buf);
	if (a->verdict) {
		say_verdict(a);
		return true;
	}
	a->mark = mark_of(a);
	a->stage = ATTEMPT_WAITS;
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
