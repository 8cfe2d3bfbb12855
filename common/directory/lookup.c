/* Who is behind an address. See lookup.h; find.c looks at one name. */
#include "common/directory/lookup.h"

#include <stdlib.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/directory/aliases.h"
#include "common/directory/find.h"
#include "common/mail/addr.h"

/* ---- following aliases ---- */

struct step { const char *key; bool open; };	/* open: we are inside of it */

struct expansion {
	struct query		 q;
	struct dir_target	*targets;
	size_t			 count, room;
	struct step		*steps;
	size_t			 step_count, step_room;
};

static bool same_place(const struct dir_target *a, const struct dir_target *b)
{
	if (a->kind != b->kind || strcmp(a->detail, b->detail) != 0)
		return false;
	return a->kind == DIR_MAILBOX ? strcmp(a->login, b->login) == 0 : strcasecmp(a->address, b->address) == 0;
}

static bool add_target(struct expansion *x, const struct dir_target *t)
{
	for (size_t i = 0; i < x->count; i++) {
		if (same_place(&x->targets[i], t))
			return true;
	}
	if (x->count >= LOOKUP_TARGETS_MAX)
		return err_perm(x->q.e, "5.4.6", "the alias expands to more than %d addresses",
		    LOOKUP_TARGETS_MAX);
	if (x->count == x->room) {
		x->room = x->room ? x->room * 2 : 8;
		x->targets = mem_more(x->targets, x->room, sizeof *x->targets);
	}
	x->targets[x->count++] = *t;
	return true;
}

/* Local parts that need quotes get them: an address goes out as RFC 5321 writes it. */
static bool add_address(struct expansion *x, struct span as_written, const struct name *n)
{
	struct str text = STR(2 * NAME_SIZE);
	struct dir_target t = { .kind = DIR_ADDRESS, .login = "", .home = "", .mail = "", .detail = "" };
	struct span local, domain;

	if (addr_split(as_written, &local, &domain))
		str_add(&text, as_written);
	else
		addr_print(name_local(n), name_domain(n), &text);
	t.address = arena_text(x->q.a, str_span(&text));
	str_free(&text);
	return add_target(x, &t);
}

static struct step *step_of(struct expansion *x, const char *key)
{
	for (size_t i = 0; i < x->step_count; i++) {
		if (strcmp(x->steps[i].key, key) == 0)
			return &x->steps[i];
	}
	return NULL;
}

static size_t step_into(struct expansion *x, const char *key)
{
	if (x->step_count == x->step_room) {
		x->step_room = x->step_room ? x->step_room * 2 : 16;
		x->steps = mem_more(x->steps, x->step_room, sizeof *x->steps);
	}
	x->steps[x->step_count] = (struct step){ key, true };
	return x->step_count++;
}

static bool expand(struct expansion *x, struct span address, const char *detail, const char *parent,
    unsigned depth);

static bool loops(struct expansion *x, const char *key)
{
	return err_perm(x->q.e, "5.4.6", "the %s %s leads back to itself",
	    *key == '\001' ? "group" : "alias", key + (*key == '\001'));
}

static bool expand_alias(struct expansion *x, const struct found *f, const char *detail, unsigned depth);

static bool expand_group(struct expansion *x, struct span name, const char *detail, unsigned depth)
{
	struct found f;

	if (!find_group(&x->q, name, &f))
		return false;
	return f.kind == NOBODY || expand_alias(x, &f, detail, depth);
}

static bool expand_target(struct expansion *x, struct span target, const struct found *f,
    const char *detail, unsigned depth)
{
	struct aliases_part part = aliases_part(target);

	if (!(part.may & ALIASES_RECEIVES))
		return true;
	if (part.is_group)
		return expand_group(x, part.name, detail, depth);
	return expand(x, part.name, detail, f->key, depth);
}

static bool expand_alias(struct expansion *x, const struct found *f, const char *detail, unsigned depth)
{
	struct step *seen = step_of(x, f->key);
	struct span targets = f->targets, target;
	size_t step;

	if (seen)
		return !seen->open || loops(x, f->key);
	if (depth >= LOOKUP_DEPTH_MAX || x->step_count >= LOOKUP_TARGETS_MAX)
		return err_perm(x->q.e, "5.4.6", "the alias %s leads too far", f->key);
	step = step_into(x, f->key);
	while (aliases_target(&targets, &target)) {
		if (!expand_target(x, target, f, detail, depth + 1))
			return false;
	}
	x->steps[step].open = false;
	return true;
}

static bool expand_postmaster(struct expansion *x)
{
	static const char key[] = "\001postmaster";	/* no name has a control character */
	struct dir_target place;
	size_t before = x->count, step;
	struct lookup_answer answer;

	if (!step_of(x, key)) {
		step = step_into(x, key);
		if (!lookup_resolve(x->q.l, span_of(x->q.l->rules->postmaster), x->q.a, &answer, x->q.e))
			return false;
		if (answer.is != DIR_UNKNOWN &&
		    !expand(x, span_of(x->q.l->rules->postmaster), "", key, 1))
			return false;
		x->steps[step].open = false;
		if (x->count > before)
			return true;
	}
	if (!place_of_postmaster(x->q.l->rules, x->q.a, &place, x->q.e))
		return false;
	find_because(&x->q, "postmaster: nobody is behind it, so %s", place.mail);
	return add_target(x, &place);
}

static bool expand_mailbox(struct expansion *x, const struct found *f, const char *detail)
{
	struct dir_target place = f->place;

	place.detail = *f->detail ? f->detail : detail;
	return add_target(x, &place);
}

/* To whom a report goes that comes to the sender of a forward. */
static bool expand_return(struct expansion *x, struct span address, const struct name *n)
{
	const struct lookup_returns *r = x->q.l->returns;
	struct dir_target t = { .kind = DIR_SENDER, .login = "", .home = "", .mail = "", .detail = "" };
	struct str sender = STR(SRS_ADDRESS_MAX);
	bool ok = srs_back(&r->keys, address, r->now, r->valid, &sender, x->q.e);

	if (ok) {
		find_because(&x->q,
		    "%s: we forwarded mail of %s, and reports about it go back there", n->text,
		    sender.p);
		t.address = arena_text(x->q.a, str_span(&sender));
		ok = add_target(x, &t);
	}
	str_free(&sender);
	return ok;
}

/* parent: the alias that we come from, or NULL. */
static bool expand(struct expansion *x, struct span address, const char *detail, const char *parent,
    unsigned depth)
{
	struct found f;
	struct name n;

	if (!name_read(address, &n, x->q.e) || !find(&x->q, &n, true, &f))
		return false;
	if (f.kind == ALIAS && parent && strcmp(f.key, parent) == 0) {
		if (!find(&x->q, &n, false, &f))
			return false;
		if (f.kind == NOBODY)
			return loops(x, parent);
	}
	switch (f.kind) {
	case ALIAS:		return expand_alias(x, &f, *f.detail ? f.detail : detail, depth);
	case MAILBOX:		return expand_mailbox(x, &f, detail);
	case POSTMASTER:	return expand_postmaster(x);
	case RETURNS:		return expand_return(x, address, &n);
	case NOBODY:
		if (!parent)
			return err_perm(x->q.e, "5.1.1", "nobody is called " SPAN_FMT " here",
			    SPAN_ARG(span_to(address, 200)));
		break;		/* goes its way as an address, so that the sender hears of it */
	default:
		break;
	}
	return add_address(x, address, &n);
}

bool lookup_expand(const struct lookup *l, struct span address, struct arena *a,
    struct dir_target **targets, size_t *count, struct err *e)
{
	struct err why = { 0 };
	struct expansion x = { .q = { l, a, &why, false } };
	bool ok = expand(&x, address, "", NULL, 0);

	if (ok && !x.count)
		ok = err_perm(&why, "5.1.1", "everybody behind " SPAN_FMT " may only send",
		    SPAN_ARG(span_to(address, 200)));
	if (ok) {
		*targets = arena_array(a, x.count + 1, sizeof **targets);
		if (x.count)
			memcpy(*targets, x.targets, x.count * sizeof **targets);
		*count = x.count;
	} else if (e) {
		*e = why;
	}
	free(x.targets);
	free(x.steps);
	return ok;
}

/* ---- the other questions ---- */

bool lookup_domain(const struct lookup *l, struct span domain, enum dir_class *is, struct err *e)
{
	static const enum dir_class classes[] = {
		[DOMAIN_ELSEWHERE] = DIR_ELSEWHERE,
		[DOMAIN_SYSTEM] = DIR_LOCAL,
		[DOMAIN_VIRTUAL] = DIR_LOCAL,
		[DOMAIN_RELAY] = DIR_RELAY,
		[DOMAIN_RELAY_LISTED] = DIR_RELAY,
	};
	struct err why = { 0 };
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct query q = { l, a, &why, false };
	enum domain_kind kind = DOMAIN_ELSEWHERE;
	struct name n;
	bool ok =
	    !domain.n || !name_read(domain, &n, NULL) || find_domain(&q, name_span(&n), &kind);

	*is = classes[kind];
	arena_free(a);
	if (!ok && e)
		*e = why;
	return ok;
}

bool lookup_resolve(const struct lookup *l, struct span address, struct arena *a,
    struct lookup_answer *answer, struct err *e)
{
	static const enum dir_class classes[] = {
		[NOBODY] = DIR_UNKNOWN, [ELSEWHERE] = DIR_ELSEWHERE, [RELAYED] = DIR_RELAY,
		[ALIAS] = DIR_LOCAL, [MAILBOX] = DIR_LOCAL, [POSTMASTER] = DIR_LOCAL, [RETURNS] = DIR_RETURN,
	};
	struct err why = { 0 };
	struct query q = { l, a, &why, false };
	struct found f;
	struct name n;

	if (!name_read(address, &n, &why) || !find(&q, &n, true, &f)) {
		if (e)
			*e = why;
		return false;
	}
	*answer = (struct lookup_answer){ classes[f.kind], f.kind == MAILBOX ? f.place.login : "", f.detail,
	    f.kind == MAILBOX ? f.place.quota : 0 };
	return true;
}

/* ---- forwards ---- */

/* Is the sender's domain one that other servers know us for? A relay domain's SPF need not name us. */
static bool is_our_domain(const struct lookup *l, struct span domain, bool *ours, struct err *e)
{
	enum dir_class is;

	if (!lookup_domain(l, domain, &is, e))
		return false;
	*ours = is == DIR_LOCAL || span_is(domain, l->rules->host_name);
	return true;
}

/* Reports come where mail came: the domain of the recipient, which is ours. */
static struct span domain_for(const struct lookup *l, struct span recipient)
{
	struct span local, domain;
	bool ours;

	if (*l->returns->domain)
		return span_of(l->returns->domain);
	if (addr_split(recipient, &local, &domain) && is_our_domain(l, domain, &ours, NULL) && ours)
		return domain;
	return span_of(l->rules->host_name);
}

/* RFC 5321 3.9.2: what fails on its way from a list is the business of who looks after it. NULL: nobody does. */
static bool find_owner(const struct lookup *l, struct span recipient, struct arena *a,
    const char **owner, struct err *e)
{
	struct query q = { l, a, e, false };
	struct name list, n;
	struct found f;
	struct str local = STR(NAME_SIZE);
	bool ok;

	*owner = NULL;
	str_add_text(&local, "owner-");
	ok = name_read(recipient, &list, NULL) && find_complete(&q, &list);
	if (ok)
		str_add(&local, name_local(&list));
	ok = ok && name_make(str_span(&local), name_domain(&list), &n);
	str_free(&local);
	if (!ok)
		return true;			/* no name that anybody could have */
	if (!find(&q, &n, true, &f))
		return false;
	/* by this very name: everybody at a domain is nobody's owner */
	if (f.kind == MAILBOX || (f.kind == ALIAS && span_starts(span_of(f.key), "owner-")))
		*owner = *f.detail ? NULL : arena_text(a, name_span(&n));
	return true;
}

bool lookup_forward(const struct lookup *l, struct span sender, struct span recipient,
    struct arena *a, const char **from, bool *owned, struct err *e)
{
	struct str made = STR(SRS_ADDRESS_MAX);
	struct span local, domain;
	struct err why = { 0 };
	const char *owner;
	bool ours = false;

	*from = arena_text(a, sender);
	*owned = false;
	if (!addr_split(sender, &local, &domain))
		return true;			/* null: RFC 5321 4.5.5 */
	if (!find_owner(l, recipient, a, &owner, e ? e : &why))
		return false;
	if (owner) {
		*from = owner;
		*owned = true;
	}
	if (owner || !l->returns)
		return true;
	if (!is_our_domain(l, domain, &ours, e))
		return false;
	/* one that is too long goes out as it is */
	if (!ours && srs_forward(&l->returns->keys, sender, domain_for(l, recipient), l->returns->now, &made))
		*from = arena_text(a, str_span(&made));
	str_free(&made);
	return true;
}
