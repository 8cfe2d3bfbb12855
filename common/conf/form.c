/* What a word in a setting may look like. See form.h. */
#include "common/conf/form.h"

#include <arpa/inet.h>

#include "common/auth/sasl.h"
#include "common/directory/way.h"
#include "common/milter/where.h"
#include "common/trust/gate-list.h"
#include "common/trust/gate.h"

bool form_time(struct span s, uint64_t *seconds)
{
	uint64_t n;

	if (!span_eat_time(&s, UINT32_MAX, &n) || s.n)
		return false;
	*seconds = n;
	return true;
}

static bool is_host_char(char c)
{
	return is_alnum(c) || c == '-' || c == '_';
}

bool form_is_host(struct span s)
{
	struct span label;

	if (!s.n || s.n > 253)
		return false;
	for (;;) {
		label = span_while(&s, is_host_char);
		if (!label.n || label.n > 63 || *label.p == '-' || label.p[label.n - 1] == '-')
			return false;
		if (!s.n)
			return true;
		if (!span_eat_char(&s, '.'))
			return false;
	}
}

static bool is_ip4(struct span s)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr a;

	return span_copy(s, text, sizeof text) && inet_pton(AF_INET, text, &a) == 1;
}

static bool is_ip6(struct span s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;

	return span_copy(s, text, sizeof text) && inet_pton(AF_INET6, text, &a) == 1;
}

static bool is_ip(struct span s)
{
	return is_ip4(s) || is_ip6(s);
}

static bool is_bracketed_ip6(struct span s)
{
	return s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']' &&
	    is_ip6(span_to(span_from(s, 1), s.n - 2));
}

static bool is_port(struct span s)
{
	uint64_t port;

	return span_u64(s, 65535, &port);	/* 0 is "any free one", for tests */
}

static bool is_word_char(char c)
{
	return is_alnum(c) || c == '-' || c == '_' || c == '.';
}

static bool is_word(struct span s)
{
	return s.n && s.n <= 64 && *s.p != '-' && *s.p != '.' && span_while(&s, is_word_char).n &&
	    !s.n;
}

static bool fits_address(struct span s)
{
	ptrdiff_t at = span_rfind(s, '@');

	if (at < 1 || at > 64)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_print(s.p[i]) || is_blank(s.p[i]))
			return false;
	}
	return form_is_host(span_from(s, (size_t)at + 1));
}

static bool fits_separator(struct span s)
{
	return !s.n || (s.n == 1 && is_print(*s.p) && !is_alnum(*s.p) && !strchr("@\".: ,/", *s.p));
}

/* A path below a home: no way out of it. */
static bool fits_below(struct span s)
{
	struct span part;

	for (;;) {
		bool more = span_cut(&s, '/', &part);

		if (!more)
			part = s;
		if (!part.n || span_same(part, SPAN(".")) || span_same(part, SPAN("..")))
			return false;
		if (!more)
			return true;
	}
}

static bool fits_service(struct span s)
{
	return !s.n || is_word(s);
}

/* NAME=ADDRESS:PORT[:tls][:proxy] */
static bool fits_listen(struct span s)
{
	struct span name, port;
	ptrdiff_t colon;

	if (span_ends(s, ":proxy"))
		s.n -= sizeof ":proxy" - 1;
	if (span_ends(s, ":tls"))
		s.n -= sizeof ":tls" - 1;
	if (!span_cut(&s, '=', &name) || !is_word(name) || name.n > 23)
		return false;
	colon = span_rfind(s, ':');
	if (colon < 1)
		return false;
	port = span_from(s, (size_t)colon + 1);
	s = span_to(s, (size_t)colon);
	return is_port(port) && (span_is(s, "*") || is_ip4(s) || is_bracketed_ip6(s));
}

static bool fits_milter(struct span s)
{
	struct milter_where where;

	return where_parse(s, &where);
}

static bool fits_network(struct span s)
{
	struct span ip = s;
	uint64_t bits = 0;

	if (span_cut(&s, '/', &ip) && !span_u64(s, is_ip4(ip) ? 32 : 128, &bits))
		return false;
	return is_ip(ip);
}

static bool fits_mechanism(struct span s)
{
	return span_is(s, "auto") || sasl_known(s);
}

static bool fits_any(struct span s)
{
	(void)s;
	return true;
}

/* The rest is for who asks it to say. */
static bool fits_url(struct span s)
{
	return !s.n || span_starts(s, "https://") || span_starts(s, "http://localhost") ||
	    span_starts(s, "http://127.") || span_starts(s, "http://[::1]");
}

static bool fits_scram(struct span s)
{
	return span_starts(s, "SCRAM-") && sasl_known(s);
}

static bool fits_relay(struct span s)
{
	ptrdiff_t colon = span_rfind(s, ':');
	struct span host = s;

	if (!s.n || is_bracketed_ip6(s))
		return true;
	if (colon > 0) {
		if (!is_port(span_from(s, (size_t)colon + 1)))
			return false;
		host = span_to(s, (size_t)colon);
	}
	if (host.n > 2 && *host.p == '[' && host.p[host.n - 1] == ']')
		return is_ip(span_to(span_from(host, 1), host.n - 2));
	return form_is_host(host);
}

static bool fits_time(struct span s)
{
	uint64_t seconds;

	return form_time(s, &seconds) && seconds > 0;
}

static bool fits_source(struct span s)
{
	return !s.n || way_fits_source(s);
}

static bool fits_server(struct span s)
{
	struct span ip = s;

	if (span_cut(&s, '@', &ip) && !is_port(s))
		return false;
	return is_ip(ip);
}

/* In ASCII; a folder's levels are parted by dots. */
static bool fits_folder(struct span s)
{
	bool ok = s.n <= 100 && *s.p != '.' && *s.p != '~' && s.p[s.n - 1] != '.';

	for (size_t i = 0; ok && i < s.n; i++)
		ok = is_alnum(s.p[i]) || (s.p[i] && strchr("-_ .", s.p[i]));
	return ok && span_search(s, SPAN("..")) < 0;
}

/* "example.org=accept", "ann@example.org=reject" */
static bool fits_override(struct span s)
{
	struct span who;

	if (!span_cut(&s, '=', &who) || !(form_is_host(who) || fits_address(who)))
		return false;
	return span_is(s, "accept") || span_is(s, "quarantine") || span_is(s, "reject");
}

/* Printable ASCII, short enough to stand in a reply. */
static bool fits_notice(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_print(s.p[i]))
			return false;
	}
	return s.n <= 80;
}

static bool fits_line(struct span s)
{
	return s.n > 0;
}

static bool fits_weight(struct span s)
{
	enum gate_fact fact;
	int weight;

	return gate_weight_parse(s, &fact, &weight);
}

static bool fits_dnslist(struct span s)
{
	struct gate_list l;

	return gate_list_parse(s, &l);
}

/* RFC 6409 8 */
static bool fits_added(struct span s)
{
	return span_is(s, "Date") || span_is(s, "Message-ID") || span_is(s, "From") ||
	    span_is(s, "Resent");
}

static const struct form forms[] = {
	{ "name", form_is_host, false, "a host name like mx.example.org" },
	{ "address", fits_address, false, "an address like ann@example.org" },
	{ "domain", form_is_host, false, "domains like example.org" },
	{ "separator", fits_separator, true, "one sign like +, or nothing" },
	{ "user", is_word, false, "the name of an account" },
	{ "below", fits_below, false, "a path below the home directory, like Maildir" },
	{ "service", fits_service, true, "the name of a PAM service, or nothing" },
	{ "listen", fits_listen, false, "NAME=ADDRESS:PORT, with :tls or :proxy behind it or not, like smtp=*:25" },
	{ "milter", fits_milter, false, "NAME=unix:/PATH or NAME=inet:ADDRESS:PORT, with :open or without" },
	{ "network", fits_network, false, "addresses or networks like 192.0.2.0/24" },
	{ "mechanism", fits_mechanism, true, "auto, or mechanisms like PLAIN and SCRAM-SHA-256" },
	{ "any", fits_any, true, "text, or nothing" },
	{ "url", fits_url, true, "https://HOST/PATH, or http:// with localhost, or nothing" },
	{ "scram", fits_scram, true, "SCRAM-SHA-256 or SCRAM-SHA-1" },
	{ "relay", fits_relay, true, "HOST, HOST:PORT or [ADDRESS]:PORT, or nothing" },
	{ "time", fits_time, false, "times like 30s, 5m, 4h, 5d" },
	{ "source", fits_source, true, "an IP address, or one of each family with a comma between, or nothing" },
	{ "server", fits_server, false, "ADDRESS or ADDRESS@PORT, like 127.0.0.1@5353" },
	{ "override", fits_override, false, "WHO=accept, WHO=quarantine or WHO=reject, like example.org=accept" },
	{ "notice", fits_notice, true, "up to 80 printable ASCII characters, or nothing" },
	{ "folder", fits_folder, true, "a folder like Junk or Lists.Junk, or nothing" },
	{ "weight", fits_weight, false, "FACT=NUMBER, like helo-unknown=3, with a fact of posthorn-gate(7)" },
	{ "dnslist", fits_dnslist, false, "ZONE:WEIGHT or ZONE=CODES:WEIGHT, like bl.example=127.0.0.2-11:8" },
	{ "added", fits_added, false, "Date, Message-ID, From, Resent" },
	{ "login", fits_line, false, "logins like ann or ann@example.org" },
	{ "lines", fits_line, false, "records separated by semicolons" },
};

const struct form *form_find(const char *name)
{
	for (size_t i = 0; name && i < sizeof forms / sizeof *forms; i++) {
		if (span_is(span_of(name), forms[i].name))
			return &forms[i];
	}
	return NULL;
}
