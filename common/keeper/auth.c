/*
 * NAME
 *	posthorn-auth - check one password, say one record, exit
 * DESCRIPTION
 *	Started by a keeper for each attempt to log in (auth/record.h). An address is looked up in
 *	the users file, a bare name or one of a system domain is asked of PAM; that needs root. For
 *	the users file it opens the file and then is nobody in an empty jail before it reads a
 *	line of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/auth/pam.h"
#include "common/auth/password.h"
#include "common/auth/record.h"
#include "common/conf/who.h"
#include "common/directory/name.h"
#include "common/directory/users.h"
#include "common/keeper/role.h"
#include "common/os/fd.h"
#include "common/os/log.h"

enum { LIFE_S = 40, QUESTION_S = 10, PLACE_MEMORY = 65536 };

struct attempt {
	struct role_self	 self;
	struct dir_rules	 rules;
	struct arena		*arena;
	bool			 as_root;
	char			 mechanism[16], service[16], peer[64];
	char			 user[AUTH_NAME_MAX], password[AUTH_PASSWORD_MAX];
	struct name		 name;
	struct auth_record	 record;
};

static void decide(struct attempt *a, enum auth_verdict verdict, const char *why)
{
	a->record.verdict = verdict;
	snprintf(a->record.why, sizeof a->record.why, "%s", why);
}

static void let_in(struct attempt *a, const struct dir_target *place)
{
	struct auth_record *r = &a->record;

	r->uid = place->uid;
	r->gid = place->gid;
	if (!span_copy(span_of(place->login), r->login, sizeof r->login) ||
	    !span_copy(span_of(place->home), r->home, sizeof r->home) ||
	    !span_copy(span_of(place->mail), r->mail, sizeof r->mail))
		decide(a, AUTH_CANNOT_TELL, "the path of the user's home is too long");
	else
		decide(a, AUTH_YES, "");
}

/* --- virtual users: the users file --- */

static struct jail_path dir_of(const char *file, char *room, size_t size)
{
	ptrdiff_t slash = span_rfind(span_of(file), '/');

	span_copy(span_to(span_of(file), slash > 0 ? (size_t)slash : 1), room, size);
	return (struct jail_path){ room, false };
}

/* The file is open: nothing else is needed any more, least of all root. */
static bool be_nobody(struct attempt *a, struct err *e)
{
	const struct passwd *nobody = a->as_root ? getpwnam(roles[ROLE_IMAP_LOGIN].user) : NULL;
	struct jail j = { .uid = -1, .gid = -1, .files = 16, .memory_mb = 64 };
	char empty[4096], config[4096];

	if (a->as_root && !nobody)
		return err_temp(e, "4.7.0", "there is no user %s", roles[ROLE_IMAP_LOGIN].user);
	if (nobody) {
		j.uid = (int)nobody->pw_uid;
		j.gid = (int)nobody->pw_gid;
		snprintf(empty, sizeof empty, "%s/empty", a->self.conf.run_directory);
		j.empty = empty;
	} else {
		j.paths[0] = dir_of(a->self.conf.users_file, config, sizeof config);
	}
	return jail_enter(&j, NULL, e);
}

static bool is_about(struct span line, const struct attempt *a)
{
	struct span address;

	return span_cut(&line, ':', &address) && span_alike(span_trim(address), name_span(&a->name));
}

static void compare(struct attempt *a, struct span line)
{
	struct users_row row;
	struct dir_target place;
	struct err e;

	if (!users_line_parse(line, &row, &e))
		decide(a, AUTH_CANNOT_TELL, e.text);
	else if (!password_matches(row.hash, a->password))
		decide(a, AUTH_NO, row.hash.n && *row.hash.p != '!' && *row.hash.p != '*' ?
		    "wrong password" : "this user may not log in");
	else if (!place_of_user(&a->rules, &row, a->arena, &place, &e))
		decide(a, AUTH_CANNOT_TELL, e.text);
	else
		let_in(a, &place);
}

static void search(struct attempt *a, FILE *users)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, users)) >= 0) {
		struct span text = span_trim((struct span){ line, (size_t)n });

		if (!is_about(text, a))
			continue;
		compare(a, text);
		explicit_bzero(line, room);
		free(line);
		return;
	}
	free(line);
	password_matches(SPAN(""), a->password);	/* takes its time */
	decide(a, AUTH_NO, "no such user");
}

static void ask_users_file(struct attempt *a)
{
	int fd = open(a->self.conf.users_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	FILE *users = fd >= 0 ? fdopen(fd, "r") : NULL;
	bool missing = fd < 0 && errno == ENOENT;
	struct err e;

	if (!be_nobody(a, &e)) {
		decide(a, AUTH_CANNOT_TELL, e.text);
	} else if (users) {
		search(a, users);
	} else if (missing) {
		password_matches(SPAN(""), a->password);
		decide(a, AUTH_NO, "no such user: there is no users file");
	} else {
		decide(a, AUTH_CANNOT_TELL, "cannot open the users file");
	}
	if (users)
		fclose(users);
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
		decide(a, AUTH_CANNOT_TELL, e.text);
	} else if (!a->as_root || !*service || !found || !span_copy(local, account, sizeof account)) {
		password_matches(SPAN(""), a->password);
		decide(a, AUTH_NO, !a->as_root ? "accounts of this machine can log in only where root runs us" :
		    "no such user");
	} else if (pam_check(service, account, a->password, a->peer, &e)) {
		let_in(a, &place);
	} else {
		decide(a, e.kind == ERR_PERM ? AUTH_NO : AUTH_CANNOT_TELL, e.text);
	}
}

/* --- one attempt --- */

static bool is_system_name(const struct attempt *a)
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

static void judge(struct attempt *a)
{
	struct err e;

	if (!name_read(span_of(a->user), &a->name, &e)) {
		password_matches(SPAN(""), a->password);
		decide(a, AUTH_NO, "no name that a user could have");
	} else if (is_system_name(a)) {
		ask_pam(a);
	} else {
		ask_users_file(a);
	}
}

static bool hear(struct attempt *a, struct packet *p)
{
	if (packet_recv(a->self.keeper, p, clock_in(QUESTION_S)) != PACKET_OK || p->verb != 'A')
		return false;
	packet_take_copy(p, a->mechanism, sizeof a->mechanism);
	packet_take_copy(p, a->service, sizeof a->service);
	packet_take_copy(p, a->user, sizeof a->user);
	packet_take_copy(p, a->password, sizeof a->password);
	packet_take_copy(p, a->peer, sizeof a->peer);
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
	alarm(LIFE_S);				/* a module that hangs must not live on without a keeper */
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
	a.arena = arena_new(PLACE_MEMORY, NULL, NULL);
	who_rules(&a.self.conf, a.as_root, &a.rules);
	heard = hear(&a, &p);
	if (heard)
		judge(&a);
	explicit_bzero(a.password, sizeof a.password);
	if (heard && send(a.self.keeper, &a.record, sizeof a.record, MSG_NOSIGNAL) != sizeof a.record)
		log_error("cannot tell our keeper: %s", strerror(errno));
	arena_free(a.arena);
	return EXIT_SUCCESS;
}
