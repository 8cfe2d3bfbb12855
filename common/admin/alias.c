/* posthorn alias: addresses that stand for others. See posthorn-alias(8). */
#include <stdio.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/admin/edit.h"
#include "common/admin/list.h"
#include "common/directory/aliases.h"
#include "common/directory/text.h"

struct alias_args { const char *name; char **targets; int count; };

/* The row of name in ed, if any. */
static bool find_alias(const struct edit *ed, const char *name, struct str *memory,
    struct list_row *row, bool *found, struct err *e)
{
	struct str line = STR(TEXT_LINE_MAX), key = STR(TEXT_LINE_MAX);
	bool ok;

	str_addf(&line, "%s: x", name);
	ok = compile_key(TABLE_ALIASES, str_span(&line), &key, e);
	*found = ok && list_find(TABLE_ALIASES, str_span(&ed->text), str_span(&key), memory, row);
	str_free(&line);
	str_free(&key);
	return ok;
}

static bool is_among(struct span targets, struct span one)
{
	struct span target;

	while (aliases_target(&targets, &target)) {
		if (span_alike(target, one))
			return true;
	}
	return false;
}

/* ---- add ---- */

static bool add_new(struct edit *ed, const struct alias_args *a, struct err *e)
{
	struct str line = STR(TEXT_LINE_MAX);
	struct aliases_row parsed;
	bool ok;

	str_addf(&line, "%s:", a->name);
	for (int i = 0; i < a->count; i++)
		str_addf(&line, "%s %s", i ? "," : "", a->targets[i]);
	ok = !line.over ? aliases_line_parse(str_span(&line), &parsed, e) : err_perm(e, "5.3.5", "too long");
	if (ok)
		edit_add_line(ed, str_span(&line));
	str_free(&line);
	return ok;
}

/* More targets go behind those that are there; where a comment ends the line, into a line of their own. */
static bool add_more(struct edit *ed, const struct alias_args *a, const struct list_row *row, struct err *e)
{
	struct str line = STR(2 * TEXT_LINE_MAX), more = STR(TEXT_LINE_MAX);
	struct aliases_row had, now;
	bool ok = aliases_line_parse(row->row, &had, e);
	struct span raw = row->raw;

	for (int i = 0; ok && i < a->count; i++) {
		if (!is_among(had.targets, span_of(a->targets[i])))
			str_addf(&more, ", %s", a->targets[i]);
	}
	str_add(&line, row->row);
	str_add(&line, str_span(&more));
	ok = ok && aliases_line_parse(str_span(&line), &now, e);
	if (ok && more.n) {
		while (raw.n && strchr("\r\n", raw.p[raw.n - 1]))
			raw.n--;
		str_reset(&line);
		str_add(&line, raw);
		str_add_text(&line, span_has(raw, '#') ? "\n\t" : "");
		str_add(&line, str_span(&more));
		edit_replace(ed, raw, str_span(&line));
	}
	str_free(&line);
	str_free(&more);
	return ok;
}

static bool add_alias(struct edit *ed, const struct alias_args *a, struct err *e)
{
	struct str memory = STR(TEXT_LINE_MAX);
	struct list_row row;
	bool found, ok = find_alias(ed, a->name, &memory, &row, &found, e);

	ok = ok && (found ? add_more(ed, a, &row, e) : add_new(ed, a, e)) && edit_commit(ed, e);
	str_free(&memory);
	return ok;
}

/* ---- del ---- */

static bool is_to_go(const struct alias_args *a, struct span target)
{
	for (int i = 0; i < a->count; i++) {
		if (span_is(target, a->targets[i]) ||
		    span_is(aliases_part(target).name, a->targets[i]))
			return true;
	}
	return a->count == 0;
}

static bool cut_targets(struct edit *ed, const struct alias_args *a, const struct list_row *row, struct err *e)
{
	struct str line = STR(TEXT_LINE_MAX);
	struct aliases_row had;
	struct span target;
	size_t kept = 0;

	if (!aliases_line_parse(row->row, &had, e))
		return false;
	str_addf(&line, "%s" SPAN_FMT, had.kind == ALIASES_GROUP ? "group " : "", SPAN_ARG(had.name));
	while (aliases_target(&had.targets, &target)) {
		if (!is_to_go(a, target))
			str_addf(&line, "%s " SPAN_FMT, kept++ ? "," : ":", SPAN_ARG(target));
	}
	str_add_char(&line, '\n');
	edit_replace(ed, row->raw, kept ? str_span(&line) : SPAN(""));
	str_free(&line);
	return true;
}

static bool del_alias(struct edit *ed, const struct alias_args *a, struct err *e)
{
	struct str memory = STR(TEXT_LINE_MAX);
	struct list_row row;
	bool found, ok = find_alias(ed, a->name, &memory, &row, &found, e);

	if (ok && !found)
		ok = err_perm(e, "5.1.1", "%s has no alias %s", ed->path, a->name);
	ok = ok && cut_targets(ed, a, &row, e) && edit_commit(ed, e);
	str_free(&memory);
	return ok;
}

static int change(const struct alias_args *a, bool (*run)(struct edit *, const struct alias_args *, struct err *))
{
	struct conf c;
	struct edit ed;
	struct err e;
	int code = EX_OK;

	if (!admin_conf(&c))
		return EX_CONFIG;
	if (!edit_open(&ed, c.aliases_file, 0644, "", &e)) {
		code = admin_fail(&e);
	} else {
		if (!run(&ed, a, &e))
			code = admin_fail(&e);
		edit_close(&ed);
	}
	conf_free(&c);
	return code;
}

static int alias_add(int argc, char **argv)
{
	if (argc < 3)
		return admin_usage("alias add NAME TARGET ...");
	return change(&(struct alias_args){ argv[1], argv + 2, argc - 2 }, add_alias);
}

static int alias_del(int argc, char **argv)
{
	if (argc < 2)
		return admin_usage("alias del NAME [TARGET ...]");
	return change(&(struct alias_args){ argv[1], argv + 2, argc - 2 }, del_alias);
}

/* ---- list ---- */

struct listing { struct str out; bool more; };

static bool list_one(void *arg, const struct list_row *row)
{
	struct listing *l = arg;
	struct aliases_row alias;
	struct span target, name;
	const char *between = "";

	if (!aliases_line_parse(row->row, &alias, NULL))
		return true;
	name = alias.name;
	if (alias.kind == ALIASES_GROUP)	/* with that word in front */
		name = span_trim(span_to(row->row, (size_t)(alias.name.p - row->row.p) + alias.name.n));
	if (admin_json()) {
		str_add_text(&l->out, l->more ? ",\n {\"name\":" : "{\"name\":");
		admin_json_text(&l->out, alias.kind == ALIASES_GROUP ? name : row->key);
		str_addf(&l->out, ",\"line\":%u,\"targets\":[", row->line);
	} else {
		str_addf(&l->out, SPAN_FMT ": ", SPAN_ARG(name));
	}
	while (aliases_target(&alias.targets, &target)) {
		str_add_text(&l->out, between);
		if (admin_json())
			admin_json_text(&l->out, target);
		else
			str_add(&l->out, target);
		between = admin_json() ? "," : ", ";
	}
	str_add_text(&l->out, admin_json() ? "]}" : "\n");
	l->more = true;
	return true;
}

static int alias_list(int argc, char **argv)
{
	struct listing l = { .out = STR(TEXT_FILE_MAX) };
	struct str text = STR(TEXT_FILE_MAX);
	struct conf c;
	struct err e;
	int code = EX_OK;

	(void)argv;
	if (argc > 1)
		return admin_usage("alias list takes no arguments");
	if (!admin_conf(&c))
		return EX_CONFIG;
	if (compile_read(c.aliases_file, &text, &e)) {
		str_add_text(&l.out, admin_json() ? "[" : "");
		list_each(TABLE_ALIASES, str_span(&text), list_one, &l);
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
	{ "add", alias_add, "NAME TARGET ...", "mail for NAME goes to each TARGET too" },
	{ "del", alias_del, "NAME [TARGET ...]", "not to these any more, or the whole alias" },
	{ "list", alias_list, "", "all aliases" },
	{ .name = NULL }
};

int admin_alias(int argc, char **argv)
{
	return admin_run("posthorn alias", verbs, argc, argv);
}
