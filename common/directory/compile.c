/* Text files into tables. See compile.h. */
#include "common/directory/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/directory/aliases.h"
#include "common/directory/destinations.h"
#include "common/directory/domains.h"
#include "common/directory/name.h"
#include "common/directory/text.h"
#include "common/directory/users.h"
#include "common/net/idna.h"
#include "common/os/file.h"

enum { GROUP_KEY = '\001', PATTERN_KEY = '\002' };	/* what such a key begins with */

struct compiling {
	const char	*file;
	struct table	*t;
	struct str	*mistakes;
	unsigned	 wrong;
	struct err	 first;
};

/* ---- a line becomes a key and a row ---- */

static bool line_of_users(struct span line, struct str *key, struct str *row, struct err *e)
{
	struct users_row u;
	struct name name;
	struct span rest = line, address, hash;

	if (!users_line_parse(line, &u, e) || !name_read(u.address, &name, e))
		return false;
	str_add(key, name_span(&name));
	str_add(row, u.address);
	if (span_cut(&rest, ':', &address) && span_cut(&rest, ':', &hash))
		str_addf(row, "::" SPAN_FMT, SPAN_ARG(rest));
	return true;
}

static void add_domain(struct str *out, struct span domain)
{
	char ascii[IDNA_NAME];

	str_add_lower(out, idna_to_ascii(domain, ascii, NULL) ? span_of(ascii) : domain);
}

static bool is_own_kind(struct span key)
{
	return key.n && (*key.p == GROUP_KEY || *key.p == PATTERN_KEY);
}

void compile_fold(enum table_kind kind, struct span key, struct str *out)
{
	ptrdiff_t at = span_rfind(key, '@');

	if (kind == TABLE_DOMAINS) {
		add_domain(out, key);
	} else if (at < 0 || is_own_kind(key)) {
		str_add(out, key);
	} else {
		str_add(out, span_to(key, (size_t)at + 1));
		add_domain(out, span_from(key, (size_t)at + 1));
	}
}

static bool line_of_domains(struct span line, struct str *key, struct str *row, struct err *e)
{
	struct domains_row d;

	if (!domains_line_parse(line, &d, e))
		return false;
	str_add_lower(key, d.domain);
	str_addf(row, "%s" SPAN_FMT "%s", d.relay ? "relay: " : "", SPAN_ARG(d.domain),
	    d.listed ? " listed" : "");
	return true;
}

static bool line_of_recipients(struct span line, struct str *key, struct str *row, struct err *e)
{
	struct span address;
	struct name name;

	if (!recipients_line_parse(line, &address, e) || !name_read(address, &name, e))
		return false;
	str_add(key, name_span(&name));
	str_add(row, address);
	return true;
}

static bool line_of_aliases(struct span line, struct str *key, struct str *row, struct err *e)
{
	struct aliases_row a;
	struct name name;

	if (!aliases_line_parse(line, &a, e))
		return false;
	if (a.kind == ALIASES_GROUP) {
		compile_group_key(a.name, key);
	} else if (a.kind == ALIASES_DOMAIN) {
		str_add_lower(key, a.name);
	} else {
		if (!name_read(a.name, &name, e))
			return false;
		str_add(key, name_span(&name));
	}
	str_add(row, line);
	return true;
}

/* A domain, with a dot before it or not; all else stays as it is. */
static void add_below(struct str *out, struct span s)
{
	if (span_eat_char(&s, '.'))
		str_add_char(out, '.');
	add_domain(out, s);
}

static bool line_of_destinations(struct span line, struct str *key, struct str *row, struct err *e)
{
	struct destinations_row d;
	struct name name;

	if (!destinations_line_parse(line, &d, e))
		return false;
	if (span_eat(&d.name, "from:"))
		str_add_text(key, "from:");
	if (!span_has(d.name, '@'))
		add_below(key, d.name);
	else if (name_read(d.name, &name, e))
		str_add(key, name_span(&name));
	else
		return false;
	str_add(row, d.words);
	return true;
}

void compile_group_key(struct span name, struct str *key)
{
	str_add_char(key, GROUP_KEY);
	str_add_lower(key, name);
}

void compile_pattern_key(struct span domain, unsigned number, struct str *key)
{
	str_add_char(key, PATTERN_KEY);
	add_domain(key, domain);
	str_addf(key, "\002%u", number);
}

static const struct {
	const char	*name;
	bool		 join;
	bool		(*line)(struct span line, struct str *key, struct str *row, struct err *e);
} kinds[TABLE_COUNT] = {
	[TABLE_USERS] = { "users", false, line_of_users },
	[TABLE_DOMAINS] = { "domains", false, line_of_domains },
	[TABLE_ALIASES] = { "aliases", true, line_of_aliases },
	[TABLE_RECIPIENTS] = { "relay-recipients", false, line_of_recipients },
	[TABLE_DESTINATIONS] = { "destinations", true, line_of_destinations },
};

const char *compile_kind_name(enum table_kind kind)
{
	return kinds[kind].name;
}

bool compile_joins(enum table_kind kind)
{
	return kinds[kind].join;
}

bool compile_key(enum table_kind kind, struct span line, struct str *key, struct err *e)
{
	struct str row = STR(TEXT_LINE_MAX);
	bool ok = kinds[kind].line(line, key, &row, e);

	str_free(&row);
	return ok;
}

/* ---- a text ---- */

static void mistake(struct compiling *c, unsigned line, const char *text)
{
	struct err e;

	err_perm(&e, "5.3.5", "%s:%u: %s", c->file, line, text);
	if (c->wrong++ == 0)
		c->first = e;
	if (c->mistakes)
		str_addf(c->mistakes, "%s\n", e.text);
}

/* A pattern once more, behind those of its domain that came before it. */
static bool put_pattern(struct table *t, struct span row, struct span value, struct err *e)
{
	struct str key = STR(2 * NAME_SIZE);
	struct aliases_row alias;
	struct name name;
	bool put = !aliases_line_parse(row, &alias, NULL) || alias.kind != ALIASES_PATTERN ||
	    !name_read(alias.name, &name, NULL);
	struct err why = { .kind = ERR_PERM };

	for (unsigned n = 0; !put && why.kind == ERR_PERM && n < COMPILE_PATTERNS_MAX; n++) {
		str_reset(&key);
		compile_pattern_key(name_domain(&name), n, &key);
		put = table_put(t, str_span(&key), value, &why);
	}
	str_free(&key);
	if (!put && why.kind == ERR_PERM)
		return err_perm(e, "5.3.5", "more than %d patterns at one domain", COMPILE_PATTERNS_MAX);
	if (!put)
		*e = why;
	return put;
}

static bool put(struct compiling *c, enum table_kind kind, unsigned line, struct span key,
    struct span row, struct err *e)
{
	struct str value = STR(TEXT_LINE_MAX + 40), old = STR(TEXT_LINE_MAX + 40);
	bool found, ok;

	str_addf(&value, "%u ", line);
	str_add(&value, row);
	ok = table_put(c->t, key, str_span(&value), e);
	if (!ok && e->kind == ERR_PERM && table_get(c->t, key, &old, &found, e) && found)
		err_perm(e, "5.3.5",
		    "%s\"" SPAN_FMT "\" stands here twice, first in line " SPAN_FMT,
		    *key.p == '\001' ? "group " : "", SPAN_ARG(span_from(key, *key.p == '\001')),
		    (int)strspn(old.p, "0123456789"), old.p);
	ok = ok && (kind != TABLE_ALIASES || put_pattern(c->t, row, str_span(&value), e));
	str_free(&value);
	str_free(&old);
	return ok;
}

/* What a line is found by, and what is kept of it. */
static bool read_line(enum table_kind kind, struct span line, struct str *key, struct str *row, struct err *e)
{
	struct str written = STR(NAME_SIZE);
	bool ok = kinds[kind].line(line, &written, row, e);

	if (ok && written.over)
		key->over = true;
	else if (ok)
		compile_fold(kind, str_span(&written), key);
	str_free(&written);
	return ok;
}

static bool take_line(struct compiling *c, enum table_kind kind, const struct text *in,
    struct span line, struct err *e)
{
	struct str key = STR(NAME_SIZE), row = STR(TEXT_LINE_MAX);
	bool ok;

	if (in->too_long)
		return err_perm(e, "5.3.5", "longer than %d bytes", TEXT_LINE_MAX);
	ok = read_line(kind, line, &key, &row, e);
	if (ok && (key.over || row.over || !key.n))
		ok = err_perm(e, "5.3.5", "too long");
	ok = ok && put(c, kind, in->line, str_span(&key), str_span(&row), e);
	str_free(&key);
	str_free(&row);
	return ok;
}

/* Each group that a target names must stand somewhere in the text. */
static bool check_groups(struct compiling *c, const struct text *in, struct span line, struct err *e)
{
	struct str key = STR(NAME_SIZE), value = STR(TEXT_LINE_MAX + 40);
	struct aliases_row row = { .name = { NULL, 0 } };
	bool ok = true, found = true;
	struct span target;

	if (in->too_long || !aliases_line_parse(line, &row, NULL))
		row.targets = (struct span){ "", 0 };	/* was told */
	while (ok && found && aliases_target(&row.targets, &target)) {
		struct aliases_part part = aliases_part(target);

		if (!part.is_group)
			continue;
		str_reset(&key);
		compile_group_key(part.name, &key);
		ok = table_get(c->t, str_span(&key), &value, &found, e);
		if (ok && !found)
			err_perm(e, "5.3.5", "there is no group " SPAN_FMT " in this file",
			    SPAN_ARG(part.name));
	}
	str_free(&key);
	str_free(&value);
	return ok && found;
}

static void second_look(struct compiling *c, enum table_kind kind, struct span text, struct err *why)
{
	struct text in;
	struct span line;

	if (kind != TABLE_ALIASES)
		return;
	text_begin(&in, text, kinds[kind].join);
	while (why->kind != ERR_TEMP && text_next(&in, &line)) {
		if (!check_groups(c, &in, line, why))
			mistake(c, in.line, why->text);
	}
	text_end(&in);
}

bool compile_text(enum table_kind kind, struct span text, const char *file, struct table *t,
    struct str *mistakes, struct err *e)
{
	struct compiling c = { .file = file, .t = t, .mistakes = mistakes };
	struct err why = { 0 };
	struct text in;
	struct span line;

	text_begin(&in, text, kinds[kind].join);
	while (why.kind != ERR_TEMP && text_next(&in, &line)) {
		if (!take_line(&c, kind, &in, line, &why))
			mistake(&c, in.line, why.text);
	}
	text_end(&in);
	second_look(&c, kind, text, &why);
	if (why.kind == ERR_TEMP)
		return err_temp(e, why.status, "%s", why.text);
	if (c.wrong > 1)
		err_perm(e, "5.3.5", "%u mistakes, the first: %s", c.wrong, c.first.text);
	else if (c.wrong)
		err_perm(e, "5.3.5", "%s", c.first.text);
	return !c.wrong;
}

/* ---- files ---- */

bool compile_stamp(const char *file, char stamp[STAMP_SIZE], struct err *e)
{
	struct stat st;

	if (stat(file, &st) < 0) {
		snprintf(stamp, STAMP_SIZE, "none");
		return errno == ENOENT || err_sys(e, "cannot look at %s", file);
	}
	snprintf(stamp, STAMP_SIZE, "1 %" PRIdMAX ".%09ld %" PRIdMAX " %" PRIuMAX,
	    (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec, (intmax_t)st.st_size,
	    (uintmax_t)st.st_ino);
	return true;
}

bool compile_read(const char *file, struct str *text, struct err *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool ok;

	if (fd < 0)
		return errno == ENOENT || err_sys(e, "cannot open %s", file);
	ok = file_read_all(fd, text, e) || err_while(e, "reading %s", file);
	close(fd);
	return ok;
}

/* The stamp is taken before the text, so a change in between is seen again. */
static bool fill(enum table_kind kind, const char *file, struct table *t, struct str *mistakes, struct err *e)
{
	struct str text = STR(TEXT_FILE_MAX);
	char stamp[STAMP_SIZE];
	bool ok = compile_stamp(file, stamp, e) && compile_read(file, &text, e) &&
	    compile_text(kind, str_span(&text), file, t, mistakes, e) &&
	    table_put(t, SPAN(""), span_of(stamp), e);

	str_free(&text);
	return ok;
}

struct table *compile_memory(enum table_kind kind, const char *file, struct str *mistakes, struct err *e)
{
	struct table *t = table_new(e);

	if (t && !fill(kind, file, t, mistakes, e)) {
		table_close(t, NULL);
		t = NULL;
	}
	return t;
}

static bool make(enum table_kind kind, const char *file, const char *path, struct str *mistakes, struct err *e)
{
	struct table *t = table_create(path, e);

	if (!t)
		return false;
	if (!fill(kind, file, t, mistakes, e)) {
		table_close(t, NULL);
		return false;
	}
	return table_close(t, e);
}

static bool commit(int dir, const char *tmp, const char *name, struct err *e)
{
	int fd = file_open_beneath(dir, tmp, O_RDONLY, 0);
	bool ok;

	if (fd < 0)
		return err_sys(e, "cannot open %s", tmp);
	ok = file_commit(fd, dir, tmp, dir, name, true, e);
	close(fd);
	return ok;
}

bool compile_file(enum table_kind kind, const char *file, const char *directory,
    struct str *mistakes, struct err *e)
{
	char tmp[64], name[32], path[4096];
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	if (dir < 0)
		return err_sys(e, "cannot open the directory %s", directory);
	snprintf(name, sizeof name, "%s.db", kinds[kind].name);
	snprintf(tmp, sizeof tmp, ".%s.%d", name, (int)getpid());
	snprintf(path, sizeof path, "%s/%s", directory, tmp);
	unlinkat(dir, tmp, 0);		/* left by a crash under the same pid */
	ok = make(kind, file, path, mistakes, e) && commit(dir, tmp, name, e);
	if (!ok)
		unlinkat(dir, tmp, 0);
	close(dir);
	return ok;
}
