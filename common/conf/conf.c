/* All settings in one struct, and how they travel to a child. See conf.h; file.c reads files. */
#include "common/conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/conf/value.h"
#include "common/os/file.h"

enum { SENT_MAX = 4 << 20, MEMORY_MAX = 16 << 20 };

const struct setting *conf_find(const char *section, const char *key)
{
	for (const struct setting *row = settings; row->key; row++) {
		if (span_is(span_of(section), row->section) && span_is(span_of(key), row->key))
			return row;
	}
	return NULL;
}

void conf_print(const struct conf *c, const struct setting *row, struct str *out)
{
	value_print(c, row, out);
}

const char *conf_origin(const struct conf *c, const struct setting *row)
{
	const char *origin = c->origin ? c->origin[row - settings] : NULL;

	return origin ? origin : "default";
}

void conf_free(struct conf *c)
{
	arena_free(c->memory);
	*c = (struct conf){ 0 };
}

/* ---- to a child: "file = PATH", then "section/key = value" for each row, in order ---- */

static void print_all(const struct conf *c, struct str *out)
{
	str_addf(out, "file = %s\n", c->file);
	for (const struct setting *row = settings; row->key; row++) {
		str_addf(out, "%s/%s = ", row->section, row->key);
		value_print(c, row, out);
		str_add_char(out, '\n');
	}
}

static bool fill_and_seal(int fd, struct span text, struct err *e)
{
	if (!file_write(fd, text, e))
		return false;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_sys(e, "cannot seal the settings");
	return true;
}

bool conf_to_fd(const struct conf *c, int *memfd, struct err *e)
{
	struct str text = STR(SENT_MAX);
	bool ok;
	int fd;

	print_all(c, &text);
	fd = memfd_create("settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		ok = err_sys(e, "cannot make a memory file for the settings");
	else if (text.over)
		ok = err_perm(e, "5.3.5", "the settings are larger than %d bytes", SENT_MAX);
	else
		ok = fill_and_seal(fd, str_span(&text), e);
	str_free(&text);
	if (!ok && fd >= 0)
		close(fd);
	if (ok)
		*memfd = fd;
	return ok;
}

/* By pread, because the offset is shared with every other child. */
static bool read_all_at_start(int fd, struct str *into, struct err *e)
{
	for (;;) {
		char *at = str_room(into, 8192);
		ssize_t n;

		if (!at)
			return err_perm(e, "5.3.5", "the settings are larger than %d bytes", SENT_MAX);
		n = pread(fd, at, 8192, (off_t)into->n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read the settings");
		if (n == 0)
			return true;
		str_grew(into, (size_t)n);
	}
}

static bool take_line(struct span *in, const char *section, const char *key, struct span *value)
{
	struct span line, at;

	if (!span_cut(in, '\n', &line))
		return false;
	at = line;
	if (section && !(span_eat(&at, section) && span_eat(&at, "/")))
		return false;
	if (!span_eat(&at, key) || !span_eat(&at, " = "))
		return false;
	*value = at;
	return true;
}

static bool take_all(struct span in, struct conf *c, struct err *e)
{
	struct span value;

	if (!take_line(&in, NULL, "file", &value))
		return err_perm(e, "5.3.5", "these are no settings from a keeper");
	c->file = arena_text(c->memory, value);
	for (const struct setting *row = settings; row->key; row++) {
		if (!take_line(&in, row->section, row->key, &value))
			return err_perm(e, "5.3.5", "the keeper's settings lack %s, "
			    "so it is of another version", row->key);
		if (!value_parse(c, row, value, false, c->memory, e))
			return err_while(e, "%s", row->key);
	}
	return true;
}

bool conf_from_fd(int fd, struct conf *c, struct err *e)
{
	struct str text = STR(SENT_MAX);
	bool ok;

	*c = (struct conf){ .memory = arena_new(MEMORY_MAX, NULL, NULL) };
	ok = read_all_at_start(fd, &text, e) && take_all(str_span(&text), c, e);
	str_free(&text);
	if (!ok)
		conf_free(c);
	return ok;
}
