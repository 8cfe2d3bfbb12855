/* One question to the clerk, answered. See answer.h. */
#include "common/directory/answer.h"

#include "common/directory/full.h"
#include "common/os/clock.h"

/* What p's fields say, out of p, because the answer is written over them. */
static struct span take(struct packet *p, struct arena *a)
{
	return arena_copy(a, packet_take(p));
}

static bool refuse(struct packet *p, const struct err *e)
{
	packet_begin(p, '-');
	packet_put_err(p, e);
	return true;
}

static bool say_class(struct packet *p, enum dir_class is)
{
	packet_begin(p, '+');
	packet_put_u64(p, is);
	return true;
}

/* Who has no quota has room, whatever a mark says that is older than that. */
static uint64_t room_of(const struct lookup *l, const struct lookup_answer *found)
{
	if (!l->full || !found->quota)
		return FULL_NOT_KNOWN;
	return full_room(l->full, span_of(found->user), clock_wall());
}

static bool answer_resolve(const struct lookup *l, struct arena *a, struct packet *p)
{
	struct span address = take(p, a);
	struct lookup_answer found;
	struct err e;

	if (p->bad)
		return false;
	if (!lookup_resolve(l, address, a, &found, &e))
		return refuse(p, &e);
	say_class(p, found.is);
	packet_put_text(p, found.user);
	packet_put_text(p, found.detail);
	packet_put_u64(p, room_of(l, &found));
	return true;
}

static void put_target(struct packet *p, const struct dir_target *t)
{
	packet_put_u64(p, t->kind);
	packet_put_text(p, t->address);
	packet_put_text(p, t->login);
	packet_put_text(p, t->home);
	packet_put_text(p, t->mail);
	packet_put_text(p, t->detail);
	packet_put_u64(p, t->uid);
	packet_put_u64(p, t->gid);
	packet_put_u64(p, t->quota);
}

static bool answer_expand(const struct lookup *l, struct arena *a, struct packet *p)
{
	struct span address = take(p, a);
	uint64_t from = packet_take_u64(p);
	struct dir_target *targets;
	struct err e;
	size_t count;

	if (p->bad)
		return false;
	if (!lookup_expand(l, address, a, &targets, &count, &e))
		return refuse(p, &e);
	packet_begin(p, '+');
	packet_put_u64(p, count);
	for (size_t i = from; i < count; i++) {
		size_t was = p->n;

		put_target(p, &targets[i]);
		if (p->bad) {			/* full: the rest when it is asked for */
			p->bad = i == from;
			p->n = was;
			break;
		}
	}
	return !p->bad;
}

static bool answer_may_send(const struct lookup *l, struct arena *a, struct packet *p)
{
	struct span login = take(p, a), address = take(p, a);
	const char *line;
	struct err e;

	if (p->bad)
		return false;
	return lookup_may_send(l, login, address, a, &line, &e) ? say_class(p, DIR_LOCAL) : refuse(p, &e);
}

static bool answer_domain(const struct lookup *l, struct arena *a, struct packet *p)
{
	struct span domain = take(p, a);
	enum dir_class is;
	struct err e;

	if (p->bad)
		return false;
	return lookup_domain(l, domain, &is, &e) ? say_class(p, is) : refuse(p, &e);
}

/* As many of the domains' ways as fit, in their order; the asker asks for the others again. */
static bool answer_ways(const struct lookup *l, struct arena *a, struct packet *p)
{
	struct span sender = take(p, a), *domains = arena_array(a, DIRECTORY_WAYS_MAX, sizeof *domains);
	const char *words, *by_sender;
	struct err e;
	size_t n = 0;

	while (p->at < p->n && n < DIRECTORY_WAYS_MAX)
		domains[n++] = take(p, a);
	if (p->bad)
		return false;
	packet_begin(p, '+');
	for (size_t i = 0; i < n; i++) {
		size_t was = p->n;

		if (!lookup_way(l, sender, domains[i], a, &words, &by_sender, &e))
			return refuse(p, &e);
		packet_put_text(p, words);
		packet_put_text(p, by_sender);
		if (p->bad) {
			p->bad = i == 0;
			p->n = was;
			break;
		}
	}
	return !p->bad;
}

/* No session may make addresses that lead back: it would be a relay for who has broken into it. */
static bool answer_forward(const struct lookup *l, struct arena *a, struct packet *p)
{
	struct span sender = take(p, a), recipient = take(p, a);
	const char *from;
	struct err e;
	bool owned;

	if (p->bad || (l->returns && !l->returns->may_make))
		return false;
	if (!lookup_forward(l, sender, recipient, a, &from, &owned, &e))
		return refuse(p, &e);
	packet_begin(p, '+');
	packet_put_text(p, from);
	packet_put_u64(p, owned);
	return true;
}

bool answer(const struct lookup *l, struct arena *a, struct packet *p)
{
	static const struct { char verb; bool (*run)(const struct lookup *, struct arena *, struct packet *); } verbs[] = {
		{ 'R', answer_resolve }, { 'X', answer_expand },
		{ 'M', answer_may_send }, { 'D', answer_domain }, { 'W', answer_ways },
		{ 'F', answer_forward },
	};

	packet_drop_fds(p);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (verbs[i].verb == p->verb)
			return verbs[i].run(l, a, p);
	}
	return false;
}
