/* Power cuts before every system call of a delivery into a Maildir. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/os/file.h"
#include "common/store/maildir.h"
#include "tests/crash/disk.h"

static char root[64];
static const char *flags;
static const struct span line = { "neither snow nor rain nor heat\n", 31 };
enum { LINES = 500 };

static void die(const char *what)
{
	printf("%s\n", what);
	exit(2);
}

static bool deliver(int dir, struct err *e)
{
	struct maildir_put *m =
	    maildir_put_open(dir, "", "1764000000.0q8f3k2m1x9a7b.r0.host", true, e);

	for (int i = 0; m && i < LINES; i++)
		maildir_put_bytes(m, line);
	return m && maildir_put_commit(m, flags, 1764000000, e);
}

static bool is_whole(int dir, const char *name)
{
	struct str text = STR(1 << 20);
	bool ok = file_read_at(dir, name, &text, NULL) && text.n == LINES * line.n;

	for (size_t i = 0; ok && i < LINES; i++)
		ok = span_same(span_to(span_from(str_span(&text), i * line.n), line.n), line);
	str_free(&text);
	return ok;
}

/* Every message that a reader would see is whole; once we said so, there is one. */
static bool check(void *arg, const char *after, bool over)
{
	static const char *const visible[] = { "new", "cur" };
	const struct dirent *entry;
	char path[300];
	int seen = 0;
	bool ok = true;

	(void)arg;
	for (int i = 0; i < 2; i++) {
		DIR *dir;

		snprintf(path, sizeof path, "%s/%s", after, visible[i]);
		dir = opendir(path);
		if (!dir)
			die(path);
		while ((entry = readdir(dir))) {
			if (*entry->d_name == '.')
				continue;
			seen++;
			ok = ok && is_whole(dirfd(dir), entry->d_name);
		}
		closedir(dir);
	}
	return ok && seen <= 1 && (!over || seen == 1);
}

static int run(int skip, int *flushes)
{
	int dir, bad;
	struct err e;

	snprintf(root, sizeof root, "%s/crash-maildir.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	dir = mkdtemp(root) ? open(root, O_RDONLY | O_DIRECTORY) : -1;
	if (dir < 0 || !file_make_dirs(dir, "new", 0700, &e) ||
	    !file_make_dirs(dir, "cur", 0700, &e) || !file_make_dirs(dir, "tmp", 0700, &e))
		die(root);
	disk_skip_flush(skip);
	disk_begin(root);
	if (!deliver(dir, &e))
		die(e.text);
	disk_end();
	*flushes = disk_flushes();
	bad = disk_cuts(check, NULL);
	if (!deliver(dir, &e) || !check(NULL, root, true))
		bad++;		/* again, as after a crash: no double */
	close(dir);
	disk_remove(root);
	return bad;
}

static int try(const char *into)
{
	int flushes, ignored, bad, failed;
	size_t calls;

	flags = into;
	bad = run(-1, &flushes);
	calls = disk_calls();
	failed = bad > 0;
	printf("delivery with flags \"%s\": %zu calls, %d flushes, %d bad states\n", into, calls,
	    flushes, bad);
	for (int i = 0; i < flushes; i++) {
		if (run(i, &ignored) > 0)
			continue;
		printf("flush %d could go, the promise holds without it\n", i);
		failed = 1;
	}
	return failed;
}

int main(void)
{
	return try("") + try("S") != 0;
}
