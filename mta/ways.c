/*
 * Where the recipients of a message go, and how: posthorn-destinations(5) on top of the settings. The
 * clerk has the lines; what it said counts for a few seconds, and a message asks for all its domains at once.
 */
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/conf/who.h"
#include "mta/sched.h"

enum { SLOTS = 4096, KNOWN_S = 5 };

/* "SENDER DOMAIN", its words and those by sender, each with its NUL behind the other. */
struct known { char *key; const char *words, *by_sender; ms_t until; };

struct ways { struct known slots[SLOTS]; };

struct ways *ways_new(void)
{
	return mem_get(sizeof(struct ways));
}

/* --- what is known --- */

static struct known *slot_of(struct ways *w, const char *key)
{
	return &w->slots[span_hash(span_of(key)) % SLOTS];
}

/* A stranger of whom nobody knows whom he is from writes any name there; no line's login is for him. */
static const char *sender_of(const struct sched *s, const struct message *m)
{
	return m->env.vouched || sign_is_ours(&m->env, &s->self.conf.mta_relay_networks) ?
	    m->env.sender :
	    "";
}

static void print_key(const char *sender, const char *domain, struct str *key)
{
	str_reset(key);
	str_addf(key, "%s %s", sender, domain);
}

static bool recall(struct ways *w, struct message *m, const char *key, struct dir_way *way)
{
	const struct known *k = slot_of(w, key);

	if (!k->key || clock_ms() > k->until || strcmp(k->key, key) != 0)
		return false;
	way->words = arena_text(m->arena, span_of(k->words));
	way->by_sender = arena_text(m->arena, span_of(k->by_sender));
	return true;
}

static void keep(struct ways *w, const char *key, const struct dir_way *way)
{
	struct known *k = slot_of(w, key);
	size_t a = strlen(key) + 1, b = strlen(way->words) + 1, c = strlen(way->by_sender) + 1;

	free(k->key);
	k->key = mem_get(a + b + c);
	memcpy(k->key, key, a);
	k->words = memcpy(k->key + a, way->words, b);
	k->by_sender = memcpy(k->key + a + b, way->by_sender, c);
	k->until = clock_in(KNOWN_S);
}

/* --- asking --- */

static bool ask_once(struct sched *s, struct message *m, const char **domains, size_t n,
    struct dir_way *ways, struct err *e)
{
	if (s->clerk < 0 && !role_connect(&s->self, "clerk", &s->clerk, e))
		return false;
	return directory_ways(&s->clerk, span_of(sender_of(s, m)), domains, n, m->arena, ways, e);
}

/* A clerk that was restarted since is asked again at once. */
static bool ask(struct sched *s, struct message *m, const char **domains, size_t n,
    struct dir_way *ways, struct err *e)
{
	bool was = s->clerk >= 0;

	return ask_once(s, m, domains, n, ways, e) ||
	    (was && s->clerk < 0 && ask_once(s, m, domains, n, ways, e));
}

static int by_domain(const void *a, const void *b)
{
	return strcmp(((const struct ways_found *)a)->domain, ((const struct ways_found *)b)->domain);
}

/* The domains of all who are due, each once, in order. */
static size_t gather(struct sched *s, struct message *m, time_t now, struct ways_found *found)
{
	char name[ROUTE_NAME];
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < m->env.rcpt_count; i++) {
		const struct rcpt *r = &m->env.rcpts[i];

		if (r->state != RCPT_WAITING || !plan_due(&s->plan, &m->env, r, now) ||
		    !route_destination(span_of(r->address), name))
			continue;
		if (!n || strcmp(found[n - 1].domain, name) != 0)
			found[n++].domain = arena_text(m->arena, span_of(name));
	}
	qsort(found, n, sizeof *found, by_domain);
	for (size_t i = 0; i < n; i++) {
		if (!kept || by_domain(&found[kept - 1], &found[i]) != 0)
			found[kept++] = found[i];
	}
	return kept;
}

bool ways_find(struct sched *s, struct message *m, time_t now, struct ways_found **found,
    size_t *count, struct err *e)
{
	struct ways_found *all = arena_array(m->arena, m->env.rcpt_count, sizeof *all);
	size_t n = gather(s, m, now, all), unknown = 0;
	const char **domains = arena_array(m->arena, n, sizeof *domains), *sender = sender_of(s, m);
	struct dir_way *ways = arena_array(m->arena, n, sizeof *ways);
	struct str key = STR(2 * ENVELOPE_MAX);
	bool ok;

	for (size_t i = 0; i < n; i++) {
		print_key(sender, all[i].domain, &key);
		if (!recall(s->ways, m, key.p, &all[i].way))
			domains[unknown++] = all[i].domain;
	}
	ok = !unknown || ask(s, m, domains, unknown, ways, e);
	for (size_t i = 0, next = 0; ok && i < n && next < unknown; i++) {
		if (all[i].way.words)
			continue;
		all[i].way = ways[next++];
		print_key(sender, all[i].domain, &key);
		keep(s->ways, key.p, &all[i].way);
	}
	str_free(&key);
	*found = all;
	*count = n;
	return ok;
}

/* --- headings --- */

/*
 * Messages to the same servers meet, whatever their domains: these have one pace and one state. What is so
 * for one sender alone, such as a login, may fail for that one alone.
 */
static const char *name_of(struct message *m, const struct way *w, const char *destination, const char *by_sender)
{
	struct str name = STR(ROUTE_NAME - 1);
	struct span word, rest = span_of(by_sender);
	const char *made;

	str_add_text(&name, destination);
	if (*w->login)
		str_addf(&name, ";login=%s", w->login);
	while ((word = span_word(&rest)).n) {
		if (!span_starts(word, "via=") && !span_starts(word, "login=") &&
		    !span_starts(word, "after=") && !span_starts(word, "retry="))
			str_addf(&name, ";" SPAN_FMT, SPAN_ARG(word));
	}
	made = arena_text(m->arena, str_span(&name));
	str_free(&name);
	return made;
}

bool ways_head(const struct sched *s, struct message *m, const struct rcpt *r,
    const struct ways_found *found, size_t count, struct heading *out)
{
	struct way w = who_way(&s->self.conf);
	struct str words = STR(2 * WAY_TEXT);
	const struct ways_found *f;
	char name[ROUTE_NAME];

	if (!route_destination(span_of(r->address), name))
		return false;
	f = bsearch(&(struct ways_found){ .domain = name }, found, count, sizeof *found, by_domain);
	if (f)
		way_read(span_of(f->way.words), m->arena, &w, NULL);
	way_at_try(&w, r->tries);
	if (*m->env.via)
		way_by(&w, m->env.via);		/* what a person said for this message is more than any line */
	*out = (struct heading){ .connections = w.connections, .retry = w.retry };	/* ours; the rest is for who sends */
	w.connections = 0;
	w.retry = "";
	out->destination = *w.via ? w.via : f ? f->domain : arena_text(m->arena, span_of(name));
	out->name = name_of(m, &w, out->destination, f ? f->way.by_sender : "");
	way_print(&w, &way_plain, &words);
	out->words = arena_text(m->arena, str_span(&words));
	str_free(&words);
	return true;
}
