/* posthorn user: virtual users and their passwords. See posthorn-user(8). */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/admin/edit.h"
#include "common/admin/home.h"
#include "common/admin/list.h"
#include "common/admin/secret.h"
#include "common/auth/password.h"
#include "common/auth/prep.h"
#include "common/auth/verifier.h"
#include "common/directory/name.h"
#include "common/directory/text.h"
#include "common/directory/users.h"

enum { WORDS_MAX = 1500 };		/* what a line may keep of a password */

struct user_args {
	bool		from_stdin, no_password;
	const char	*uid, *gid, *home, *quota;
	const char	*address;
};

static bool parse_args(int argc, char **argv, const char *letters, struct user_args *a)
{
	static const struct option options[] = {
		{ "stdin", no_argument, NULL, 's' },
		{ "no-password", no_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*a = (struct user_args){ .uid = "", .gid = "", .home = "", .quota = "" };
	optind = 1;
	while ((c = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		switch (c) {
		case 's': a->from_stdin = true; break;
		case 'n': a->no_password = true; break;
		case 'u': a->uid = optarg; break;
		case 'g': a->gid = optarg; break;
		case 'd': a->home = optarg; break;
		case 'q': a->quota = optarg; break;
		default: return false;
		}
	}
	if (optind + 1 != argc)
		return false;
	a->address = argv[optind];
	return true;
}

/* A verifier for each SCRAM mechanism that the settings name. */
static bool add_verifiers(const struct conf *c, const char *password, struct str *words, struct err *e)
{
	struct verifier v;
	enum digest d;

	for (size_t i = 0; i < c->auth_verifiers.count; i++) {
		if (!verifier_digest(span_of(c->auth_verifiers.words[i]), &d))
			continue;
		if (!verifier_make(d, (unsigned)c->auth_iterations, password, &v, e))
			return false;
		str_add_char(words, ' ');
		verifier_print(&v, words);
		explicit_bzero(&v, sizeof v);
	}
	return true;
}

/* Of bytes that are no UTF-8 text there is a hash, but no verifier: RFC 5802 2.2 could not prepare them. */
static bool hash_secret(const struct conf *c, const char *secret, struct str *words, struct err *e)
{
	char prepared[SECRET_SIZE * 2], hash[PASSWORD_HASH_MAX];
	bool text = prep(span_of(secret), true, prepared, sizeof prepared);
	bool ok = password_hash(c->auth_hash, text ? prepared : secret, hash, e);

	if (ok)
		str_add_text(words, hash);
	if (ok && text)
		ok = add_verifiers(c, prepared, words, e);
	else if (ok && c->auth_verifiers.count)
		fprintf(stderr, "posthorn: SCRAM will not work with this password: it is no plain UTF-8 text (RFC 4013)\n");
	explicit_bzero(prepared, sizeof prepared);
	explicit_bzero(hash, sizeof hash);
	return ok;
}

/* What is kept of what a person types; nothing with no_password. */
static bool new_words(const struct conf *c, const struct user_args *a, struct str *words, struct err *e)
{
	char secret[SECRET_SIZE];
	bool ok;

	if (a->no_password)
		return true;
	ok = secret_read(a->from_stdin, !a->from_stdin, secret, e) &&
	    hash_secret(c, secret, words, e);
	explicit_bzero(secret, sizeof secret);
	return ok;
}

static void wipe(struct str *s)
{
	if (s->cap)
		explicit_bzero(s->p, s->cap);
	str_free(s);
}

static bool open_users(const struct conf *c, struct edit *ed, struct err *e)
{
	return edit_open(ed, c->users_file, 0640, "posthorn-clerk", e);
}

/* The row of a->address in ed; an error that says so when there is none. */
static bool find_user(const struct edit *ed, const char *address, struct str *memory,
    struct list_row *row, struct users_row *user, struct err *e)
{
	struct name name;

	if (!name_read(span_of(address), &name, e))
		return false;
	if (!list_find(TABLE_USERS, str_span(&ed->text), name_span(&name), memory, row))
		return err_perm(e, "5.1.1", "%s has no user %s", ed->path, address);
	return users_line_parse(row->row, user, e);
}

/* ---- add ---- */

static bool domain_is_ours(const struct conf *c, struct span domain, struct err *e)
{
	struct str text = STR(TEXT_FILE_MAX), memory = STR(TEXT_LINE_MAX);
	struct list_row row;
	bool found = compile_read(c->domains_file, &text, e) &&
	    list_find(TABLE_DOMAINS, str_span(&text), domain, &memory, &row);

	str_free(&text);
	str_free(&memory);
	return found || err_perm(e, "5.3.5", SPAN_FMT " is not in %s; say posthorn domain add " SPAN_FMT " first",
	    SPAN_ARG(domain), c->domains_file, SPAN_ARG(domain));
}

static bool new_line(const struct user_args *a, const char *hash, struct str *line, struct name *name, struct err *e)
{
	struct users_row row;

	if (!name_read(span_of(a->address), name, e))
		return false;
	str_addf(line, "%s:%s:%s:%s:%s:%s", name->text, hash, a->uid, a->gid, a->home, a->quota);
	while (line->n && line->p[line->n - 1] == ':')
		str_cut(line, line->n - 1);
	return users_line_parse(str_span(line), &row, e);
}

static bool add_line(struct edit *ed, const struct name *name, struct span line, struct err *e)
{
	struct str memory = STR(TEXT_LINE_MAX);
	struct list_row row;
	bool there = list_find(TABLE_USERS, str_span(&ed->text), name_span(name), &memory, &row);

	str_free(&memory);
	if (there)
		return err_perm(e, "5.3.5", "%s is there already, %s:%u", name->text, ed->path, row.line);
	edit_add_line(ed, line);
	return edit_commit(ed, e);
}

static bool add_user(const struct conf *c, const void *arg, struct err *e)
{
	const struct user_args *a = arg;
	struct str line = STR(TEXT_LINE_MAX), words = STR(WORDS_MAX);
	struct name name;
	struct edit ed;
	bool ok = new_line(a, "", &line, &name, e) && domain_is_ours(c, name_domain(&name), e) &&
	    new_words(c, a, &words, e);

	if (ok) {
		str_reset(&line);
		ok = new_line(a, words.p, &line, &name, e) && open_users(c, &ed, e);
	}
	if (ok) {
		ok = add_line(&ed, &name, str_span(&line), e);
		edit_close(&ed);
	}
	ok = ok && home_make(c, str_span(&line), e);
	wipe(&words);
	wipe(&line);
	return ok;
}

static int user_add(int argc, char **argv)
{
	struct user_args a;

	if (!parse_args(argc, argv, "u:g:d:q:", &a))
		return admin_usage("user add [--stdin|--no-password] [-u UID] [-g GID] [-d HOME] [-q QUOTA] ADDRESS");
	return admin_try(add_user, &a);
}

/* ---- del ---- */

static bool del_line(struct edit *ed, const char *address, struct err *e)
{
	struct str memory = STR(TEXT_LINE_MAX);
	struct users_row user;
	struct list_row row;
	bool ok = find_user(ed, address, &memory, &row, &user, e);

	if (ok) {
		edit_replace(ed, row.raw, SPAN(""));
		ok = edit_commit(ed, e);
	}
	str_free(&memory);
	return ok;
}

static bool del_user(const struct conf *c, const void *arg, struct err *e)
{
	const struct user_args *a = arg;
	struct edit ed;
	bool ok = app_revoke_all(c, a->address, e) && open_users(c, &ed, e);

	if (ok) {
		ok = del_line(&ed, a->address, e);
		edit_close(&ed);
	}
	return ok;
}

static int user_del(int argc, char **argv)
{
	struct user_args a;

	if (!parse_args(argc, argv, "", &a))
		return admin_usage("user del ADDRESS");
	return admin_try(del_user, &a);
}

/* ---- passwd ---- */

/* The hash in raw, or the empty place behind the address where it belongs (then *colon is missing). */
static struct span place_of_hash(const struct list_row *row, const struct users_row *user, bool *colon)
{
	struct span rest = row->raw;

	span_while(&rest, is_blank);
	span_take(&rest, user->address.n);
	*colon = span_eat_char(&rest, ':');
	return span_to(rest, *colon ? user->words.n : 0);
}

static bool set_hash(struct edit *ed, const char *address, const char *hash, struct err *e)
{
	struct str memory = STR(TEXT_LINE_MAX), with = STR(WORDS_MAX + 1);
	struct users_row user;
	struct list_row row;
	struct span place;
	bool colon, ok = find_user(ed, address, &memory, &row, &user, e);

	if (ok) {
		place = place_of_hash(&row, &user, &colon);
		str_addf(&with, "%s%s", colon ? "" : ":", hash);
		edit_replace(ed, place, str_span(&with));
		ok = edit_commit(ed, e);
	}
	str_free(&memory);
	str_free(&with);
	return ok;
}

static bool passwd_user(const struct conf *c, const void *arg, struct err *e)
{
	const struct user_args *a = arg;
	struct str words = STR(WORDS_MAX);
	struct edit ed;
	bool ok = new_words(c, a, &words, e) && open_users(c, &ed, e);

	if (ok) {
		ok = set_hash(&ed, a->address, words.p, e);
		edit_close(&ed);
	}
	wipe(&words);
	return ok;
}

static int user_passwd(int argc, char **argv)
{
	struct user_args a;

	if (!parse_args(argc, argv, "", &a))
		return admin_usage("user passwd [--stdin|--no-password] ADDRESS");
	return admin_try(passwd_user, &a);
}

/* ---- check ---- */

/* As a login would: prepared (RFC 4013), and for hashes of others as it was typed. */
static bool secret_fits(const struct users_row *user, const char *secret)
{
	char prepared[2 * SECRET_SIZE];
	bool fits = prep(span_of(secret), false, prepared, sizeof prepared) &&
	    strcmp(prepared, secret) != 0 && password_matches(user->hash, prepared);

	explicit_bzero(prepared, sizeof prepared);
	return fits || password_matches(user->hash, secret);
}

static bool check_secret(const struct users_row *user, bool from_stdin, struct err *e)
{
	char secret[SECRET_SIZE];
	bool ok = secret_read(from_stdin, false, secret, e);

	if (ok && !secret_fits(user, secret))
		ok = err_perm(e, "5.7.8", "that is not the password of " SPAN_FMT, SPAN_ARG(user->address));
	explicit_bzero(secret, sizeof secret);
	return ok;
}

static bool check_user(const struct conf *c, const void *arg, struct err *e)
{
	const struct user_args *a = arg;
	struct str memory = STR(TEXT_LINE_MAX);
	struct users_row user;
	struct list_row row;
	struct edit ed = { .dir = -1, .text = STR(TEXT_FILE_MAX) };
	bool ok;

	span_copy(span_of(c->users_file), ed.path, sizeof ed.path);
	ok = compile_read(c->users_file, &ed.text, e) &&
	    find_user(&ed, a->address, &memory, &row, &user, e) &&
	    check_secret(&user, a->from_stdin, e);
	edit_close(&ed);
	str_free(&memory);
	return ok;
}

static int user_check(int argc, char **argv)
{
	struct user_args a;

	if (!parse_args(argc, argv, "", &a))
		return admin_usage("user check [--stdin] ADDRESS");
	return admin_try(check_user, &a);
}

/* ---- list ---- */

struct listing { struct span domain; struct str out; bool more; };

static void print_json(struct listing *l, const struct list_row *row, const struct users_row *u, bool login)
{
	str_addf(&l->out, "%s{\"address\":", l->more ? ",\n " : "");
	admin_json_text(&l->out, row->key);
	str_addf(&l->out, ",\"login\":%s,\"line\":%u,\"quota\":%" PRIu64, login ? "true" : "false",
	    row->line, u->quota);
	if (u->has_uid)
		str_addf(&l->out, ",\"uid\":%u", u->uid);
	if (u->has_gid)
		str_addf(&l->out, ",\"gid\":%u", u->gid);
	if (u->home.n)
		admin_json_pair(&l->out, "home", u->home);
	str_add_char(&l->out, '}');
}

static void print_text(struct listing *l, const struct list_row *row, const struct users_row *u, bool login)
{
	str_addf(&l->out, "%-40.*s %s", SPAN_ARG(row->key), login ? "login" : "no login");
	if (u->has_uid || u->has_gid)
		str_addf(&l->out, "  as %u:%u", u->uid, u->gid);
	if (u->quota)
		str_addf(&l->out, "  quota %" PRIu64, u->quota);
	if (u->home.n)
		str_addf(&l->out, "  in " SPAN_FMT, SPAN_ARG(u->home));
	str_add_char(&l->out, '\n');
}

static bool list_user(void *arg, const struct list_row *row)
{
	struct listing *l = arg;
	struct users_row u;
	bool login;

	if (!users_line_parse(row->row, &u, NULL) ||
	    (l->domain.n && !span_alike(u.domain, l->domain)))
		return true;
	login = u.words.n && !u.barred;
	if (admin_json())
		print_json(l, row, &u, login);
	else
		print_text(l, row, &u, login);
	l->more = true;
	return true;
}

static bool list_users(const struct conf *c, const void *arg, struct err *e)
{
	const struct user_args *a = arg;
	struct str text = STR(TEXT_FILE_MAX);
	struct listing l = { .domain = span_of(a->address), .out = STR(TEXT_FILE_MAX) };
	bool ok = compile_read(c->users_file, &text, e);

	if (ok) {
		str_add_text(&l.out, admin_json() ? "[" : "");
		list_each(TABLE_USERS, str_span(&text), list_user, &l);
		str_add_text(&l.out, admin_json() ? "]\n" : "");
		admin_print(&l.out);
	}
	str_free(&text);
	return ok;
}

static int user_list(int argc, char **argv)
{
	struct user_args a = { .address = argc > 1 ? argv[1] : "" };

	if (argc > 2)
		return admin_usage("user list [DOMAIN]");
	return admin_try(list_users, &a);
}

static const struct admin_verb verbs[] = {
	{ "add", user_add, "[--stdin|--no-password] [-u UID] [-g GID] [-d HOME] [-q QUOTA] ADDRESS",
	  "add a user; the password is asked for" },
	{ "del", user_del, "ADDRESS", "take a user out; the mail stays where it is" },
	{ "passwd", user_passwd, "[--stdin|--no-password] ADDRESS", "give a user another password, or none" },
	{ "check", user_check, "[--stdin] ADDRESS", "is this the user's password" },
	{ "app", admin_user_app, "add|list|revoke ...", "passwords of a user for one program each" },
	{ "list", user_list, "[DOMAIN]", "all users, or those of one domain" },
	{ .name = NULL }
};

int admin_user(int argc, char **argv)
{
	return admin_run("posthorn user", verbs, argc, argv);
}
