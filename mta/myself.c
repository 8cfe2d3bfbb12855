/* Our own addresses. See myself.h. */
#include "mta/myself.h"

#include <ifaddrs.h>

static void add(struct myself *m, const struct address *ip, unsigned port, bool all)
{
	if (m->count == MYSELF_MAX)
		return;
	m->at[m->count].ip = *ip;
	m->at[m->count].all = all;
	m->at[m->count++].port = port;
}

static bool is_unspecified(const struct address *a)
{
	return address_same(a, &(struct address){ .family = a->family });
}

/* Where a connection to it arrives. */
static struct address meant_by(const struct address *a)
{
	struct address to = *a;

	if (is_unspecified(a) && a->family == 4)
		to.bytes[0] = 127;
	if (is_unspecified(a))
		to.bytes[a->family == 4 ? 3 : 15] = 1;
	return to;
}

bool myself_is(const struct myself *m, struct span ip, unsigned port)
{
	struct address a;

	if (!address_parse(ip, &a))
		return false;
	a = meant_by(&a);
	for (size_t i = 0; i < m->count; i++) {
		if (m->at[i].port == port && (address_same(&m->at[i].ip, &a) ||
		    (m->at[i].all && address_is_loopback(&a))))
			return true;
	}
	return false;
}

static void add_all(struct myself *m, unsigned port)
{
	struct ifaddrs *all = NULL;
	struct sockaddr_storage sa;
	struct address a;
	unsigned none;

	if (getifaddrs(&all) < 0)
		return;		/* a loop then ends at the hop limit */
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6)
			continue;
		memset(&sa, 0, sizeof sa);
		memcpy(&sa, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
		    : sizeof(struct sockaddr_in6));
		if (address_from_sockaddr(&sa, &a, &none))
			add(m, &a, port, true);
	}
	freeifaddrs(all);
}

/* "smtp=ADDR:PORT[:tls]" */
static void add_listener(struct myself *m, struct span word)
{
	char host[HOST_MAX + 1];
	struct span name;
	struct address a;
	unsigned port = 25;

	span_cut(&word, '=', &name);
	if (span_ends(word, ":tls"))
		word = span_to(word, word.n - 4);
	if (!host_port_parse(word, host, &port))
		return;
	if (!*host || (address_parse(span_of(host), &a) && is_unspecified(&a)))
		add_all(m, port);
	else if (address_parse(span_of(host), &a))
		add(m, &a, port, false);
}

void myself_find(struct myself *m, const struct conf_list *listen)
{
	m->count = 0;
	for (size_t i = 0; i < listen->count; i++)
		add_listener(m, span_of(listen->words[i]));
}
