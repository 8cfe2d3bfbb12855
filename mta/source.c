/* Addresses of ours and their names. See source.h. */
#include "mta/source.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/net/dns-name.h"
#include "common/os/fd.h"
#include "common/os/log.h"
#include "mta/lookup.h"

enum { KNOWN_S = 3600, AGAIN_S = 60, NAMES_MAX = 10 };

bool source_is_private(const struct address *a)
{
	static const char *const networks[] = { "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10",
		"127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "::1",
		"fc00::/7", "fe80::/10" }; /* RFC 6890 */

	return networks_have(networks, sizeof networks / sizeof *networks, a);
}

void source_of(const struct carrier *c, const struct job *j, unsigned family, char text[ADDRESS_TEXT])
{
	struct span all = span_of(*j->way.source ? j->way.source : c->self->conf.mta_source_address), one;
	struct address a;

	text[0] = '\0';
	while (span_piece(&all, ',', &one)) {
		if (address_parse(one, &a) && a.family == family)
			address_print(&a, text);
	}
}

/* Whence would the kernel send to it? UDP's connect says so without a packet. */
static bool ask_kernel(const struct address *to, struct address *from)
{
	struct sockaddr_storage sa;
	socklen_t n = address_to_sockaddr(to, 9, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned port;
	bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&sa, n) == 0;

	n = sizeof sa;
	ok = ok && getsockname(fd, (struct sockaddr *)&sa, &n) == 0 &&
	    address_from_sockaddr(&sa, from, &port);
	fd_close(&fd);
	return ok;
}

/* Only its own family is asked for: whether the other one can be looked up today says nothing about it. */
static bool leads_back(struct carrier *c, const char *name, const struct address *from, struct arena *a, bool *unknown)
{
	size_t size = from->family == 4 ? 4 : 16;
	struct dns_answer at;

	if (!lookup_record(c, name, from->family == 4 ? DNS_A : DNS_AAAA, a, &at, NULL) ||
	    at.found == DNS_FAILED) {
		*unknown = true;
		return false;
	}
	for (size_t i = 0; i < at.count; i++) {
		if (at.records[i].n == size && memcmp(at.records[i].p, from->bytes, size) == 0)
			return true;
	}
	return false;
}

/* False, and not unknown: it has no name that leads back to it. */
static bool has_name(struct carrier *c, const struct address *from, struct arena *a, bool *unknown)
{
	char reverse[80], name[DNS_NAME];
	struct dns_answer answer;

	address_reverse_name(from, reverse);
	*unknown = !lookup_record(c, reverse, DNS_PTR, a, &answer, NULL) || answer.found == DNS_FAILED;
	for (size_t i = 0; !*unknown && i < answer.count && i < NAMES_MAX; i++) {
		if (dns_name_eat(&answer.records[i], name) && *name &&
		    leads_back(c, name, from, a, unknown))
			return true;
	}
	return false;
}

static struct source_known *place_for(struct carrier *c, const char *ip)
{
	struct source_known *oldest = &c->sources[0];

	for (size_t i = 0; i < CARRIER_SOURCES; i++) {
		if (strcmp(c->sources[i].ip, ip) == 0)
			return &c->sources[i];
		if (c->sources[i].until < oldest->until)
			oldest = &c->sources[i];
	}
	*oldest = (struct source_known){ .fine = true };
	snprintf(oldest->ip, sizeof oldest->ip, "%s", ip);
	return oldest;
}

static bool is_fine(struct carrier *c, const struct address *from, struct arena *a)
{
	struct source_known *k;
	char ip[ADDRESS_TEXT];
	bool unknown;

	if (source_is_private(from))
		return true;
	address_print(from, ip);
	k = place_for(c, ip);
	if (clock_ms() < k->until)
		return k->fine;
	k->fine = has_name(c, from, a, &unknown) || unknown;
	k->until = clock_in(unknown ? AGAIN_S : KNOWN_S);
	if (!k->fine)
		log_warn("no PTR record of our address %s leads back to it; it is not used%s", ip,
		    strcmp(c->self->conf.mta_check_source, "must") == 0 ? "" : " where the other family will do");
	return k->fine;
}

static bool first_of(const char *const *ips, size_t n, unsigned family, struct address *to)
{
	for (size_t i = 0; i < n; i++) {
		if (address_parse(span_of(ips[i]), to) && to->family == family)
			return true;
	}
	return false;
}

/* Is the address that mail for it would come from fine? */
static bool may_leave(struct carrier *c, const struct job *j, const struct address *to, struct arena *a)
{
	struct address from;
	char text[ADDRESS_TEXT];

	source_of(c, j, to->family, text);
	return (address_parse(span_of(text), &from) || ask_kernel(to, &from)) &&
	    is_fine(c, &from, a);
}

enum source_out source_without(struct carrier *c, const struct job *j, const char *const *ips, size_t n,
    struct arena *a)
{
	const char *check = c->self->conf.mta_check_source;
	bool out4 = j->way.families == WAY_IPV6, out6 = j->way.families == WAY_IPV4;
	bool must = strcmp(check, "must") == 0, bad4 = false, bad6 = false;
	struct address four, six;
	bool have4 = !out4 && first_of(ips, n, 4, &four), have6 = !out6 && first_of(ips, n, 6, &six);

	if (strcmp(check, "no") != 0 && (must || (have4 && have6))) {
		bad4 = have4 && !may_leave(c, j, &four, a);
		bad6 = have6 && !may_leave(c, j, &six, a);
	}
	if (bad4 && bad6 && !must)	/* one is as bad as the other */
		bad4 = bad6 = false;
	return (out4 || bad4 ? SOURCE_NOT_4 : 0) + (out6 || bad6 ? SOURCE_NOT_6 : 0);
}
