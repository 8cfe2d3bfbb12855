/* What came of TLS with a server. See tlsrpt.h. */
#include "mta/tlsrpt.h"

#include "common/os/log.h"
#include "mta/hints.h"

/* mta-hints may have been started anew since the last row. A row that is lost is no loss. */
static void keep(struct carrier *c, const struct tlsrpt_row *row)
{
	struct str line = STR(TLSRPT_ROW_MAX);
	struct err e;
	bool ok = false;

	tlsrpt_row_print(row, &line);
	for (int try = 0; try < 2 && !ok && !line.over; try++) {
		ok = (c->hints >= 0 || role_connect(c->self, "hints", &c->hints, &e)) &&
		    hints_tls_row(c->hints, line.p, &e);
		if (!ok)
			fd_close(&c->hints);
	}
	if (!ok && !line.over)
		log_warn("a row for the TLS report of %s is lost: %s", row->domain, e.text);
	str_free(&line);
}

/* The policy as it was published. */
static void put_policy(const struct tls_policy *p, struct str *out)
{
	if (p->source == POLICY_STS)
		sts_policy_print(p->sts, out);
	for (size_t i = 0; p->source == POLICY_TLSA && i < p->want.record_count; i++) {
		tlsa_print(&p->want.records[i], out);
		str_add_char(out, '\n');
	}
}

static enum tlsrpt_policy policy_of(enum policy_source source)
{
	if (source == POLICY_TLSA)
		return TLSRPT_TLSA;
	return source == POLICY_STS ? TLSRPT_STS : TLSRPT_NO_POLICY;
}

void tlsrpt_note(struct carrier *c, const struct tls_attempt *t)
{
	const struct tls_policy *p = t->policy;
	struct str string = STR(STS_ENTRY_MAX);

	/* Without a policy that is how things are on the internet. */
	if (t->result && p->source != POLICY_NOBODY)
		log_info("%s tls-policy policy=%s domain=%s host=%s ip=%s result=%s why=\"%s\"",
		    t->job->id, policy_source_name(p->source), p->domain, t->mx, t->ip,
		    tlsrpt_result_name(t->result), t->why);
	if (!c->self->conf.mta_tls_reports || *t->job->way.via || *t->job->destination == '[')
		return;
	put_policy(p, &string);
	keep(c, &(struct tlsrpt_row){ .domain = t->job->destination, .count = 1,
	    .policy = policy_of(p->source), .policy_domain = p->domain, .policy_string = string.p,
	    .result = t->result, .mx = t->mx, .ip = t->ip, .source = t->from, .helo = "",
	    .reason = t->why });
	str_free(&string);
}

void tlsrpt_note_fetch(struct carrier *c, const char *domain, enum tlsrpt_result result,
    const char *why)
{
	if (c->self->conf.mta_tls_reports)
		keep(c, &(struct tlsrpt_row){ .domain = domain, .count = 1, .policy = TLSRPT_STS,
		    .policy_domain = domain, .policy_string = "", .result = result, .mx = "",
		    .ip = "", .source = "", .helo = "", .reason = why });
}
