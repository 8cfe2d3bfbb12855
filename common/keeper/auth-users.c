/* Names of the users file: their passwords, and those of their programs. See auth-own.h. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/auth/app.h"
#include "common/auth/digest.h"
#include "common/auth/lastuse.h"
#include "common/auth/password.h"
#include "common/auth/prep.h"
#include "common/directory/users.h"
#include "common/keeper/auth-own.h"
#include "common/os/clock.h"
#include "common/os/fd.h"

enum { JAIL_MEMORY_MB = 320 }; /* what an argon2id hash may ask for, and ourselves */

/* --- tables --- */

static FILE *open_table(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (!f)
		fd_close(&fd);
	return f;
}

void auth_users_open(struct attempt *a, struct auth_users *u)
{
	const struct conf *c = &a->self.conf;
	char path[4096];

	*u = (struct auth_users){ .last_use = -1 };
	u->users = open_table(c->users_file);
	u->missing = !u->users && errno == ENOENT;
	u->apps = open_table(c->app_passwords_file);
	snprintf(path, sizeof path, "%s/last-use", c->auth_directory);
	if (u->apps)
		u->last_use = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void auth_users_close(struct auth_users *u)
{
	if (u->users)
		fclose(u->users);
	if (u->apps)
		fclose(u->apps);
	fd_close(&u->last_use);
}

static struct jail_path dir_of(const char *file, char *room, size_t size)
{
	ptrdiff_t slash = span_rfind(span_of(file), '/');

	span_copy(span_to(span_of(file), slash > 0 ? (size_t)slash : 1), room, size);
	return (struct jail_path){ room, false };
}

/* The files are open: nothing else is needed any more, least of all root. */
bool auth_be_nobody(struct attempt *a, struct err *e)
{
	const struct passwd *nobody = a->as_root ? getpwnam(roles[ROLE_IMAP_LOGIN].user) : NULL;
	struct jail j = { .uid = -1, .gid = -1, .files = 16, .memory_mb = JAIL_MEMORY_MB };
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

	return span_cut(&line, ':', &address) &&
	    span_alike(span_trim(address), name_span(&a->name));
}

struct span auth_users_find(struct attempt *a, FILE *table)
{
	struct span found = { NULL, 0 };
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while (table && !found.p && (n = getline(&line, &room, table)) >= 0) {
		struct span text = span_trim((struct span){ line, (size_t)n });

		if (is_about(text, a))
			found = arena_copy(a->arena, text);
	}
	if (line)
		explicit_bzero(line, room);
	free(line);
	return found;
}

/* --- app passwords --- */

static void let_app_in(struct attempt *a, struct auth_users *u, const struct app_row *app, const struct users_row *row)
{
	unsigned needs = strcmp(a->daemon, "msa") == 0 ? APP_SEND : APP_READ;
	struct lastuse use = { .when = clock_wall() };
	struct dir_target place;
	struct err e;

	if (!(app->rights & needs)) {
		snprintf(a->record.why, sizeof a->record.why,
		    "the app password " SPAN_FMT " is not one to %s mail", SPAN_ARG(app->name),
		    app_rights_text(needs));
		a->record.verdict = AUTH_NO;
		return;
	}
	snprintf(use.daemon, sizeof use.daemon, "%s", a->daemon);
	snprintf(use.ip, sizeof use.ip, "%s", *a->peer ? a->peer : "-");
	lastuse_note(u->last_use, name_span(&a->name), app->name, &use);
	if (place_of_user(&a->rules, row, a->arena, &place, &e))
		auth_let_in(a, &place);
	else
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
}

static bool is_app(struct span line, struct span hash, struct app_row *app)
{
	return app_line_parse(line, app, NULL) && app->hash.n == hash.n &&
	    digest_same(app->hash.p, hash.p, hash.n);
}

/* Decided? Only what can be such a password at all is looked for. */
static bool try_apps(struct attempt *a, struct auth_users *u, const struct users_row *row)
{
	struct str hash = STR(100);
	struct span line = { "", 0 };
	struct app_row app;
	bool found = false;

	if (u->apps && app_secret_hash(span_of(a->password), &hash)) {
		while (!found && (line = auth_users_find(a, u->apps)).p)
			found = is_app(line, str_span(&hash), &app);
	}
	if (found)
		let_app_in(a, u, &app, row);
	str_free(&hash);
	return found;
}

/* --- the password itself --- */

/* As RFC 4616 2 wants it; a hash that another program made of the bytes as they came counts too. */
static bool password_is(const struct attempt *a, struct span hash)
{
	char prepared[AUTH_PASSWORD_MAX];
	bool ok = prep(span_of(a->password), false, prepared, sizeof prepared) &&
	    strcmp(prepared, a->password) != 0 && password_matches(hash, prepared);

	explicit_bzero(prepared, sizeof prepared);
	return ok || password_matches(hash, a->password);
}

static void compare(struct attempt *a, struct auth_users *u, struct span line)
{
	struct users_row row;
	struct dir_target place;
	struct err e;

	if (!users_line_parse(line, &row, &e)) {
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
		return;
	}
	if (!row.barred && try_apps(a, u, &row))
		return;
	if (!password_is(a, row.hash))
		auth_decide(a, AUTH_NO,
		    row.barred || !row.hash.n ? "this user may not log in" : "wrong password");
	else if (!place_of_user(&a->rules, &row, a->arena, &place, &e))
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
	else
		auth_let_in(a, &place);
}

static void search(struct attempt *a, struct auth_users *u)
{
	struct span line = auth_users_find(a, u->users);

	if (line.p) {
		compare(a, u, line);
		return;
	}
	password_is(a, SPAN(""));	/* takes its time */
	auth_decide(a, AUTH_NO, u->users ? "no such user" : "no such user: there is no users file");
}

void auth_password(struct attempt *a)
{
	struct auth_users u;
	struct err e;

	auth_users_open(a, &u);
	if (!auth_be_nobody(a, &e))
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
	else if (u.users || u.missing)
		search(a, &u);
	else
		auth_decide(a, AUTH_CANNOT_TELL, "cannot open the users file");
	auth_users_close(&u);
}
