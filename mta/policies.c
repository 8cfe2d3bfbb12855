/* MTA-STS policies on disk. See policies.h. */
#include "mta/policies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/os/fd.h"
#include "common/os/file.h"

enum { DAY_S = 86400, MEMORY = 1 << 18 };

struct aged { int64_t used; char name[DNS_NAME]; };

static bool read_text(const struct policies *p, const char *name, struct str *text, struct err *e)
{
	int fd = p->directory < 0 ? -1 : file_open_beneath(p->directory, name, O_RDONLY, 0);
	bool ok;

	if (fd < 0)
		return p->directory < 0 || errno == ENOENT ||
		    err_sys(e, "cannot open the policy of %s", name);
	ok = file_read_all(fd, text, e);
	fd_close(&fd);
	return ok || err_while(e, "the policy of %s", name);
}

static bool write_entry(const struct policies *p, const char *name, const struct sts_entry *s,
    struct err *e)
{
	struct str text = STR(STS_ENTRY_MAX);
	bool ok;

	sts_entry_print(s, &text);
	ok = !text.over ? file_replace(p->directory, name, str_span(&text), 0600, e) :
	    err_temp(e, "4.3.4", "it is too long");
	str_free(&text);
	return ok;
}

/* Once a day is enough: a policy that nobody uses is no longer refreshed, that is all. */
static void note_use(const struct policies *p, const char *domain, struct span text, int64_t now)
{
	struct arena *a = arena_new(MEMORY, NULL, NULL);
	struct sts_entry s;

	if (sts_entry_parse(text, a, &s) && s.fetched && (now - s.used >= DAY_S || s.used > now)) {
		s.used = now;
		write_entry(p, domain, &s, NULL);
	}
	arena_free(a);
}

bool policies_get(struct policies *p, const char *domain, int64_t now, struct str *text,
    struct err *e)
{
	if (!read_text(p, domain, text, e))
		return false;
	if (text->n)
		note_use(p, domain, str_span(text), now);
	return true;
}

static bool is_there(const struct policies *p, const char *domain)
{
	return faccessat(p->directory, domain, F_OK, 0) == 0;
}

bool policies_set(struct policies *p, const char *domain, struct span text, int64_t now,
    struct err *e)
{
	struct arena *a = arena_new(MEMORY, NULL, NULL);
	struct sts_entry s;
	bool ok = true;

	if (!sts_entry_parse(text, a, &s)) {
		ok = err_perm(e, "5.5.0", "it is no policy");
	} else if (p->directory >= 0) {
		p->count += !is_there(p, domain);
		ok = write_entry(p, domain, &s, e);
		if (p->count > p->most)
			policies_sift(p, now);
	}
	arena_free(a);
	return ok;
}

/* --- sifting --- */

/* A failure is of no use after a while, nor is a policy that has run out. */
static bool is_over(const struct sts_entry *s, int64_t now)
{
	return !sts_entry_counts(s, now) && (now - s->tried > DAY_S || s->tried > now);
}

/* False: it goes. */
static bool look(const struct policies *p, const char *name, int64_t now, int64_t *used)
{
	struct arena *a = arena_new(MEMORY, NULL, NULL);
	struct str text = STR(STS_ENTRY_MAX);
	struct sts_entry s;
	char domain[DNS_NAME];
	bool keep;

	/* what is no entry will be of no use either, unless it just cannot be read */
	keep = sts_domain(span_of(name), domain) && (!read_text(p, name, &text, NULL) ||
	    (sts_entry_parse(str_span(&text), a, &s) && !is_over(&s, now)));
	*used = keep && text.n && s.fetched ? s.used : 0;
	str_free(&text);
	arena_free(a);
	return keep;
}

static int by_use(const void *a, const void *b)
{
	int64_t x = ((const struct aged *)a)->used, y = ((const struct aged *)b)->used;

	return (x > y) - (x < y);
}

static void drop_oldest(struct policies *p, struct aged *all, size_t count)
{
	size_t most = p->most - p->most / 10;

	p->count = count;
	if (count <= p->most)
		return;
	qsort(all, count, sizeof *all, by_use);
	for (size_t i = 0; i < count - most; i++)
		unlinkat(p->directory, all[i].name, 0);
	p->count = most;
}

void policies_sift(struct policies *p, int64_t now)
{
	int fd = p->directory < 0 ? -1 :
	    openat(p->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct aged *all = NULL;
	size_t count = 0;
	int64_t used;

	while (d && (entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!look(p, entry->d_name, now, &used)) {
			unlinkat(p->directory, entry->d_name, 0);
			continue;
		}
		if ((count & (count - 1)) == 0)
			all = mem_more(all, count ? 2 * count : 1, sizeof *all);
		all[count].used = used;
		snprintf(all[count++].name, sizeof all->name, "%s", entry->d_name);
	}
	drop_oldest(p, all, count);
	free(all);
	if (d)
		closedir(d);
	else
		fd_close(&fd);
}

void policies_open(struct policies *p, int hints, size_t most)
{
	p->directory = hints < 0 ? -1 : openat(hints, "sts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->count = 0;
	p->most = most;
}
