/* To a server, by one of its addresses. See reach.h. */
#include "mta/reach.h"

#include "common/net/tcp.h"
#include "common/os/log.h"
#include "mta/source.h"
#include "mta/trace.h"

enum { CONNECT_S = 30 }; /* RFC 5321 leaves it open; the kernel alone would take two minutes */

static bool is_socket(const struct server *s)
{
	return s->mx->name[0] == '/';
}

static void lost(void *arg, const char *ip, const struct err *why)
{
	const struct reach *r = arg;

	log_info("%s unreachable host=%s ip=%s why=\"%s\"", r->j->id, r->server->mx->name, ip,
	    why->text);
	trace(r->c, TRACE_BAD, "connect", "%s", why->text);
}

/* What nobody wants otherwise is what worked the last time; 0 where nothing is known. */
static unsigned first_of(const struct job *j)
{
	enum way_families f = j->way.families;

	if (f == WAY_ANY)
		return j->prefer_family;
	return f == WAY_IPV4_FIRST || f == WAY_IPV4 ? 4 : 6;
}

static unsigned family_of(const char *ip)
{
	return strchr(ip, ':') ? 6 : 4;
}

static void enter(struct reach *r, const char *ip)
{
	if (myself_is(&r->c->myself, span_of(ip), r->server->port))
		r->met_myself = true;
	else
		r->race.racers[r->race.count++] =
		    (struct racer){ ip, r->sources[family_of(ip) == 6] };
}

void reach_begin(struct reach *r, struct carrier *c, const struct job *j,
    const struct server *server, size_t most, struct arena *a)
{
	const char *order[RACE_MAX];
	enum source_out out;
	size_t n = 0;

	*r = (struct reach){ .c = c, .j = j, .server = server, .race = { .port = server->port, .lost = lost, .arg = r } };
	if (is_socket(server)) {
		r->race.racers[r->race.count++] = (struct racer){ server->mx->name, "" };
		return;
	}
	source_of(c, j, 4, r->sources[0]);
	source_of(c, j, 6, r->sources[1]);
	out = source_without(c, j, server->at.ips, server->at.count, a);
	if (out != SOURCE_NEITHER)
		n = race_order(server->at.ips, server->at.count, first_of(j), out, order);
	for (size_t i = 0; i < n && r->race.count < most; i++)
		enter(r, order[i]);
}

bool reach_next(struct reach *r, const char **ip, int *fd, struct err *e)
{
	if (!is_socket(r->server))
		return race_run(&r->race, clock_in(CONNECT_S), fd, ip, e);
	*ip = r->race.racers[0].ip;
	r->race.count = 0;
	if (tcp_local(*ip, fd, e))
		return true;
	lost(r, *ip, e);
	return false;
}

bool reach_again(const struct carrier *c, const struct job *j, const struct server *server,
    const char *ip, int *fd, struct err *e)
{
	char source[ADDRESS_TEXT];

	if (is_socket(server))
		return tcp_local(ip, fd, e);
	source_of(c, j, family_of(ip), source);
	return tcp_connect(ip, server->port, source, clock_in(CONNECT_S), fd, e);
}
