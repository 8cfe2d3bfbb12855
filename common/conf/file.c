/*
 * Reading settings files. libinih knows the syntax, rows know the meaning. inih itself
 * reports only the first line it cannot read and counts no lines for its caller; so lines go to
 * it through next_line(), which counts, and which notes and withholds lines that are none.
 */
#include "common/conf/conf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/conf/defaults.h"
#include "common/conf/value.h"
#include "common/os/file.h"

enum { FILE_SIZE_MAX = 1 << 20, MEMORY_MAX = 16 << 20, MISTAKES_MAX = 100 };

struct reading {
	struct conf	*c;
	const char	**set_in;	/* per row, the file that set it last */
	const char	*name;		/* the file */
	struct span	 rest;		/* of its text */
	unsigned	 line;
	bool		 skip;		/* in a section we do not know */
	char		 section[64];
	struct str	*mistakes;
	unsigned	 wrong;
	struct err	 first;
};

static void mistake(struct reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void mistake(struct reading *r, const char *fmt, ...)
{
	char text[600];
	struct err e;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	err_perm(&e, "5.3.5", "%s:%u: %s", r->name, r->line, text);
	if (r->wrong++ == 0)
		r->first = e;
	if (r->mistakes && r->wrong <= MISTAKES_MAX)
		str_addf(r->mistakes, "%s\n", e.text);
}

/* ---- the nearest right name ---- */

static const char *nearest_section(struct span name)
{
	const char *best = NULL;
	unsigned least = 4;

	for (const struct setting *row = settings; row->key; row++) {
		unsigned d = span_distance(name, span_of(row->section));

		if (d < least && d < name.n) {
			least = d;
			best = row->section;
		}
	}
	return best;
}

/* Keys of the same section come first; a key that is right elsewhere comes next. */
static const struct setting *nearest_key(const char *section, struct span key)
{
	const struct setting *best = NULL;
	unsigned least = 4 + 2 * (unsigned)key.n / 3;

	for (const struct setting *row = settings; row->key; row++) {
		unsigned d = span_distance(key, span_of(row->key)) * 2;

		if (!span_is(span_of(section), row->section))
			d++;
		if (d < least) {
			least = d;
			best = row;
		}
	}
	return best;
}

static void unknown_key(struct reading *r, const char *key)
{
	const struct setting *near = nearest_key(r->section, span_of(key));

	if (!near)
		mistake(r, "[%s] has no setting \"%s\"; posthorn config explain lists all",
		    r->section, key);
	else if (span_is(span_of(near->section), r->section))
		mistake(r, "[%s] has no setting \"%s\"; did you mean \"%s\"?", r->section, key,
		    near->key);
	else
		mistake(r, "[%s] has no setting \"%s\"; did you mean \"%s\" in [%s]?",
		    r->section, key, near->key, near->section);
}

/* ---- lines ---- */

static bool is_any_key(struct span word)
{
	for (const struct setting *row = settings; row->key; row++) {
		if (span_is(word, row->key))
			return true;
	}
	return false;
}

/* inih takes an indented line for more of the value before it; we indent settings too. */
static struct span without_indent(struct span line)
{
	struct span flush = line, key;

	span_while(&flush, is_blank);
	if (flush.n && (*flush.p == '[' || *flush.p == ';'))
		return flush;
	key = flush;
	if (span_cut(&flush, '=', &key) && is_any_key(span_trim(key)))
		return (struct span){ key.p, (size_t)(line.p + line.n - key.p) };
	return line;
}

static bool section_is_known(struct span name)
{
	for (const struct setting *row = settings; row->key; row++) {
		if (span_is(name, row->section))
			return true;
	}
	return false;
}

static bool check_section(struct reading *r, struct span line)
{
	struct span name;
	const char *near;

	span_eat(&line, "[");
	r->skip = true;
	if (!span_cut(&line, ']', &name)) {
		mistake(r, "a section's name ends in ]");
		return false;
	}
	if (section_is_known(name) && span_copy(name, r->section, sizeof r->section)) {
		r->skip = false;
		return true;
	}
	near = nearest_section(name);
	mistake(r, near ? "there is no section [" SPAN_FMT "]; did you mean [%s]?" :
	    "there is no section [" SPAN_FMT "]", SPAN_ARG(span_to(name, 60)), near);
	return false;
}

/* May inih see this line? */
static bool check_line(struct reading *r, struct span line)
{
	struct span bare = span_trim(line);

	if (span_has(line, '\0')) {
		mistake(r, "a NUL byte; this is no text file");
		return false;
	}
	if (line.n > VALUE_TEXT_MAX) {
		mistake(r,
		    "a line longer than %d bytes; go on in the next line, with a blank in front",
		    VALUE_TEXT_MAX);
		return false;
	}
	if (!bare.n || *bare.p == '#' || *bare.p == ';')
		return true;
	if (*line.p == '[')
		return check_section(r, line);
	if (r->skip)
		return false;
	if (!is_blank(*line.p) && !span_has(line, '=') && !span_has(line, ':')) {
		mistake(r, "expected \"key = value\", not \"" SPAN_FMT "\"",
		    SPAN_ARG(span_to(bare, 60)));
		return false;
	}
	return true;
}

/* inih's reader: the next line for it, like fgets(3). */
static char *next_line(char *buf, int size, void *stream)
{
	struct reading *r = stream;
	struct span line;

	if (!span_piece(&r->rest, '\n', &line))
		return NULL;
	if (r->line++ == 0)
		span_eat(&line, "\xef\xbb\xbf");
	line = without_indent(line);
	if (!check_line(r, line) || line.n + 2 > (size_t)size)
		line.n = 0;
	memcpy(buf, line.p, line.n);
	memcpy(buf + line.n, "\n", 2);
	return buf;
}

/* ---- settings ---- */

static bool take_value(struct reading *r, const struct setting *row, const char *value, struct err *e)
{
	size_t i = (size_t)(row - settings);
	const char *before = r->c->origin[i];

	if (row->kind != SET_LIST && r->set_in[i] == r->name)
		return err_perm(e, "5.3.5", "it is set already in %s", before);
	if (!value_parse(r->c, row, span_of(value), before && *value, r->c->memory, e))
		return false;
	r->set_in[i] = r->name;
	r->c->origin[i] = arena_printf(r->c->memory, "%s:%u", r->name, r->line);
	return true;
}

/* inih's handler: one setting. */
static int take_setting(void *user, const char *section, const char *key, const char *value)
{
	struct reading *r = user;
	const struct setting *row;
	struct err e;

	(void)section;		/* inih cuts it at 50 bytes; next_line() knows it whole */
	if (!r->section[0]) {
		mistake(r, "\"%s\" stands before any section, like [posthorn]", key);
		return 1;
	}
	row = conf_find(r->section, key);
	if (!row)
		unknown_key(r, key);
	else if (!take_value(r, row, value, &e))
		mistake(r, "%s: %s", row->key, e.text);
	return 1;
}

static void read_text(struct reading *r, struct span text, const char *name)
{
	static char hash[] = "#";

	r->rest = text;
	r->name = arena_text(r->c->memory, span_of(name));
	r->line = 0;
	r->skip = false;
	r->section[0] = '\0';
	ini_use_stack = false;
	ini_max_line = VALUE_TEXT_MAX + 2;
	ini_initial_alloc = VALUE_TEXT_MAX + 2;
	ini_inline_comment_prefixes = hash;	/* ";" stands between records of local-data */
	ini_parse_stream(next_line, r, take_setting, r);
}

static bool read_file(struct reading *r, const char *name, struct err *e)
{
	struct str text = STR(FILE_SIZE_MAX);
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool ok;

	if (fd < 0)
		return err_sys(e, "cannot open the settings %s", name);
	ok = file_read_all(fd, &text, e) || err_while(e, "reading the settings %s", name);
	close(fd);
	if (ok)
		read_text(r, str_span(&text), name);
	str_free(&text);
	return ok;
}

static int is_conf(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && span_ends(span_of(entry->d_name), ".conf");
}

/* FILE.d: what lies there comes on top, by name. */
static bool read_directory(struct reading *r, const char *file, struct err *e)
{
	const char *dir = arena_printf(r->c->memory, "%s.d", file);
	struct dirent **names;
	int count = scandir(dir, &names, is_conf, alphasort);
	bool ok = true;

	if (count < 0)
		return errno == ENOENT || errno == ENOTDIR ||
		    err_sys(e, "cannot read the directory %s", dir);
	for (int i = 0; i < count; i++) {
		ok = ok &&
		    read_file(r, arena_printf(r->c->memory, "%s/%s", dir, names[i]->d_name), e);
		free(names[i]);
	}
	free(names);
	return ok;
}

static void take_defaults(struct reading *r)
{
	struct err e;

	for (const struct setting *row = settings; row->key; row++) {
		if (r->c->origin[row - settings])
			continue;
		if (!value_parse(r->c, row, span_of(defaults_text(r->c, row, r->c->memory)),
		    false, r->c->memory, &e))
			mistake(r, "default of %s: %s", row->key, e.text);
	}
}

/* What no single row can know. */
static void check_together(struct reading *r)
{
	struct conf *c = r->c;

	if (!!*c->tls_certificate != !!*c->tls_key)
		mistake(r, "[tls] %s needs a %s beside it", *c->tls_key ? "key" : "certificate",
		    *c->tls_key ? "certificate" : "key");
}

static void begin(struct reading *r, struct conf *c, const char *file, struct str *mistakes)
{
	size_t rows = 0;

	while (settings[rows].key)
		rows++;
	*c = (struct conf){ .memory = arena_new(MEMORY_MAX, NULL, NULL) };
	c->file = arena_text(c->memory, span_of(file));
	c->origin = arena_array(c->memory, rows, sizeof *c->origin);
	*r = (struct reading){ .c = c, .mistakes = mistakes };
	r->set_in = arena_array(c->memory, rows, sizeof *r->set_in);
}

static bool end(struct reading *r, bool ok, struct err *e)
{
	if (ok && !r->wrong) {
		take_defaults(r);
		check_together(r);
	}
	if (ok && r->wrong) {
		ok = err_perm(e, "5.3.5", "%s", r->first.text);
		if (r->wrong > 1 && e)
			err_while(e, "%u mistakes in the settings, the first", r->wrong);
	}
	if (!ok)
		conf_free(r->c);
	return ok;
}

bool conf_parse(struct span text, const char *name, struct conf *c, struct str *mistakes, struct err *e)
{
	struct reading r;

	begin(&r, c, name, mistakes);
	read_text(&r, text, name);
	return end(&r, true, e);
}

bool conf_read(const char *file, struct conf *c, struct str *mistakes, struct err *e)
{
	struct reading r;

	begin(&r, c, file, mistakes);
	return end(&r, read_file(&r, file, e) && read_directory(&r, file, e), e);
}
