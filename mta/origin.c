/* Who sends, and how much of it is under way. See sched.h. */
#include "mta/sched.h"

#include <stdlib.h>

#include "common/base/mem.h"

enum { BUCKETS = 1024 };

struct origins { struct origin *buckets[BUCKETS]; };

struct origins *origins_new(void)
{
	return mem_get(sizeof(struct origins));
}

/*
 * A login is one sender whatever it writes; else the address is, up to what a list puts into it
 * for each recipient (VERP): "list+ann=example.org@host", "list-return-7-ann=example.org@host".
 */
static void name_of(const struct envelope *env, struct str *name)
{
	struct span sender = span_of(env->sender), local = sender;
	ptrdiff_t at = span_rfind(sender, '@');
	size_t n = 0;

	if (*env->login) {
		str_add_text(name, env->login);
		return;
	}
	if (at >= 0)
		local = span_to(sender, (size_t)at);
	while (n < local.n && local.p[n] != '+' && local.p[n] != '-' && local.p[n] != '=')
		str_add_char(name, to_lower(local.p[n++]));
	str_add(name, span_from(sender, local.n));
}

static struct origin **place_of(struct origins *all, const char *name)
{
	struct origin **at;

	for (at = &all->buckets[span_hash(span_of(name)) % BUCKETS]; *at; at = &(*at)->same) {
		if (strcmp((*at)->name, name) == 0)
			break;
	}
	return at;
}

struct origin *origin_get(struct sched *s, const struct envelope *env)
{
	struct str name = STR(1024);
	struct origin **at;

	name_of(env, &name);
	at = place_of(s->origins, name.p);
	if (!*at) {
		*at = mem_get(sizeof **at + name.n + 1);
		memcpy((*at)->name, name.p, name.n + 1);
	}
	str_free(&name);
	return *at;
}

void origin_put(struct sched *s, struct origin *o)
{
	if (o->active || o->parked.first)
		return;
	*place_of(s->origins, o->name) = o->same;
	free(o);
}

bool origin_may_start(const struct sched *s, const struct origin *o, bool fresh)
{
	size_t most = ACTIVE_MAX;

	if (fresh && o->active < ORIGIN_FEW)
		most *= 2;		/* whoever sends little does not wait for who sends much */
	return s->active_n < most;
}

bool origin_has_much(const struct origin *o)
{
	return o->active >= ORIGIN_ACTIVE;
}

void origin_finished(struct sched *s, struct origin *o)
{
	time_t now = clock_wall();
	int n = 0;

	o->active--;
	if (o->active <= ORIGIN_ACTIVE / 2) {
		while (n < ORIGIN_ACTIVE / 2 && waits_unpark(&s->waits, &o->parked, now))
			n++;
	}
	origin_put(s, o);
	if (n)
		message_arm(s);
}
