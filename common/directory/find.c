/* What the tables say about one name. See find.h. */
#include "common/directory/find.h"

#include <stdarg.h>

#include "common/directory/aliases.h"
#include "common/directory/domains.h"
#include "common/directory/text.h"

void find_because(const struct query *q, const char *fmt, ...)
{
	char line[700];
	va_list args;

	if (!q->l->why)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	str_addf(q->l->why, "%s\n", line);
}

/* ---- tables ---- */

/* row.p NULL: no such key. The text stays until the arena's reset. */
static bool row_of(const struct query *q, enum table_kind kind, struct span key, struct span *row, unsigned *line)
{
	struct str value = STR(TEXT_LINE_MAX + 40);
	uint64_t n = 0;
	bool found, ok;

	*row = (struct span){ NULL, 0 };
	if (!key.n)
		return true;
	if (!q->l->tables[kind])
		return err_temp(q->e, "4.3.0", "the table of %s is not there", compile_kind_name(kind));
	ok = table_get(q->l->tables[kind], key, &value, &found, q->e);
	if (ok && found) {
		*row = arena_copy(q->a, str_span(&value));
		span_eat_u64(row, UINT32_MAX, &n);
		span_eat(row, " ");
		*line = (unsigned)n;
	}
	str_free(&value);
	return ok;
}

bool find_is_system_domain(const struct lookup *l, struct span domain)
{
	for (size_t i = 0; i < l->rules->system_domain_count; i++) {
		if (span_is(domain, l->rules->system_domains[i]))
			return true;
	}
	return false;
}

bool find_domain(const struct query *q, struct span domain, enum domain_kind *kind)
{
	struct domains_row parsed;
	struct span row;
	unsigned line;

	if (!row_of(q, TABLE_DOMAINS, domain, &row, &line))
		return false;
	if (row.p && domains_line_parse(row, &parsed, NULL)) {
		*kind = parsed.relay ? DOMAIN_RELAY : DOMAIN_VIRTUAL;
		find_because(q, SPAN_FMT ": a %s domain, %s:%u", SPAN_ARG(domain),
		    parsed.relay ? "relay" : "virtual", q->l->files[TABLE_DOMAINS], line);
	} else if (find_is_system_domain(q->l, domain)) {
		*kind = DOMAIN_SYSTEM;
		find_because(q, SPAN_FMT ": a system domain, by the setting system-domains", SPAN_ARG(domain));
	} else {
		*kind = DOMAIN_ELSEWHERE;
		find_because(q, SPAN_FMT ": not one of our domains", SPAN_ARG(domain));
	}
	return true;
}

/* ---- one name ---- */

static bool find_alias(const struct query *q, struct span key, struct found *f)
{
	struct aliases_row alias;
	struct span row;
	unsigned line;

	if (!row_of(q, TABLE_ALIASES, key, &row, &line))
		return false;
	if (!row.p || !aliases_line_parse(row, &alias, NULL))
		return true;
	f->kind = ALIAS;
	f->key = arena_text(q->a, key);
	f->targets = alias.targets;
	find_because(q, SPAN_FMT ": an alias for " SPAN_FMT ", %s:%u", SPAN_ARG(key),
	    SPAN_ARG(span_to(alias.targets, 200)), q->l->files[TABLE_ALIASES], line);
	return true;
}

static bool find_user(const struct query *q, const struct name *n, struct found *f)
{
	struct users_row user;
	struct span row;
	unsigned line;

	if (!row_of(q, TABLE_USERS, name_span(n), &row, &line))
		return false;
	if (!row.p || !users_line_parse(row, &user, NULL))
		return true;
	find_because(q, "%s: a user, %s:%u", n->text, q->l->files[TABLE_USERS], line);
	f->kind = MAILBOX;
	return place_of_user(q->l->rules, &user, q->a, &f->place, q->e);
}

static bool find_account(const struct query *q, const struct name *n, struct found *f)
{
	bool found;

	if (!place_of_account(q->l->rules, name_local(n), q->a, &f->place, &found, q->e))
		return false;
	if (found) {
		f->kind = MAILBOX;
		find_because(q, "%s: the account %s of this system", n->text, f->place.login);
	}
	return true;
}

/* This very name: alias first, then a mailbox. */
static bool find_exact(const struct query *q, const struct name *n, enum domain_kind kind, bool aliases,
    struct found *f)
{
	if (aliases && !find_alias(q, name_span(n), f))
		return false;
	if (aliases && f->kind == NOBODY && kind == DOMAIN_SYSTEM && !find_alias(q, name_local(n), f))
		return false;
	if (f->kind != NOBODY)
		return true;
	return kind == DOMAIN_SYSTEM ? find_account(q, n, f) : find_user(q, n, f);
}

bool find_base(const struct query *q, const struct name *n, struct name *base, const char **detail)
{
	struct span local = name_local(n), head;

	if (!*q->l->rules->separator || !span_cut(&local, *q->l->rules->separator, &head) || !head.n)
		return false;
	*detail = arena_text(q->a, local);
	return name_make(head, name_domain(n), base);
}

static bool is_postmaster(struct span local)
{
	return span_is(local, "postmaster") || span_is(local, "abuse");
}

/* A name at a domain of ours. */
static bool find_local(const struct query *q, const struct name *n, enum domain_kind kind, bool aliases,
    struct found *f)
{
	const char *detail;
	struct name base;

	if (!find_exact(q, n, kind, aliases, f))
		return false;
	if (f->kind != NOBODY)
		return true;
	if (find_base(q, n, &base, &detail)) {
		if (!find_exact(q, &base, kind, aliases, f))
			return false;
		if (f->kind != NOBODY) {
			f->detail = detail;
			return true;
		}
	}
	if (aliases && !find_alias(q, span_from(name_span(n), n->local_n), f))	/* @domain */
		return false;
	if (f->kind == NOBODY && is_postmaster(name_local(n))) {
		f->kind = POSTMASTER;
		find_because(q, "%s: the setting postmaster, %s", n->text, q->l->rules->postmaster);
	}
	return true;
}

bool find_complete(const struct query *q, struct name *n)
{
	const struct dir_rules *rules = q->l->rules;
	struct name alone = *n;

	if (name_domain(n).n)
		return true;
	return name_make(name_local(&alone),
	    span_of(rules->system_domain_count ? rules->system_domains[0] : rules->host_name), n) ||
	    err_perm(q->e, "5.1.3", "the name is too long");
}

bool find(const struct query *q, struct name *n, bool aliases, struct found *f)
{
	bool alone = !name_domain(n).n;
	enum domain_kind kind;

	*f = (struct found){ .kind = NOBODY, .detail = "" };
	if (!find_complete(q, n) || !find_domain(q, name_domain(n), &kind))
		return false;
	if (kind == DOMAIN_ELSEWHERE && alone && is_postmaster(name_local(n)))
		f->kind = POSTMASTER;		/* RFC 5321 4.5.1 */
	else if (kind == DOMAIN_ELSEWHERE)
		f->kind = ELSEWHERE;
	else if (kind == DOMAIN_RELAY)
		f->kind = RELAYED;
	else if (!find_local(q, n, kind, aliases, f))
		return false;
	if (f->kind == NOBODY)
		find_because(q, "%s: nobody", n->text);
	return true;
}
