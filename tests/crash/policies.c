/* Power cuts before every system call of keeping a new MTA-STS policy: it is the old one or the new one. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os/file.h"
#include "mta/policies.h"
#include "tests/crash/disk.h"

enum { NOW = 1800000000, MX = 90 };

static char root[64];

static void die(const char *what)
{
	printf("%s\n", what);
	exit(2);
}

static void print_entry(const char *id, struct str *out)
{
	str_addf(out, "id: %s\nfetched: %d\ntried: %d\nused: %d\n\nversion: STSv1\nmode: enforce\n",
	    id, NOW, NOW, NOW);
	for (int i = 0; i < MX; i++)
		str_addf(out, "mx: mx%d.of.%s.example.test\n", i, id);
	str_add_text(out, "max_age: 604800\n");
}

static bool keep(struct policies *p, const char *id)
{
	struct str text = STR(STS_ENTRY_MAX);
	struct err e;
	bool ok;

	print_entry(id, &text);
	ok = policies_set(p, "a.test", str_span(&text), NOW, &e);
	str_free(&text);
	return ok;
}

static bool check(void *arg, const char *after, bool over)
{
	struct str text = STR(STS_ENTRY_MAX), old = STR(STS_ENTRY_MAX), fresh = STR(STS_ENTRY_MAX);
	int dir = open(after, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = dir >= 0 && file_read_at(dir, "sts/a.test", &text, NULL);

	(void)arg;
	print_entry("old", &old);
	print_entry("new", &fresh);
	ok = ok && ((!over && span_same(str_span(&text), str_span(&old))) || span_same(str_span(&text), str_span(&fresh)));
	close(dir);
	str_free(&text);
	str_free(&old);
	str_free(&fresh);
	return ok;
}

/* The number of states in which the disk must not be found. */
static int cut(int skip_flush)
{
	struct policies p;
	int hints, bad;

	if (mkdir(root, 0700) < 0 || (hints = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
	    mkdirat(hints, "sts", 0700) < 0)
		die("cannot make a directory");
	policies_open(&p, hints, POLICIES_MAX);
	if (!keep(&p, "old"))
		die("cannot keep the old one");
	disk_skip_flush(skip_flush);
	disk_begin(root);
	if (!keep(&p, "new"))
		die("cannot keep the new one");
	disk_end();
	bad = disk_cuts(check, NULL);
	close(p.directory);
	close(hints);
	disk_remove(root);
	return bad;
}

int main(void)
{
	int bad, lied;

	snprintf(root, sizeof root, "/tmp/crash-policies.%d", (int)getpid());
	bad = cut(-1);
	printf("%zu calls, %d bad states\n", disk_calls(), bad);
	lied = cut(0);
	printf("with a flush of the file that is a lie: %d bad states\n", lied);
	return bad || !lied;
}
