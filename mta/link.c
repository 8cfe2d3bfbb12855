/* One connection to another server. See link.h. */
#include "mta/link.h"

#include <sys/socket.h>

#include "common/os/log.h"
#include "mta/login.h"
#include "mta/reach.h"
#include "mta/tlsrpt.h"
#include "mta/trace.h"

enum {
	HANDSHAKE_S = 60,
	ASK_AFTER_MS = 1000, /* a connection idle for longer is asked whether it is still there */
	CARRIED_MAX = 100, /* messages over one connection, where nobody says another number */
};

void link_drop(struct carrier *c)
{
	if (!c->open)
		return;
	smtp_client_close(&c->client);
	tls_stream_close(&c->stream);
	c->open = false;
}

void link_hang_up(struct carrier *c)
{
	if (c->open && !c->client.broken)
		smtp_client_quit(&c->client);
	link_drop(c);
}

static bool lacks_bdat(const struct carrier *c, const char *host)
{
	for (size_t i = 0; i < CARRIER_HOSTS; i++) {
		if (strcmp(c->no_bdat[i], host) == 0)
			return true;
	}
	return false;
}

/* EHLO, and what it answers. */
static bool hello(struct carrier *c, struct err *e)
{
	struct str words = STR(500);

	if (!smtp_client_hello(&c->client, e))
		return false;
	for (unsigned bit = 1; bit; bit <<= 1)
		str_addf(&words, "%s%s", c->client.ext & bit ? " " : "",
		    c->client.ext & bit ? smtp_ext_word(bit) : "");
	trace(c, TRACE_GOOD, "hello", "as %s; it offers%s", c->helo,
	    words.n ? words.p : " nothing that we know");
	str_free(&words);
	return true;
}

static bool greet(struct carrier *c, const struct job *j, const struct target *t, int fd, struct err *e)
{
	snprintf(c->helo, sizeof c->helo, "%s", *j->way.helo ? j->way.helo : c->self->conf.host_name);
	tls_stream_init(&c->stream, fd);
	smtp_client_open(&c->client, &c->stream.stream, c->helo, NULL);
	c->client.lmtp = t->server->lmtp;
	c->client.no_bdat = lacks_bdat(c, t->server->mx->name);
	c->open = true;
	c->assured = false;
	c->carried = 0;
	snprintf(c->host, sizeof c->host, "%s", t->server->mx->name);
	snprintf(c->ip, sizeof c->ip, "%s", t->ip);
	trace(c, TRACE_GOOD, "connect", "%s port %u", t->ip, t->server->port);
	if (!smtp_client_greet(&c->client, e))
		return false;
	trace(c, TRACE_GOOD, "greeting", "%s", c->client.last.text);
	return hello(c, e);
}

/* --- TLS --- */

static const char *proof_words(enum tls_proof proof)
{
	static const char *const words[] = {
		[TLS_PROOF_NAME] = "for its name, from an authority that we trust",
		[TLS_PROOF_TLSA] = "as its TLSA records say",
		[TLS_PROOF_PRINT] = "with a fingerprint that we know",
	};

	return words[proof];
}

enum secured { SECURED, IN_THE_CLEAR, HANDSHAKE_FAILED, BROKEN };

static enum secured start_tls(struct carrier *c, const struct tls_want *want, struct err *e)
{
	if (!(c->client.ext & EXT_STARTTLS)) {
		err_temp(e, "4.7.4", "%s does not offer STARTTLS", c->host);
		return IN_THE_CLEAR;
	}
	if (!smtp_client_start_tls(&c->client, e))
		return c->client.broken ? BROKEN : IN_THE_CLEAR;
	if (!tls_client_prove(c->tls, &c->stream, want, clock_in(HANDSHAKE_S), e))
		return HANDSHAKE_FAILED;
	trace(c, TRACE_GOOD, "tls", "%s", c->stream.text);
	trace(c, c->stream.verified ? TRACE_GOOD : TRACE_NOTE, "certificate", "%s%s",
	    c->stream.verified ? proof_words(want->proof) : "it proves nothing, and need not: ",
	    c->stream.why_not);
	smtp_client_switch(&c->client, &c->stream.stream);
	return hello(c, e) ? SECURED : BROKEN;
}

static enum tlsrpt_result result_of(enum secured how, const struct tls_stream *s, const struct tls_policy *p)
{
	static const enum tlsrpt_result results[] = {
		[TLS_FINE] = TLSRPT_SUCCESS,
		[TLS_BROKEN] = TLSRPT_VALIDATION,
		[TLS_INVALID] = TLSRPT_VALIDATION,
		[TLS_WRONG_NAME] = TLSRPT_HOST_MISMATCH,
		[TLS_EXPIRED] = TLSRPT_EXPIRED,
		[TLS_NOT_TRUSTED] = TLSRPT_NOT_TRUSTED,
	};

	if (how == IN_THE_CLEAR)
		return TLSRPT_NO_STARTTLS;
	if (how == HANDSHAKE_FAILED)
		return results[s->trouble];
	if (p->result)
		return p->result;
	/* Who needs no proof is content with any. */
	return p->source == POLICY_NOBODY ? TLSRPT_SUCCESS : results[s->trouble];
}

/* For reports: what the other side publishes was met, or not. RFC 8460 4.3 */
static void note(struct carrier *c, const struct job *j, const struct target *t, enum secured how,
    const struct err *e)
{
	enum tlsrpt_result result = result_of(how, &c->stream, t->policy);
	const char *why = how != SECURED ? e->text : t->policy->result ? t->policy->why : c->stream.why_not;
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;
	struct address from;
	char text[ADDRESS_TEXT] = "";
	unsigned port;

	if (how == BROKEN || t->policy->source > POLICY_STS)
		return;
	if (getsockname(c->stream.fd, (struct sockaddr *)&sa, &n) == 0 &&
	    address_from_sockaddr(&sa, &from, &port))
		address_print(&from, text);
	tlsrpt_note(c,
	    &(struct tls_attempt){ j, t->policy, result, result ? why : "", c->host, c->ip, text });
}

/* As the policy wants it. *again: connect once more, and do without. */
static bool secure(struct carrier *c, const struct job *j, const struct target *t, bool *again, struct err *e)
{
	bool must = t->policy->tls == POLICY_MUST;
	enum secured how;

	if (t->policy->tls == POLICY_CLEAR)
		return true;
	how = start_tls(c, &t->policy->want, e);
	note(c, j, t, how, e);
	switch (how) {
	case SECURED:
		return true;
	case IN_THE_CLEAR:
		if (!must)
			return true;
		if (j->require_tls)
			return err_perm(e, "5.7.10",
			    "the message needs REQUIRETLS, and %s offers no TLS", c->host);
		e->kind = ERR_TEMP;
		return err_while(e, "TLS is required");
	case HANDSHAKE_FAILED:
		*again = !must;
		return false;
	case BROKEN:
		break;
	}
	return false;
}

/* RFC 8689 4.2.1: its certificate is good, and it will ask the same of the next. Another server may. */
static bool suits(struct carrier *c, const struct job *j, const struct target *t, struct err *e)
{
	c->assured = t->policy->assured && c->stream.verified && c->client.ext & EXT_REQUIRETLS;
	return c->assured || !j->require_tls ||
	    err_perm(e, "5.7.30", "the message needs REQUIRETLS, which %s does not offer", c->host);
}

/* --- the link --- */

/* What the policy was made of, so that another message comes over this link only when it has the same. */
static const char *print_way(const struct job *j, char text[WAY_TEXT])
{
	struct str words = STR(WAY_TEXT - 2);

	str_add_text(&words, j->tls_optional && !j->require_tls ? "optional " : "");
	way_print(&j->way, &way_plain, &words);
	snprintf(text, WAY_TEXT, "%s", words.over ? "?" : words.p);
	str_free(&words);
	return text;
}

static unsigned policy_of(const struct tls_policy *p)
{
	return (unsigned)p->tls << 8 | (unsigned)p->source;
}

static void note_how(struct carrier *c, const struct job *j, const struct target *t)
{
	print_way(j, c->way);
	c->policy = policy_of(t->policy);
	c->port = t->server->port;
}

bool link_open(struct carrier *c, const struct job *j, const struct target *t, int fd, struct err *e)
{
	bool again = false;

	if (greet(c, j, t, fd, e) && secure(c, j, t, &again, e) && login_to(c, j, e) &&
	    suits(c, j, t, e)) {
		note_how(c, j, t);
		return true;
	}
	link_drop(c);
	if (!again)
		return false;
	log_info("%s plain host=%s ip=%s why=\"%s\"", j->id, t->server->mx->name, t->ip, e->text);
	trace(c, TRACE_BAD, "tls", "%s: once more, in the clear", e->text);
	if (reach_again(c, j, t->server, t->ip, &fd, e) && greet(c, j, t, fd, e) &&
	    login_to(c, j, e)) {
		note_how(c, j, t);
		return true;
	}
	link_drop(c);
	return false;
}

static bool still_there(struct carrier *c)
{
	if (clock_ms() - c->used < ASK_AFTER_MS)
		return true;
	return smtp_client_reset(&c->client, NULL);
}

/* Open, made as this message wants it, and not yet used up. */
static bool is_good_for(struct carrier *c, const struct job *j)
{
	char way[WAY_TEXT];

	return c->open && strcmp(c->way, print_way(j, way)) == 0 && *c->way != '?'
	    && c->carried < (j->way.carried ? j->way.carried : CARRIED_MAX) && !smtp_client_used_up(&c->client);
}

bool link_fits(struct carrier *c, const struct job *j)
{
	return is_good_for(c, j) && strcmp(c->destination, j->destination) == 0
	    && (c->assured || !j->require_tls) && still_there(c);
}

static bool has_address(const struct server *server, const char *ip)
{
	for (size_t i = 0; i < server->at.count; i++) {
		if (strcmp(server->at.ips[i], ip) == 0)
			return true;
	}
	return false;
}

/* One that was asked for the same proof, or for none, has nothing to prove anew. */
static bool same_proof(const struct carrier *c, const struct tls_policy *p)
{
	return c->policy == policy_of(p) &&
	    (*c->stream.text ? tls_same_proof(&c->stream, &p->want) : p->tls != POLICY_MUST);
}

bool link_serves(struct carrier *c, const struct job *j, const struct target *t)
{
	struct err e;

	return is_good_for(c, j) && strcmp(c->host, t->server->mx->name) == 0 && c->port == t->server->port
	    && c->client.lmtp == t->server->lmtp && has_address(t->server, c->ip) && same_proof(c, t->policy)
	    && suits(c, j, t, &e) && still_there(c);
}
