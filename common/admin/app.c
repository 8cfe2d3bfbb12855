/* posthorn user app: passwords for one program each. See posthorn-user(8). */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/admin/edit.h"
#include "common/admin/list.h"
#include "common/auth/app.h"
#include "common/auth/lastuse.h"
#include "common/directory/compile.h"
#include "common/directory/name.h"
#include "common/directory/text.h"

enum { LINE_MAX_HERE = 1024 };

struct app_args { unsigned rights; const char *address, *name; };

static bool open_apps(const struct conf *c, struct edit *ed, struct err *e)
{
	return edit_open(ed, c->app_passwords_file, 0600, "", e);
}

/* Only of this name, or of all names where it is NULL; "" addresses all users. */
static bool is_about(const struct app_row *row, struct span address, const char *name)
{
	return (!address.n || span_alike(row->address, address)) &&
	    (!name || span_same(row->name, span_of(name)));
}

/* The next line of text that is an app password; raw is all of it, newline too. */
static bool next_row(struct span *text, struct span *raw, struct app_row *row)
{
	while (text->n) {
		struct span start = *text, line;

		if (!span_cut(text, '\n', &line))
			line = span_take(text, text->n);
		*raw = span_to(start, start.n - text->n);
		if (app_line_parse(line, row, NULL))
			return true;
	}
	return false;
}

static bool find_row(struct span text, struct span address, const char *name, struct span *raw)
{
	struct app_row row;

	while (next_row(&text, raw, &row)) {
		if (is_about(&row, address, name))
			return true;
	}
	return false;
}

/* ---- add ---- */

static bool user_is_there(const struct conf *c, const struct name *who, struct err *e)
{
	struct str text = STR(TEXT_FILE_MAX), memory = STR(TEXT_LINE_MAX);
	struct list_row row;
	bool found = compile_read(c->users_file, &text, e) &&
	    list_find(TABLE_USERS, str_span(&text), name_span(who), &memory, &row);

	str_free(&text);
	str_free(&memory);
	return found || err_perm(e, "5.1.1", "%s has no user %s", c->users_file, who->text);
}

static bool add_line(struct edit *ed, const struct app_args *a, const struct name *who,
    const char *secret, struct err *e)
{
	struct str line = STR(LINE_MAX_HERE);
	struct span raw;
	bool ok = true;

	if (find_row(str_span(&ed->text), name_span(who), a->name, &raw))
		return err_perm(e, "5.3.5", "%s has an app password \"%s\" already", who->text, a->name);
	str_addf(&line, "%s:%s:%s:", who->text, a->name, app_rights_text(a->rights));
	ok = app_secret_hash(span_of(secret), &line);
	edit_add_line(ed, str_span(&line));
	str_free(&line);
	return ok && edit_commit(ed, e);
}

static bool add_app(const struct conf *c, const void *arg, struct err *e)
{
	const struct app_args *a = arg;
	char secret[APP_SECRET_MAX];
	struct name who;
	struct edit ed;
	bool ok;

	if (!app_name_is_good(span_of(a->name)))
		return err_perm(e, "5.3.5",
		    "the name of an app password has at most %d letters, digits, - _ and .",
		    APP_NAME_MAX);
	if (!name_read(span_of(a->address), &who, e) || !user_is_there(c, &who, e) ||
	    !app_secret_make(secret, e) || !open_apps(c, &ed, e))
		return false;
	ok = add_line(&ed, a, &who, secret, e);
	edit_close(&ed);
	if (ok)
		printf("%s\n", secret);
	explicit_bzero(secret, sizeof secret);
	return ok;
}

/* ---- revoke ---- */

static bool revoke_named(const struct conf *c, const char *address, const char *name, unsigned *count, struct err *e)
{
	struct edit ed;
	struct name who;
	struct span raw;
	bool ok;

	*count = 0;
	if (!name_read(span_of(address), &who, e) || !open_apps(c, &ed, e))
		return false;
	while (find_row(str_span(&ed.text), name_span(&who), name, &raw)) {
		edit_replace(&ed, raw, SPAN(""));
		++*count;
	}
	ok = !*count || edit_commit(&ed, e);
	edit_close(&ed);
	return ok;
}

static bool revoke_app(const struct conf *c, const void *arg, struct err *e)
{
	const struct app_args *a = arg;
	unsigned count;

	return revoke_named(c, a->address, a->name, &count, e) &&
	    (count || err_perm(e, "5.1.1", "%s has no app password \"%s\"", a->address, a->name));
}

bool app_revoke_all(const struct conf *c, const char *address, struct err *e)
{
	unsigned count;

	return access(c->app_passwords_file, F_OK) < 0 || revoke_named(c, address, NULL, &count, e);
}

/* ---- list ---- */

static void print_text(struct str *out, const struct app_row *row, const struct lastuse *use)
{
	char when[40] = "never used";
	struct tm tm;

	if (use->when && localtime_r(&use->when, &tm))
		strftime(when, sizeof when, "%Y-%m-%d %H:%M", &tm);
	str_addf(out, SPAN_FMT " " SPAN_FMT " %s  %s", SPAN_ARG(row->address), SPAN_ARG(row->name),
	    app_rights_text(row->rights), when);
	if (use->when)
		str_addf(out, " %s from %s", use->daemon, use->ip);
	str_add_char(out, '\n');
}

static void print_json(struct str *out, const struct app_row *row, const struct lastuse *use)
{
	str_add_text(out, out->n > 1 ? ",\n {\"address\":" : "{\"address\":");
	admin_json_text(out, row->address);
	admin_json_pair(out, "name", row->name);
	str_addf(out, ",\"read\":%s,\"send\":%s", row->rights & APP_READ ? "true" : "false",
	    row->rights & APP_SEND ? "true" : "false");
	if (use->when)
		str_addf(out, ",\"used\":%" PRId64 ",\"by\":\"%s\",\"from\":\"%s\"",
		    (int64_t)use->when, use->daemon, use->ip);
	str_add_char(out, '}');
}

static bool list_apps(const struct conf *c, const void *arg, struct err *e)
{
	const struct app_args *a = arg;
	struct str path = STR(4096), out = STR(TEXT_FILE_MAX);
	struct span text, raw;
	struct app_row row;
	struct edit ed;
	int uses;

	if (!open_apps(c, &ed, e))
		return false;
	str_addf(&path, "%s/last-use", c->auth_directory);
	uses = open(path.p, O_RDONLY | O_CLOEXEC);
	text = str_span(&ed.text);
	str_add_text(&out, admin_json() ? "[" : "");
	while (next_row(&text, &raw, &row)) {
		struct lastuse use;

		lastuse_find(uses, row.address, row.name, &use);
		if (is_about(&row, span_of(a->address), NULL))
			(admin_json() ? print_json : print_text)(&out, &row, &use);
	}
	str_add_text(&out, admin_json() ? "]\n" : "");
	admin_print(&out);
	if (uses >= 0)
		close(uses);
	edit_close(&ed);
	str_free(&path);
	return true;
}

/* ---- as a command ---- */

static int app_add(int argc, char **argv)
{
	struct app_args a = { .rights = APP_READ | APP_SEND };
	bool ok = true;
	int c;

	optind = 1;
	while ((c = getopt(argc, argv, "r:")) != -1)
		ok = ok && c == 'r' && app_rights_parse(span_of(optarg), &a.rights);
	if (!ok || optind + 2 != argc)
		return admin_usage("user app add [-r read|send|read,send] ADDRESS NAME");
	a.address = argv[optind];
	a.name = argv[optind + 1];
	return admin_try(add_app, &a);
}

static int app_list(int argc, char **argv)
{
	struct app_args a = { .address = argc > 1 ? argv[1] : "" };

	return argc > 2 ? admin_usage("user app list [ADDRESS]") : admin_try(list_apps, &a);
}

static int app_revoke(int argc, char **argv)
{
	if (argc != 3)
		return admin_usage("user app revoke ADDRESS NAME");
	return admin_try(revoke_app, &(struct app_args){ .address = argv[1], .name = argv[2] });
}

static const struct admin_verb verbs[] = {
	{ "add", app_add, "[-r read|send|read,send] ADDRESS NAME", "make one, and print it once" },
	{ "list", app_list, "[ADDRESS]", "all, with when and from where each was used last" },
	{ "revoke", app_revoke, "ADDRESS NAME", "take one away" },
	{ .name = NULL }
};

int admin_user_app(int argc, char **argv)
{
	return admin_run("posthorn user app", verbs, argc, argv);
}
