/* posthorn address: who gets this mail, who may send as it, and which line says so. */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/conf/who.h"
#include "common/directory/lookup.h"
#include "common/directory/srs-keys.h"
#include "common/os/clock.h"

enum { WHY_MAX = 1 << 20, MEMORY_MAX = 512 << 20 };

static bool open_tables(const struct conf *c, struct lookup *l, struct str *mistakes, struct err *e)
{
	const char *files[TABLE_COUNT];

	who_files(c, files);
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
	if (t->kind != DIR_MAILBOX) {
		str_addf(out, t->kind == DIR_SENDER ? "reports, back to the sender %s\n" : "to the address %s\n", t->address);
		return;
	}
	str_addf(out, "into %s, of %s, as %u:%u", t->mail, t->login, t->uid, t->gid);
	if (*t->detail)
		str_addf(out, ", detail \"%s\"", t->detail);
	if (t->quota)
		str_addf(out, ", quota %" PRIu64, t->quota);
	str_add_char(out, '\n');
}

static void print_json(const struct dir_target *t, struct str *out)
{
	str_addf(out, "{\"kind\":\"%s\"", t->kind == DIR_ADDRESS ? "address" : t->kind == DIR_SENDER ? "sender" : "mailbox");
	admin_json_pair(out, "address", span_of(t->address));
	if (t->kind == DIR_MAILBOX) {
		admin_json_pair(out, "login", span_of(t->login));
		admin_json_pair(out, "home", span_of(t->home));
		admin_json_pair(out, "mail", span_of(t->mail));
		admin_json_pair(out, "detail", span_of(t->detail));
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
}

static void print_targets(const struct dir_target *t, size_t count, struct str *out)
{
	str_add_text(out, admin_json() ? "],\"targets\":[" : "");
	for (size_t i = 0; i < count; i++) {
		if (admin_json()) {
			str_add_text(out, i ? ",\n " : "");
			print_json(&t[i], out);
		} else {
			print_text(&t[i], out);
		}
	}
}

static void print_senders(const struct sender *s, size_t count, struct str *out)
{
	str_add_text(out, admin_json() ? "],\"senders\":[" : count ? "" : "nobody may send as it\n");
	for (size_t i = 0; i < count; i++) {
		if (!admin_json()) {
			str_addf(out, "%s may send as it: %s\n", s[i].login, s[i].line);
			continue;
		}
		str_addf(out, "%s{\"login\":", i ? ",\n " : "");
		admin_json_text(out, span_of(s[i].login));
		admin_json_pair(out, "line", span_of(s[i].line));
		str_add_char(out, '}');
	}
}

/* Both ways; what it says of senders does not wait for somebody to receive. */
static int explain_all(struct lookup *l, struct span address, struct arena *a)
{
	struct str why = STR(WHY_MAX), out = STR(16 << 20);
	struct dir_target *targets = NULL;
	struct sender *senders = NULL;
	size_t count = 0, sender_count = 0;
	struct err e, second;
	bool receives, sends;

	l->why = &why;
	receives = lookup_expand(l, address, a, &targets, &count, &e);
	l->why = NULL;
	sends = lookup_senders(l, address, a, &senders, &sender_count, &second);
	if (admin_json())
		print_why_json(str_span(&why), &out);
	else
		str_add(&out, str_span(&why));
	print_targets(targets, receives ? count : 0, &out);
	print_senders(senders, sends ? sender_count : 0, &out);
	str_add_text(&out, admin_json() ? "]}\n" : "");
	admin_print(&out);
	str_free(&why);
	if (!receives)
		return admin_fail(&e);
	return sends ? EX_OK : admin_fail(&second);
}

static int explain_login(struct lookup *l, struct span address, const char *login, struct arena *a)
{
	struct str out = STR(WHY_MAX);
	const char *line;
	struct err e;

	if (!lookup_may_send(l, span_of(login), address, a, &line, &e)) {
		int code = admin_fail(&e);

		return strcmp(e.status, "5.7.1") == 0 ? EX_NOPERM : code;
	}
	if (admin_json()) {
		str_add_text(&out, "{\"login\":");
		admin_json_text(&out, span_of(login));
		admin_json_pair(&out, "line", span_of(line));
		str_add_text(&out, "}\n");
	} else {
		str_addf(&out, "%s may send as " SPAN_FMT ": %s\n", login, SPAN_ARG(address), line);
	}
	admin_print(&out);
	return EX_OK;
}

/* What a clerk knows of senders that lead back. For no other address the keys are needed. */
static bool open_returns(const struct conf *c, struct span address, struct lookup_returns *r,
    struct lookup *l, struct err *e)
{
	char directory[4096];

	if (!c->mda_srs || !srs_is(address))
		return true;
	*r = (struct lookup_returns){ .domain = c->mda_srs_domain, .now = clock_wall(), .valid = (time_t)c->mda_srs_valid };
	snprintf(directory, sizeof directory, "%s/srs", c->queue_directory);
	l->returns = r;
	return srs_keys_read(directory, &r->keys, e);
}

static int explain_with(const struct conf *c, struct span address, const char *login, struct arena *a)
{
	struct str mistakes = STR(WHY_MAX);
	struct lookup_returns returns;
	struct dir_rules rules;
	struct lookup l = { .rules = &rules };
	struct err e = { 0 };
	int code;

	who_rules(c, geteuid() == 0, &rules);
	if (!open_tables(c, &l, &mistakes, &e) || !open_returns(c, address, &returns, &l, &e)) {
		fputs(mistakes.n ? mistakes.p : "", stderr);
		code = admin_fail(&e);
	} else {
		code = login ? explain_login(&l, address, login, a) : explain_all(&l, address, a);
	}
	for (enum table_kind kind = 0; kind < TABLE_COUNT; kind++)
		table_close(l.tables[kind], NULL);
	str_free(&mistakes);
	return code;
}

static int explain(int argc, char **argv)
{
	const char *login = NULL;
	const struct admin_option options[] = { { "--login", &login }, { 0 } };
	struct arena *a;
	struct conf c;
	int code;

	if (!admin_take(&argc, argv, options) || argc != 2)
		return admin_usage("address explain ADDRESS [--login LOGIN]");
	if (!admin_conf(&c))
		return EX_CONFIG;
	a = arena_new(MEMORY_MAX, NULL, NULL);
	code = explain_with(&c, span_of(argv[1]), login, a);
	arena_free(a);
	conf_free(&c);
	return code;
}

static const struct admin_verb verbs[] = {
	{ "explain", explain, "ADDRESS [--login LOGIN]",
	  "who gets mail for it and who may send as it, and which line of which file says so" },
	{ .name = NULL }
};

int admin_address(int argc, char **argv)
{
	return admin_run("posthorn address", verbs, argc, argv);
}
