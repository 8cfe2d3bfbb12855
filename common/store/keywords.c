/* dovecot-keywords. See keywords.h. */
#include "common/store/keywords.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/os/file.h"
#include "common/store/lock.h"

static const char file_name[] = "dovecot-keywords";

/* RFC 3501 flag-keyword: an atom. */
static bool keyword_ok(struct span name)
{
	if (!name.n || name.n >= KEYWORD_ROOM || name.p[0] == '\\')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (!is_print(name.p[i]) || memchr(" (){%*\"\\]", name.p[i], 9))
			return false;
	}
	return true;
}

static void parse_line(struct span line, struct keywords *k)
{
	uint64_t n;

	if (!span_eat_u64(&line, KEYWORDS_MAX - 1, &n) || !span_eat_char(&line, ' ') ||
	    !keyword_ok(line))
		return;
	if (keywords_find(k, line) < 0)
		span_copy(line, k->name[n], KEYWORD_ROOM);
}

void keywords_parse(struct span text, struct keywords *k)
{
	struct span line;

	memset(k->name, 0, sizeof k->name);
	while (span_cut(&text, '\n', &line))
		parse_line(line, k);
	parse_line(text, k);
}

void keywords_print(const struct keywords *k, struct str *out)
{
	for (int i = 0; i < KEYWORDS_MAX; i++) {
		if (k->name[i][0])
			str_addf(out, "%d %s\n", i, k->name[i]);
	}
}

int keywords_find(const struct keywords *k, struct span name)
{
	for (int i = 0; i < KEYWORDS_MAX; i++) {
		if (k->name[i][0] && span_alike(name, span_of(k->name[i])))
			return i;
	}
	return -1;
}

bool keywords_read(int folder, struct keywords *k, struct err *e)
{
	struct str text = STR(65536);
	struct stat st;
	bool ok;

	if (fstatat(folder, file_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return err_sys(e, "cannot look at %s", file_name);
		*k = (struct keywords){ 0 };
		return true;
	}
	if (st.st_ino == k->ino && memcmp(&st.st_mtim, &k->mtime, sizeof k->mtime) == 0)
		return true;
	ok = file_read_at(folder, file_name, &text, e);
	if (ok) {
		keywords_parse(str_span(&text), k);
		k->ino = st.st_ino;
		k->mtime = st.st_mtim;
	}
	str_free(&text);
	return ok;
}

static int free_letter(const struct keywords *k)
{
	for (int i = 0; i < KEYWORDS_MAX; i++) {
		if (!k->name[i][0])
			return i;
	}
	return -1;
}

/* Under the lock. */
static bool add_locked(int folder, struct keywords *k, struct span name, unsigned *bit, struct err *e)
{
	struct str text = STR(65536);
	int at;
	bool ok;

	if (!keywords_read(folder, k, e))
		return false;
	at = keywords_find(k, name);
	if (at < 0) {
		at = free_letter(k);
		if (at < 0)
			return err_perm(e, "5.2.0", "all %d keywords of this folder are in use", KEYWORDS_MAX);
		span_copy(name, k->name[at], KEYWORD_ROOM);
		keywords_print(k, &text);
		ok = file_replace(folder, file_name, str_span(&text), 0600, e);
		str_free(&text);
		k->ino = 0;			/* read again next time */
		if (!ok)
			return false;
	}
	*bit = (unsigned)at;
	return true;
}

bool keywords_add(int folder, struct keywords *k, struct span name, unsigned *bit, struct err *e)
{
	struct store_lock lock;
	int at = keywords_find(k, name);
	bool ok;

	if (at >= 0) {
		*bit = (unsigned)at;
		return true;
	}
	if (!keyword_ok(name))
		return err_perm(e, "5.5.4", "a keyword must be an atom of at most %d characters",
		    KEYWORD_ROOM - 1);
	if (!store_lock(folder, file_name, &lock, e))
		return false;
	ok = add_locked(folder, k, name, bit, e);
	store_unlock(&lock);
	return ok;
}
