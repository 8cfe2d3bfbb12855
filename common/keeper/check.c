/*
 * NAME
 *	posthorn-check - is a message from whom it says it is?
 * DESCRIPTION
 *	Answers the questions of trust/check.h on its fd 5, for one session: SPF when the sender is known,
 *	then DKIM, DMARC and the rest over the open text. It can open nothing and reach nobody but
 *	the resolver process. It ends when the session does, when nobody asked for IDLE_S, and after
 *	CHECKS_MAX texts: what strangers' bytes may have left in its memory goes with it. A question takes
 *	at most ALARM_S; who waits for longer finds the process gone, and the message is not to blame.
 */
#include <stdlib.h>
#include <unistd.h>

#include "common/keeper/role.h"
#include "common/os/log.h"
#include "common/trust/authres.h"
#include "common/trust/check.h"
#include "common/trust/dmarc-report.h"
#include "common/trust/key.h"

enum {
	IDLE_S		= 10,
	CHECKS_MAX	= 100,		/* texts */
	DNS_S		= 30,		/* of one question: then every answer is "too late" */
	ALARM_S		= 50,		/* below CHECK_PATIENCE_S */
	MEMORY_MAX	= 64 << 20,	/* of one question */
	PIECE		= 65536,
	FIELD_MAX	= 16384,	/* of a header field of ours */
};

struct checker {
	struct role_self	 self;
	int			 resolver;	/* -1: not connected */
	struct dns_memo		 memo;		/* of one question */
	struct arena		*arena;		/* likewise */
	struct packet		 packet;
	unsigned		 texts;
};

/* --- DNS, with one deadline for all of a question --- */

static void ask(void *arg, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out)
{
	struct checker *c = arg;
	struct trust_dns resolver = trust_dns_channel(&c->resolver);
	struct err e;

	if (c->resolver >= 0 || role_connect(&c->self, "resolver", &c->resolver, &e))
		resolver.ask(resolver.arg, name, type, a, out);
	else
		*out = (struct dns_answer){ .found = DNS_FAILED, .why = arena_text(a, span_of(e.text)) };
}

static void facts_of(struct checker *c, const struct check_who *who, struct spf_facts *f)
{
	*f = (struct spf_facts){ .helo = spf_ascii_name(span_of(who->helo), c->arena), .sender = spf_ascii_sender(who->sender, c->arena),
		.receiver = who->us, .now = clock_wall(), .until = c->memo.until };
	address_parse(span_of(who->ip), &f->ip);
}

static struct check_spf spf_answer(const struct checker *c, const struct spf_verdict *v)
{
	return (struct check_spf){ v->result, v->why, v->explanation, c->texts >= CHECKS_MAX };
}

/* --- the text --- */

static bool feed(struct dkim_verify *v, int text)
{
	static char piece[PIECE];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(text, piece, sizeof piece, at)) > 0) {
		dkim_verify_feed(v, (struct span){ piece, (size_t)n });
		at += n;
	}
	return n == 0;
}

/* The best result of all, in the order of how much it says. */
static enum trust_result best_of(const struct dkim_verdict *v)
{
	static const enum trust_result order[] = {
		TRUST_PASS, TRUST_TEMPERROR, TRUST_FAIL, TRUST_POLICY, TRUST_NEUTRAL, TRUST_PERMERROR,
	};

	for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
		for (size_t i = 0; i < v->count; i++) {
			if (v->results[i].result == order[k])
				return order[k];
		}
	}
	return TRUST_NONE;
}

/*
 * A signature that leaves text unsigned vouches for nobody: RFC 9989 leaves that to us. One whose domain
 * only tests (t=y, RFC 6376 3.6.1) does: too many have left it at that.
 */
static struct dmarc_vouch *vouches(struct checker *c, const struct dkim_verdict *v)
{
	struct dmarc_vouch *list = arena_array(c->arena, v->count + 1, sizeof *list);

	for (size_t i = 0; i < v->count; i++) {
		const struct dkim_result *r = &v->results[i];
		char name[DNS_NAME] = "";

		dns_name_clean(span_of(spf_ascii_name(r->signature.domain, c->arena)), name);
		list[i].domain = arena_text(c->arena, span_of(name));
		list[i].result = r->beyond ? TRUST_POLICY : r->result;
	}
	return list;
}

static void judge_author(struct checker *c, struct span header, const struct spf_verdict *spf,
    const struct dkim_verdict *dkim, const char **author, struct dmarc_verdict *out)
{
	struct trust_dns dns = trust_dns_memo(&c->memo);
	struct dmarc_facts facts = { .dkim = vouches(c, dkim), .dkim_count = dkim->count };
	char name[DNS_NAME] = "";
	struct header h;
	struct err e;

	*out = (struct dmarc_verdict){ .result = TRUST_NONE, .why = "no address in From", .organization = "", .published_at = "" };
	header_index(header, c->arena, &h);
	if (!dmarc_author(&h, c->arena, author, &e)) {
		out->result = TRUST_PERMERROR;
		out->why = arena_text(c->arena, span_of(e.text));
		*author = "";
	}
	if (!**author)
		return;
	dns_name_clean(span_of(spf->domain), name);
	facts.author = *author;
	facts.spf = (struct dmarc_vouch){ name, spf->result };
	dmarc_check(&facts, &dns, c->arena, out);
}

/* Is one of them at or above the other? */
static bool are_kin(struct span x, struct span y)
{
	struct span more = x.n > y.n ? x : y, less = x.n > y.n ? y : x;

	return less.n && span_alike(span_from(more, more.n - less.n), less) &&
	    (more.n == less.n || more.p[more.n - less.n - 1] == '.');
}

/*
 * What the verdict hangs on, before a stranger's own slow servers can eat up the time: the author's
 * policy, and the keys that could vouch for him. All else is of domains that do not matter so much.
 */
static void ask_first(struct checker *c, struct span text)
{
	struct trust_dns dns = trust_dns_memo(&c->memo);
	const struct field *f = NULL;
	struct dkim_signature s;
	struct dns_answer answer;
	struct header h;
	const char *author, *key;
	struct err e;

	header_index(text, c->arena, &h);
	if (!dmarc_author(&h, c->arena, &author, &e) || !*author)
		return;
	dmarc_organization(author, &dns, c->arena);
	for (int i = 0; i < DKIM_JUDGED && (f = header_find_after(&h, "DKIM-Signature", f)); i++) {
		dkim_signature_parse(f->value, DKIM_PLAIN, c->arena, &s, &e);
		key = dkim_key_name(&s, c->arena);
		if (strlen(key) < DNS_NAME - 1 &&
		    are_kin(span_of(spf_ascii_name(s.domain, c->arena)), span_of(author)))
			dns.ask(dns.arg, key, DNS_TXT, c->arena, &answer);
	}
}

static const char *field(struct checker *c, struct str *text)
{
	const char *copy = arena_text(c->arena, text->over ? SPAN("") : str_span(text));

	str_free(text);
	return copy;
}

static const char *summary(struct checker *c, const struct check_verdict *v, const struct dkim_verdict *dkim)
{
	struct str out = STR(500);

	str_addf(&out, "spf=%s dkim=%s", trust_result_name(v->spf.result), trust_result_name(v->dkim));
	for (size_t i = 0; i < dkim->count; i++) {
		if (dkim->results[i].result == v->dkim) {
			str_addf(&out, ":%.100s",
			    spf_ascii_name(dkim->results[i].signature.domain, c->arena));
			break;
		}
	}
	str_addf(&out, " dmarc=%s", trust_result_name(v->dmarc));
	if (v->policy)
		str_addf(&out, ":%s", dmarc_policy_name(v->policy));
	return field(c, &out);
}

/* What the domain's report will say, but for what was done with the message. RFC 9990: what passed first. */
static const char *row(struct checker *c, const struct check_who *who,
    const struct dmarc_verdict *dmarc, const struct spf_verdict *spf,
    const struct dkim_verdict *dkim, const char *author)
{
	struct dmarc_row r = { .policy_domain = dmarc->published_at, .disposition = "", .reason = "", .ip = who->ip,
		.author = author, .envelope_from = spf->domain, .dkim_aligned = dmarc->dkim_aligned,
		.spf_aligned = dmarc->spf_aligned, .spf = spf->result };
	struct str out = STR(DMARC_ROW_MAX);

	if (!*dmarc->published_at || dmarc->result == TRUST_TEMPERROR)
		return "";
	for (int passed = 1; passed >= 0; passed--) {
		for (size_t i = 0; i < dkim->count && r.dkim_count < DMARC_ROW_DKIM; i++) {
			const struct dkim_result *one = &dkim->results[i];

			if ((one->result == TRUST_PASS) != passed)
				continue;
			r.dkim[r.dkim_count].domain =
			    spf_ascii_name(one->signature.domain, c->arena);
			r.dkim[r.dkim_count].selector =
			    arena_text(c->arena, one->signature.selector);
			r.dkim[r.dkim_count++].result = one->result;
		}
	}
	dmarc_row_print(&r, &out);
	return field(c, &out);
}

/* Who can vouch for a message that no longer passes by itself: whoever sealed last, if it passed there. */
static const char *sealer(struct checker *c, const struct arc *arc)
{
	bool vouches = arc->result == TRUST_PASS && arc->saw_pass;

	return vouches ? spf_ascii_name(arc->sealer, c->arena) : "";
}

static void check_message(struct checker *c, const struct check_who *who, struct dkim_verify *v,
    struct check_verdict *out)
{
	struct trust_dns dns = trust_dns_memo(&c->memo);
	struct str results = STR(FIELD_MAX), received = STR(FIELD_MAX);
	struct dkim_verdict dkim;
	struct dmarc_verdict dmarc;
	struct spf_verdict spf;
	struct spf_facts f;
	struct authres all = { .us = who->us, .who = &f, .spf = &spf, .dkim = &dkim, .arc = dkim_verify_arc(v), .dmarc = &dmarc };

	ask_first(c, dkim_verify_header(v));
	facts_of(c, who, &f);
	spf_check(&f, &dns, c->arena, &spf);
	dkim_verify_end(v, &dns, &dkim);
	judge_author(c, dkim_verify_header(v), &spf, &dkim, &all.author, &dmarc);
	all.iprev = iprev_check(&f.ip, &dns, c->arena);
	authres_print(&all, &results);
	spf_print_received(&f, &spf, &received);
	*out = (struct check_verdict){ .spf = spf_answer(c, &spf), .dkim = best_of(&dkim),
		.dkim_aligned = dmarc.dkim_aligned && are_kin(span_of(spf.domain), span_of(all.author)), .dmarc = dmarc.result,
		.proven = dmarc.result == TRUST_PASS || (dmarc.result == TRUST_NONE && (dmarc.spf_aligned || dmarc.dkim_aligned)),
		.wanted = dmarc.wanted, .policy = dmarc.policy,
		.arc = all.arc->result, .sealer = sealer(c, all.arc), .author = all.author, .dmarc_why = dmarc.why };
	out->results = field(c, &results);
	out->received_spf = field(c, &received);
	out->row = row(c, who, &dmarc, &spf, &dkim, all.author);
	out->summary = summary(c, out, &dkim);
}

static void answer_text(struct checker *c, const struct check_who *who, int text)
{
	struct dkim_verify *v = dkim_verify_new((uint64_t)clock_wall());
	struct check_verdict verdict;

	c->texts++;
	if (!feed(v, text)) {
		log_error("cannot read the text to be checked");
		exit(EXIT_FAILURE);
	}
	check_message(c, who, v, &verdict);
	check_put_verdict(&c->packet, &verdict);
	dkim_verify_free(v);
}

static void answer_sender(struct checker *c, const struct check_who *who)
{
	struct trust_dns dns = trust_dns_memo(&c->memo);
	struct spf_verdict spf;
	struct check_spf said;
	struct spf_facts f;

	facts_of(c, who, &f);
	spf_check(&f, &dns, c->arena, &spf);
	said = spf_answer(c, &spf);
	check_put_spf(&c->packet, &said);
}

/* --- one question after the other --- */

static bool serve(struct checker *c)
{
	struct check_who who;
	int text;

	if (packet_recv(c->self.work, &c->packet, clock_in(IDLE_S)) != PACKET_OK)
		return false;
	alarm(ALARM_S);
	c->memo =
	    (struct dns_memo){ .next = { ask, c }, .arena = c->arena, .until = clock_in(DNS_S) };
	if (!check_take(&c->packet, c->arena, &who, &text)) {
		log_error("a session asked what is no question");
		return false;
	}
	if (text >= 0)
		answer_text(c, &who, text);
	else
		answer_sender(c, &who);
	fd_close(&text);
	alarm(0);
	arena_reset(c->arena);
	return packet_send(c->self.work, &c->packet, NULL) && c->texts < CHECKS_MAX;
}

int main(int argc, char **argv)
{
	static struct checker c = { .resolver = -1 };
	struct err e;

	role_begin(&c.self, ROLE_CHECK, argc, argv);
	if (!key_prepare(&e)) {
		log_error("%s", e.text);
		return EXIT_FAILURE;
	}
	c.arena = arena_new(MEMORY_MAX, NULL, NULL);
	role_jail(&c.self);
	while (serve(&c))
		;
	return EXIT_SUCCESS;
}
