/*
 * NAME
 *	msa-session - take mail from our own users
 * DESCRIPTION
 *	The session behind the submission ports (RFC 6409). It serves one client and
 *	ends. Nothing is taken without a login; the envelope sender and From must belong to
 *	it; a recipient in our domains is known good before it hears 250. The header gets
 *	what a mail client may leave out (Date, Message-ID, ...) and loses Bcc, and what only mta
 *	says of mail (Authentication-Results in our name, X-Posthorn-Gate).
 */
#include "msa/session.h"


#include "common/base/mem.h"
#include "common/keeper/meter.h"
#include "common/keeper/receive.h"
#include "common/mail/date.h"
#include "common/mail/maillog.h"
#include "common/mail/msgid.h"
#include "common/trust/authres.h"

enum { TLS_PATIENCE_S = 60 };

/* --- who is who --- */

bool session_have_clerk(struct session *x, struct err *e)
{
	return x->clerk >= 0 || role_connect(&x->self, "clerk", &x->clerk, e);
}

bool session_may_send(struct session *x, const char *address, struct err *e)
{
	for (int tries = 0; tries < 2; tries++) {
		if (!session_have_clerk(x, e))
			return false;
		if (directory_may_send(&x->clerk, span_of(x->who.login), span_of(address), e))
			return true;
		if (x->clerk >= 0)
			return false;
	}
	return false;
}

/* --- hooks --- */

static bool start_tls(struct smtp *s, struct err *e)
{
	struct session *x = s->self;
	const struct wire_peer *peer = &x->wire.peer;

	wire_hold(&x->wire);
	if (!out_flush(s->out, clock_in(TLS_PATIENCE_S), e) ||
	    !wire_start_tls(&x->wire, clock_in(TLS_PATIENCE_S), e))
		return false;
	maillog_tls(peer->service, peer->ip, peer->tls_text);
	entry_open(&x->entry, &x->self, &x->wire, &x->who);
	return true;
}

static bool go_on(struct smtp *s, struct err *e)
{
	struct session *x = s->self;

	return meter_go_on(&x->wire, e);
}

/* A null sender is for notices that mail was read (RFC 8098 3), and may be anybody's. */
static bool take_mail(struct smtp *s, const struct smtp_mail *from, struct err *e)
{
	struct session *x = s->self;

	if (*from->address && !session_may_send(x, from->address, e))
		return false;
	x->intake.login = x->who.login;
	return intake_begin(&x->intake, s, from, e);
}

static bool take_rcpt(struct smtp *s, const struct smtp_rcpt *to, struct err *e)
{
	struct session *x = s->self;
	const char *address = to->path.domain.n ? to->address : x->self.conf.postmaster;
	enum dir_class is;

	if (!receive_resolve(&x->self, &x->clerk, address, &is, NULL, e))
		return false;
	if (is == DIR_UNKNOWN)
		return err_perm(e, "5.1.1", "nobody here has the address %s", address);
	if (is == DIR_RETURN &&
	    !receive_return(&x->clerk, x->intake.env.sender, address, s->command, e))
		return false;
	return intake_rcpt(&x->intake, s, address, to, e);
}

static void put_fixed(void *arg, struct span lf_text)
{
	struct session *x = arg;

	intake_text(&x->intake, lf_text);
}

/* In the sender's domain, so that it does not tell where this server is. */
static void make_message_id(struct session *x)
{
	const char *at = strrchr(x->intake.env.sender, '@');
	struct str id = STR(sizeof x->message_id - 1);

	msgid_new(span_of(at ? at + 1 : x->self.conf.host_name), &id);
	snprintf(x->message_id, sizeof x->message_id, "%s", id.p);
	str_free(&id);
}

/* The sender of the envelope was looked at; a notice without one is from the login itself. */
static void find_own_address(struct session *x)
{
	const struct conf *c = &x->self.conf;
	const char *domain = c->system_domains.count ? c->system_domains.words[0] : c->host_name;

	if (*x->intake.env.sender)
		snprintf(x->own_address, sizeof x->own_address, "%s", x->intake.env.sender);
	else if (strchr(x->who.login, '@'))
		snprintf(x->own_address, sizeof x->own_address, "%s", x->who.login);
	else
		snprintf(x->own_address, sizeof x->own_address, "%s@%s", x->who.login, domain);
}

static bool take_data(struct smtp *s, struct err *e)
{
	struct session *x = s->self;
	time_t now = x->intake.env.arrived;
	struct fix_with with = { session_fixes(&x->self.conf), now, date_local_zone(now),
		x->message_id, x->own_address };

	if (!meter_data(&x->wire, e) || !intake_open(&x->intake, s, e))
		return false;
	make_message_id(x);
	find_own_address(x);
	fix_init(&x->fix, (struct sink){ put_fixed, x }, &with);
	x->fixing = true;
	return true;
}

static void take_text(struct smtp *s, struct span lf_text)
{
	struct session *x = s->self;

	fix_feed(&x->fix, lf_text);
}

/* What only our mta says, and readers believe: no user says it to another. RFC 8601 5 */
static bool drop_forged(struct session *x, struct err *e)
{
	struct edit *d = intake_header(&x->intake, e);

	if (!d)
		return false;
	authres_remove(d, x->self.conf.host_name);
	edit_remove(d, SPAN("X-Posthorn-Gate"), NULL, NULL);
	return true;
}

static bool commit(struct smtp *s, struct str *said, struct err *e)
{
	struct session *x = s->self;

	x->fixing = false;
	if (!fix_end(&x->fix))
		return err_perm(e, "5.3.4", "the header of the message is too large");
	if (!session_check_from(x, e) || !session_count(x, s, e) || !drop_forged(x, e) ||
	    !intake_commit(&x->intake, s, said, e))
		return false;
	if (*x->verdict.over)
		str_addf(said, " (held: %s)", x->verdict.over);
	session_counted(x, s);
	return true;
}

static void reset(struct smtp *s)
{
	struct session *x = s->self;

	if (x->fixing)
		fix_end(&x->fix);
	x->fixing = false;
	meter_reset(&x->wire);
	intake_reset(&x->intake);
}

static void refused(struct smtp *s, struct span line, const struct reply *r)
{
	struct session *x = s->self;

	if (span_is(line, "AUTH"))
		return;			/* a failed login has a line and a count of its own */
	meter_refused(&x->wire, line, r);
	intake_refused(&x->intake, line, r);
}

static bool proxied(struct smtp *s, const struct smtp_proxied *client, struct err *e)
{
	struct session *x = s->self;

	(void)e;
	milters_close(&x->milters);		/* it is another client to them */
	intake_proxied(&x->wire.peer, client);
	entry_open(&x->entry, &x->self, &x->wire, &x->who);
	return true;
}

static const struct smtp_hooks hooks = {
	.go_on = go_on, .start_tls = start_tls, .auth = session_auth, .mail = take_mail, .rcpt = take_rcpt, .data = take_data,
	.text = take_text, .commit = commit, .reset = reset, .refused = refused,
	.proxied = proxied,
};

/* --- the process --- */

static void set_up(struct session *x)
{
	const struct conf *c = &x->self.conf;

	receive_station(c, "in/sub", &x->station);
	x->clerk = -1;
	x->terms = receive_terms(c);
	x->terms.offer |=
	    EXT_AUTH | EXT_DELIVERBY | EXT_MT_PRIORITY | (c->msa_hold_max ? EXT_FUTURERELEASE : 0);
	x->terms.auth_words = x->entry.offer.text;
	x->terms.auth_needed = x->terms.early_talkers = true;
	x->terms.auth_without_tls = c->auth_without_tls;
	x->terms.hold_max = c->msa_hold_max;
	x->terms.priority_max = (int)c->msa_priority_max;
	receive_milters(&x->self, &c->msa_milters, &x->milters);
	x->intake = (struct intake){
		.station = &x->station, .host_name = c->host_name, .hops_max = (unsigned)c->hops_max,
		.hide_client = c->msa_hide_client, .peer = &x->wire.peer, .login = "", .header = STR(0),
		.milters = x->milters.count ? &x->milters : NULL,
	};
}

static void serve(struct session *x)
{
	const struct wire_peer *peer = &x->wire.peer;
	ms_t since = clock_ms();

	receive_xclient(&x->self.conf, peer->ip, &x->terms);
	maillog_connect(peer->service, peer->ip);
	entry_open(&x->entry, &x->self, &x->wire, &x->who);
	smtp_serve(&x->wire.stream, &hooks, &x->terms, peer->tls, x);
	milters_close(&x->milters);
	maillog_disconnect(peer->service, peer->ip, x->wire.ended ? "hung-up" : "done",
	    (int)((clock_ms() - since) / 1000));
	wire_close(&x->wire);
}

int main(int argc, char **argv)
{
	static struct session x;
	struct err e;

	mem_give_back();
	role_begin(&x.self, ROLE_SUBMISSION, argc, argv);
	set_up(&x);
	role_jail(&x.self);
	wire_init(&x.wire, x.self.work);
	if (wire_accept(&x.wire, MS_NEVER, &e))
		serve(&x);
	return EXIT_SUCCESS;
}
