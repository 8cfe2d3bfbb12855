/* Whose server takes it, and where that is. See search.h. */
#include "mta/search.h"

#include <sys/random.h>

#include "common/net/resolve.h"
#include "common/os/fd.h"
#include "common/os/log.h"
#include "mta/link.h"

enum { ADDRESSES_MAX = 8 };	/* tried for one message, in all */

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

/* RFC 8689 4.2.1: whose server it is must be known for sure before its certificate says anything. */
static bool vouched(const struct job *j, const struct mx_host *host, struct err *e)
{
	return host->secure || !j->require_tls ||
	    err_perm(e, "5.7.30", "the message needs REQUIRETLS, and DNSSEC does not vouch for %s as a server of %s",
	    host->name, j->destination);
}

static bool try_host(struct search *s, const struct mx_host *mx)
{
	const char **ips, *host = mx->name;
	struct err e;
	size_t n;

	if (!vouched(s->j, mx, &e) || !addresses_of(s, host, &ips, &n, &e))
		return fail(s, &e);
	for (size_t i = 0; i < n && s->tried < ADDRESSES_MAX; i++) {
		if (myself_is(&s->c->myself, span_of(ips[i]), s->port)) {
			s->met_myself = true;
			continue;
		}
		s->tried++;
		if (link_open(s->c, s->j, &(struct target){ mx, ips[i], s->port }, &e))
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
	char host[ROUTE_NAME];

	s->port = (unsigned)s->c->self->conf.mta_port;
	if (!*s->j->way.via)
		return find_mx(s, e);
	if (!route_relay(span_of(s->j->way.via), host, &s->port))
		return err_temp(e, "4.3.5", "\"%s\" is not HOST:PORT", s->j->way.via);
	s->hosts = arena_get(s->a, sizeof *s->hosts);
	s->hosts->name = arena_text(s->a, span_of(host));
	s->hosts->secure = true;	/* the administrator vouches */
	s->count = 1;
	return true;
}

bool search_reach(struct carrier *c, const struct job *j, struct arena *a, struct err *e)
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
