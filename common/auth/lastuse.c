/* Last uses of app passwords. See lastuse.h. */
#include "common/auth/lastuse.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* A lock of this descriptor: the kernel drops it when we end, however that is. */
static bool lock(int fd, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLKW, &l) == 0;
}

static bool read_line(int fd, size_t at, char line[LASTUSE_LINE])
{
	return pread(fd, line, LASTUSE_LINE, (off_t)(at * LASTUSE_LINE)) == LASTUSE_LINE;
}

static bool is_about(struct span line, struct span address, struct span name)
{
	return span_alike(span_word(&line), address) && span_same(span_word(&line), name);
}

static void parse(struct span line, struct lastuse *use)
{
	struct lastuse got = { .when = 0 };
	uint64_t when;

	span_word(&line);
	span_word(&line);
	if (!span_u64(span_word(&line), INT64_MAX, &when) ||
	    !span_copy(span_word(&line), got.daemon, sizeof got.daemon) ||
	    !span_copy(span_word(&line), got.ip, sizeof got.ip))
		return;
	got.when = (time_t)when;
	*use = got;
}

/* The number of the line, or of the place behind the last. */
static size_t search(int fd, struct span address, struct span name, struct lastuse *use)
{
	char line[LASTUSE_LINE];
	size_t at;

	*use = (struct lastuse){ .when = 0 };
	for (at = 0; read_line(fd, at, line); at++) {
		struct span text = { line, LASTUSE_LINE };

		if (!is_about(text, address, name))
			continue;
		parse(span_trim(text), use);
		break;
	}
	return at;
}

static void write_line(int fd, size_t at, struct span address, struct span name, const struct lastuse *use)
{
	char line[LASTUSE_LINE + 1];
	int n = snprintf(line, sizeof line, SPAN_FMT " " SPAN_FMT " %" PRId64 " %s %s",
	    SPAN_ARG(address), SPAN_ARG(name), (int64_t)use->when, use->daemon, use->ip);
	ssize_t ignored;

	if (n < 0 || n >= LASTUSE_LINE)
		return;
	memset(line + n, ' ', (size_t)(LASTUSE_LINE - n));
	line[LASTUSE_LINE - 1] = '\n';
	ignored = pwrite(fd, line, LASTUSE_LINE, (off_t)(at * LASTUSE_LINE));
	(void)ignored;
}

void lastuse_note(int fd, struct span address, struct span name, const struct lastuse *use)
{
	struct lastuse before;
	size_t at;

	if (fd < 0 || !lock(fd, F_WRLCK))
		return;
	at = search(fd, address, name, &before);
	if (use->when < before.when || use->when - before.when >= LASTUSE_FRESH_S ||
	    strcmp(use->ip, before.ip) != 0 || strcmp(use->daemon, before.daemon) != 0)
		write_line(fd, at, address, name, use);
	lock(fd, F_UNLCK);
}

void lastuse_find(int fd, struct span address, struct span name, struct lastuse *use)
{
	search(fd, address, name, use);
}
