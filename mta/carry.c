/* Hosts, connections, transactions. See carry.h. */
#include "mta/carry.h"

#include <sys/random.h>
#include <unistd.h>

#include "common/mail/header.h"
#include "common/mail/maillog.h"
#include "common/net/resolve.h"
#include "common/net/tcp.h"
#include "common/os/log.h"

enum {
	TOP_MAX		= 65536,
	CONNECT_S	= 30,	/* RFC 5321 leaves it open; the kernel alone would take two minutes */
	HANDSHAKE_S	= 60,
	ADDRESSES_MAX	= 8,	/* tried for one message, in all */
	ASK_AFTER_MS	= 1000,	/* a connection idle for longer is asked whether it is still there */
	CARRIED_MAX	= 100,	/* messages over one connection */
};

/* Where a job may go, and what was tried so far. */
struct search {
	struct carrier		*c;
	const struct job	*j;
	struct arena		*a;
	struct mx_host		*hosts;
	size_t			 count;
	unsigned		 port, tried;
	bool			 met_myself, may_help;	/* may_help: a failure was TEMP */
	struct err		 why;			/* the last failure; TEMP ones first */
};

/* --- the connection --- */

static void drop(struct carrier *c)
{
	if (!c->open)
		return;
	smtp_client_close(&c->client);
	tls_stream_close(&c->stream);
	c->open = false;
}

void carry_hang_up(struct carrier *c)
{
	if (c->open && !c->client.broken)
		smtp_client_quit(&c->client);
	drop(c);
}

static bool connect_to(struct search *s, const char *host, const char *ip, struct err *e)
{
	struct carrier *c = s->c;
	int fd;

	if (!tcp_connect(ip, s->port, c->self->conf.mta_source_address, clock_in(CONNECT_S), &fd, e))
		return false;
	tls_stream_init(&c->stream, fd);
	smtp_client_open(&c->client, &c->stream.stream, c->self->conf.host_name, NULL);
	c->open = true;
	c->assured = false;
	c->carried = 0;
	snprintf(c->host, sizeof c->host, "%s", host);
	snprintf(c->ip, sizeof c->ip, "%s", ip);
	return smtp_client_greet(&c->client, e) && smtp_client_hello(&c->client, e);
}

enum secured { SECURED, IN_THE_CLEAR, HANDSHAKE_FAILED, BROKEN };

static enum secured start_tls(struct carrier *c, bool verify, struct err *e)
{
	if (!(c->client.ext & EXT_STARTTLS)) {
		err_temp(e, "4.7.4", "%s does not offer STARTTLS", c->host);
		return IN_THE_CLEAR;
	}
	if (!smtp_client_start_tls(&c->client, e))
		return c->client.broken ? BROKEN : IN_THE_CLEAR;
	if (!tls_client_start(c->tls, &c->stream, c->host, verify, clock_in(HANDSHAKE_S), e))
		return HANDSHAKE_FAILED;
	smtp_client_switch(&c->client, &c->stream.stream);
	return smtp_client_hello(&c->client, e) ? SECURED : BROKEN;
}

/* Is TLS a must, by the setting mta-tls or the message's own wish? */
static bool must_encrypt(const struct carrier *c, const struct job *j)
{
	return j->require_tls || (strcmp(c->self->conf.mta_tls, "encrypt") == 0 && !j->tls_optional);
}

/* As the setting and the message want it. *again: connect once more, and do without. */
static bool secure(struct carrier *c, const struct job *j, bool *again, struct err *e)
{
	bool must = must_encrypt(c, j);

	*again = false;
	if (strcmp(c->self->conf.mta_tls, "none") == 0 && !must)
		return true;
	switch (start_tls(c, j->require_tls, e)) {
	case SECURED:
		return true;
	case IN_THE_CLEAR:
		if (!must)
			return true;
		if (j->require_tls)
			return err_perm(e, "5.7.30", "the message needs REQUIRETLS, and %s offers no TLS", c->host);
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

/* RFC 8689 4.2.1: whose server it is must be known for sure before its certificate says anything. */
static bool vouched(const struct search *s, const struct mx_host *host, struct err *e)
{
	return host->secure || !s->j->require_tls ||
	    err_perm(e, "5.7.30", "the message needs REQUIRETLS, and DNSSEC does not vouch for %s as a server of %s",
	    host->name, s->j->destination);
}

/* The same section: its certificate is good, and it will ask the same of the next. Another server may. */
static bool suits(struct search *s, const struct mx_host *host, struct err *e)
{
	struct carrier *c = s->c;

	c->assured = host->secure && c->stream.verified && c->client.ext & EXT_REQUIRETLS;
	return c->assured || !s->j->require_tls ||
	    err_perm(e, "5.7.30", "the message needs REQUIRETLS, which %s does not offer", c->host);
}

static bool try_address(struct search *s, const struct mx_host *mx, const char *ip, struct err *e)
{
	struct carrier *c = s->c;
	const char *host = mx->name;
	bool again = false;

	if (connect_to(s, host, ip, e) && secure(c, s->j, &again, e) && suits(s, mx, e))
		return true;
	drop(c);
	if (!again)
		return false;
	log_info("%s plain host=%s ip=%s why=\"%s\"", s->j->id, host, ip, e->text);
	if (connect_to(s, host, ip, e))
		return true;
	drop(c);
	return false;
}

/* --- looking for a server --- */

static bool fail(struct search *s, const struct err *e)
{
	if (e->kind != ERR_TEMP && s->may_help)
		return false;
	s->why = *e;
	s->may_help = s->may_help || e->kind == ERR_TEMP;
	return false;
}

static bool resolver(struct carrier *c, struct err *e)
{
	return c->resolver >= 0 || role_connect(c->self, "resolver", &c->resolver, e);
}

static bool addresses_of(struct search *s, const char *host, const char ***ips, size_t *count, struct err *e)
{
	bool fresh = s->c->resolver < 0;

	if (!resolver(s->c, e))
		return false;
	if (resolve_host(s->c->resolver, host, s->a, ips, count, e))
		return true;
	if (fresh || e->kind == ERR_PERM)
		return false;
	fd_close(&s->c->resolver);	/* it may have been started anew */
	return addresses_of(s, host, ips, count, e);
}

static bool try_host(struct search *s, const struct mx_host *mx)
{
	const char **ips, *host = mx->name;
	struct err e;
	size_t n;

	if (!vouched(s, mx, &e) || !addresses_of(s, host, &ips, &n, &e))
		return fail(s, &e);
	for (size_t i = 0; i < n && s->tried < ADDRESSES_MAX; i++) {
		if (myself_is(&s->c->myself, span_of(ips[i]), s->port)) {
			s->met_myself = true;
			continue;
		}
		s->tried++;
		if (try_address(s, mx, ips[i], &e))
			return true;
		log_info("%s unreachable host=%s ip=%s why=\"%s\"", s->j->id, host, ips[i], e.text);
		fail(s, &e);
	}
	return false;
}

/* Servers that are as far as we are, or farther, are not asked. RFC 5321 5.1 */
static void stop_at_myself(struct search *s)
{
	unsigned mine = UINT32_MAX;

	for (size_t i = 0; i < s->count; i++) {
		if (span_is(span_of(s->hosts[i].name), s->c->self->conf.host_name) && s->hosts[i].preference < mine)
			mine = s->hosts[i].preference;
	}
	for (size_t i = 0; i < s->count; i++) {
		if (s->hosts[i].preference < mine)
			continue;
		s->count = i;
		s->met_myself = true;
	}
}

static bool find_mx(struct search *s, struct err *e)
{
	bool fresh = s->c->resolver < 0;
	uint32_t dice;

	if (!resolver(s->c, e))
		return false;
	if (getrandom(&dice, sizeof dice, GRND_NONBLOCK) != sizeof dice)
		dice = (uint32_t)clock_ms();
	switch (resolve_mx(s->c->resolver, s->j->destination, dice, s->a, &s->hosts, &s->count, e)) {
	case MX_HOSTS:
		stop_at_myself(s);
		return true;
	case MX_NULL:		/* RFC 7505 */
		return err_perm(e, "5.1.10", "%s takes no mail", s->j->destination);
	case MX_NO_DOMAIN:
		return err_perm(e, "5.1.2", "there is no domain %s", s->j->destination);
	case MX_FAILED:
		break;
	}
	if (fresh)
		return false;
	fd_close(&s->c->resolver);
	return find_mx(s, e);
}

static bool find_hosts(struct search *s, struct err *e)
{
	const struct conf *conf = &s->c->self->conf;
	char host[ROUTE_NAME];

	s->port = (unsigned)conf->mta_port;
	if (!*conf->relay_host)
		return find_mx(s, e);
	if (!route_relay(span_of(conf->relay_host), host, &s->port))
		return err_temp(e, "4.3.5", "the setting relay-host is not HOST:PORT");
	s->hosts = arena_get(s->a, sizeof *s->hosts);
	s->hosts->name = arena_text(s->a, span_of(host));
	s->hosts->secure = true;	/* the administrator vouches */
	s->count = 1;
	return true;
}

static bool reach(struct carrier *c, const struct job *j, struct arena *a, struct err *e)
{
	struct search s = { .c = c, .j = j, .a = a };

	if (!find_hosts(&s, e))
		return false;
	for (size_t i = 0; i < s.count; i++) {
		if (!try_host(&s, &s.hosts[i]))
			continue;
		snprintf(c->destination, sizeof c->destination, "%s", j->destination);
		return true;
	}
	if (s.met_myself && !s.tried)
		return err_perm(e, "5.4.6", "mail for %s comes back to us: we are its server, but it is no domain of ours",
		    j->destination);
	if (s.why.kind == ERR_NONE)
		return err_temp(e, "4.4.4", "no server of %s has an address", j->destination);
	*e = s.why;
	return false;
}

static bool still_there(struct carrier *c)
{
	if (clock_ms() - c->used < ASK_AFTER_MS)
		return true;
	return smtp_client_reset(&c->client, NULL);
}

/* Is the connection that another message has left good enough for this one? */
static bool fits(const struct carrier *c, const struct job *j)
{
	return (c->stream.text[0] || !must_encrypt(c, j)) && (c->assured || !j->require_tls);
}

static bool connected(struct carrier *c, const struct job *j, struct arena *a, struct err *e)
{
	if (c->open && strcmp(c->destination, j->destination) == 0 && fits(c, j) && c->carried < CARRIED_MAX
	    && still_there(c))
		return true;
	carry_hang_up(c);
	return reach(c, j, a, e);
}

/* --- the transaction --- */

static void same_for_all(const struct job *j, const struct err *e, struct job_result *r, struct arena *a)
{
	for (size_t i = 0; i < j->count; i++)
		r->rcpts[i] = (struct job_result_rcpt){ e->kind, arena_text(a, span_of(e->status)),
			arena_text(a, span_of(e->text)) };
}

static struct deliver_by time_left(const struct job *j)
{
	int64_t left = (int64_t)(j->by - clock_wall());

	if (left < -PARAM_SECONDS_MAX)
		left = -PARAM_SECONDS_MAX;
	return (struct deliver_by){ (enum by_mode)j->by_mode, j->by_trace, left < PARAM_SECONDS_MAX ? left : PARAM_SECONDS_MAX };
}

/* The fields in front of the text, as lines. The same for each try. */
static struct span top_of(const struct job *j, struct arena *a)
{
	struct str top = STR(TOP_MAX);
	struct span lines;

	for (size_t i = 0; i < j->top_count; i++)
		header_fold(span_of(j->top[i]), &top);
	lines = arena_copy(a, str_span(&top));
	str_free(&top);
	return lines;
}

static size_t wire_length(struct span lf_text)
{
	size_t n = lf_text.n;
	struct span line;

	while (span_cut(&lf_text, '\n', &line))
		n++;
	return n;
}

static void fill_parcel(const struct job *j, struct parcel *p, struct arena *a)
{
	struct span top = top_of(j, a);

	*p = (struct parcel){ .sender = j->sender, .top = top, .text = j->text, .rcpts = p->rcpts, .count = j->count,
		.params = { .size = j->wire_bytes + wire_length(top), .body8bit = j->body8bit, .smtputf8 = j->smtputf8,
		    .ret = j->ret, .envid = j->envid, .auth = "", .require_tls = j->require_tls, .by = time_left(j),
		    .priority = j->priority } };
	for (size_t i = 0; i < j->count; i++)
		p->rcpts[i] = (struct parcel_rcpt){ .address = j->rcpts[i].address,
			.params = { .notify = j->rcpts[i].notify, .original = j->rcpts[i].original } };
}

static void read_parcel(const struct parcel *p, struct job_result *r, struct arena *a)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct parcel_rcpt *got = &p->rcpts[i];

		r->rcpts[i] = (struct job_result_rcpt){ got->kind, arena_text(a, span_of(got->status)),
			got->code ? arena_printf(a, "%u %s %s", got->code, got->status, got->answer)
			    : arena_text(a, span_of(got->answer)) };
	}
}

static void transact(struct carrier *c, const struct job *j, struct job_result *r, struct arena *a)
{
	struct parcel p = { .rcpts = arena_array(a, j->count, sizeof *p.rcpts) };
	struct err e;

	fill_parcel(j, &p, a);
	maillog_sending(j->id, c->host, c->ip, (unsigned)j->count);
	/* Servers without 8BITMIME are 8-bit clean for all we know, and a body is never changed. */
	if (j->body8bit && !(c->client.ext & EXT_8BITMIME))
		log_info("%s eightbit host=%s why=\"sent as it is, though 8BITMIME is not offered\"", j->id, c->host);
	r->remote = arena_text(a, span_of(c->host));
	r->tls = arena_text(a, span_of(c->stream.text));
	r->dsn = c->client.ext & EXT_DSN;
	if (!smtp_client_send(&c->client, &p, &e))
		c->client.broken = true;
	read_parcel(&p, r, a);
	c->used = clock_ms();
	c->carried++;
	if (c->client.broken)
		drop(c);
}

void carry(struct carrier *c, const struct job *j, struct arena *a, struct job_result *r)
{
	struct err e;

	*r = (struct job_result){ .remote = "", .tls = "", .count = j->count };
	if (!connected(c, j, a, &e)) {
		r->unreachable = e.kind == ERR_TEMP;
		same_for_all(j, &e, r, a);
	} else {
		transact(c, j, r, a);
	}
}
