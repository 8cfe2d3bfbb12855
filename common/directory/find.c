/* What the tables say about one name. See find.h. */
#include "common/directory/find.h"

#include <stdarg.h>

#include "common/directory/aliases.h"
#include "common/directory/domains.h"
#include "common/directory/text.h"

enum { WORDS_MAX = 200 };	/* of a line, when it is told to people */

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

bool find_row(const struct query *q, enum table_kind kind, struct span key, struct span *row, unsigned *line)
{
	struct str value = STR(TEXT_LINE_MAX + 40), folded = STR(2 * NAME_SIZE);
	uint64_t n = 0;
	bool found, ok;

	*row = (struct span){ NULL, 0 };
	if (!key.n)
		return true;
	if (!q->l->tables[kind])
		return err_temp(q->e, "4.3.0", "the table of %s is not there", compile_kind_name(kind));
	compile_fold(kind, key, &folded);
	ok = table_get(q->l->tables[kind], str_span(&folded), &value, &found, q->e);
	str_free(&folded);
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
	struct str folded = STR(2 * NAME_SIZE), ours = STR(2 * NAME_SIZE);
	bool found = false;

	compile_fold(TABLE_DOMAINS, domain, &folded);
	for (size_t i = 0; !found && i < l->rules->system_domain_count; i++) {
		str_reset(&ours);
		compile_fold(TABLE_DOMAINS, span_of(l->rules->system_domains[i]), &ours);
		found = span_same(str_span(&ours), str_span(&folded));
	}
	str_free(&folded);
	str_free(&ours);
	return found;
}

bool find_domain(const struct query *q, struct span domain, enum domain_kind *kind)
{
	struct domains_row parsed;
	struct span row;
	unsigned line;

	if (!find_row(q, TABLE_DOMAINS, domain, &row, &line))
		return false;
	if (row.p && domains_line_parse(row, &parsed, NULL)) {
		*kind = parsed.listed ? DOMAIN_RELAY_LISTED : parsed.relay ? DOMAIN_RELAY : DOMAIN_VIRTUAL;
		find_because(q, SPAN_FMT ": a %s domain%s, %s:%u", SPAN_ARG(domain),
		    parsed.relay ? "relay" : "virtual",
		    parsed.listed ? " that has its recipients listed" : "",
		    q->l->files[TABLE_DOMAINS], line);
	} else if (find_is_system_domain(q->l, domain)) {
		*kind = DOMAIN_SYSTEM;
		find_because(q, SPAN_FMT ": a system domain, by the setting system-domains",
		    SPAN_ARG(domain));
	} else {
		*kind = DOMAIN_ELSEWHERE;
		find_because(q, SPAN_FMT ": not one of our domains", SPAN_ARG(domain));
	}
	return true;
}

/* ---- one name ---- */

/* What of a key people know: "group staff". */
static const char *key_text(const char *key)
{
	return *key == '\001' ? key + 1 : key;
}

static const char *words_of(const struct query *q, enum table_kind kind, unsigned line, struct span row)
{
	return arena_printf(q->a, "%s:%u: " SPAN_FMT, q->l->files[kind], line, SPAN_ARG(span_to(row, WORDS_MAX)));
}

/* The first row whose targets receive decides; those that may only send are gathered. */
static void take_alias(const struct query *q, struct span key, const struct aliases_row *alias,
    struct span row, unsigned line, struct found *f)
{
	bool decides = f->kind == NOBODY && aliases_any(alias->targets, ALIASES_RECEIVES);
	struct grant *g;

	if (decides) {
		f->kind = ALIAS;
		f->key = arena_text(q->a, key);
		f->targets = alias->targets;
		f->line = words_of(q, TABLE_ALIASES, line, row);
		find_because(q, "%s%s: an alias for " SPAN_FMT ", %s:%u",
		    *f->key == '\001' ? "group " : "", key_text(f->key),
		    SPAN_ARG(span_to(alias->targets, WORDS_MAX)), q->l->files[TABLE_ALIASES], line);
	}
	if (!q->sending || !alias->targets.n)
		return;
	g = arena_array(q->a, 1, sizeof *g);
	*g = (struct grant){ f->grants, arena_text(q->a, key), alias->targets,
	    words_of(q, TABLE_ALIASES, line, row) };
	f->grants = g;
}

static bool find_alias(const struct query *q, struct span key, struct found *f)
{
	struct aliases_row alias;
	struct span row;
	unsigned line;

	if (f->kind != NOBODY && !q->sending)
		return true;
	if (!find_row(q, TABLE_ALIASES, key, &row, &line))
		return false;
	if (row.p && aliases_line_parse(row, &alias, NULL))
		take_alias(q, key, &alias, row, line, f);
	return true;
}

bool find_group(const struct query *q, struct span name, struct found *f)
{
	struct str key = STR(NAME_SIZE);
	bool ok;

	*f = (struct found){ .kind = NOBODY, .detail = "", .line = "" };
	compile_group_key(name, &key);
	ok = find_alias(q, str_span(&key), f);
	str_free(&key);
	return ok;
}

/* Patterns at domain ("*": at each of ours), in the order of the text. */
static bool find_pattern(const struct query *q, struct span local, struct span domain, struct found *f)
{
	struct str key = STR(2 * NAME_SIZE);
	struct span row = { "", 0 };
	struct aliases_row alias;
	struct name pattern;
	unsigned line;
	bool ok = true;

	for (unsigned n = 0; ok && row.p && n < COMPILE_PATTERNS_MAX; n++) {
		if (f->kind != NOBODY && !q->sending)
			break;
		str_reset(&key);
		compile_pattern_key(domain, n, &key);
		ok = find_row(q, TABLE_ALIASES, str_span(&key), &row, &line);
		if (ok && row.p && aliases_line_parse(row, &alias, NULL) &&
		    name_read(alias.name, &pattern, NULL) &&
		    aliases_fits(name_local(&pattern), local))
			take_alias(q, name_span(&pattern), &alias, row, line, f);
	}
	str_free(&key);
	return ok;
}

static bool find_user(const struct query *q, const struct name *n, struct found *f)
{
	struct users_row user;
	struct span row;
	unsigned line;

	if (!find_row(q, TABLE_USERS, name_span(n), &row, &line))
		return false;
	if (!row.p || !users_line_parse(row, &user, NULL))
		return true;
	find_because(q, "%s: a user, %s:%u", n->text, q->l->files[TABLE_USERS], line);
	f->kind = MAILBOX;
	f->line = arena_printf(q->a, "%s:%u: the user " SPAN_FMT, q->l->files[TABLE_USERS], line,
	    SPAN_ARG(user.address));
	return place_of_user(q->l->rules, &user, q->a, &f->place, q->e);
}

static bool find_account(const struct query *q, const struct name *n, struct found *f)
{
	bool found;

	if (!place_of_account(q->l->rules, name_local(n), q->a, &f->place, &found, q->e))
		return false;
	if (found) {
		f->kind = MAILBOX;
		f->line = arena_printf(q->a, "the account %s of this system", f->place.login);
		find_because(q, "%s: the account %s of this system", n->text, f->place.login);
	}
	return true;
}

static bool find_mailbox(const struct query *q, const struct name *n, enum domain_kind kind, struct found *f)
{
	if (f->kind != NOBODY)
		return true;
	return kind == DOMAIN_SYSTEM ? find_account(q, n, f) : find_user(q, n, f);
}

/* local@*: at each domain of ours. */
static bool find_anywhere(const struct query *q, const struct name *n, struct found *f)
{
	struct name any;

	return !name_make(name_local(n), SPAN("*"), &any) || find_alias(q, name_span(&any), f);
}

/* This very name: alias first, then a mailbox, then the alias of that local part anywhere. */
static bool find_exact(const struct query *q, const struct name *n, enum domain_kind kind,
    bool aliases, struct found *f)
{
	if (!aliases)
		return find_mailbox(q, n, kind, f);
	return find_alias(q, name_span(n), f) &&
	    (kind != DOMAIN_SYSTEM || find_alias(q, name_local(n), f)) &&
	    find_mailbox(q, n, kind, f) && find_anywhere(q, n, f);
}

bool find_base(const struct query *q, const struct name *n, struct name *base, const char **detail)
{
	struct span local = name_local(n), head;

	if (!*q->l->rules->separator || !span_cut(&local, *q->l->rules->separator, &head) ||
	    !head.n)
		return false;
	*detail = arena_text(q->a, local);
	return name_make(head, name_domain(n), base);
}

static bool is_postmaster(struct span local)
{
	return span_is(local, "postmaster") || span_is(local, "abuse");
}

static void find_postmaster(const struct query *q, const struct name *n, struct found *f)
{
	if (f->kind != NOBODY || !is_postmaster(name_local(n)))
		return;
	f->kind = POSTMASTER;
	find_because(q, "%s: the setting postmaster, %s", n->text, q->l->rules->postmaster);
}

/* What does not name anybody, but fits. */
static bool find_wide(const struct query *q, const struct name *n, struct found *f)
{
	return find_pattern(q, name_local(n), name_domain(n), f) && find_pattern(q, name_local(n), SPAN("*"), f) &&
	    (f->kind != NOBODY || find_alias(q, span_from(name_span(n), n->local_n), f));	/* @domain */
}

/* A name at a domain of ours. */
static bool find_local(const struct query *q, const struct name *n, enum domain_kind kind,
    bool aliases, struct found *f)
{
	const char *detail;
	struct name base;

	if (!find_exact(q, n, kind, aliases, f))
		return false;
	if ((f->kind == NOBODY || q->sending) && find_base(q, n, &base, &detail)) {
		bool whole = f->kind != NOBODY;

		if (!find_exact(q, &base, kind, aliases, f))
			return false;
		if (!whole && f->kind != NOBODY)
			f->detail = detail;
	}
	if (aliases && (f->kind == NOBODY || q->sending) && !find_wide(q, n, f))
		return false;
	find_postmaster(q, n, f);
	return true;
}

/* At a domain that is not ours nobody gets mail by an alias, but a line may let somebody send. */
static bool find_foreign(const struct query *q, const struct name *n, struct found *f)
{
	struct found other = { .kind = NOBODY, .detail = "", .line = "" };
	bool ok = !q->sending || (find_alias(q, name_span(n), &other) &&
	    find_pattern(q, name_local(n), name_domain(n), &other) &&
	    find_alias(q, span_from(name_span(n), n->local_n), &other));

	f->grants = other.grants;
	return ok;
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

/* Of a relay domain with a list: ann+x is there when ann is; postmaster always, RFC 5321 4.5.1. */
static bool find_listed(const struct query *q, const struct name *n, struct found *f)
{
	const char *detail;
	struct name base;
	struct span row;
	unsigned line;

	if (!find_row(q, TABLE_RECIPIENTS, name_span(n), &row, &line))
		return false;
	if (!row.p && find_base(q, n, &base, &detail) &&
	    !find_row(q, TABLE_RECIPIENTS, name_span(&base), &row, &line))
		return false;
	if (row.p || span_is(name_local(n), "postmaster"))
		f->kind = RELAYED;
	if (row.p)
		find_because(q, "%s: a recipient of a relay domain, %s:%u", n->text,
		    q->l->files[TABLE_RECIPIENTS], line);
	return true;
}

/* Whoever else is called so: nobody is, or he would have himself named otherwise. */
static bool is_return(const struct query *q, const struct name *n, enum domain_kind kind)
{
	const struct lookup_returns *r = q->l->returns;

	return r && srs_is(name_local(n)) && (kind == DOMAIN_SYSTEM || kind == DOMAIN_VIRTUAL ||
	    span_is(name_domain(n), r->domain) || span_is(name_domain(n), q->l->rules->host_name));
}

bool find(const struct query *q, struct name *n, bool aliases, struct found *f)
{
	bool alone = !name_domain(n).n;
	enum domain_kind kind;

	*f = (struct found){ .kind = NOBODY, .detail = "", .line = "" };
	if (!find_complete(q, n) || !find_domain(q, name_domain(n), &kind))
		return false;
	if (is_return(q, n, kind))
		f->kind = RETURNS;
	else if (kind == DOMAIN_ELSEWHERE && alone && is_postmaster(name_local(n)))
		f->kind = POSTMASTER;		/* RFC 5321 4.5.1 */
	else if (kind == DOMAIN_ELSEWHERE)
		f->kind = ELSEWHERE;
	else if (kind == DOMAIN_RELAY)
		f->kind = RELAYED;
	else if (kind == DOMAIN_RELAY_LISTED ? !find_listed(q, n, f) : !find_local(q, n, kind, aliases, f))
		return false;
	if ((f->kind == ELSEWHERE || f->kind == RELAYED) && aliases && !find_foreign(q, n, f))
		return false;
	if (f->kind == NOBODY)
		find_because(q, "%s: nobody", n->text);
	return true;
}
