/* Whose server takes it, and where that is. See search.h. */
#include "mta/search.h"

#include "common/os/log.h"
#include "mta/link.h"
#include "mta/lookup.h"
#include "mta/tlsrpt.h"

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

static void note_refused(struct search *s, const struct server *server, const struct tls_policy *policy)
{
	if (policy->source <= POLICY_STS && policy->result)
		tlsrpt_note(s->c, &(struct tls_attempt){ s->j, policy, policy->result, policy->why, server->mx->name, "", "" });
}

static bool try_address(struct search *s, const struct target *t)
{
	struct err e;

	if (myself_is(&s->c->myself, span_of(t->ip), t->server->port)) {
		s->met_myself = true;
		return false;
	}
	s->tried++;
	if (link_open(s->c, s->j, t, &e))
		return true;
	log_info("%s unreachable host=%s ip=%s why=\"%s\"", s->j->id, t->server->mx->name, t->ip, e.text);
	return fail(s, &e);
}

static bool try_host(struct search *s, const struct mx_host *mx)
{
	struct server server = { .mx = mx, .port = s->port };
	struct tls_policy policy;
	struct err e;

	if (!lookup_addresses(s->c, mx->name, s->a, &server.at, &e))
		return fail(s, &e);
	if (!policy_find(s->c, s->j, &server, s->a, &policy, &e)) {
		note_refused(s, &server, &policy);
		log_info("%s unfit host=%s why=\"%s\"", s->j->id, mx->name, e.text);
		return fail(s, &e);
	}
	for (size_t i = 0; i < server.at.count && s->tried < ADDRESSES_MAX; i++) {
		if (try_address(s, &(struct target){ &server, &policy, server.at.ips[i] }))
			return true;
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
	switch (lookup_mx(s->c, s->j->destination, s->a, &s->hosts, &s->count, e)) {
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
	return false;
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
