/* Policy and alignment of RFC 9989. See dmarc.h. */
#include "common/trust/dmarc.h"

#include "common/mail/addr.h"
#include "common/net/idna.h"

enum { TEXT_ROOM = 65535, PREFIX = sizeof "_dmarc." };

/* --- the author --- */

static bool to_name(struct span domain, struct arena *a, const char **name)
{
	char ascii[IDNA_NAME], clean[DNS_NAME];

	if (!idna_to_ascii(domain, ascii, NULL) || !dns_name_clean(span_of(ascii), clean) ||
	    !*clean)
		return false;
	*name = arena_text(a, span_of(clean));
	return true;
}

/* "root" or "ann@[192.0.2.1]", as small devices write: nobody's policy is about it. */
static bool is_of_no_domain(const struct addr *a)
{
	return a->domain.n ? *a->domain.p == '[' : !span_has(a->local, '@');
}

/* Every address of From must be in the same domain; "" where there is none. */
static bool one_domain(const struct addrs *from, struct arena *a, const char **domain, struct err *e)
{
	const char *name;

	*domain = "";
	for (size_t i = 0; i < from->count; i++) {
		if (from->list[i].kind != ADDR_MAILBOX || is_of_no_domain(&from->list[i]))
			continue;
		if (!to_name(from->list[i].domain, a, &name))
			return err_perm(e, "5.7.26", "an address in From has no domain");
		if (**domain && strcmp(name, *domain) != 0)
			return err_perm(e, "5.7.26", "From has addresses in several domains");
		*domain = name;
	}
	return true;
}

bool dmarc_author(const struct header *h, struct arena *a, const char **domain, struct err *e)
{
	const struct field *from = header_find(h, "From");
	struct addrs list;

	*domain = "";
	if (h->cut)
		return err_perm(e, "5.7.26", "the header has too many fields");
	if (!from)
		return true;
	if (header_find_after(h, "From", from))
		return err_perm(e, "5.7.26", "the message has several From fields");
	addr_parse(from->value, a, &list);
	return !list.cut ? one_domain(&list, a, domain, e) : err_perm(e, "5.7.26", "From has too many addresses");
}

/* --- the tree walk, RFC 9989 4.10 --- */

struct found { const char *domain; struct dmarc_record record; };

struct walk {
	struct found	found[DMARC_WALK_MAX];	/* from the starting point upwards */
	size_t		count;
	bool		failed;			/* a question had no answer: the rest is a guess */
	const char	*why;
};

struct check {
	const struct trust_dns	*dns;
	struct arena		*arena;
	struct dmarc_verdict	*out;
	unsigned		 walks;
	bool guessed; /* the author's organization: the walk above it had no answer */
	bool			 failed;
	const char		*why;
};

static unsigned labels(const char *name)
{
	unsigned n = *name != '\0';

	for (; *name; name++)
		n += *name == '.';
	return n;
}

static const char *parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot + 1 : "";
}

/* The one record that begins as it should; several are as none. */
static bool one_record(struct check *c, const struct dns_answer *answer, struct dmarc_record *out)
{
	struct str text = STR(TEXT_ROOM);
	struct span record = { "", 0 };
	unsigned count = 0;

	for (size_t i = 0; answer->found == DNS_YES && i < answer->count; i++) {
		str_reset(&text);
		if (!trust_dns_text(answer->records[i], &text) || !dmarc_is_record(str_span(&text)))
			continue;
		record = arena_copy(c->arena, str_span(&text));
		count++;
	}
	str_free(&text);
	return count == 1 && dmarc_record_parse(record, out, NULL);
}

/* True: there is a record and it says that the walk ends here. */
static bool look_at(struct check *c, const char *domain, struct walk *w)
{
	struct found *f = &w->found[w->count];
	char name[DNS_NAME + PREFIX];
	struct dns_answer answer;

	snprintf(name, sizeof name, "_dmarc.%s", domain);
	c->dns->ask(c->dns->arg, name, DNS_TXT, c->arena, &answer);
	if (answer.found == DNS_FAILED) {
		w->failed = true;
		w->why = arena_printf(c->arena, "%s: %s", name, answer.why);
	}
	if (!one_record(c, &answer, &f->record))
		return false;
	f->domain = domain;
	w->count++;
	return f->record.psd != DMARC_PSD_UNSAID;
}

static void tree_walk(struct check *c, const char *start, struct walk *w)
{
	const char *at = start;

	*w = (struct walk){ .why = "" };
	if (c->walks++ >= DMARC_WALKS || look_at(c, start, w))
		return;
	do
		at = parent(at);
	while (labels(at) >= DMARC_WALK_MAX);
	for (; *at; at = parent(at)) {
		if (look_at(c, at, w))
			return;
	}
}

/* The name one label below above, on the way to start. */
static const char *one_below(const char *start, const char *above)
{
	unsigned want = labels(above) + 1;

	while (labels(start) > want)
		start = parent(start);
	return start;
}

/* RFC 9989 4.10.2 */
static const char *organization(const char *start, const struct walk *w)
{
	const struct found *top = w->count ? &w->found[w->count - 1] : NULL;

	for (size_t i = 0; i < w->count; i++) {
		if (w->found[i].record.psd == DMARC_PSD_NO)
			return w->found[i].domain;
		if (w->found[i].record.psd == DMARC_PSD_YES && w->found[i].domain != start)
			return one_below(start, w->found[i].domain);
	}
	return top ? top->domain : start;
}

static const struct found *at_domain(const struct walk *w, const char *domain)
{
	for (size_t i = 0; i < w->count; i++) {
		if (strcmp(w->found[i].domain, domain) == 0)
			return &w->found[i];
	}
	return NULL;
}

/* RFC 9989 4.10.1: the author domain's own record, its organization's, its public suffix's. */
static const struct found *policy_record(const char *author, const char *organization, const struct walk *w)
{
	const struct found *f = at_domain(w, author);

	if (!f)
		f = at_domain(w, organization);
	return f || !w->count ? f : &w->found[w->count - 1];
}

/* --- alignment --- */

/* Is name domain, or below it? */
static bool is_within(const char *name, const char *domain)
{
	struct span n = span_of(name), d = span_of(domain);

	return span_ends(n, domain) && (n.n == d.n || n.p[n.n - d.n - 1] == '.');
}

/*
 * Can it be aligned at all, whatever the DNS says of it? An organization has its name at the end of all its
 * names. So a stranger's own domains, that answer when he wants, neither cost a walk nor leave it undecided.
 */
static bool may_align(const struct check *c, const struct dmarc_facts *f, const char *domain, bool strict)
{
	const char *organization = c->out->organization, *dot = strrchr(organization, '.');

	if (!*domain)
		return false;
	if (strict || strcmp(domain, f->author) == 0)
		return strcmp(domain, f->author) == 0;
	return is_within(domain, c->guessed && dot ? dot + 1 : organization);
}

static bool aligned(struct check *c, const struct dmarc_facts *f, const struct dmarc_vouch *v, bool strict)
{
	struct walk w;

	if (v->result != TRUST_PASS || !may_align(c, f, v->domain, strict))
		return false;
	if (strcmp(v->domain, f->author) == 0 || strcmp(v->domain, c->out->organization) == 0)
		return true;
	tree_walk(c, v->domain, &w);
	if (w.failed || c->guessed) {
		c->failed = true;
		c->why = w.failed ? w.why : c->why;
	}
	return strcmp(organization(v->domain, &w), c->out->organization) == 0;
}

static void align(struct check *c, const struct dmarc_facts *f)
{
	struct dmarc_verdict *v = c->out;

	v->spf_aligned = aligned(c, f, &f->spf, v->record.strict_spf);
	for (size_t i = 0; i < f->dkim_count && !v->dkim_aligned; i++)
		v->dkim_aligned = aligned(c, f, &f->dkim[i], v->record.strict_dkim);
}

static bool is_late(const struct check *c, const struct dmarc_facts *f, const struct dmarc_vouch *v, bool strict)
{
	return v->result == TRUST_TEMPERROR && may_align(c, f, v->domain, strict);
}

static bool undecided(const struct check *c, const struct dmarc_facts *f)
{
	const struct dmarc_record *r = &c->out->record;
	bool late = is_late(c, f, &f->spf, r->strict_spf);

	for (size_t i = 0; i < f->dkim_count; i++)
		late = late || is_late(c, f, &f->dkim[i], r->strict_dkim);
	return late;
}

/* --- policy --- */

/* RFC 9989: a name without A, AAAA and MX is nowhere. What can not be told is somewhere. */
static bool is_nowhere(struct check *c, const char *domain)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_MX };
	struct dns_answer answer;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		c->dns->ask(c->dns->arg, domain, types[i], c->arena, &answer);
		if (answer.found == DNS_YES || answer.found == DNS_FAILED)
			return false;
		if (answer.found == DNS_NO_NAME)
			return true;
	}
	return true;
}

static enum dmarc_policy wanted(struct check *c, const char *author, const struct found *f)
{
	const struct dmarc_record *r = &f->record;

	if (f->domain == author)
		return r->policy;
	if (r->nowhere && is_nowhere(c, author))
		return r->nowhere;
	return r->sub ? r->sub : r->policy;
}

/* RFC 9989 4.7, t=y: one step milder. */
static enum dmarc_policy tempered(enum dmarc_policy p, bool testing)
{
	return testing && p > DMARC_ACCEPT ? p - 1 : p;
}

static void because(struct check *c, enum trust_result result, const char *why)
{
	c->out->result = result;
	c->out->why = why;
}

static void judge(struct check *c, const struct dmarc_facts *f, const struct found *policy)
{
	struct dmarc_verdict *v = c->out;

	v->record = policy->record;
	v->published_at = policy->domain;
	align(c, f);
	if (v->spf_aligned || v->dkim_aligned) {
		because(c, TRUST_PASS, v->dkim_aligned ? "DKIM vouches for the author's domain" : "SPF vouches for the author's domain");
	} else if (c->failed || undecided(c, f)) {
		because(c, TRUST_TEMPERROR,
		    c->failed ? c->why : "SPF or DKIM could not be checked now");
		return;
	} else {
		because(c, TRUST_FAIL, "neither SPF nor DKIM vouches for the author's domain");
	}
	v->wanted = wanted(c, f->author, policy);
	v->policy = tempered(v->wanted, v->record.testing);
}

void dmarc_check(const struct dmarc_facts *f, const struct trust_dns *dns, struct arena *a,
    struct dmarc_verdict *out)
{
	struct check c = { .dns = dns, .arena = a, .out = out, .why = "" };
	const struct found *policy;
	struct walk w;

	*out = (struct dmarc_verdict){ .organization = "", .published_at = "" };
	tree_walk(&c, f->author, &w);
	policy = policy_record(f->author, organization(f->author, &w), &w);
	if (w.failed && !(policy && policy->domain == f->author)) {
		because(&c, TRUST_TEMPERROR, w.why);
	} else if (!policy) {
		/* for who wants to know without a policy */
		out->spf_aligned =
		    f->spf.result == TRUST_PASS && strcmp(f->spf.domain, f->author) == 0;
		for (size_t i = 0; i < f->dkim_count; i++)
			out->dkim_aligned = out->dkim_aligned ||
			    (f->dkim[i].result == TRUST_PASS && strcmp(f->dkim[i].domain, f->author) == 0);
		because(&c, TRUST_NONE, "the author's domain publishes no DMARC policy");
	} else {
		out->organization = organization(f->author, &w);
		c.guessed = w.failed;
		c.why = w.why;
		judge(&c, f, policy);
	}
}

const char *dmarc_organization(const char *domain, const struct trust_dns *dns, struct arena *a)
{
	struct check c = { .dns = dns, .arena = a };
	struct walk w;

	tree_walk(&c, domain, &w);
	return organization(domain, &w);
}

void dmarc_print(const struct dmarc_verdict *v, const char *author, struct str *out)
{
	str_add_text(out, trust_result_name(v->result));
	if (v->wanted)
		str_addf(out, " (p=%s%s)", dmarc_policy_name(v->wanted),
		    v->record.testing ? " t=y" : "");
	if (v->result != TRUST_PASS)
		trust_reason_print(v->why, out);
	if (*author)
		str_addf(out, " header.from=%s", author);
}
