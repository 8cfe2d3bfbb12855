/* posthorn sts: policies of others that are kept, and how to publish one. See posthorn-sts(8). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/admin/sts.h"
#include "common/base/mem.h"
#include "common/mail/date.h"
#include "common/os/clock.h"
#include "common/os/fd.h"

enum { MEMORY_MAX = 16 << 20, OUT_MAX = 64 << 20 };

/* --- what is kept --- */

int sts_open_kept(const struct conf *c)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/hints/sts", c->queue_directory);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void sts_print_kept(const struct sts_entry *s, struct str *out)
{
	if (s->fetched) {
		str_addf(out, "%-8s id=%s %s ", sts_mode_name(s->policy.mode), *s->id ? s->id : "-",
		    sts_entry_counts(s, clock_wall()) ? "until" : "over since");
		date_iso_print((time_t)(s->fetched + s->policy.max_age), out);
	} else {
		str_add_text(out, "-        no policy");
	}
	if (*s->trouble) {
		str_add_text(out, "; a fetch failed ");
		date_iso_print((time_t)s->tried, out);
		str_addf(out, ": %s", s->trouble);
	}
	str_add_char(out, '\n');
}

static void print_json(const char *domain, const struct sts_entry *s, struct str *out)
{
	str_add_text(out, "{\"domain\":");
	admin_json_text(out, span_of(domain));
	str_add_text(out, ",\"mode\":");
	if (s->fetched)
		admin_json_text(out, span_of(sts_mode_name(s->policy.mode)));
	else
		str_add_text(out, "null");
	admin_json_pair(out, "id", span_of(s->id));
	str_addf(out, ",\"fetched\":%" PRId64 ",\"tried\":%" PRId64 ",\"used\":%" PRId64,
	    s->fetched, s->tried, s->used);
	str_addf(out, ",\"max_age\":%" PRIu32, s->policy.max_age);
	admin_json_pair(out, "trouble", span_of(s->trouble));
	str_add_text(out, ",\"mx\":[");
	for (size_t i = 0; i < s->policy.count; i++) {
		str_add_text(out, i ? "," : "");
		admin_json_text(out, span_of(s->policy.mx[i]));
	}
	str_add_text(out, "]}");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **names_in(DIR *d, size_t *count)
{
	const struct dirent *entry;
	char **names = NULL, domain[DNS_NAME];

	*count = 0;
	while (d && (entry = readdir(d))) {
		if (!sts_domain(span_of(entry->d_name), domain))
			continue;
		if ((*count & (*count - 1)) == 0)
			names = mem_more(names, *count ? 2 * *count : 1, sizeof *names);
		names[(*count)++] = mem_text(entry->d_name);
	}
	if (*count)
		qsort(names, *count, sizeof *names, by_name);
	return names;
}

static void print_list(int directory, char **names, size_t count)
{
	struct arena *a = arena_new(MEMORY_MAX, NULL, NULL);
	struct str out = STR(OUT_MAX);
	struct sts_entry s;
	bool any = false;

	str_add_text(&out, admin_json() ? "[" : "");
	for (size_t i = 0; i < count; i++) {
		if (sts_entry_read(directory, names[i], a, &s)) {
			str_add_text(&out, admin_json() && any ? ",\n " : "");
			any = true;
			if (admin_json())
				print_json(names[i], &s, &out);
			else
				str_addf(&out, "%-32s ", names[i]), sts_print_kept(&s, &out);
		}
		arena_reset(a);
		free(names[i]);
	}
	str_add_text(&out, admin_json() ? "]\n" : "");
	admin_print(&out);
	arena_free(a);
}

static int list(int argc, char **argv)
{
	struct conf c;
	char **names;
	size_t count;
	DIR *d;
	int fd;

	(void)argv;
	if (argc != 1)
		return admin_usage("sts list");
	if (!admin_conf(&c))
		return EX_CONFIG;
	fd = sts_open_kept(&c);
	conf_free(&c);
	if (fd < 0 && errno != ENOENT) {
		fprintf(stderr, "posthorn: cannot open what is kept: %s\n", strerror(errno));
		return errno == EACCES ? EX_NOPERM : EX_OSERR;
	}
	d = fd < 0 ? NULL : fdopendir(fd);
	names = names_in(d, &count);
	print_list(fd, names, count);
	free(names);
	if (d)
		closedir(d);
	return EX_OK;
}

static int forget(int argc, char **argv)
{
	char domain[DNS_NAME];
	struct conf c;
	int fd, failed;

	if (argc != 2 || !sts_domain(span_of(argv[1]), domain))
		return admin_usage("sts forget DOMAIN");
	if (!admin_conf(&c))
		return EX_CONFIG;
	fd = sts_open_kept(&c);
	conf_free(&c);
	failed = fd < 0 || unlinkat(fd, domain, 0) < 0 ? errno : 0;
	fd_close(&fd);
	if (!failed)
		return EX_OK;
	if (failed == ENOENT)
		fprintf(stderr, "posthorn: nothing is kept of %s\n", domain);
	else
		fprintf(stderr, "posthorn: cannot forget %s: %s\n", domain, strerror(failed));
	return failed == ENOENT ? EX_NOINPUT : failed == EACCES ? EX_NOPERM : EX_OSERR;
}

static const struct admin_verb verbs[] = {
	{ "list", list, "", "the policies of others that are kept" },
	{ "show", sts_show, "DOMAIN [--resolver ADDRESS@PORT]",
	  "what a domain publishes now, and which of its servers that names" },
	{ "forget", forget, "DOMAIN", "keep nothing of this domain any more" },
	{ "record", sts_record, "[--policy] [--mode testing|enforce|none] DOMAIN [MX ...]",
	  "what to publish for a domain of yours" },
	{ .name = NULL }
};

int admin_sts(int argc, char **argv)
{
	return admin_run("posthorn sts", verbs, argc, argv);
}
