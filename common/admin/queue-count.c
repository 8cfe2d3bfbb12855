/*
 * posthorn queue count: how many messages wait, for whom, and for how long. A message counts once
 * for each destination that it still has to reach. See queue.h.
 */
#include "common/admin/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/base/mem.h"
#include "common/base/siphash.h"
#include "common/os/clock.h"
#include "common/os/dice.h"

enum { AGES = 10, SLOTS_FIRST = 1024, NAME_WIDTH = 30 };

/* Each twice the one before, as messages wait twice as long for each further try. */
static const unsigned minutes[AGES - 1] = { 5, 10, 20, 40, 80, 160, 320, 640, 1280 };

struct row { char *name; size_t all, ages[AGES]; };

/* A hash of rows, half empty at least. */
struct table { struct row *rows; size_t slots, count; struct row total; uint64_t key[2]; };

enum by { BY_DESTINATION, BY_SENDER, BY_LOGIN, BY_STATION };
static const char *const by_names[] = { "destination", "sender", "login", "station" };
enum { BYS = sizeof by_names / sizeof *by_names };

struct counting { struct desk d; const struct choice *c; struct table t; enum by by; int station; time_t now; };

/* --- the table --- */

/* Strangers choose senders: none that all fall into one place. */
static size_t hash(const struct table *t, struct span name)
{
	struct str folded = STR(name.n + 1);
	size_t h;

	str_add_lower(&folded, name);
	h = siphash(t->key, str_span(&folded));
	str_free(&folded);
	return h;
}

static struct row *slot_of(const struct table *t, struct span name)
{
	size_t at = hash(t, name) & (t->slots - 1);

	while (t->rows[at].name && !span_alike(span_of(t->rows[at].name), name))
		at = (at + 1) & (t->slots - 1);
	return &t->rows[at];
}

static void grow(struct table *t)
{
	struct table old = *t;

	t->slots = old.slots ? old.slots * 2 : SLOTS_FIRST;
	t->rows = mem_get(t->slots * sizeof *t->rows);
	for (size_t i = 0; i < old.slots; i++) {
		if (old.rows[i].name)
			*slot_of(t, span_of(old.rows[i].name)) = old.rows[i];
	}
	free(old.rows);
}

static struct row *row_of(struct table *t, struct span name)
{
	struct row *r;

	if (t->count * 2 >= t->slots)
		grow(t);
	r = slot_of(t, name);
	if (r->name)
		return r;
	t->count++;
	r->name = mem_get(name.n + 1);
	for (size_t i = 0; i < name.n; i++)
		r->name[i] = to_lower(name.p[i]);
	return r;
}

/* --- counting --- */

static size_t age_of(const struct envelope *env, time_t now)
{
	size_t i = 0;

	while (i < AGES - 1 && now - env->arrived > (time_t)minutes[i] * 60)
		i++;
	return i;
}

static void add(struct row *r, size_t age)
{
	r->all++;
	r->ages[age]++;
}

static struct span domain_of(const struct rcpt *r)
{
	struct span address = span_of(r->address);
	ptrdiff_t at = span_rfind(address, '@');

	return at < 0 ? SPAN("") : span_from(address, (size_t)at + 1);
}

/* A message to many at one domain: was that domain counted for it already? */
static bool is_met(const struct envelope *env, size_t before, struct span domain)
{
	for (size_t i = 0; i < before; i++) {
		if (env->rcpts[i].state == RCPT_WAITING &&
		    span_alike(domain_of(&env->rcpts[i]), domain))
			return true;
	}
	return false;
}

static void count_destinations(struct counting *k, const struct envelope *env, size_t age)
{
	enum { FEW = 1000 };		/* of a longer list only these are looked at */

	for (size_t i = 0; i < env->rcpt_count && i < FEW; i++) {
		struct span domain = domain_of(&env->rcpts[i]);

		if (env->rcpts[i].state == RCPT_WAITING && !is_met(env, i, domain))
			add(row_of(&k->t, domain), age);
	}
}

static void count_message(struct counting *k, const struct envelope *env)
{
	size_t age = age_of(env, k->now);

	add(&k->t.total, age);
	switch (k->by) {
	case BY_DESTINATION:
		count_destinations(k, env, age);
		break;
	case BY_SENDER:
		add(row_of(&k->t, *env->sender ? span_of(env->sender) : SPAN("<>")), age);
		break;
	case BY_LOGIN:
		add(row_of(&k->t, *env->login ? span_of(env->login) : SPAN("-")), age);
		break;
	case BY_STATION:
		add(row_of(&k->t, span_of(queue_stations[k->station])), age);
		break;
	}
}

static bool count_one(void *arg, const char *id)
{
	struct counting *k = arg;
	struct place p = { .station = k->station };
	struct envelope env;

	span_copy(span_of(id), p.id, sizeof p.id);
	if (desk_read(&k->d, &p, &env) && choice_fits(k->c, &env, k->now))
		count_message(k, &env);
	return true;
}

/* --- printing --- */

static int more_first(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->all != y->all)
		return x->all < y->all ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* Rows without holes, the largest first. */
static void sort(struct table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->slots; i++) {
		if (t->rows[i].name)
			t->rows[n++] = t->rows[i];
	}
	if (n)
		qsort(t->rows, n, sizeof *t->rows, more_first);
}

static void print_row(const char *name, const struct row *r)
{
	printf("%-*s %7zu", NAME_WIDTH, name, r->all);
	for (size_t i = 0; i < AGES; i++)
		printf(" %6zu", r->ages[i]);
	putchar('\n');
}

static void print_text(const struct counting *k)
{
	printf("%-*s %7s", NAME_WIDTH, by_names[k->by], "all");
	for (size_t i = 0; i < AGES - 1; i++)
		printf(" %5um", minutes[i]);
	puts("   more");
	print_row("all", &k->t.total);
	for (size_t i = 0; i < k->t.count; i++)
		print_row(k->t.rows[i].name, &k->t.rows[i]);
}

static void json_row(const char *key, const struct row *r, const char *before)
{
	struct str out = STR(QUEUE_PRINT);

	str_addf(&out, "%s{\"%s\":", before, key);
	admin_json_text(&out, span_of(r->name));
	str_addf(&out, ",\"messages\":%zu,\"ages\":[", r->all);
	for (size_t i = 0; i < AGES; i++)
		str_addf(&out, "%s%zu", i ? "," : "", r->ages[i]);
	str_add_text(&out, "]}");
	admin_print(&out);
}

static void print_json(const struct counting *k)
{
	fputs("{\"minutes\":[", stdout);
	for (size_t i = 0; i < AGES - 1; i++)
		printf("%s%u", i ? "," : "", minutes[i]);
	printf("],\"messages\":%zu,\"rows\":[", k->t.total.all);
	for (size_t i = 0; i < k->t.count; i++)
		json_row(by_names[k->by], &k->t.rows[i], i ? ",\n " : "");
	puts("]}");
}

/* --- the verb --- */

static int take_by(int *argc, char **argv, enum by *by)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		int n = 0;

		if (strcmp(argv[i], "--by") != 0) {
			argv[kept++] = argv[i];
			continue;
		}
		while (n < BYS && i + 1 < *argc && strcmp(argv[i + 1], by_names[n]) != 0)
			n++;
		if (++i == *argc || n == BYS)
			return admin_usage("--by wants destination, sender, login or station");
		*by = (enum by)n;
	}
	argv[kept] = NULL;
	*argc = kept;
	return -1;
}

static int count_all(struct counting *k)
{
	int code = desk_open(&k->d);
	struct err e;

	if (code != EX_OK)
		return code;
	for (k->station = 0; k->station < STATIONS; k->station++) {
		if (k->c->in[k->station] && k->d.open[k->station]
		    && !queue_each(&k->d.st[k->station], count_one, k, &e))
			k->d.code = admin_fail(&e);
	}
	code = k->d.code;
	desk_close(&k->d);
	return code;
}

int queue_count(int argc, char **argv)
{
	struct choice c;
	struct counting k = { .c = &c, .now = clock_wall(), .t.key = { dice_roll(), dice_roll() } };
	int code = choice_read(&argc, argv, &c);

	if (code < 0)
		code = take_by(&argc, argv, &k.by);
	if (code < 0 && argc > 1)
		code = admin_usage("queue count does not take \"%s\"", argv[1]);
	if (code >= 0)
		return code;
	code = count_all(&k);
	sort(&k.t);
	if (admin_json())
		print_json(&k);
	else
		print_text(&k);
	for (size_t i = 0; i < k.t.count; i++)
		free(k.t.rows[i].name);
	free(k.t.rows);
	return code;
}
