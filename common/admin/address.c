/* posthorn address: who gets this mail, and which line says so. See posthorn(8). */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/conf/who.h"
#include "common/directory/lookup.h"

enum { WHY_MAX = 1 << 20, MEMORY_MAX = 512 << 20 };

static bool open_tables(const struct conf *c, struct lookup *l, struct str *mistakes, struct err *e)
{
	const char *const files[TABLE_COUNT] = { c->users_file, c->domains_file, c->aliases_file };

	for (enum table_kind kind = 0; kind < TABLE_COUNT; kind++) {
		l->files[kind] = files[kind];
		l->tables[kind] = compile_memory(kind, files[kind], mistakes, e);
		if (!l->tables[kind])
			return false;
	}
	return true;
}

static void print_text(const struct dir_target *t, struct str *out)
{
	if (t->kind == DIR_ADDRESS) {
		str_addf(out, "to the address %s\n", t->address);
		return;
	}
	str_addf(out, "into %s, of %s, as %u:%u", t->mail, t->login, t->uid, t->gid);
	if (*t->detail)
		str_addf(out, ", detail \"%s\"", t->detail);
	if (t->quota)
		str_addf(out, ", quota %" PRIu64, t->quota);
	str_add_char(out, '\n');
}

static void print_field(struct str *out, const char *name, const char *value)
{
	str_addf(out, ",\"%s\":", name);
	admin_json_text(out, span_of(value));
}

static void print_json(const struct dir_target *t, struct str *out)
{
	str_addf(out, "{\"kind\":\"%s\"", t->kind == DIR_ADDRESS ? "address" : "mailbox");
	print_field(out, "address", t->address);
	if (t->kind == DIR_MAILBOX) {
		print_field(out, "login", t->login);
		print_field(out, "home", t->home);
		print_field(out, "mail", t->mail);
		print_field(out, "detail", t->detail);
		str_addf(out, ",\"uid\":%u,\"gid\":%u,\"quota\":%" PRIu64, t->uid, t->gid, t->quota);
	}
	str_add_char(out, '}');
}

static void print_why_json(struct span why, struct str *out)
{
	struct span line;

	str_add_text(out, "{\"why\":[");
	for (const char *between = ""; span_cut(&why, '\n', &line); between = ",") {
		str_add_text(out, between);
		admin_json_text(out, line);
	}
	str_add_text(out, "],\"targets\":[");
}

static void print_all(const struct dir_target *t, size_t count, const struct str *why)
{
	struct str out = STR(16 << 20);

	if (admin_json())
		print_why_json(str_span(why), &out);
	else
		str_add(&out, str_span(why));
	for (size_t i = 0; i < count; i++) {
		if (admin_json()) {
			str_add_text(&out, i ? ",\n " : "");
			print_json(&t[i], &out);
		} else {
			print_text(&t[i], &out);
		}
	}
	str_add_text(&out, admin_json() ? "]}\n" : "");
	admin_print(&out);
}

static int explain_with(const struct conf *c, const char *address, struct arena *a)
{
	struct str why = STR(WHY_MAX), mistakes = STR(WHY_MAX);
	struct dir_target *targets;
	struct dir_rules rules;
	struct lookup l = { .rules = &rules, .why = &why };
	struct err e = { 0 };
	size_t count = 0;
	int code = EX_OK;
	bool ok;

	who_rules(c, geteuid() == 0, &rules);
	ok = open_tables(c, &l, &mistakes, &e);
	if (!ok && mistakes.n)
		fputs(mistakes.p, stderr);
	ok = ok && lookup_expand(&l, span_of(address), a, &targets, &count, &e);
	print_all(targets, ok ? count : 0, &why);
	if (!ok)
		code = admin_fail(&e);
	for (enum table_kind kind = 0; kind < TABLE_COUNT; kind++)
		table_close(l.tables[kind], NULL);
	str_free(&why);
	str_free(&mistakes);
	return code;
}

static int explain(int argc, char **argv)
{
	struct arena *a;
	struct conf c;
	int code;

	if (argc != 2)
		return admin_usage("address explain ADDRESS");
	if (!admin_conf(&c))
		return EX_CONFIG;
	a = arena_new(MEMORY_MAX, NULL, NULL);
	code = explain_with(&c, argv[1], a);
	arena_free(a);
	conf_free(&c);
	return code;
}

static const struct admin_verb verbs[] = {
	{ "explain", explain, "ADDRESS", "who gets mail for it, and which line of which file says so" },
	{ .name = NULL }
};

int admin_address(int argc, char **argv)
{
	return admin_run("posthorn address", verbs, argc, argv);
}
