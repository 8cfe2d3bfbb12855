/* Whose server takes it, and where that is. See search.h. */
#include "mta/search.h"

#include "common/mail/report.h"
#include "common/os/log.h"
#include "mta/link.h"
#include "mta/lookup.h"
#include "mta/reach.h"
#include "mta/tlsrpt.h"
#include "mta/trace.h"

enum {
	ADDRESSES_MAX	= 8,	/* tried for one message, in all */
	HOSTS_MAX	= 12,	/* likewise looked up: each may take the DNS its whole time-out */
};

/* Where a job may go, and what was tried so far. */
struct search {
	struct carrier		*c;
	const struct job	*j;
	struct arena		*a;
	struct mx_host		*hosts;
	size_t			 count;
	const struct way_place	*places;		/* of via, one for each host; else NULL */
	unsigned		 port, tried;
	bool			 met_myself, may_help;	/* may_help: a failure was TEMP */
	struct err		 why;			/* the last failure; TEMP ones first */
	const char		*who;			/* the server that said so, where one did */
};

static bool fail(struct search *s, const struct server *server, const struct err *e)
{
	if (e->kind != ERR_TEMP && s->may_help)
		return false;
	s->why = *e;
	s->who = report_is_reply(e->text) ? server->mx->name : "";
	s->may_help = s->may_help || e->kind == ERR_TEMP;
	return false;
}

static void note_refused(struct search *s, const struct server *server, const struct tls_policy *policy)
{
	if (policy->source <= POLICY_STS && policy->result)
		tlsrpt_note(s->c, &(struct tls_attempt){ s->j, policy, policy->result, policy->why, server->mx->name, "", "" });
}

/* RFC 5321 5.1: then those that are as far as we are, or farther, would only bring it back. */
static bool stop_here(struct search *s, const struct server *server)
{
	trace(s->c, TRACE_BAD, "myself", "%s has an address of ours: nobody from here on is asked",
	    server->mx->name);
	s->met_myself = true;
	s->count = 0;
	return false;
}

static bool try_addresses(struct search *s, const struct server *server, const struct tls_policy *policy)
{
	struct target t = { server, policy, NULL };
	struct reach r;
	struct err e;
	int fd;

	reach_begin(&r, s->c, s->j, server, ADDRESSES_MAX - s->tried, s->a);
	if (r.met_myself)
		return stop_here(s, server);
	if (link_serves(s->c, s->j, &t))
		return true;
	link_hang_up(s->c);
	s->tried += (unsigned)r.race.count;
	if (!r.race.count) {
		err_temp(&e, "4.4.4", "%s has no address of a family that may be used by its way and by check-source",
		    server->mx->name);
		return fail(s, server, &e);
	}
	while (r.race.count) {
		if (!reach_next(&r, &t.ip, &fd, &e))
			return fail(s, server, &e);
		if (link_open(s->c, s->j, &t, fd, &e))
			return true;
		log_info("%s unreachable host=%s ip=%s why=\"%s\"", s->j->id, server->mx->name,
		    t.ip, e.text);
		trace(s->c, TRACE_BAD, "result", "%s", e.text);
		fail(s, server, &e);
	}
	return false;
}

static struct server server_of(const struct search *s, size_t i)
{
	struct server server = { .mx = &s->hosts[i], .at = { .alias_of = "" }, .port = s->port };

	if (s->places) {
		server.port =
		    s->places[i].port ? s->places[i].port : (unsigned)s->c->self->conf.mta_port;
		server.lmtp = s->places[i].lmtp;
	}
	return server;
}

static void tell_addresses(struct search *s, const struct server *server)
{
	struct str list = STR(500);

	if (*server->mx->name == '/')
		return;
	for (size_t i = 0; i < server->at.count; i++)
		str_addf(&list, "%s%s", i ? ", " : "", server->at.ips[i]);
	trace(s->c, TRACE_GOOD, "address", "%s%s%s%s%s", list.p, list.over ? " ..." : "",
	    *server->at.alias_of ? " by way of " : "", server->at.alias_of,
	    server->at.secure ? "; DNSSEC vouches for that" : "");
	str_free(&list);
}

static bool try_host(struct search *s, size_t i)
{
	struct server server = server_of(s, i);
	struct tls_policy policy;
	struct err e;

	trace_about(s->c, server.mx->name);
	if (*server.mx->name != '/' &&
	    !lookup_addresses(s->c, server.mx->name, s->a, &server.at, &e)) {
		trace(s->c, TRACE_BAD, "address", "%s", e.text);
		return fail(s, &server, &e);
	}
	tell_addresses(s, &server);
	if (!policy_find(s->c, s->j, &server, s->a, &policy, &e)) {
		note_refused(s, &server, &policy);
		log_info("%s unfit host=%s why=\"%s\"", s->j->id, server.mx->name, e.text);
		trace(s->c, TRACE_BAD, "policy", "%s", e.text);
		return fail(s, &server, &e);
	}
	return try_addresses(s, &server, &policy);
}

/* Servers that are as far as we are, or farther, are not asked. RFC 5321 5.1 */
static void stop_at_myself(struct search *s)
{
	unsigned mine = UINT32_MAX;

	for (size_t i = 0; i < s->count; i++) {
		if (span_is(span_of(s->hosts[i].name), s->c->self->conf.host_name) &&
		    s->hosts[i].preference < mine)
			mine = s->hosts[i].preference;
	}
	for (size_t i = 0; i < s->count; i++) {
		if (s->hosts[i].preference < mine)
			continue;
		trace(s->c, TRACE_NOTE, "myself",
		    "from preference %u on these are as far as we are, and not asked", mine);
		s->count = i;
		s->met_myself = true;
	}
}

static void tell_hosts(struct search *s)
{
	if (*s->j->destination == '[')
		return;			/* nothing was looked up */
	for (size_t i = 0; i < s->count; i++)
		trace(s->c, TRACE_GOOD, "mx", "%u %s", s->hosts[i].preference, s->hosts[i].name);
	trace(s->c, TRACE_NOTE, "mx", s->count && s->hosts[0].secure ? "DNSSEC vouches for that" : "DNSSEC does not vouch for that");
}

static bool find_mx(struct search *s, struct err *e)
{
	switch (lookup_mx(s->c, s->j->destination, s->a, &s->hosts, &s->count, e)) {
	case MX_HOSTS:
		tell_hosts(s);
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

static bool find_places(struct search *s, struct err *e)
{
	struct span via = span_of(s->j->way.via);
	size_t most = span_count(via, ',') + 1;
	struct way_place *places = arena_array(s->a, most, sizeof *places);

	s->places = places;
	s->hosts = arena_array(s->a, most, sizeof *s->hosts);
	for (; via.n; s->count++) {
		if (!way_place(&via, &places[s->count]))
			return err_temp(e, "4.3.5", "\"%s\" is not HOST:PORT", s->j->way.via);
		s->hosts[s->count].name = places[s->count].host;
		s->hosts[s->count].secure = true;	/* the administrator vouches */
	}
	return true;
}

static bool find_hosts(struct search *s, struct err *e)
{
	s->port = s->j->way.port ? s->j->way.port : (unsigned)s->c->self->conf.mta_port;
	return *s->j->way.via ? find_places(s, e) : find_mx(s, e);
}

static void tell_way(struct carrier *c, const struct job *j)
{
	struct str words = STR(WAY_TEXT);

	way_print(&j->way, &way_plain, &words);
	trace(c, TRACE_NOTE, "way", "%s%s%s", j->way.tls == WAY_MAY ? "tls=may" : "",
	    words.n && j->way.tls == WAY_MAY ? " " : "", words.p);
	str_free(&words);
}

/* Nobody would talk. */
static bool give_up(struct search *s, struct err *e, const char **who)
{
	if (s->met_myself &&
	    s->why.kind == ERR_NONE) /* nobody before us has failed, who may be back tomorrow */
		return err_perm(e, "5.4.6",
		    "mail for %s comes back to us: we are its server, but it is no domain of ours",
		    s->j->destination);
	if (s->why.kind == ERR_NONE)
		return err_temp(e, "4.4.4", "no server of %s has an address", s->j->destination);
	*e = s->why;
	*who = s->who;
	return false;
}

static bool search(struct carrier *c, const struct job *j, struct arena *a,
    bool (*enough)(struct carrier *c, const struct job *j, void *arg), void *arg, struct err *e,
    const char **who)
{
	struct search s = { .c = c, .j = j, .a = a };
	bool some = false;

	c->sts = NULL;			/* it was in the arena of the job before */
	tell_way(c, j);
	if (!find_hosts(&s, e))
		return false;
	for (size_t i = 0; i < s.count && i < HOSTS_MAX && s.tried < ADDRESSES_MAX; i++) {
		if (!try_host(&s, i))
			continue;
		snprintf(c->destination, sizeof c->destination, "%s", j->destination);
		if (enough(c, j, arg))
			return true;
		link_hang_up(c);
		some = true;
	}
	return some || give_up(&s, e, who);
}

bool search_each(struct carrier *c, const struct job *j, struct arena *a,
    bool (*enough)(struct carrier *c, const struct job *j, void *arg), void *arg, struct err *e)
{
	const char *who;

	return search(c, j, a, enough, arg, e, &who);
}

static bool the_first(struct carrier *c, const struct job *j, void *arg)
{
	(void)c;
	(void)j;
	(void)arg;
	return true;
}

bool search_reach(struct carrier *c, const struct job *j, struct arena *a, struct err *e, const char **who)
{
	*who = "";
	return search(c, j, a, the_first, NULL, e, who);
}
