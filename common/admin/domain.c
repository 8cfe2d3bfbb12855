/* posthorn domain: domains of virtual users, and those we relay for. See posthorn-domain(8). */
#include <stdio.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/admin/edit.h"
#include "common/admin/home.h"
#include "common/admin/list.h"
#include "common/directory/domains.h"
#include "common/directory/name.h"
#include "common/directory/text.h"

struct domain_args { bool relay, listed, force; struct name name; };

static bool parse_args(int argc, char **argv, struct domain_args *a, struct err *e)
{
	int i = 1;

	*a = (struct domain_args){ 0 };
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--relay") == 0)
			a->relay = true;
		else if (strcmp(argv[i], "--listed") == 0)
			a->relay = a->listed = true;
		else if (strcmp(argv[i], "--force") == 0)
			a->force = true;
		else
			return err_perm(e, "5.5.4", "there is no option %s", argv[i]);
	}
	if (i + 1 != argc)
		return err_perm(e, "5.5.4", "expected one domain");
	if (!name_is_domain(span_of(argv[i])))
		return err_perm(e, "5.5.4", "\"%s\" is no domain", argv[i]);
	return name_read(span_of(argv[i]), &a->name, e);
}

static bool warn_of_system_domain(const struct conf *c, const struct domain_args *a)
{
	for (size_t i = 0; i < c->system_domains.count; i++) {
		if (span_is(name_span(&a->name), c->system_domains.words[i]))
			fprintf(stderr, "posthorn: %s is one of system-domains too; what stands in %s counts, so "
			    "accounts of this system get no mail there any more\n", a->name.text, c->domains_file);
	}
	return true;
}

static bool add_line(struct edit *ed, const struct domain_args *a, struct err *e)
{
	struct str memory = STR(TEXT_LINE_MAX), line = STR(TEXT_LINE_MAX);
	struct list_row row;
	bool ok = true;

	if (list_find(TABLE_DOMAINS, str_span(&ed->text), name_span(&a->name), &memory, &row)) {
		ok = err_perm(e, "5.3.5", "%s is there already, %s:%u", a->name.text, ed->path, row.line);
	} else {
		str_addf(&line, "%s%s%s", a->relay ? "relay: " : "", a->name.text,
		    a->listed ? " listed" : "");
		edit_add_line(ed, str_span(&line));
		ok = edit_commit(ed, e);
	}
	str_free(&memory);
	str_free(&line);
	return ok;
}

static bool add_domain(const struct conf *c, const void *arg, struct err *e)
{
	const struct domain_args *a = arg;
	struct edit ed;
	bool ok = edit_open(&ed, c->domains_file, 0644, "", e);

	if (!ok)
		return false;
	ok = add_line(&ed, a, e) && warn_of_system_domain(c, a) &&
	    (a->relay || home_make_domain(c, name_span(&a->name), e));
	edit_close(&ed);
	return ok;
}

/* ---- del ---- */

struct census { struct span domain; unsigned count; };

static bool count_user(void *arg, const struct list_row *row)
{
	struct census *c = arg;

	c->count += row->key.n > c->domain.n &&
	    span_same(span_from(row->key, row->key.n - c->domain.n), c->domain) &&
	    row->key.p[row->key.n - c->domain.n - 1] == '@';
	return true;
}

static bool no_users(const struct conf *c, const struct domain_args *a, struct err *e)
{
	struct str text = STR(TEXT_FILE_MAX);
	struct census census = { name_span(&a->name), 0 };
	bool ok = compile_read(c->users_file, &text, e);

	if (ok)
		list_each(TABLE_USERS, str_span(&text), count_user, &census);
	str_free(&text);
	if (ok && census.count && !a->force)
		return err_perm(e, "5.3.5",
		    "%s has users still (%u); take them out first, or say --force", a->name.text,
		    census.count);
	return ok;
}

static bool del_line(struct edit *ed, const struct domain_args *a, struct err *e)
{
	struct str memory = STR(TEXT_LINE_MAX);
	struct list_row row;
	bool ok = list_find(TABLE_DOMAINS, str_span(&ed->text), name_span(&a->name), &memory, &row);

	str_free(&memory);
	if (!ok)
		return err_perm(e, "5.1.2", "%s has no domain %s", ed->path, a->name.text);
	edit_replace(ed, row.raw, SPAN(""));
	return edit_commit(ed, e);
}

static bool del_domain(const struct conf *c, const void *arg, struct err *e)
{
	const struct domain_args *a = arg;
	struct edit ed;
	bool ok = no_users(c, a, e) && edit_open(&ed, c->domains_file, 0644, "", e);

	if (!ok)
		return false;
	ok = del_line(&ed, a, e);
	edit_close(&ed);
	return ok;
}

static int change(int argc, char **argv, bool (*run)(const struct conf *, const void *, struct err *))
{
	struct domain_args a;
	struct err e;

	return parse_args(argc, argv, &a, &e) ? admin_try(run, &a) : admin_usage("%s", e.text);
}

static int domain_add(int argc, char **argv)
{
	return change(argc, argv, add_domain);
}

static int domain_del(int argc, char **argv)
{
	return change(argc, argv, del_domain);
}

/* ---- list ---- */

struct listing { struct str out; bool more; };

static void list_one(struct listing *l, struct span domain, const char *class)
{
	if (admin_json()) {
		str_add_text(&l->out, l->more ? ",\n {\"domain\":" : "{\"domain\":");
		admin_json_text(&l->out, domain);
		str_addf(&l->out, ",\"class\":\"%s\"}", class);
	} else {
		str_addf(&l->out, "%-40.*s %s\n", SPAN_ARG(domain), class);
	}
	l->more = true;
}

static bool list_row(void *arg, const struct list_row *row)
{
	struct domains_row d;

	if (domains_line_parse(row->row, &d, NULL))
		list_one(arg, row->key, d.relay ? "relay" : "virtual");
	return true;
}

static int domain_list(int argc, char **argv)
{
	struct listing l = { .out = STR(TEXT_FILE_MAX) };
	struct str text = STR(TEXT_FILE_MAX);
	struct conf c;
	struct err e;
	int code = EX_OK;

	(void)argv;
	if (argc > 1)
		return admin_usage("domain list takes no arguments");
	if (!admin_conf(&c))
		return EX_CONFIG;
	if (compile_read(c.domains_file, &text, &e)) {
		str_add_text(&l.out, admin_json() ? "[" : "");
		list_each(TABLE_DOMAINS, str_span(&text), list_row, &l);
		for (size_t i = 0; i < c.system_domains.count; i++)
			list_one(&l, span_of(c.system_domains.words[i]), "system");
		str_add_text(&l.out, admin_json() ? "]\n" : "");
		admin_print(&l.out);
	} else {
		code = admin_fail(&e);
	}
	str_free(&text);
	conf_free(&c);
	return code;
}

static const struct admin_verb verbs[] = {
	{ "add", domain_add, "[--relay [--listed]] DOMAIN",
	    "take mail for a domain: for virtual users, or to carry on" },
	{ "del", domain_del, "[--force] DOMAIN", "take no more mail for it" },
	{ "list", domain_list, "", "all domains of ours, and of what class they are" },
	{ .name = NULL }
};

int admin_domain(int argc, char **argv)
{
	return admin_run("posthorn domain", verbs, argc, argv);
}
