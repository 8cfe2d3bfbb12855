/* What a session does for the verdict. See gate.h. */
#include "mta/gate.h"

#include <poll.h>

#include "common/mail/maillog.h"
#include "common/os/fd.h"
#include "common/os/log.h"
#include "mta/hints.h"

enum {
	CONNECTS_MAX = 100, /* a keeper kills who asks for 200 */
	STALE_MAX =
	    16, /* answers that nobody waits for any more: then a channel of one's own again */
};

/* --- channels --- */

static bool connect_to(struct gate *g, const char *service, int *fd)
{
	struct err e;

	if (*fd >= 0)
		return true;
	g->connects++;
	if (role_connect(g->self, service, fd, &e))
		return true;
	log_debug("the gate goes on without: %s", e.text);
	return false;
}

static bool asks_dns(const struct gate *g)
{
	static const enum gate_fact of_dns[] = {
		GATE_REVERSE_NONE, GATE_REVERSE_FALSE, GATE_HELO_UNKNOWN,
		GATE_SENDER_MISSING, GATE_SENDER_SILENT, GATE_SENDER_NULL_MX,
	};

	for (size_t i = 0; i < sizeof of_dns / sizeof *of_dns; i++) {
		if (g->rules.policy.weights[of_dns[i]])
			return true;
	}
	return g->rules.lists.count || g->rules.sender_lists.count;
}

static void connect_resolver(struct gate *g)
{
	/* The one before may have died since the last client. */
	if (g->resolver >= 0 && (g->dns.batch.resolver < 0 || g->dns.batch.stale > STALE_MAX)) {
		fd_close(&g->resolver);
		g->dns.batch.stale = 0;
	}
	if (asks_dns(g))
		connect_to(g, "resolver", &g->resolver);
}

/* Whose address nobody knows (XCLIENT), of him there are no hints. */
static bool has_hints(const struct gate *g)
{
	struct address who;

	return address_parse(span_of(g->ip), &who);
}

/* A hints process that was started anew is asked again. */
static bool again(struct gate *g, int try)
{
	if (try)
		fd_close(&g->hints);
	return try < 2 && connect_to(g, "hints", &g->hints);
}

static bool is_known(struct gate *g)
{
	bool known = false;

	if (!g->self->conf.gate_known_for || !has_hints(g))
		return false;
	for (int i = 0; again(g, i) && !hints_known(g->hints, g->ip, &known, NULL); i++)
		;
	return known;
}

/* --- waiting --- */

static bool hold(struct gate *g)
{
	g->holding = false;
	for (int i = 0; again(g, i) && !hints_hold(g->hints, &g->holding, NULL); i++)
		;
	return g->holding;
}

static void let_go(struct gate *g)
{
	if (g->holding && !hints_let_go(g->hints, NULL))
		fd_close(&g->hints);	/* which gives the place back too */
	g->holding = false;
}

static void tarpit(struct gate *g, unsigned seconds)
{
	if (!seconds || g->waited || !hold(g))
		return;
	g->waited = true;
	poll(NULL, 0, (int)seconds * 1000);
	let_go(g);
}

/* --- the verdict, and what comes of it --- */

static struct facts facts_now(struct gate *g, enum gate_stage stage)
{
	struct facts f = {
		.stage = stage, .trusted = g->trusted, .may_relay = g->may_relay, .seen = g->seen | g->mail_seen,
		.spf = g->checks.spf, .dkim = g->checks.dkim, .dkim_aligned = g->checks.dkim_aligned,
		.dmarc = g->checks.dmarc, .dmarc_wish = g->checks.wish,
		.ip = g->ip, .helo = g->helo, .sender_domain = g->domain, .recipient = "", .id = g->id, .spf_words = g->spf_words,
	};

	return f;
}

static void add_dns(struct gate *g, struct facts *f)
{
	gate_dns_wait(&g->dns, g->asked + (ms_t)g->self->conf.gate_dns_wait * 1000);
	gate_dns_facts(&g->dns, f);
}

/* What the greylist says of one recipient. What it cannot say is no reason to wait. */
static void ask_greylist(struct gate *g, const char *sender, const char *recipient, struct facts *f)
{
	enum gate_grey grey = GATE_GREY_PASSED;
	unsigned left_s = 0;

	for (int i = 0; has_hints(g) && again(g, i) && !hints_greylist(g->hints, g->ip, sender, recipient, &grey, &left_s, NULL); i++)
		;
	if (f->grey == GATE_GREY_WAIT && (grey == GATE_GREY_PASSED || left_s <= f->grey_left_s))
		return;
	f->grey = grey;
	f->grey_left_s = left_s;
}

/* Once for each message, and whenever somebody has to hear of it. */
static void tell(struct gate *g, const char *id, const struct gate_verdict *v)
{
	struct str reasons = STR(2000);

	if (!v->reason_count || (g->told && v->action == GATE_ACCEPT))
		return;
	g->told = true;
	gate_reasons_print(v, &reasons);
	maillog_gate(id, g->ip, gate_action_name(v->action), v->score, reasons.p);
	str_free(&reasons);
}

static bool obey(struct gate *g, const char *id, const struct gate_verdict *v, struct err *e)
{
	tell(g, id, v);
	if (v->action != GATE_REJECT && v->action != GATE_DEFER)
		return true;
	*e = v->e;
	return false;
}

/* --- the process --- */

void gate_begin(struct gate *g, struct role_self *self)
{
	*g = (struct gate){ .self = self, .hints = -1, .resolver = -1 };
	gate_rules(&self->conf, &g->rules);
	gate_dns_init(&g->dns, &g->rules.policy, g->rules.lists, g->rules.sender_lists);
}

bool gate_is_worn(const struct gate *g)
{
	return g->connects >= CONNECTS_MAX;
}

void gate_checks_text(struct gate *g)
{
	g->rules.policy.dkim_later = true;
}

/* --- the conversation --- */

static void forget_client(struct gate *g, const struct wire_peer *peer)
{
	struct address who = { 0 };

	let_go(g);
	gate_dns_end(&g->dns);
	g->peer = peer;
	snprintf(g->ip, sizeof g->ip, "%s", peer->ip);
	address_parse(span_of(g->ip), &who);
	g->helo[0] = g->domain[0] = '\0';
	g->may_relay = gate_may_relay(&g->self->conf, &who);
	g->trusted = g->may_relay || gate_is_exempt(&g->self->conf, &who);
	g->waited = g->told = g->junk = false;
	g->seen = g->mail_seen = 0;
	g->checks = (struct check_result){ 0 };
	queue_new_id(g->id);
}

int gate_client(struct gate *g, const struct wire_peer *peer)
{
	uint64_t wait = g->self->conf.gate_early_wait;

	forget_client(g, peer);
	if (g->trusted)
		return 0;
	if (is_known(g))
		g->seen |= 1u << GATE_KNOWN;
	connect_resolver(g);
	gate_dns_connect(&g->dns, g->resolver, g->ip);
	g->asked = clock_ms();
	return wait && !(g->seen & 1u << GATE_KNOWN) && hold(g) ? (int)wait * 1000 : 0;
}

bool gate_greet(struct gate *g, bool early, struct err *e)
{
	struct gate_verdict v;
	struct facts f;

	let_go(g);
	if (strcmp(g->ip, g->peer->ip) != 0)
		gate_client(g, g->peer);	/* a proxy told of somebody else: XCLIENT */
	let_go(g);
	if (!early)
		return true;
	g->seen |= 1u << GATE_EARLY;
	f = facts_now(g, GATE_CONNECT);
	f.trusted = false;		/* whoever it is: RFC 5321 3.1 */
	gate_verdict(&f, &g->rules.policy, &v);
	return obey(g, g->id, &v, e);
}

void gate_tls(struct gate *g)
{
	if (gate_may_relay_by(&g->self->conf, g->peer->seal))
		g->trusted = g->may_relay = true;
}

void gate_hello(struct gate *g, struct span name)
{
	const struct gate_self self = { g->self->conf.host_name, g->peer->local_ip };
	bool is_name;

	if (g->trusted || !span_copy(name, g->helo, sizeof g->helo))
		return;
	g->seen &= 1u << GATE_EARLY | 1u << GATE_KNOWN;
	g->seen |= gate_helo(name, g->ip, self, &is_name);
	gate_dns_hello(&g->dns, is_name ? g->helo : "");
	gate_dns_tend(&g->dns);
	g->asked = clock_ms();
}

void gate_mail(struct gate *g, const struct smtp_mail *from, bool is_our_domain)
{
	g->mail_seen = is_our_domain ? 1u << GATE_SENDER_OURS : 0;
	g->told = g->junk = false;
	g->only_postmaster = true;
	g->checks = (struct check_result){ 0 };
	g->domain[0] = '\0';
	span_copy(from->path.domain, g->domain, sizeof g->domain);
	if (g->trusted)
		return;
	gate_dns_sender(&g->dns, span_of(g->domain));
	gate_dns_tend(&g->dns);
	g->asked = clock_ms();
}

void gate_checked_spf(struct gate *g, enum trust_result spf, const char *words)
{
	g->checks.spf = spf;
	snprintf(g->spf_words, sizeof g->spf_words, "%s", words);
}

static bool is_bad(enum gate_rcpt to, bool may_relay)
{
	return to == GATE_TO_FULL || to == GATE_TO_UNKNOWN ||
	    (to == GATE_TO_ELSEWHERE && !may_relay);
}

bool gate_rcpt(struct gate *g, const struct intake *in, enum gate_rcpt to, const char *address, struct err *e)
{
	struct facts f = facts_now(g, GATE_RCPT);
	struct gate_verdict v;

	f.rcpt = to;
	f.recipient = address;
	f.id = in->env.id;
	if (!*in->env.sender && in->env.rcpt_count)
		f.seen |= 1u << GATE_BOUNCE_MANY;
	if (!g->trusted && !is_bad(to, g->may_relay))
		add_dns(g, &f);		/* what is refused anyway need not wait for it */
	gate_verdict(&f, &g->rules.policy, &v);
	if (v.action == GATE_ASK_GREYLIST) {
		ask_greylist(g, in->env.sender, address, &f);
		gate_verdict(&f, &g->rules.policy, &v);
	}
	tarpit(g, v.wait_s);
	if (!obey(g, in->env.id, &v, e))
		return false;
	g->only_postmaster = g->only_postmaster && to == GATE_TO_POSTMASTER;
	return true;
}

void gate_checked_text(struct gate *g, enum trust_result dkim, bool dkim_aligned,
    enum trust_result dmarc, enum gate_wish wish)
{
	g->checks.dkim = dkim;
	g->checks.dkim_aligned = dkim_aligned;
	g->checks.dmarc = dmarc;
	g->checks.wish = wish;
}

static bool write_verdict(struct intake *in, const struct gate_verdict *v, struct err *e)
{
	const struct span name = SPAN("X-Posthorn-Gate");
	struct edit *d = intake_header(in, e);
	struct str value = STR(8192);
	bool ok = d != NULL;

	if (ok) {
		edit_remove(d, name, NULL, NULL);
		gate_header_print(v, &value);
		ok = edit_insert(d, 0, name, str_span(&value), e);
	}
	str_free(&value);
	return ok;
}

bool gate_text(struct gate *g, struct intake *in, struct err *e)
{
	struct facts f = facts_now(g, GATE_TEXT);
	struct gate_verdict v;

	if (g->trusted)
		return true;
	f.rcpt = g->only_postmaster ? GATE_TO_POSTMASTER : GATE_TO_LOCAL;
	f.id = in->env.id;
	/* At RCPT the greylist was asked about each that is here, unless DKIM was to be known first. */
	f.grey = g->rules.policy.dkim_later ? GATE_GREY_UNASKED : GATE_GREY_PASSED;
	add_dns(g, &f);
	gate_verdict(&f, &g->rules.policy, &v);
	if (v.action == GATE_ASK_GREYLIST) {
		for (size_t i = 0; i < in->env.rcpt_count; i++)
			ask_greylist(g, in->env.sender, in->env.rcpts[i].address, &f);
		gate_verdict(&f, &g->rules.policy, &v);
	}
	g->junk = v.action == GATE_QUARANTINE;
	if ((v.action != GATE_ACCEPT || v.score) && !obey(g, in->env.id, &v, e))
		return false;
	return write_verdict(in, &v, e);
}

void gate_took(struct gate *g)
{
	if (g->trusted || g->junk || !g->self->conf.gate_known_for || !has_hints(g))
		return;
	for (int i = 0; again(g, i) && !hints_took(g->hints, g->ip, NULL); i++)
		;
}

void gate_note_row(struct gate *g, const char *row)
{
	for (int i = 0; again(g, i) && !hints_row(g->hints, row, NULL); i++)
		;
}

void gate_gone(struct gate *g)
{
	let_go(g);
	gate_dns_end(&g->dns);
}
