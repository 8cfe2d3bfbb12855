/* Who says what TLS has to be. See policy.h. */
#include "mta/policy-own.h"

#include "mta/sts.h"
#include "mta/tlsrpt.h"
#include "mta/trace.h"

const char *policy_source_name(enum policy_source source)
{
	static const char *const names[] = {
		[POLICY_NOBODY] = "nobody", [POLICY_TLSA] = "tlsa", [POLICY_STS] = "sts",
		[POLICY_SETTING] = "setting", [POLICY_MESSAGE] = "message",
	};

	return names[source];
}

void policy_expect(struct tls_want *want, const char *name)
{
	for (size_t i = 0; i < want->name_count; i++) {
		if (strcmp(want->names[i], name) == 0)
			return;
	}
	if (*name && want->name_count < TLS_NAMES_MAX)
		want->names[want->name_count++] = name;
}

bool policy_refuse(struct finding *f, enum policy_source source, enum tlsrpt_result result, struct err *e)
{
	f->out->source = source;
	f->out->result = result;
	f->out->why = arena_text(f->a, span_of(e->text));
	return false;
}

/* --- MTA-STS --- */

static void tell_sts(struct carrier *c)
{
	struct str patterns = STR(500);

	for (size_t i = 0; i < c->sts->policy.count && c->sts->counts; i++)
		str_addf(&patterns, " %s", c->sts->policy.mx[i]);
	if (c->sts->failed)
		trace(c, TRACE_BAD, "sts", "%s", c->sts->trouble);
	if (c->sts->counts)
		trace(c, TRACE_GOOD, "sts", "%s, for%s", sts_mode_name(c->sts->policy.mode),
		    patterns.p);
	else
		trace(c, TRACE_NOTE, "sts", "no policy");
	str_free(&patterns);
}

/* The destination's policy, or NULL. Asked for once, however many servers there are. */
static const struct sts_policy *sts_of(struct finding *f)
{
	struct carrier *c = f->c;
	struct sts_asker asker = { c->self, &c->resolver, &c->hints };
	char domain[DNS_NAME];

	if (!c->self->conf.mta_sts || !sts_domain(span_of(f->j->destination), domain))
		return NULL;
	if (!c->sts) {
		c->sts = arena_get(f->a, sizeof *c->sts);
		sts_find(&asker, domain, f->a, c->sts);
		if (c->sts->failed)
			tlsrpt_note_fetch(c, domain, c->sts->failed, c->sts->trouble);
	}
	tell_sts(c);
	return c->sts->counts ? &c->sts->policy : NULL;
}

/* RFC 8461 4.1, 5 */
static bool sts(struct finding *f, struct err *e)
{
	struct tls_policy *p = f->out;
	const char *host = f->s->mx->name;

	if (*f->j->way.via || *f->j->destination == '[')
		return true;
	p->sts = sts_of(f);
	if (!p->sts || p->sts->mode == STS_NONE)
		return true;
	p->source = POLICY_STS;
	p->domain = f->j->destination;
	p->want.must = p->sts->mode == STS_ENFORCE;
	if (p->want.must)
		p->tls = POLICY_MUST;
	if (sts_policy_has(p->sts, host)) {
		p->assured = p->assured || p->want.must;
		return true;
	}
	err_temp(e, "4.7.5", "the MTA-STS policy of %s does not name %s", p->domain, host);
	policy_refuse(f, POLICY_STS, TLSRPT_VALIDATION, e);
	return !p->want.must;
}

/* What is not usable of DANE asks for TLS still, whatever MTA-STS says: RFC 8461 2. */
static bool published(struct finding *f, struct err *e)
{
	enum dane is;

	return policy_dane(f, &is, e) && (is == DANE_USABLE || sts(f, e));
}

/* --- the administrator --- */

/* What the DNS says without a signature counts for nothing here; RFC 8461 4.1 has the same care. */
static bool by_name(struct finding *f)
{
	struct tls_want *want = &f->out->want;
	struct span names = span_of(f->j->way.names), name;
	const char *domain = f->j->destination;

	want->proof = TLS_PROOF_NAME;
	if (f->s->mx->secure)
		policy_expect(want, f->s->mx->name);
	if (!*f->j->way.via && *domain != '[') {
		policy_expect(want, domain);
		policy_expect(want, arena_printf(f->a, ".%s", domain));
	}
	while (span_piece(&names, ',', &name)) {
		policy_expect(want, arena_text(f->a, name));
	}
	return true;
}

static bool by_print(struct finding *f)
{
	struct span prints = span_of(f->j->way.prints);
	char hex[WAY_PRINT_HEX + 1];

	f->out->want.proof = TLS_PROOF_PRINT;
	f->out->want.prints = arena_array(f->a, span_count(prints, ',') + 1, WAY_PRINT_HEX + 1);
	while (prints.n && way_print_eat(&prints, hex))
		memcpy(f->out->want.prints[f->out->want.print_count++], hex, sizeof hex);
	return true;
}

static bool by_setting(struct finding *f, bool (*ask)(struct finding *))
{
	f->out->source = POLICY_SETTING;
	f->out->tls = POLICY_MUST;
	f->out->want.must = true;
	f->out->assured = true;
	return ask(f);
}

static bool by_way(struct finding *f, struct err *e)
{
	switch (f->j->way.tls) {
	case WAY_NONE:
		f->out->source = POLICY_SETTING;
		f->out->tls = POLICY_CLEAR;
		return true;
	case WAY_ENCRYPT:
		f->out->tls = POLICY_MUST;
		return published(f, e);
	case WAY_DANE:
		return policy_dane_only(f, e);
	case WAY_VERIFY:
		return by_setting(f, by_name);
	case WAY_FINGERPRINT:
		return by_setting(f, by_print);
	case WAY_MAY:
		break;
	}
	return published(f, e);
}

/* --- the message --- */

/*
 * RFC 8689 4.2.1: whose server it is must be known for sure before its certificate says anything; then
 * DANE will do, or a certificate for its name.
 */
static bool must_be_sure(struct finding *f, struct err *e)
{
	struct tls_policy *p = f->out;

	if (!p->assured)
		return err_perm(e, "5.7.30",
		    "the message needs REQUIRETLS, and neither DNSSEC nor MTA-STS vouches "
		    "for %s as a server of %s",
		    f->s->mx->name, f->j->destination);
	p->tls = POLICY_MUST;
	p->want.must = true;
	return true;
}

static bool decide(struct finding *f, struct err *e)
{
	const struct job *j = f->j;

	if (j->require_tls)
		return by_way(f, e) && must_be_sure(f, e);
	if (!j->tls_optional)
		return by_way(f, e);
	/* RFC 8689 5: TLS-Required: No is more than any policy. */
	f->out->source = POLICY_MESSAGE;
	f->out->tls = j->way.tls == WAY_NONE ? POLICY_CLEAR : POLICY_MAY;
	return true;
}

static void tell_policy(struct carrier *c, const struct tls_policy *p)
{
	static const char *const whose[] = { [POLICY_NOBODY] = "nobody asks for more",
		[POLICY_TLSA] = "its TLSA records ask for it",
		[POLICY_STS] = "the MTA-STS policy asks for it",
		[POLICY_SETTING] = "a setting asks for it",
		[POLICY_MESSAGE] = "the message asks for it" };
	static const char *const tls[] = { "in the clear", "TLS where it is offered",
		"TLS, or not at all" };
	static const char *const proofs[] = { [TLS_PROOF_NAME] = "a certificate for its name",
		[TLS_PROOF_TLSA] = "what a record says",
		[TLS_PROOF_PRINT] = "a known fingerprint" };

	trace(c, TRACE_GOOD, "policy", "%s, and %s: %s", tls[p->tls],
	    p->want.must ? proofs[p->want.proof] : "no proof", whose[p->source]);
	if (p->result)
		trace(c, TRACE_BAD, "policy", "%s", p->why);
}

bool policy_find(struct carrier *c, const struct job *j, const struct server *s, struct arena *a,
    struct tls_policy *out, struct err *e)
{
	struct finding f = { c, j, s, a, out };

	*out = (struct tls_policy){ .tls = POLICY_MAY, .want = { .host = s->mx->name }, .domain = j->destination,
		.assured = s->mx->secure, .why = "" };
	if (!decide(&f, e))
		return false;
	tell_policy(c, out);
	return true;
}
