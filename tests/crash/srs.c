/* Power cuts while the keys of senders that lead back are made, and made anew: no key that was used is ever lost. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/directory/srs-keys.h"
#include "tests/crash/disk.h"

static char root[64], directory[96];
static struct srs_keys before;

static void need(bool ok, const struct err *e)
{
	if (ok)
		return;
	printf("%s\n", e->text);
	exit(2);
}

static bool has(const struct srs_keys *keys, const uint64_t key[2])
{
	for (size_t i = 0; i < keys->count; i++) {
		if (keys->keys[i][0] == key[0] && keys->keys[i][1] == key[1])
			return true;
	}
	return false;
}

/* All that was there is there, and the new one when we had said so. */
static bool is_good(void *arg, const char *after, bool over)
{
	struct srs_keys keys;
	char path[128];
	bool there;

	(void)arg;
	snprintf(path, sizeof path, "%s/srs", after);
	there = srs_keys_read(path, &keys, NULL);
	if (before.count && (!there || !has(&keys, before.keys[0])))
		return false;
	return !over || (there && keys.count == before.count + 1);
}

static int cuts(const char *what, bool (*run)(const char *directory, struct err *e))
{
	struct err e = { 0 };
	int bad;

	disk_begin(root);
	need(run(directory, &e), &e);
	disk_end();
	bad = disk_cuts(is_good, NULL);
	printf("%s: %zu calls, %d bad states\n", what, disk_calls(), bad);
	return bad;
}

static bool make(const char *path, struct err *e)
{
	return srs_keys_make(path, -1, -1, e);
}

int main(void)
{
	struct err e = { 0 };
	int bad;

	snprintf(root, sizeof root, "/tmp/crash-srs-%d", (int)getpid());
	snprintf(directory, sizeof directory, "%s/srs", root);
	/* the directory is old: its parent's names are the queue's matter */
	if (mkdir(root, 0700) < 0 || mkdir(directory, 0700) < 0)
		return 2;
	bad = cuts("made", make);
	need(srs_keys_read(directory, &before, &e), &e);
	bad += cuts("rotated", srs_keys_rotate);
	disk_skip_flush(0);
	need(srs_keys_read(directory, &before, &e), &e);
	if (!cuts("a lost flush is seen", srs_keys_rotate))
		bad++;
	disk_remove(root);
	return bad != 0;
}
