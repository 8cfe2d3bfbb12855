/* dovecot-uidlist on disk. See uidlist.h. */
#include "common/store/uidlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/os/clock.h"
#include "common/os/file.h"

static const char list_name[] = "dovecot-uidlist";
static const char courier_name[] = "courierimapuiddb";
static const char validity_name[] = "dovecot-uidvalidity";

struct reading {
	void	(*each)(void *arg, const struct uidlist_line *line);
	void	*arg;
	bool	from_start;
};

/* Is it the file we read before, with at most something behind it? */
static bool only_grew(const struct uidlist *u, const struct stat *st)
{
	return u->uidvalidity && u->whole && st->st_dev == u->dev && st->st_ino == u->ino
	    && st->st_size >= u->read_to;
}

static void take_lines(struct span in, struct uidlist *u, const struct reading *r)
{
	struct uidlist_line line;

	while (uidlist_take_line(&in, u, &line))
		r->each(r->arg, &line);
	/* what is left has no end: being written, or torn by a crash */
	u->read_to -= (off_t)in.n;
	if (in.n)
		u->whole = false;
}

/* The bytes from read_to on. */
static bool read_rest(int fd, struct uidlist *u, const struct stat *st, struct str *into, struct err *e)
{
	if (st->st_size > UIDLIST_BYTES_MAX)
		return err_temp(e, "4.3.0", "%s is unreasonably large", list_name);
	if (lseek(fd, u->read_to, SEEK_SET) < 0)
		return err_sys(e, "cannot read %s", list_name);
	if (!file_read_all(fd, into, e))
		return err_while(e, "%s", list_name);
	u->read_to += (off_t)into->n;
	u->dev = st->st_dev;
	u->ino = st->st_ino;
	u->mtime = st->st_mtim;
	return true;
}

static bool read_open(int fd, struct uidlist *u, struct reading *r, struct err *e)
{
	struct str text = STR(UIDLIST_BYTES_MAX);
	struct stat st;
	struct span in;
	bool ok;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_sys(e, "cannot look at %s", list_name);
	if (only_grew(u, &st) && st.st_size == u->read_to)
		return true;
	if (!only_grew(u, &st)) {
		r->from_start = true;
		*u = (struct uidlist){ 0 };
	}
	ok = read_rest(fd, u, &st, &text, e);
	in = str_span(&text);
	if (ok && r->from_start) {
		off_t read_to = u->read_to;

		ok = uidlist_take_head(&in, u);
		u->dev = st.st_dev;
		u->ino = st.st_ino;
		u->read_to = read_to;
		if (!ok) {
			*u = (struct uidlist){ 0 };	/* no list: one is made, with a higher UIDVALIDITY */
			str_free(&text);
			return true;
		}
	}
	if (ok)
		take_lines(in, u, r);
	str_free(&text);
	return ok;
}

bool uidlist_read(int folder, struct uidlist *u,
    void (*each)(void *arg, const struct uidlist_line *line), void *arg, bool *from_start,
    struct err *e)
{
	struct reading r = { each, arg, false };
	int fd = file_open_beneath(folder, list_name, O_RDONLY | O_NONBLOCK, 0);
	bool ok;

	if (fd < 0 && errno == ENOENT)
		fd = file_open_beneath(folder, courier_name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0 && errno != ENOENT)
		return err_sys(e, "cannot open %s", list_name);
	if (fd < 0) {
		*u = (struct uidlist){ 0 };
		return true;
	}
	ok = read_open(fd, u, &r, e);
	close(fd);
	if (from_start)
		*from_start = r.from_start;
	return ok;
}

/* Remember the file as we leave it, so that our own lines are not read again. */
static void note_own(int fd, struct uidlist *u)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		u->ino = 0;
		return;
	}
	u->dev = st.st_dev;
	u->ino = st.st_ino;
	u->read_to = st.st_size;
	u->mtime = st.st_mtim;
}

bool uidlist_append(int folder, struct uidlist *u, struct span lines, struct err *e)
{
	int fd = file_open_beneath(folder, list_name, O_WRONLY | O_APPEND, 0);
	bool ok;

	if (fd < 0)
		return err_sys(e, "cannot open %s", list_name);
	ok = file_write(fd, lines, e) && file_flush(fd, list_name, e);
	if (ok)
		note_own(fd, u);
	else if (ftruncate(fd, u->read_to) < 0)	/* nobody heard of these lines */
		u->whole = false;		/* then the next writer writes all anew */
	close(fd);
	return ok || err_while(e, "giving UIDs");
}

static void make_guid(char guid[33])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		abort();			/* cannot happen for so few bytes */
	for (size_t i = 0; i < sizeof bytes; i++) {
		guid[2 * i] = hex[bytes[i] >> 4];
		guid[2 * i + 1] = hex[bytes[i] & 15];
	}
	guid[32] = '\0';
}

bool uidlist_replace(int folder, struct uidlist *u, struct span lines, struct err *e)
{
	struct str text = STR(UIDLIST_BYTES_MAX);
	bool ok;
	int fd;

	if (!u->guid[0])
		make_guid(u->guid);
	uidlist_print_head(u, &text);
	str_add(&text, lines);
	if (text.over)
		ok = err_temp(e, "4.3.0", "%s would become unreasonably large", list_name);
	else
		ok = file_replace(folder, list_name, str_span(&text), 0600, e);
	str_free(&text);
	if (!ok)
		return false;
	u->whole = true;
	fd = file_open_beneath(folder, list_name, O_RDONLY, 0);
	if (fd < 0) {
		u->ino = 0;			/* it will be read again, no harm */
		return true;
	}
	note_own(fd, u);
	close(fd);
	return true;
}

/* The last value given, in hex; 0 where there is none. */
static uint32_t read_validity(int root)
{
	struct str text = STR(64);
	unsigned long long v = 0;

	if (file_read_at(root, validity_name, &text, NULL))
		v = strtoull(text.p, NULL, 16);
	str_free(&text);
	return v < UINT32_MAX ? (uint32_t)v : 0;
}

bool uidlist_new_validity(int root, uint32_t *uidvalidity, struct err *e)
{
	uint32_t last = read_validity(root), now = (uint32_t)clock_wall();
	char text[16];

	*uidvalidity = last >= now ? last + 1 : now;
	snprintf(text, sizeof text, "%08x", *uidvalidity);
	return file_replace(root, validity_name, span_of(text), 0644, e);
}
