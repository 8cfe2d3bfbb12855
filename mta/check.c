/* What a session asks the check process, and does with the answers. See check.h. */
#include "mta/check.h"

#include <poll.h>

#include "common/mail/maillog.h"
#include "common/os/fd.h"
#include "common/os/log.h"
#include "common/trust/authres.h"
#include "common/trust/dmarc-report.h"

enum { CONNECT_S = 10, CONNECT_PAUSE_MS = 50 };

/* All check processes may be busy for a moment. */
static bool connect_check(struct check *k, struct err *e)
{
	ms_t until = clock_in(CONNECT_S);
	struct packet p;

	while (k->channel < 0) {
		packet_begin(&p, 'K');
		if (role_ask(k->self, &p, CONNECT_S, e)) {
			k->channel = packet_take_fd(&p);
			packet_drop_fds(&p);
		} else if (e->kind != ERR_TEMP || clock_ms() >= until) {
			return err_while(e, "no check process");
		} else {
			poll(NULL, 0, CONNECT_PAUSE_MS);
		}
	}
	return true;
}

/* Ask, and once more another one: the first may have ended because it had been idle. */
static bool again(struct check *k, int try, struct err *e)
{
	if (try)
		fd_close(&k->channel);
	return try < 2 && connect_check(k, e);
}

static void forget_if_last(struct check *k, bool last)
{
	if (last)
		fd_close(&k->channel);
}

static struct check_who who_asks(const struct check *k, const struct intake *in)
{
	return (struct check_who){ .us = k->self->conf.host_name,
		.ip = in->peer->ip,
		.helo = in->env.helo,
		.sender = in->env.sender };
}

static bool is_wanted(const struct check *k)
{
	return k->self->conf.gate_check && !k->gate->trusted;
}

void check_begin(struct check *k, struct role_self *self, struct gate *gate)
{
	*k = (struct check){ .self = self, .gate = gate, .channel = -1 };
	if (self->conf.gate_check)
		gate_checks_text(gate);
}

void check_mail(struct check *k)
{
	k->asked = false;
	k->row = NULL;
}

void check_gone(struct check *k)
{
	fd_close(&k->channel);
}

void check_sender(struct check *k, const struct intake *in, struct arena *a)
{
	struct check_who who = who_asks(k, in);
	struct check_spf spf = { .result = TRUST_TEMPERROR, .explanation = "" };
	struct err e = { 0 };
	bool ok = false;

	if (k->asked || !is_wanted(k))
		return;
	k->asked = true;
	for (int i = 0; !ok && again(k, i, &e); i++)
		ok = check_spf(k->channel, &who, a, &spf, &e);
	if (!ok)
		maillog_trouble(in->env.id, "checking SPF", &e);
	forget_if_last(k, spf.last);
	gate_checked_spf(k->gate, spf.result, spf.explanation);
}

/* --- the whole message --- */

static bool ask_all(struct check *k, struct intake *in, struct arena *a, struct check_verdict *v, struct err *e)
{
	struct check_who who = who_asks(k, in);
	int text = queue_put_text_fd(in->put, e);
	bool ok = false;

	if (text < 0)
		return false;
	for (int i = 0; !ok && again(k, i, e); i++)
		ok = check_text(k->channel, &who, text, a, v, e);
	fd_close(&text);
	forget_if_last(k, v->spf.last);
	return ok;
}

static bool matches(const char *who, const char *sender, const char *author)
{
	return strchr(who, '@') ? span_alike(span_of(who), span_of(sender)) : span_alike(span_of(who), span_of(author));
}

/* The settings know better than the domain, for an author's domain or for one sender. */
static enum dmarc_policy policy_for(const struct check *k, const struct check_verdict *v, const char *sender, struct arena *a)
{
	const struct conf_list *overrides = &k->self->conf.gate_dmarc_overrides;
	struct span what, who;

	for (size_t i = 0; i < overrides->count; i++) {
		what = span_of(overrides->words[i]);
		if (span_cut(&what, '=', &who) && matches(arena_text(a, who), sender, v->author))
			return span_is(what, "reject") ? DMARC_REJECT : span_is(what, "quarantine") ? DMARC_QUARANTINE : DMARC_ACCEPT;
	}
	return v->policy;
}

/* RFC 8617: it passed DMARC when somebody whom we trust had it, who changed it since. */
static bool is_vouched(const struct check *k, const struct check_verdict *v)
{
	const struct conf_list *trusted = &k->self->conf.gate_arc_trusted;

	for (size_t i = 0; *v->sealer && i < trusted->count; i++) {
		if (span_is(span_of(v->sealer), trusted->words[i]))
			return true;
	}
	return false;
}

static enum gate_wish wish_of(const struct check *k, const struct check_verdict *v, const char *sender, struct arena *a)
{
	static const enum gate_wish wishes[] = {
		[DMARC_NO_POLICY] = GATE_WISH_NONE, [DMARC_ACCEPT] = GATE_WISH_NONE,
		[DMARC_QUARANTINE] = GATE_WISH_QUARANTINE, [DMARC_REJECT] = GATE_WISH_REJECT,
	};

	return v->dmarc == TRUST_FAIL && !is_vouched(k, v) ? wishes[policy_for(k, v, sender, a)] : GATE_WISH_NONE;
}

/* RFC 8601 5: what a stranger wrote in our name goes, whether there is something of ours or not. */
static struct edit *drop_forged(const struct check *k, struct intake *in, struct err *e)
{
	struct edit *d = intake_header(in, e);

	if (d)
		authres_remove(d, k->self->conf.host_name);
	return d;
}

static bool write_results(struct check *k, struct intake *in, const struct check_verdict *v, struct err *e)
{
	struct edit *d = drop_forged(k, in, e);

	if (!d)
		return false;
	if (k->self->conf.gate_received_spf && *v->received_spf &&
	    !edit_insert(d, 0, SPAN("Received-SPF"), span_of(v->received_spf), e))
		return false;
	return !*v->results ||
	    edit_insert(d, 0, SPAN("Authentication-Results"), span_of(v->results), e);
}

/*
 * SPF does not prove the envelope's sender. Whoever that is hears of no success: a stranger
 * could have anybody told, by us and with words of his.
 */
static void promise_no_success(struct envelope *env)
{
	for (size_t i = 0; i < env->rcpt_count; i++) {
		struct rcpt *r = &env->rcpts[i];

		if (!(r->notify & NOTIFY_SUCCESS))
			continue;
		r->notify &= ~(unsigned)NOTIFY_SUCCESS;
		if (!r->notify)
			r->notify = NOTIFY_NEVER;
	}
}

static bool put_off(const struct check *k, const struct check_verdict *v)
{
	return v->dmarc == TRUST_TEMPERROR && strcmp(k->self->conf.gate_temperror, "defer") == 0;
}

bool check_whole(struct check *k, struct intake *in, struct arena *a, struct err *e)
{
	struct check_verdict v = { .spf.result = TRUST_TEMPERROR, .spf.explanation = "", .dkim = TRUST_TEMPERROR, .dmarc = TRUST_TEMPERROR,
		.results = "", .received_spf = "", .row = "", .sealer = "", .author = "" };
	struct err trouble;

	in->env.vouched = k->gate->trusted;
	if (k->gate->trusted)
		return true;
	if (!is_wanted(k)) {
		promise_no_success(&in->env);
		return drop_forged(k, in, e) != NULL;
	}
	if (!ask_all(k, in, a, &v, &trouble))
		maillog_trouble(in->env.id, "checking SPF, DKIM and DMARC", &trouble);
	else
		maillog_checked(in->env.id, v.summary, v.dmarc_why);
	if (put_off(k, &v))
		return err_temp(e, "4.4.3",
		    "cannot find out now whether this is from %s, please come again",
		    *v.author ? v.author : "whom it says");
	if (v.spf.result != TRUST_PASS)
		promise_no_success(&in->env);
	k->row = v.row;
	k->vouched = is_vouched(k, &v);
	in->env.vouched = v.proven || k->vouched;
	k->dmarc = v.dmarc;
	k->wanted = v.wanted;
	k->policy = v.policy;
	gate_checked_spf(k->gate, v.spf.result, v.spf.explanation);
	gate_checked_text(k->gate, v.dkim, v.dkim_aligned, v.dmarc, wish_of(k, &v, in->env.sender, a));
	return write_results(k, in, &v, e);
}

/* --- for the author's domain --- */

/* RFC 9990: "pass" is for mail that an enforcing policy let through. */
static const char *disposition(const struct check *k, enum check_fate fate)
{
	if (k->dmarc == TRUST_PASS)
		return k->wanted > DMARC_ACCEPT ? "pass" : "none";
	return fate == CHECK_REFUSED ? "reject" : fate == CHECK_QUARANTINED ? "quarantine" : "none";
}

/* Why not what the domain wanted? */
static const char *reason(const struct check *k, enum check_fate fate)
{
	static const enum dmarc_policy done[] = {
		[CHECK_TAKEN] = DMARC_ACCEPT,
		[CHECK_QUARANTINED] = DMARC_QUARANTINE,
		[CHECK_REFUSED] = DMARC_REJECT,
	};

	if (k->dmarc == TRUST_PASS || done[fate] == k->wanted)
		return "";
	if (k->vouched)
		return "trusted_forwarder";
	return done[fate] == k->policy ? "policy_test_mode" : "local_policy";
}

void check_told(struct check *k, enum check_fate fate, struct arena *a)
{
	struct str line = STR(DMARC_ROW_MAX);
	struct dmarc_row row;

	if (k->row && *k->row && k->self->conf.gate_dmarc_reports &&
	    dmarc_row_parse(span_of(k->row), a, &row)) {
		row.disposition = disposition(k, fate);
		row.reason = reason(k, fate);
		dmarc_row_print(&row, &line);
		gate_note_row(k->gate, line.p);
	}
	str_free(&line);
}
