/* posthorn config: are the settings right, what are they, what do they mean. See posthorn-config(8). */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/admin/list.h"
#include "common/admin/manual.h"
#include "common/auth/secrets.h"
#include "common/conf/value.h"
#include "common/conf/who.h"
#include "common/directory/domains.h"
#include "common/directory/text.h"
#include "common/net/tls.h"
#include "common/os/fd.h"
#include "common/os/file.h"

/* ---- check: what a daemon would stumble over, without starting it ---- */

struct checking { const struct conf *c; struct str out; unsigned wrong; };

static void wrong(struct checking *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void wrong(struct checking *k, const char *fmt, ...)
{
	char text[800];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	str_addf(&k->out, "%s\n", text);
	k->wrong++;
}

static void check_file(struct checking *k, const char *key, const char *file)
{
	if (*file && access(file, R_OK) < 0)
		wrong(k, "%s: cannot read %s: %s", key, file, strerror(errno));
}

static void check_key(struct checking *k)
{
	struct stat st;

	check_file(k, "certificate", k->c->tls_certificate);
	check_file(k, "key", k->c->tls_key);
	if (*k->c->tls_key && stat(k->c->tls_key, &st) == 0 && (st.st_mode & 07))
		wrong(k, "key: everybody can read %s; say chmod o= to it", k->c->tls_key);
}

/* As the front will read them. Files that can not be read were named before. */
static void check_pair(struct checking *k)
{
	int chain = open(k->c->tls_certificate, O_RDONLY | O_CLOEXEC),
	    key = open(k->c->tls_key, O_RDONLY | O_CLOEXEC);
	struct tls_server *s;
	struct err e;

	s = chain < 0 || key < 0 ? NULL : tls_server_new(k->c->tls_min, &e);
	if (s && !tls_server_add(s, chain, key, &e))
		wrong(k, "certificate %s and key %s: %s", k->c->tls_certificate, k->c->tls_key,
		    e.text);
	tls_server_free(s);
	fd_close(&chain);
	fd_close(&key);
}

static void check_directory(struct checking *k, const char *key, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		if (errno != ENOENT)
			wrong(k, "%s: cannot look at %s: %s", key, path, strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		wrong(k, "%s: %s is no directory", key, path);
	}
}

static void check_programs(struct checking *k)
{
	char path[4200];

	snprintf(path, sizeof path, "%s/posthorn-clerk", k->c->program_directory);
	if (access(path, X_OK) < 0)
		wrong(k, "program-directory: %s: %s", path, strerror(errno));
}

static void check_accounts(struct checking *k)
{
	static const char *const roles[] = { "posthorn-front", "posthorn-login", "posthorn-sub",
		"posthorn-in", "posthorn-clerk", "posthorn-dns", "posthorn-mta", "posthorn-out",
		"posthorn-mda" };

	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
		if (!getpwnam(roles[i]))
			wrong(k, "there is no account %s; systemd-sysusers makes those that daemons run as", roles[i]);
	}
	if (!getpwnam(k->c->vmail_user))
		wrong(k, "vmail-user: there is no account %s", k->c->vmail_user);
}

/* Nobody but root may make a directory in /var/mail, so these must be there before mail comes. */
static void check_home(struct checking *k, const struct passwd *vmail, struct span name)
{
	char path[4400];
	struct stat st;

	snprintf(path, sizeof path, "%s/" SPAN_FMT, k->c->mail_directory, SPAN_ARG(name));
	if (stat(path, &st) < 0 || st.st_uid != vmail->pw_uid)
		wrong(k, "mail-directory: %s must be there and belong to %s; say install -d -o %s -g %u -m 0711 %s",
		    path, vmail->pw_name, vmail->pw_name, vmail->pw_gid, path);
}

struct homes { struct checking *k; const struct passwd *vmail; };

static bool check_domain_home(void *arg, const struct list_row *row)
{
	const struct homes *h = arg;
	struct domains_row d;

	if (domains_line_parse(row->row, &d, NULL) && !d.relay)
		check_home(h->k, h->vmail, row->key);
	return true;
}

static void check_homes(struct checking *k)
{
	struct homes h = { k, geteuid() == 0 ? getpwnam(k->c->vmail_user) : NULL };
	struct str text = STR(TEXT_FILE_MAX);
	struct stat st;

	if (!h.vmail || stat(k->c->mail_directory, &st) < 0 || st.st_uid == h.vmail->pw_uid)
		return;
	check_home(k, h.vmail, SPAN("postmaster"));
	if (compile_read(k->c->domains_file, &text, NULL))
		list_each(TABLE_DOMAINS, str_span(&text), check_domain_home, &h);
	str_free(&text);
}

static void check_texts(struct checking *k)
{
	const char *files[TABLE_COUNT];
	struct table *t;
	struct err e;

	who_files(k->c, files);
	for (enum table_kind kind = 0; kind < TABLE_COUNT; kind++) {
		struct str mistakes = STR(100000);

		t = compile_memory(kind, files[kind], &mistakes, &e);
		if (!t && mistakes.n) {
			str_add(&k->out, str_span(&mistakes));
			k->wrong++;
		} else if (!t) {
			wrong(k, "%s", e.text);
		}
		table_close(t, NULL);
		str_free(&mistakes);
	}
}

/* Only who may read it can tell, and nobody needs to have one. */
static void check_secrets(struct checking *k)
{
	struct str text = STR(SECRETS_MAX), mistakes = STR(100000);
	const char *file = k->c->relay_secrets;
	struct err e = { .kind = ERR_NONE };
	int fd = access(file, R_OK) < 0 ? -1 : secrets_open(file, &e);

	if (fd < 0 && e.kind)
		wrong(k, "relay-secrets: %s", e.text);
	else if (fd >= 0 && file_read_all(fd, &text, NULL) &&
	    !secrets_check(str_span(&text), file, &mistakes))
		wrong(k, "%.*s", (int)(mistakes.n - 1), mistakes.p);
	fd_close(&fd);
	explicit_bzero(text.p, text.n);
	str_free(&text);
	str_free(&mistakes);
}

static int check(int argc, char **argv)
{
	struct checking k = { .out = STR(1 << 20) };
	struct conf c;
	unsigned set = 0;

	(void)argv;
	if (argc > 1)
		return admin_usage("config check takes no arguments");
	if (!admin_conf(&c))
		return EX_CONFIG;
	k.c = &c;
	check_key(&k);
	check_pair(&k);
	check_file(&k, "trust-anchor", c.dns_trust_anchor);
	check_directory(&k, "queue-directory", c.queue_directory);
	check_directory(&k, "run-directory", c.run_directory);
	check_directory(&k, "mail-directory", c.mail_directory);
	check_programs(&k);
	check_accounts(&k);
	check_homes(&k);
	check_texts(&k);
	check_secrets(&k);
	for (const struct setting *row = settings; row->key; row++)
		set += c.origin[row - settings] != NULL;
	fputs(k.out.p, stderr);
	if (!k.wrong)
		printf("%s is fine: %u settings are set, all others have their defaults\n",
		    admin_conf_file(), set);
	str_free(&k.out);
	conf_free(&c);
	return k.wrong ? EX_CONFIG : EX_OK;
}

/* ---- show ---- */

static void show_row(const struct conf *c, const struct setting *row, struct str *out)
{
	struct str value = STR(1 << 20);

	conf_print(c, row, &value);
	str_addf(out, "%s = %s\t# %s\n", row->key, value.p, conf_origin(c, row));
	str_free(&value);
}

static void show_row_json(const struct conf *c, const struct setting *row, struct str *out)
{
	struct str value = STR(1 << 20);

	conf_print(c, row, &value);
	str_addf(out, "{\"section\":\"%s\",\"key\":\"%s\",\"value\":", row->section, row->key);
	admin_json_text(out, str_span(&value));
	admin_json_pair(out, "origin", span_of(conf_origin(c, row)));
	str_add_char(out, '}');
	str_free(&value);
}

static void show_all(const struct conf *c, struct str *out)
{
	const char *section = "";

	for (const struct setting *row = settings; row->key; row++) {
		if (admin_json()) {
			str_add_text(out, row == settings ? "[" : ",\n ");
			show_row_json(c, row, out);
			continue;
		}
		if (strcmp(section, row->section) != 0)
			str_addf(out, "%s[%s]\n", *section ? "\n" : "", row->section);
		section = row->section;
		show_row(c, row, out);
	}
	str_add_text(out, admin_json() ? "]\n" : "");
}

/* "mta/port", "mta.port", or "port" when only one section has it; NULL after a mistake was printed. */
static const struct setting *row_called(const char *name)
{
	struct span key = span_of(name), section = { NULL, 0 };
	const struct setting *found = NULL;

	if (!span_cut(&key, '/', &section))
		span_cut(&key, '.', &section);
	for (const struct setting *row = settings; row->key; row++) {
		if (!span_is(key, row->key) || (section.p && !span_is(section, row->section)))
			continue;
		if (found) {
			fprintf(stderr,
			    "posthorn: more than one section has \"%s\"; say which, like %s/%s\n",
			    name, row->section, row->key);
			return NULL;
		}
		found = row;
	}
	if (!found)
		fprintf(stderr,
		    "posthorn: there is no setting \"%s\"; posthorn config explain lists all\n",
		    name);
	return found;
}

static int show(int argc, char **argv)
{
	const struct setting *row = argc > 1 ? row_called(argv[1]) : NULL;
	struct str out = STR(16 << 20);
	struct conf c;

	if (argc > 2)
		return admin_usage("config show [SECTION/KEY]");
	if (argc > 1 && !row)
		return EX_USAGE;
	if (!admin_conf(&c))
		return EX_CONFIG;
	if (!row) {
		show_all(&c, &out);
	} else {
		if (admin_json())
			show_row_json(&c, row, &out);
		else
			conf_print(&c, row, &out);
		str_add_char(&out, '\n');
	}
	admin_print(&out);
	conf_free(&c);
	return EX_OK;
}

/* ---- explain ---- */

static int explain_all(void)
{
	const char *section = "";

	for (const struct setting *row = settings; row->key; row++) {
		if (strcmp(section, row->section) != 0)
			printf("%s[%s]\n", *section ? "\n" : "", row->section);
		section = row->section;
		printf("  %-26s %.*s\n", row->key, (int)strcspn(row->help, ".:;") , row->help);
	}
	return EX_OK;
}

static int explain(int argc, char **argv)
{
	const struct setting *row;
	struct str text = STR(1 << 20);
	struct conf c;

	if (argc == 1)
		return explain_all();
	if (argc > 2)
		return admin_usage("config explain [SECTION/KEY]");
	row = row_called(argv[1]);
	if (!row)
		return EX_USAGE;
	str_addf(&text, "[%s] %s\n%s\nexpected: ", row->section, row->key, row->help);
	value_expected(row, &text);
	str_addf(&text, "\ndefault:  %s\n", *row->fallback ? row->fallback : "(empty)");
	if (access(admin_conf_file(), R_OK) == 0 && admin_conf(&c)) {
		str_add_text(&text, "now:      ");
		conf_print(&c, row, &text);
		str_addf(&text, "  (%s)\n", conf_origin(&c, row));
		conf_free(&c);
	}
	admin_print(&text);
	return EX_OK;
}

static int man(int argc, char **argv)
{
	struct str out = STR(1 << 20);

	(void)argc;
	(void)argv;
	manual_print(&out);
	admin_print(&out);
	return EX_OK;
}

static const struct admin_verb verbs[] = {
	{ "check", check, "", "read everything as the daemons do, and name each mistake" },
	{ "show", show, "[SECTION/KEY]", "what is in force, and which line of which file says so" },
	{ "explain", explain, "[SECTION/KEY]", "what a setting means, and what it may be" },
	{ "man", man, "", "posthorn.conf(5), as mdoc" },
	{ .name = NULL }
};

int admin_config(int argc, char **argv)
{
	return admin_run("posthorn config", verbs, argc, argv);
}
