/* The keys of senders that lead back, on disk. See srs-keys.h. */
#include "common/directory/srs-keys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/os/fd.h"
#include "common/os/file.h"

enum { HALF = 16 };		/* digits of half a key */

/* --- as text --- */

static bool read_half(struct span *line, uint64_t *out)
{
	static const char digits[] = "0123456789abcdef";
	struct span half = span_take(line, HALF);

	*out = 0;
	for (size_t i = 0; i < half.n; i++) {
		const char *d = memchr(digits, half.p[i], 16);

		if (!d)
			return false;
		*out = *out << 4 | (uint64_t)(d - digits);
	}
	return half.n == HALF;
}

static bool read_key(struct span line, uint64_t key[2])
{
	return read_half(&line, &key[0]) && read_half(&line, &key[1]) && !line.n;
}

bool srs_keys_parse(struct span text, struct srs_keys *keys, struct err *e)
{
	struct span line;
	bool ok = true;

	keys->count = 0;
	while (ok && span_cut(&text, '\n', &line)) {
		ok = keys->count < SRS_KEYS && read_key(line, keys->keys[keys->count]);
		keys->count += ok;
	}
	if (ok && keys->count && !text.n)
		return true;
	keys->count = 0;
	return err_perm(e, "5.3.5", "it is no list of 1 to %d keys of %d hexadecimal digits",
	    SRS_KEYS, 2 * HALF);
}

void srs_keys_print(const struct srs_keys *keys, struct str *out)
{
	for (size_t i = 0; i < keys->count; i++)
		str_addf(out, "%016" PRIx64 "%016" PRIx64 "\n", keys->keys[i][0], keys->keys[i][1]);
}

/* --- on disk --- */

static int open_directory(const char *directory, struct err *e)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0)
		err_sys(e, "cannot open %s", directory);
	return dir;
}

/* Whole under its name, with the directory's owner, or not at all. */
static bool write_keys(int dir, const struct srs_keys *keys, bool replace, struct err *e)
{
	struct str text = STR(SRS_KEYS_TEXT);
	struct stat st;
	char fresh[40];
	bool ok;
	int fd;

	snprintf(fresh, sizeof fresh, "keys.%d", (int)getpid());
	unlinkat(dir, fresh, 0);		/* of one that had our pid and was killed here */
	fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot make %s", fresh);
	srs_keys_print(keys, &text);
	ok = (fstat(dir, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0) ||
	    err_sys(e, "cannot give %s to its owner", fresh);
	ok = ok && file_write(fd, str_span(&text), e) &&
	    file_commit(fd, dir, fresh, dir, "keys", replace, e);
	unlinkat(dir, fresh, 0);
	fd_close(&fd);
	explicit_bzero(text.p, text.n);
	str_free(&text);
	return ok;
}

static bool new_key(uint64_t key[2], struct err *e)
{
	return getrandom(key, 2 * sizeof *key, 0) == 2 * (ssize_t)sizeof *key ||
	    err_sys(e, "cannot get random bytes");
}

static bool is_there(int dir)
{
	return faccessat(dir, "keys", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Daemons that start together must agree on one: who comes second finds it there. */
static bool make_first(int dir, struct err *e)
{
	struct srs_keys keys = { .count = 1 };

	return is_there(dir) ||
	    (new_key(keys.keys[0], e) && (write_keys(dir, &keys, false, e) || is_there(dir)));
}

bool srs_keys_make(const char *directory, int uid, int gid, struct err *e)
{
	bool ok;
	int dir;

	if (!file_make_owned(directory, 0700, uid, gid, e))
		return false;
	dir = open_directory(directory, e);
	ok = dir >= 0 && make_first(dir, e);
	fd_close(&dir);
	return ok || err_while(e, "the keys of forwards");
}

static bool read_keys(int dir, struct srs_keys *keys, struct err *e)
{
	struct str text = STR(SRS_KEYS_TEXT);
	bool ok = file_read_at(dir, "keys", &text, e) && srs_keys_parse(str_span(&text), keys, e);

	explicit_bzero(text.p, text.n);
	str_free(&text);
	return ok;
}

bool srs_keys_read(const char *directory, struct srs_keys *keys, struct err *e)
{
	int dir = open_directory(directory, e);
	bool ok = dir >= 0 && read_keys(dir, keys, e);

	fd_close(&dir);
	if (!ok)
		keys->count = 0;
	return ok || err_while(e, "%s/keys", directory);
}

void srs_keys_stamp(const char *directory, char stamp[SRS_KEYS_STAMP])
{
	char path[4096];
	struct stat st;

	stamp[0] = '\0';
	snprintf(path, sizeof path, "%s/keys", directory);
	if (stat(path, &st) == 0)
		snprintf(stamp, SRS_KEYS_STAMP, "%lld.%09ld %llu", (long long)st.st_ctim.tv_sec,
		    st.st_ctim.tv_nsec, (unsigned long long)st.st_ino);
}

static bool add_key(int dir, struct err *e)
{
	struct srs_keys old, keys;

	if (!read_keys(dir, &old, e) || !new_key(keys.keys[0], e))
		return false;
	keys.count = 1;
	for (size_t i = 0; i < old.count && keys.count < SRS_KEYS; i++)
		memcpy(keys.keys[keys.count++], old.keys[i], sizeof old.keys[i]);
	return write_keys(dir, &keys, true, e);
}

bool srs_keys_rotate(const char *directory, struct err *e)
{
	int dir = open_directory(directory, e);
	bool ok = dir >= 0 && add_key(dir, e);

	fd_close(&dir);
	return ok || err_while(e, "%s/keys", directory);
}
