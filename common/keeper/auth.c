/*
 * NAME
 *	posthorn-auth - check one password or one message of a login, say one record, exit
 * DESCRIPTION
 *	Started by a keeper for each attempt to log in (auth/record.h). An address is looked up in
 *	the users file, a bare name or one of a system domain is asked of PAM; that needs root. For
 *	the users file it opens the file and then is nobody in an empty jail before it reads a
 *	line of it, or a byte that a client said.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/auth/pam.h"
#include "common/auth/password.h"
#include "common/auth/prep.h"
#include "common/keeper/auth-own.h"
#include "common/os/fd.h"
#include "common/os/log.h"

enum { LIFE_S = 40, QUESTION_S = 10, MEMORY = 1 << 20 };

void auth_decide(struct attempt *a, enum auth_verdict verdict, const char *why)
{
	a->record.verdict = verdict;
	snprintf(a->record.why, sizeof a->record.why, "%s", why);
}

void auth_let_in(struct attempt *a, const struct dir_target *place)
{
	struct auth_record *r = &a->record;

	r->uid = place->uid;
	r->gid = place->gid;
	if (!span_copy(span_of(place->login), r->login, sizeof r->login) ||
	    !span_copy(span_of(place->home), r->home, sizeof r->home) ||
	    !span_copy(span_of(place->mail), r->mail, sizeof r->mail))
		auth_decide(a, AUTH_CANNOT_TELL, "the path of the user's home is too long");
	else
		auth_decide(a, AUTH_YES, "");
}

/* --- names --- */

bool auth_name(struct attempt *a, const char *user)
{
	char prepared[AUTH_NAME_MAX];
	bool ok = prep(span_of(user), false, prepared, sizeof prepared);

	return name_read(span_of(ok ? prepared : user), &a->name, NULL);
}

/* One of this machine's accounts, not of the users file. */
static bool is_account(const struct attempt *a)
{
	struct span domain = name_domain(&a->name);

	if (!domain.n)
		return true;
	for (size_t i = 0; a->rules.system_users && i < a->rules.system_domain_count; i++) {
		if (span_is(domain, a->rules.system_domains[i]))
			return true;
	}
	return false;
}

/* --- accounts of this machine: PAM --- */

static void ask_pam(struct attempt *a)
{
	const char *service = a->self.conf.pam_service;
	struct span local = name_local(&a->name);
	struct dir_target place;
	char account[64];
	bool found = false;
	struct err e;

	if (!place_of_account(&a->rules, local, a->arena, &place, &found, &e)) {
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
	} else if (!a->as_root || !*service || !found ||
	    !span_copy(local, account, sizeof account)) {
		password_matches(SPAN(""), a->password);
		auth_decide(a, AUTH_NO, !a->as_root ? "accounts of this machine can log in only where root runs us" :
		    "no such user");
	} else if (pam_check(service, account, a->password, a->peer, &e)) {
		auth_let_in(a, &place);
	} else {
		auth_decide(a, e.kind == ERR_PERM ? AUTH_NO : AUTH_CANNOT_TELL, e.text);
	}
}

/* --- one attempt --- */

static void judge(struct attempt *a)
{
	if (a->exchange) {
		auth_exchange(a);
	} else if (!auth_name(a, a->user)) {
		password_matches(SPAN(""), a->password);
		auth_decide(a, AUTH_NO, "no name that a user could have");
	} else if (is_account(a)) {
		ask_pam(a);
	} else {
		auth_password(a);
	}
}

static struct span keep(struct attempt *a, struct span bytes)
{
	return arena_copy(a->arena, bytes);
}

static void take_exchange(struct attempt *a, struct packet *p)
{
	uint64_t seal_key[2];
	struct span salt_key;

	a->exchange = true;
	packet_take_copy(p, a->seal, sizeof a->seal);
	seal_key[0] = packet_take_u64(p);
	seal_key[1] = packet_take_u64(p);
	salt_key = packet_take(p);
	a->state = keep(a, packet_take(p));
	a->message = keep(a, packet_take(p));
	p->bad |= salt_key.n != sizeof a->salt_key;
	if (!p->bad)
		memcpy(a->salt_key, salt_key.p, sizeof a->salt_key);
	if (*a->seal && !channel_open(span_of(a->seal), seal_key, &a->channel))
		a->forged = true;
}

static bool hear(struct attempt *a, struct packet *p)
{
	if (packet_recv(a->self.keeper, p, clock_in(QUESTION_S)) != PACKET_OK ||
	    (p->verb != 'A' && p->verb != 'X'))
		return false;
	packet_take_copy(p, a->mechanism, sizeof a->mechanism);
	packet_take_copy(p, a->service, sizeof a->service);
	packet_take_copy(p, a->daemon, sizeof a->daemon);
	packet_take_copy(p, a->peer, sizeof a->peer);
	if (p->verb == 'X') {
		take_exchange(a, p);
	} else {
		packet_take_copy(p, a->user, sizeof a->user);
		packet_take_copy(p, a->password, sizeof a->password);
	}
	packet_drop_fds(p);
	explicit_bzero(p->buf, sizeof p->buf);
	return !p->bad;
}

static void keep_no_traces(void)
{
	struct err e;

	if (!jail_hide(&e))
		log_error("%s", e.text);
	signal(SIGPIPE, SIG_DFL);		/* the modules' programs expect it */
	alarm(LIFE_S); /* a module that hangs must not live on without a keeper */
}

int main(int argc, char **argv)
{
	static struct attempt a;
	static struct packet p;
	bool heard;

	role_begin(&a.self, ROLE_AUTH, argc, argv);
	keep_no_traces();
	a.as_root = geteuid() == 0;
	a.record.magic = AUTH_MAGIC;
	a.arena = arena_new(MEMORY, NULL, NULL);
	who_rules(&a.self.conf, a.as_root, &a.rules);
	heard = hear(&a, &p);
	if (heard)
		judge(&a);
	explicit_bzero(a.password, sizeof a.password);
	if (heard &&
	    send(a.self.keeper, &a.record, sizeof a.record, MSG_NOSIGNAL) != sizeof a.record)
		log_error("cannot tell our keeper: %s", strerror(errno));
	arena_free(a.arena);
	return EXIT_SUCCESS;
}
