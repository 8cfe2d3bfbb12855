/* check_host() of RFC 7208. See spf.h. */
#include "common/trust/spf.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/trust/spf-macro.h"
#include "common/trust/spf-record.h"

enum { DEPTH_MAX = 11, RECORD_MAX = 65535, NAME_ROOM = 1024 };

/* One check, however many records it leads through. */
struct check {
	const struct spf_facts	*facts;
	const struct trust_dns	*dns;
	struct arena		*arena;
	struct spf_macro_facts	 macro;
	struct spf_verdict	*verdict;
	bool			 wide_local;	/* the local part is not all ASCII: RFC 8616 4 */
	bool			 over;		/* a limit was passed, whatever else is found */
	unsigned		 depth;
};

/* What one term comes to; TEMP and PERM end the check. */
enum match { MATCH_NO, MATCH_YES, MATCH_TEMP, MATCH_PERM };

static enum trust_result check_host(struct check *c, const char *domain, bool included);

/* --- what is said about it --- */

static void __attribute__((format(printf, 2, 3))) step(struct check *c, const char *fmt, ...)
{
	char text[500];
	va_list args;

	if (!c->facts->step)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	c->facts->step(c->facts->arg, c->depth, text);
}

/* The reason for the result; of several the last one is it. */
static void __attribute__((format(printf, 2, 3))) because(struct check *c, const char *fmt, ...)
{
	char text[500];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	c->verdict->why = arena_text(c->arena, span_of(text));
	step(c, "%s", text);
}

static enum match trouble(struct check *c, enum match kind, const char *name, const char *why)
{
	because(c, "%s: %s", name, why);
	return kind;
}

/* --- questions, counted --- */

static enum match ask(struct check *c, const char *name, enum dns_type type, struct dns_answer *out)
{
	if (clock_ms() >= c->facts->until)
		return trouble(c, MATCH_TEMP, name, "it took too long");
	c->dns->ask(c->dns->arg, name, type, c->arena, out);
	return out->found == DNS_FAILED ? trouble(c, MATCH_TEMP, name, out->why) : MATCH_YES;
}

/* An answer without data counts: RFC 7208 4.6.4, void lookups. */
static enum match ask_counted(struct check *c, const char *name, enum dns_type type, struct dns_answer *out)
{
	enum match m = ask(c, name, type, out);

	if (m != MATCH_YES || out->found == DNS_YES)
		return m;
	if (++c->verdict->voids <= SPF_VOIDS_MAX)
		return MATCH_YES;
	c->over = true;
	return trouble(c, MATCH_PERM, name, "more than two names without data");
}

static bool may_look(struct check *c)
{
	if (c->verdict->lookups++ < SPF_LOOKUPS_MAX)
		return true;
	c->over = true;
	because(c, "the record of %s asks for more than ten look-ups", c->macro.domain);
	return false;
}

/* --- macros --- */

static const char *expand(struct check *c, struct span target)
{
	struct str name = STR(NAME_ROOM);
	const char *text;

	if (!target.n)
		return c->macro.domain;
	spf_macro_name(target, &c->macro, &name);
	text = arena_text(c->arena, str_span(&name));
	str_free(&name);
	return text;
}

static bool rdata_is(struct span rdata, const struct address *ip, unsigned bits)
{
	struct address got = { .family = ip->family }, ours;

	if (rdata.n != (ip->family == 4 ? 4 : 16))
		return false;
	memcpy(got.bytes, rdata.p, rdata.n);
	got = address_prefix(&got, bits);
	ours = address_prefix(ip, bits);
	return address_same(&got, &ours);
}

static bool has_our_address(const struct check *c, const struct dns_answer *answer, unsigned bits)
{
	for (size_t i = 0; answer->found == DNS_YES && i < answer->count; i++) {
		if (rdata_is(answer->records[i], &c->facts->ip, bits))
			return true;
	}
	return false;
}

static enum dns_type our_type(const struct check *c)
{
	return c->facts->ip.family == 6 ? DNS_AAAA : DNS_A;
}

static bool is_below(const char *name, const char *domain)
{
	struct span n = span_of(name), d = span_of(domain);

	if (d.n && d.p[d.n - 1] == '.')
		d = span_to(d, d.n - 1);
	return span_alike(n, d) ||
	    (n.n > d.n && n.p[n.n - d.n - 1] == '.' && span_alike(span_from(n, n.n - d.n), d));
}

static unsigned our_bits(const struct check *c, const struct spf_term *t)
{
	return c->facts->ip.family == 6 ? t->bits6 : t->bits4;
}

/*
 * The names behind the address that lead back to it, RFC 7208 5.5: calls each until it says
 * true. Trouble with DNS makes a name not count.
 */
static bool each_validated(struct check *c, bool (*each)(struct check *c, const char *name, void *arg), void *arg)
{
	char reverse[80], name[DNS_NAME];
	struct dns_answer ptr, addresses;

	address_reverse_name(&c->facts->ip, reverse);
	if (ask(c, reverse, DNS_PTR, &ptr) != MATCH_YES || ptr.found != DNS_YES)
		return false;
	for (size_t i = 0; i < ptr.count && i < SPF_NAMES_MAX; i++) {
		struct span rdata = ptr.records[i];

		if (!dns_name_eat(&rdata, name) || !*name ||
		    ask(c, name, our_type(c), &addresses) != MATCH_YES)
			continue;
		if (has_our_address(c, &addresses, 128) &&
		    each(c, arena_text(c->arena, span_of(name)), arg))
			return true;
	}
	return false;
}

/* For %{p} the domain itself is best, then a name below it, then any. RFC 7208 7.3 */
static bool better_name(struct check *c, const char *name, void *arg)
{
	const char **best = arg;

	if (span_alike(span_of(name), span_of(c->macro.domain))) {
		*best = name;
		return true;
	}
	if (!*best || (is_below(name, c->macro.domain) && !is_below(*best, c->macro.domain)))
		*best = name;
	return false;
}

static const char *reverse_name(void *arg)
{
	struct check *c = arg;
	const char *best = NULL;

	if (may_look(c))
		each_validated(c, better_name, &best);
	return best ? best : "unknown";
}

/* --- mechanisms --- */

static enum match match_all(struct check *c, const struct spf_term *t)
{
	(void)c;
	(void)t;
	return MATCH_YES;
}

static enum match match_ip(struct check *c, const struct spf_term *t)
{
	struct address net, ours;
	unsigned family = t->mechanism == SPF_IP4 ? 4 : 6;

	if (c->facts->ip.family != family || t->ip.family != family)
		return MATCH_NO;
	net = address_prefix(&t->ip, our_bits(c, t));
	ours = address_prefix(&c->facts->ip, our_bits(c, t));
	return address_same(&net, &ours) ? MATCH_YES : MATCH_NO;
}

static enum match match_host(struct check *c, const char *name, const struct spf_term *t)
{
	struct dns_answer answer;
	enum match m = ask_counted(c, name, our_type(c), &answer);

	return m != MATCH_YES ? m : has_our_address(c, &answer, our_bits(c, t)) ? MATCH_YES : MATCH_NO;
}

static enum match match_a(struct check *c, const struct spf_term *t)
{
	return match_host(c, expand(c, t->target), t);
}

/* RFC 7208 5.4; the implicit MX of RFC 5321 does not count here. */
static enum match match_mx(struct check *c, const struct spf_term *t)
{
	const char *domain = expand(c, t->target);
	struct dns_answer answer;
	char host[DNS_NAME];
	unsigned preference;
	enum match m = ask_counted(c, domain, DNS_MX, &answer);

	if (m != MATCH_YES || answer.found != DNS_YES)
		return m == MATCH_YES ? MATCH_NO : m;
	if (answer.count > SPF_NAMES_MAX)
		return trouble(c, MATCH_PERM, domain, "more than ten MX hosts");
	for (size_t i = 0; i < answer.count; i++) {
		if (!dns_mx_parse(answer.records[i], &preference, host) || !*host)
			continue;
		m = match_host(c, host, t);
		if (m != MATCH_NO)
			return m;
	}
	return MATCH_NO;
}

static bool name_is_below(struct check *c, const char *name, void *arg)
{
	(void)c;
	return is_below(name, arg);
}

static enum match match_ptr(struct check *c, const struct spf_term *t)
{
	return each_validated(c, name_is_below, (void *)expand(c, t->target)) ? MATCH_YES : MATCH_NO;
}

static enum match match_exists(struct check *c, const struct spf_term *t)
{
	struct dns_answer answer;
	enum match m = ask_counted(c, expand(c, t->target), DNS_A, &answer);

	return m != MATCH_YES ? m : answer.found == DNS_YES ? MATCH_YES : MATCH_NO;
}

/* RFC 7208 5.2, the table of results. */
static enum match match_include(struct check *c, const struct spf_term *t)
{
	const char *domain = expand(c, t->target), *was = c->macro.domain;
	enum trust_result result;

	c->depth++;
	result = check_host(c, domain, true);
	c->depth--;
	c->macro.domain = was;
	switch (result) {
	case TRUST_PASS:
		return MATCH_YES;
	case TRUST_TEMPERROR:
		return MATCH_TEMP;
	case TRUST_NONE:
		return trouble(c, MATCH_PERM, domain, "included, but it has no SPF record");
	case TRUST_PERMERROR:
		return MATCH_PERM;
	default:
		return MATCH_NO;
	}
}

static enum match match(struct check *c, const struct spf_term *t)
{
	static const struct { enum match (*run)(struct check *c, const struct spf_term *t); bool asks; } by[] = {
		[SPF_ALL] = { match_all, false }, [SPF_INCLUDE] = { match_include, true },
		[SPF_A] = { match_a, true }, [SPF_MX] = { match_mx, true }, [SPF_PTR] = { match_ptr, true },
		[SPF_IP4] = { match_ip, false }, [SPF_IP6] = { match_ip, false }, [SPF_EXISTS] = { match_exists, true },
	};
	enum match m;

	if (by[t->mechanism].asks && !may_look(c))
		return MATCH_PERM;
	if (c->wide_local && spf_macro_wants_local(t->target)) {
		step(c, SPF_TERM_FMT " wants a local part beyond ASCII: no match", SPF_TERM_ARG(t));
		return MATCH_NO;
	}
	m = by[t->mechanism].run(c, t);
	if (c->over)			/* also where %{p} did it */
		return MATCH_PERM;
	step(c, SPF_TERM_FMT "%s", SPF_TERM_ARG(t), m == MATCH_YES ? " matches" : m == MATCH_NO ? " does not match" :
	    m == MATCH_TEMP ? " can not be told now" : " makes no sense");
	return m;
}

/* --- records --- */

static struct span one_record(struct check *c, const struct dns_answer *answer, unsigned *count)
{
	struct str text = STR(RECORD_MAX);
	struct span found = { "", 0 };

	*count = 0;
	for (size_t i = 0; answer->found == DNS_YES && i < answer->count; i++) {
		str_reset(&text);
		if (trust_dns_text(answer->records[i], &text) && spf_is_record(str_span(&text)) &&
		    !(*count)++)
			found = arena_copy(c->arena, str_span(&text));
	}
	str_free(&text);
	return found;
}

/* RFC 7208 4.3: what can have no record. A name of one label is none either. */
static bool is_checkable(const char *domain)
{
	char clean[DNS_NAME];

	return dns_name_clean_ask(span_of(domain), clean) && strchr(clean, '.');
}

/* RFC 7208 4.4, 4.5. PASS stands for: here it is. */
static enum trust_result find_record(struct check *c, const char *domain, struct span *text)
{
	struct dns_answer answer;
	unsigned count;

	if (!is_checkable(domain)) {
		because(c, "%.100s can have no SPF record", *domain ? domain : "an empty name");
		return TRUST_NONE;
	}
	if (ask(c, domain, DNS_TXT, &answer) != MATCH_YES)
		return TRUST_TEMPERROR;
	*text = one_record(c, &answer, &count);
	if (!count) {
		because(c, "%s has no SPF record", domain);
		return TRUST_NONE;
	}
	if (count == 1)
		return TRUST_PASS;
	because(c, "%s has %u SPF records, and may have one", domain, count);
	return TRUST_PERMERROR;
}

/* RFC 7208 6.2. Whatever goes wrong means no explanation. */
static void explain(struct check *c, struct span target)
{
	struct str text = STR(RECORD_MAX), said = STR(SPF_EXPLAIN_MAX);
	struct dns_answer answer;
	const char *why = c->verdict->why;

	c->dns->ask(c->dns->arg, expand(c, target), DNS_TXT, c->arena, &answer);
	if (answer.found == DNS_YES && answer.count == 1 &&
	    trust_dns_text(answer.records[0], &text) &&
	    spf_macro_valid(str_span(&text), true, NULL)) {
		spf_macro_expand(str_span(&text), &c->macro, &said);
		if (!said.over && !(c->wide_local && spf_macro_wants_local(str_span(&text))))
			c->verdict->explanation = arena_text(c->arena, str_span(&said));
	}
	c->verdict->why = why;			/* a %{p} too many changes nothing any more */
	str_free(&text);
	str_free(&said);
}

static enum trust_result obey_term(struct check *c, const struct spf_record *r, const struct spf_term *t, bool included)
{
	c->verdict->why =
	    arena_printf(c->arena, SPF_TERM_FMT " of %s", SPF_TERM_ARG(t), c->macro.domain);
	if (t->result == TRUST_FAIL && r->explain.n && !included)
		explain(c, r->explain);
	return t->result;
}

static enum trust_result redirect(struct check *c, struct span target, bool included)
{
	const char *domain;
	enum trust_result result;

	if (!may_look(c))
		return TRUST_PERMERROR;
	domain = expand(c, target);
	if (c->over)
		return TRUST_PERMERROR;
	c->depth++;
	result = check_host(c, domain, included);
	c->depth--;
	if (result == TRUST_NONE) {		/* RFC 7208 6.1 */
		because(c, "%s: redirected to, but it has no SPF record", domain);
		return TRUST_PERMERROR;
	}
	return result;
}

static enum trust_result obey(struct check *c, const struct spf_record *r, bool included)
{
	for (size_t i = 0; i < r->count; i++) {
		switch (match(c, &r->terms[i])) {
		case MATCH_NO:
			break;
		case MATCH_YES:
			return obey_term(c, r, &r->terms[i], included);
		case MATCH_TEMP:
			return TRUST_TEMPERROR;
		case MATCH_PERM:
			return TRUST_PERMERROR;
		}
	}
	if (r->redirect.n)
		return redirect(c, r->redirect, included);
	because(c, "nothing in the record of %s matches", c->macro.domain);
	return TRUST_NEUTRAL;			/* RFC 7208 4.7 */
}

static enum trust_result check_host(struct check *c, const char *domain, bool included)
{
	struct spf_record *record;
	struct span text;
	enum trust_result result;
	struct err e;

	if (c->depth >= DEPTH_MAX) /* the limit of look-ups ends a circle before this does */
		return TRUST_PERMERROR;
	c->macro.domain = domain;
	result = find_record(c, domain, &text);
	if (result != TRUST_PASS)
		return result;
	step(c, "%s has \"%.*s\"", domain, (int)(text.n < 300 ? text.n : 300), text.p);
	record = arena_get(c->arena, sizeof *record);
	if (spf_record_parse(text, record, &e))
		return obey(c, record, included);
	because(c, "the record of %s is wrong: %s", domain, e.text);
	return TRUST_PERMERROR;
}

/* --- who is checked --- */

/* RFC 7208 2.4, 4.3: the null sender is postmaster at HELO; so is an empty local part. */
static void identity(struct check *c)
{
	struct span sender = span_of(c->facts->sender);
	ptrdiff_t at = span_rfind(sender, '@');

	c->macro.local = at > 0 ? span_to(sender, (size_t)at) : SPAN("postmaster");
	c->macro.sender_domain =
	    sender.n ? span_from(sender, (size_t)(at + 1)) : span_of(c->facts->helo);
	c->wide_local = !span_is_ascii(c->macro.local);
}

void spf_check(const struct spf_facts *facts, const struct trust_dns *dns, struct arena *a,
    struct spf_verdict *out)
{
	struct check c = { .facts = facts, .dns = dns, .arena = a, .verdict = out };

	*out = (struct spf_verdict){ .why = "", .explanation = "" };
	c.macro = (struct spf_macro_facts){ .ip = facts->ip, .helo = facts->helo, .receiver = facts->receiver,
		.now = facts->now, .reverse = reverse_name, .arg = &c };
	identity(&c);
	out->domain = arena_text(a, c.macro.sender_domain);
	out->result = check_host(&c, out->domain, false);
}
