/* Who may send as an address, and which line says so. See lookup.h. */
#include "common/directory/lookup.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/directory/aliases.h"
#include "common/directory/find.h"

struct search {
	struct query	 q;
	struct sender	*senders;
	size_t		 count, room;
	const char *
	    *seen; /* keys of the aliases that were gone through, with a letter for the way */
	size_t		 seen_count, seen_room;
};

/* ---- gathering ---- */

static void add_sender(struct search *x, const char *login, const char *line)
{
	for (size_t i = 0; i < x->count; i++) {
		if (strcmp(x->senders[i].login, login) == 0)
			return;
	}
	if (x->count >= LOOKUP_TARGETS_MAX)
		return;
	if (x->count == x->room) {
		x->room = x->room ? x->room * 2 : 8;
		x->senders = mem_more(x->senders, x->room, sizeof *x->senders);
	}
	x->senders[x->count++] = (struct sender){ login, line };
}

/* The same line counts once for those who only send, and once for the others. */
static bool is_new(struct search *x, const char *key, char way)
{
	const char *mark = arena_printf(x->q.a, "%c%s", way, key);

	for (size_t i = 0; i < x->seen_count; i++) {
		if (strcmp(x->seen[i], mark) == 0)
			return false;
	}
	if (x->seen_count >= LOOKUP_TARGETS_MAX)
		return false;
	if (x->seen_count == x->seen_room) {
		x->seen_room = x->seen_room ? x->seen_room * 2 : 16;
		x->seen = mem_more(x->seen, x->seen_room, sizeof *x->seen);
	}
	x->seen[x->seen_count++] = mark;
	return true;
}

static bool gather(struct search *x, struct span address, const char *line, const char *parent, unsigned depth);

static bool gather_found(struct search *x, const struct found *f, const char *line, unsigned depth);

/* Who may only send is meant as a login: not those who also get that user's mail. */
static bool gather_login(struct search *x, struct span address, const char *line, bool *is_login)
{
	struct found f;
	struct name n;

	if (!name_read(address, &n, x->q.e) || !find(&x->q, &n, false, &f))
		return false;
	*is_login = f.kind == MAILBOX;
	return !*is_login || gather_found(x, &f, line, 0);
}

static bool gather_target(struct search *x, const struct aliases_part *part, const char *line,
    const char *parent, unsigned depth)
{
	bool done = false;
	struct found f;

	if (part->is_group)
		return find_group(&x->q, part->name, &f) && gather_found(x, &f, line, depth);
	if (part->may == ALIASES_SENDS && !gather_login(x, part->name, line, &done))
		return false;
	return done || gather(x, part->name, line, parent, depth);
}

/* may: what a target must have, exactly. */
static bool gather_targets(struct search *x, struct span targets, unsigned may, const char *line,
    const char *key, unsigned depth)
{
	struct span target;

	if (depth >= LOOKUP_DEPTH_MAX || !is_new(x, key, may == ALIASES_SENDS ? 's' : 'b'))
		return true;
	while (aliases_target(&targets, &target)) {
		struct aliases_part part = aliases_part(target);

		if (part.may == may && !gather_target(x, &part, line, key, depth + 1))
			return false;
	}
	return true;
}

/* line: the one of the first step, which decides; NULL: this is the first step. */
static bool gather_found(struct search *x, const struct found *f, const char *line, unsigned depth)
{
	if (f->kind == MAILBOX)
		add_sender(x, f->place.login, line ? line : f->line);
	if (f->kind == ALIAS && !gather_targets(x, f->targets, ALIASES_RECEIVES | ALIASES_SENDS,
	    line ? line : f->line, f->key, depth))
		return false;
	for (const struct grant *g = f->grants; g; g = g->next) {
		if (!gather_targets(x, g->targets, ALIASES_SENDS, line ? line : g->line, g->key, depth))
			return false;
	}
	return true;
}

/*
 * A target that is its own alias is the mailbox of that name. Who may send as a target may
 * not therefore send as what leads to it.
 */
static bool gather(struct search *x, struct span address, const char *line, const char *parent, unsigned depth)
{
	struct found f;
	struct name n;

	if (!name_read(address, &n, x->q.e) || !find(&x->q, &n, true, &f))
		return false;
	if (f.kind == ALIAS && parent && strcmp(f.key, parent) == 0 && !find(&x->q, &n, false, &f))
		return false;
	if (parent)
		f.grants = NULL;
	return gather_found(x, &f, line, depth);
}

bool lookup_senders(const struct lookup *l, struct span address, struct arena *a,
    struct sender **senders, size_t *count, struct err *e)
{
	struct err why = { 0 };
	struct search x = { .q = { l, a, &why, true } };
	bool ok = gather(&x, address, NULL, NULL, 0);

	if (ok) {
		*senders = arena_array(a, x.count + 1, sizeof **senders);
		if (x.count)
			memcpy(*senders, x.senders, x.count * sizeof **senders);
		*count = x.count;
	} else if (e) {
		*e = why;
	}
	free(x.senders);
	free(x.seen);
	return ok;
}

/* ---- may this one? ---- */

/* ann+x@d and ann@d are both the login ann@d; for a system user the domain is any of the system's. */
static bool is_own(const struct query *q, const struct name *login, const struct name *address)
{
	struct name base, own = *address;
	const char *detail;

	if (!name_domain(login).n) {
		if (!find_is_system_domain(q->l, name_domain(address)))
			return false;
		name_make(name_local(address), (struct span){ "", 0 }, &own);
	}
	if (span_same(name_span(&own), name_span(login)))
		return true;
	return find_base(q, &own, &base, &detail) && span_same(name_span(&base), name_span(login));
}

/* Does the alias of that address say that the login itself may only receive? The line, or NULL. */
static bool is_barred(const struct query *q, const struct name *login, const struct name *address,
    const char **line)
{
	struct name n = *address, own;
	struct span target;
	struct found f;

	*line = NULL;
	if (!find(q, &n, true, &f))
		return false;
	while (f.kind == ALIAS && aliases_target(&f.targets, &target)) {
		struct aliases_part part = aliases_part(target);

		if (part.may == ALIASES_RECEIVES && !part.is_group && name_read(part.name, &own, NULL) &&
		    (span_same(name_span(&own), name_span(login)) ||
		    (find_complete(q, &own) && is_own(q, login, &own))))
			*line = f.line;
	}
	return true;
}

static bool own_address(const struct query *q, const struct name *login, const struct name *address,
    const char **line, struct err *e)
{
	const char *barred;

	if (!is_barred(q, login, address, &barred)) {
		if (e)
			*e = *q->e;
		return false;
	}
	*line = "it is the login's own address";
	if (!barred)
		return true;
	return err_perm(e, "5.7.1", "%s may not send as %s: %s", login->text, address->text, barred);
}

/* The null sender is nobody's, and anybody's: RFC 8098 3 wants it for receipts. */
bool lookup_may_send(const struct lookup *l, struct span login, struct span address,
    struct arena *a, const char **line, struct err *e)
{
	struct err why = { 0 };
	struct query q = { l, a, &why, false };
	struct sender *senders;
	struct name who, from;
	size_t count;

	*line = "anybody may use the null sender";
	if (!address.n)
		return true;
	if (!name_read(login, &who, &why) || !name_read(address, &from, &why) ||
	    !find_complete(&q, &from)) {
		if (e)
			*e = why;
		return false;
	}
	if (is_own(&q, &who, &from))
		return own_address(&q, &who, &from, line, e);
	if (!lookup_senders(l, address, a, &senders, &count, &why)) {
		if (why.kind == ERR_TEMP) {
			if (e)
				*e = why;
			return false;
		}
		count = 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (!span_is(name_span(&who), senders[i].login))
			continue;
		*line = senders[i].line;
		return true;
	}
	return err_perm(e, "5.7.1", "%s may not send as %s", who.text, from.text);
}
