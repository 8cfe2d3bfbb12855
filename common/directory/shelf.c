/* The three tables, kept as fresh as their texts. See shelf.h. */
#include "common/directory/shelf.h"

void shelf_begin(struct shelf *s, const char *const files[TABLE_COUNT], const char *directory,
    const struct dir_rules *rules)
{
	*s = (struct shelf){ .lookup = { .rules = rules }, .directory = directory };
	for (int kind = 0; kind < TABLE_COUNT; kind++)
		s->lookup.files[kind] = files[kind];
}

void shelf_end(struct shelf *s)
{
	for (int kind = 0; kind < TABLE_COUNT; kind++) {
		table_close(s->lookup.tables[kind], NULL);
		s->lookup.tables[kind] = NULL;
	}
}

static void adopt(struct shelf *s, enum table_kind kind, struct table *t, const char *stamp)
{
	table_close(s->lookup.tables[kind], NULL);
	s->lookup.tables[kind] = t;
	snprintf(s->each[kind].stamp, sizeof s->each[kind].stamp, "%s", stamp);
}

/* The table on disk and its stamp; NULL when there is none that can be read. */
static struct table *open_on_disk(struct shelf *s, enum table_kind kind, struct str *stamp)
{
	char path[4096];
	struct table *t;
	bool found = false;

	snprintf(path, sizeof path, "%s/%s.db", s->directory, compile_kind_name(kind));
	t = table_open(path, NULL);
	if (t && table_get(t, SPAN(""), stamp, &found, NULL) && found)
		return t;
	table_close(t, NULL);
	return NULL;
}

/* Take what is on disk, if it is of this text; or of any, when we have nothing. */
static bool adopt_from_disk(struct shelf *s, enum table_kind kind, const char *stamp, bool any)
{
	struct str on_disk = STR(STAMP_SIZE);
	struct table *t = open_on_disk(s, kind, &on_disk);
	bool fits = t && (any || span_same(str_span(&on_disk), span_of(stamp)));

	if (fits)
		adopt(s, kind, t, on_disk.p);
	else
		table_close(t, NULL);
	str_free(&on_disk);
	return fits;
}

static bool compile(struct shelf *s, enum table_kind kind, const char *stamp, struct str *mistakes,
    struct str *news, struct err *e)
{
	const char *file = s->lookup.files[kind];
	struct err disk = { 0 };
	struct table *t;

	if (compile_file(kind, file, s->directory, mistakes, &disk) &&
	    adopt_from_disk(s, kind, stamp, true))
		return true;
	if (disk.kind == ERR_PERM) {
		*e = disk;
		return false;
	}
	t = compile_memory(kind, file, mistakes, e);
	if (!t)
		return false;
	adopt(s, kind, t, stamp);
	if (disk.kind)
		str_addf(news, "%s: kept in memory only: %s\n", file, disk.text);
	return true;
}

static void report(struct shelf *s, enum table_kind kind, const struct str *mistakes,
    const struct err *e, struct str *news)
{
	if (mistakes->n)
		str_add(news, str_span(mistakes));
	else
		str_addf(news, "%s\n", e->text);
	str_addf(news, "%s: %s\n", s->lookup.files[kind], s->lookup.tables[kind] ?
	    "until that is mended, what it said before goes on" :
	    "until that is mended, every question about it is answered \"try again later\"");
}

/* A text with mistakes is not tried again before it changes; trouble with reading it may pass. */
static void go_on_without(struct shelf *s, enum table_kind kind, const char *stamp,
    const struct str *mistakes, const struct err *e, struct str *news)
{
	bool broken = e->kind == ERR_PERM;

	if (broken)
		snprintf(s->each[kind].broken, sizeof s->each[kind].broken, "%s", stamp);
	if (!s->lookup.tables[kind])
		adopt_from_disk(s, kind, stamp, true);
	if (broken || !s->each[kind].told)
		report(s, kind, mistakes, e, news);
	s->each[kind].told = !broken;
}

static void refresh(struct shelf *s, enum table_kind kind, struct str *news)
{
	struct str mistakes = STR(4096);
	char stamp[STAMP_SIZE];
	struct err e = { 0 };

	if (!compile_stamp(s->lookup.files[kind], stamp, &e)) {
		go_on_without(s, kind, "", &mistakes, &e, news);
		return;
	}
	if (strcmp(stamp, s->each[kind].stamp) == 0 || strcmp(stamp, s->each[kind].broken) == 0)
		return;
	if (!adopt_from_disk(s, kind, stamp, false) &&
	    !compile(s, kind, stamp, &mistakes, news, &e)) {
		go_on_without(s, kind, stamp, &mistakes, &e, news);
	} else {
		s->each[kind].broken[0] = '\0';
		s->each[kind].told = false;
	}
	str_free(&mistakes);
}

void shelf_refresh(struct shelf *s, struct str *news)
{
	for (int kind = 0; kind < TABLE_COUNT; kind++)
		refresh(s, kind, news);
}
