/* Reports that others sent, wherever they lie. See received.h. */
#include "common/admin/received.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/siphash.h"
#include "common/base/str.h"
#include "common/mail/encoding.h"
#include "common/mail/mime.h"
#include "common/os/dice.h"
#include "common/os/fd.h"
#include "common/os/file.h"

enum { FILE_MAX = 128 << 20, MEMORY_MAX = 512 << 20, SEEN_MAX = 100000, SLOTS = 1 << 18 };

void received_open(struct received *r)
{
	r->arena = arena_new(MEMORY_MAX, NULL, NULL);
	r->ids = arena_new(MEMORY_MAX, NULL, NULL);
	r->seen = arena_array(r->ids, SLOTS, sizeof *r->seen);
	r->seen_count = 0;
	r->key[0] = dice_roll();
	r->key[1] = dice_roll();
}

void received_close(struct received *r)
{
	arena_free(r->arena);
	arena_free(r->ids);
}

bool received_is_new(struct received *r, const char *organization, const char *id)
{
	const char *name;
	size_t at;

	if (r->seen_count == SEEN_MAX)
		return true;
	name = arena_printf(r->ids, "%s\n%s", organization, id);
	for (at = siphash(r->key, span_of(name)) % SLOTS; r->seen[at]; at = (at + 1) % SLOTS) {
		if (strcmp(r->seen[at], name) == 0)
			return false;
	}
	r->seen[at] = name;
	r->seen_count++;
	return true;
}

/* By type or, as many send application/octet-stream, by file name. */
static bool may_be_report(const struct received *r, const struct mime_part *p)
{
	const struct param *name = param_find(&p->disposition_params, "filename");
	struct span file;

	if (p->kind != MIME_LEAF)
		return false;
	for (size_t i = 0; r->subtypes[i]; i++) {
		if (span_is(p->subtype, r->subtypes[i]))
			return true;
	}
	if (!name)
		name = param_find(&p->params, "name");
	file = name ? param_utf8(name, r->arena) : SPAN("");
	for (size_t i = 0; r->endings[i]; i++) {
		if (span_ends(file, r->endings[i]))
			return true;
	}
	return false;
}

static bool show_part(struct received *r, struct span text, const struct mime_part *p,
    struct err *e)
{
	struct decoder d = { .kind = encoding_of(p->encoding) };
	struct str bytes = STR(FILE_MAX);
	bool ok;

	decoder_feed(&d, span_to(span_from(text, p->body.at), p->body.bytes), &bytes);
	decoder_end(&d, &bytes);
	ok = r->show(r->arg, str_span(&bytes), e);
	str_free(&bytes);
	return ok;
}

static bool show_message(struct received *r, struct span text, struct err *e)
{
	struct mime m;
	bool any = false;

	mime_parse(text, r->arena, &m);
	for (size_t i = 0; i < m.count; i++) {
		if (!may_be_report(r, &m.parts[i]))
			continue;
		any = true;
		if (!show_part(r, text, &m.parts[i], e))
			return false;
	}
	return any || err_perm(e, "5.6.0", "no report is attached");
}

/* Neither a header's first byte. */
static bool is_packed(const struct received *r, struct span bytes)
{
	return span_starts(bytes, "\x1f\x8b") || span_starts(bytes, "PK\3\4") ||
	    span_starts(bytes, r->begins) ||
	    (span_eat(&bytes, "\xef\xbb\xbf") && span_starts(bytes, r->begins));
}

/* --- files and Maildirs --- */

static void show_fd(struct received *r, int fd, const char *name)
{
	struct str bytes = STR(FILE_MAX);
	struct err e;
	bool ok = file_read_all(fd, &bytes, &e);

	ok = ok && (is_packed(r, str_span(&bytes)) ? r->show(r->arg, str_span(&bytes), &e) :
	    show_message(r, str_span(&bytes), &e));
	if (!ok) {
		fprintf(stderr, "posthorn: %s: %s\n", name, e.text);
		r->bad_files++;
	}
	str_free(&bytes);
	arena_reset(r->arena);
}

static void show_file(struct received *r, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "posthorn: %s: %s\n", name, strerror(errno));
		r->bad_files++;
		return;
	}
	show_fd(r, fd, name);
	close(fd);
}

static bool is_directory(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static void show_directory(struct received *r, int parent, const char *path)
{
	static const char *const below[] = { "new", "cur" };
	int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!d) {
		fprintf(stderr, "posthorn: %s: %s\n", path, strerror(errno));
		r->bad_files++;
		fd_close(&fd);
		return;
	}
	if (is_directory(fd, "new") && is_directory(fd, "cur")) {
		for (int i = 0; i < 2; i++)
			show_directory(r, fd, below[i]);
	} else {
		while ((entry = readdir(d))) {
			if (*entry->d_name != '.' && !is_directory(fd, entry->d_name))
				show_file(r, fd, entry->d_name);
		}
	}
	closedir(d);
}

void received_show(struct received *r, const char *path)
{
	if (strcmp(path, "-") == 0)
		show_fd(r, STDIN_FILENO, "standard input");
	else if (is_directory(AT_FDCWD, path))
		show_directory(r, AT_FDCWD, path);
	else
		show_file(r, AT_FDCWD, path);
}
