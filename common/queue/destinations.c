/* The table of destinations. See destination.h. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/directory/table.h"
#include "common/os/clock.h"
#include "common/os/log.h"
#include "common/queue/destination.h"

enum { RECORD_MAX = 2048, AGES = 64, TELL_AGAIN_S = 3600 };

struct destinations {
	struct table	*table;
	struct str	 record;
	bool		 changed;
	bool		 told;		/* of trouble, */
	ms_t		 told_at;	/* then */
};

static bool trouble(struct destinations *all, const char *doing, const struct err *e)
{
	if (!all->told || clock_ms() - all->told_at > TELL_AGAIN_S * 1000)
		log_error("%s: %s", doing, e->text);
	all->told = true;
	all->told_at = clock_ms();
	return false;
}

/* A command that runs as root makes it for whom the station belongs to. */
static void give_to_owner(const char *directory, const char *file)
{
	struct stat st;

	if (geteuid() == 0 && stat(directory, &st) == 0 && lchown(file, st.st_uid, st.st_gid) < 0)
		log_warn("%s stays ours", file);
}

struct destinations *destinations_open(const char *queue_directory, struct err *e)
{
	struct destinations *all = mem_get(sizeof *all);
	char directory[4096], path[4200];
	bool anew = false;

	snprintf(directory, sizeof directory, "%s/out", queue_directory);
	snprintf(path, sizeof path, "%s/destinations.db", directory);
	all->record = STR(RECORD_MAX);
	all->table = table_hints(path, &anew, e);
	if (anew)
		log_warn("%s was damaged; nothing is known of any destination", path);
	if (all->table) {
		give_to_owner(directory, path);
		return all;
	}
	log_error("what is learned of destinations is kept in memory only: %s", e->text);
	all->table = table_new(e);
	return all;
}

void destinations_close(struct destinations *all)
{
	struct err e;

	if (!table_close(all->table, &e))
		trouble(all, "writing what is known of destinations", &e);
	str_free(&all->record);
	free(all);
}

bool destinations_get(struct destinations *all, const char *name, struct destination *d)
{
	bool found = false;
	struct err e;

	*d = (struct destination){ 0 };
	if (all->table && !table_get(all->table, span_of(name), &all->record, &found, &e))
		return trouble(all, "reading what is known of a destination", &e);
	if (found)
		destination_parse(str_span(&all->record), d);
	return found;
}

void destinations_set(struct destinations *all, const char *name, const struct destination *d)
{
	struct err e;

	str_reset(&all->record);
	destination_print(d, &all->record);
	if (all->table && !table_set(all->table, span_of(name), str_span(&all->record), &e))
		trouble(all, "noting what is known of a destination", &e);
	all->changed = true;
}

void destinations_sync(struct destinations *all)
{
	struct err e;

	if (all->changed && all->table && !table_sync(all->table, &e))
		trouble(all, "writing what is known of destinations", &e);
	all->changed = false;
}

/* --- all of them --- */

static void sift(struct destinations *all,
    bool (*keep)(void *arg, struct span key, struct span value), void *arg)
{
	struct err e;

	if (all->table && !table_sift(all->table, keep, arg, &e))
		trouble(all, "looking through all destinations", &e);
}

struct forgetting { struct span name; size_t count; };

static bool keep_others(void *arg, struct span key, struct span value)
{
	struct forgetting *f = arg;

	(void)value;
	if (f->name.p && !span_same(key, f->name))
		return true;
	f->count++;
	return false;
}

size_t destinations_forget(struct destinations *all, const char *name)
{
	struct forgetting f = { name ? span_of(name) : (struct span){ NULL, 0 }, 0 };

	sift(all, keep_others, &f);
	all->changed = all->changed || f.count;
	return f.count;
}

struct showing { void (*each)(void *arg, const char *name, const struct destination *d); void *arg; };

static bool show(void *arg, struct span key, struct span value)
{
	const struct showing *s = arg;
	char name[ROUTE_NAME];
	struct destination d;

	destination_parse(value, &d);
	if (span_copy(key, name, sizeof name))
		s->each(s->arg, name, &d);
	return true;
}

void destinations_each(struct destinations *all,
    void (*each)(void *arg, const char *name, const struct destination *d), void *arg)
{
	sift(all, show, &(struct showing){ each, arg });
}

static void print_one(void *arg, const char *name, const struct destination *d)
{
	struct str *out = arg;

	str_addf(out, "destination: %s\n", name);
	destination_print(d, out);
	str_add_char(out, '\n');
}

void destinations_print(struct destinations *all, struct str *out)
{
	destinations_each(all, print_one, out);
}

/* --- by a person --- */

static bool edit(struct destinations *all, struct span words, int64_t now, struct err *e)
{
	struct span name = span_word(&words), word;
	char text[ROUTE_NAME];
	struct destination d;

	if (!name.n || !span_copy(name, text, sizeof text))
		return err_perm(e, "5.3.5", "it takes the name of a destination");
	destinations_get(all, text, &d);
	if (!d.first)
		d.first = now;
	d.used = now;
	while ((word = span_word(&words)).n) {
		if (!destination_edit(&d, word, now, e))
			return false;
	}
	destinations_set(all, text, &d);
	return true;
}

bool destinations_do(struct destinations *all, struct span words, int64_t now, struct err *e)
{
	struct span verb = span_word(&words), name;
	char text[ROUTE_NAME];

	if (span_same(verb, SPAN("set")))
		return edit(all, words, now, e);
	if (span_same(verb, SPAN("list")))
		return true;
	if (!span_same(verb, SPAN("forget")))
		return err_perm(e, "5.3.5", "it is list, forget or set");
	name = span_word(&words);
	if (name.n && !span_copy(name, text, sizeof text))
		return err_perm(e, "5.3.5", "that name is too long");
	destinations_forget(all, name.n ? text : NULL);
	return true;
}

/* --- not forever, and not too many --- */

struct sifting { int64_t now, keep; size_t ages[AGES + 1], from; };

/* Which of AGES steps of the time that it may be unused; a clock that went back makes nothing old. */
static size_t age_of(const struct sifting *s, struct span value)
{
	struct destination d;
	int64_t age;

	destination_parse(value, &d);
	age = s->now - d.used;
	if (age <= 0)
		return 0;
	return age >= s->keep ? AGES : (size_t)(age * AGES / s->keep);
}

static bool count_young(void *arg, struct span key, struct span value)
{
	struct sifting *s = arg;
	size_t age = age_of(s, value);

	(void)key;
	s->ages[age]++;
	return age < AGES;
}

static bool keep_younger(void *arg, struct span key, struct span value)
{
	const struct sifting *s = arg;

	(void)key;
	return age_of(s, value) < s->from;
}

void destinations_sift(struct destinations *all, int64_t now, int64_t keep, size_t most)
{
	struct sifting s = { .now = now, .keep = keep > 0 ? keep : 1 };
	size_t kept = 0;

	sift(all, count_young, &s);
	while (s.from < AGES && kept + s.ages[s.from] <= most)
		kept += s.ages[s.from++];
	if (s.from < AGES)
		sift(all, keep_younger, &s);
	all->changed = true;
}
