/* Names and passwords of ours. See secrets.h. */
#include "common/auth/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_fine(struct span s)
{
	return s.n && s.n < SECRETS_TEXT && !memchr(s.p, '\0', s.n);
}

bool secrets_line_parse(struct span line, struct secrets_row *row, struct err *e)
{
	struct secrets_row got;

	got.name = span_word(&line);
	got.user = span_word(&line);
	got.password = span_trim(line);
	if (!is_fine(got.name) || !is_fine(got.user) || !is_fine(got.password))
		return err_temp(e, "4.3.5", "expected NAME USER PASSWORD");
	*row = got;
	return true;
}

/* The next line that is one, with its number; false at the end. */
static bool next_line(struct span *text, unsigned *number, struct span *line)
{
	while (span_piece(text, '\n', line)) {
		++*number;
		*line = span_trim(*line);
		if (line->n && *line->p != '#')
			return true;
	}
	return false;
}

bool secrets_check(struct span text, const char *file, struct str *mistakes)
{
	struct secrets_row row;
	struct span line;
	unsigned number = 0, wrong = 0;
	struct err e;

	while (next_line(&text, &number, &line)) {
		if (secrets_line_parse(line, &row, &e))
			continue;
		str_addf(mistakes, "%s:%u: %s\n", file, number, e.text);
		wrong++;
	}
	return !wrong;
}

int secrets_open(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0) {
		err_temp(e, "4.3.5", "cannot open %s: %s", path, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & 077))
		return fd;
	close(fd);
	err_temp(e, "4.3.5",
	    "%s holds passwords, and others than its owner may read it; say chmod 600 %s", path,
	    path);
	return -1;
}

static bool read_all(int fd, struct str *text, struct err *e)
{
	char piece[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, piece, sizeof piece, at)) > 0) {
		str_add(text, (struct span){ piece, (size_t)n });
		at += n;
	}
	explicit_bzero(piece, sizeof piece);
	if (n < 0)
		return err_sys(e, "cannot read relay-secrets");
	return !text->over ||
	    err_temp(e, "4.3.5", "relay-secrets has more than %d bytes", SECRETS_MAX);
}

static bool find(struct span text, const char *name, struct secret *out)
{
	struct secrets_row row;
	unsigned number = 0;
	struct span line;

	while (next_line(&text, &number, &line)) {
		if (secrets_line_parse(line, &row, NULL) && span_same(row.name, span_of(name)))
			return span_copy(row.user, out->user, sizeof out->user) &&
			    span_copy(row.password, out->password, sizeof out->password);
	}
	return false;
}

bool secrets_find(int fd, const char *name, struct secret *out, struct err *e)
{
	struct str text = STR(SECRETS_MAX);
	bool ok = read_all(fd, &text, e);

	if (ok && !find(str_span(&text), name, out))
		ok = err_temp(e, "4.3.5", "there is no entry \"%s\" in relay-secrets", name);
	explicit_bzero(text.p, text.n);
	str_free(&text);
	return ok;
}
