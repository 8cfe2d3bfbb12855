/* Addresses and networks. See address.h. */
#include "common/net/address.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool is_mapped(const uint8_t b[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(b, mapped, sizeof mapped) == 0;
}

struct address address_from_bytes(unsigned family, const uint8_t *b)
{
	struct address a = { .family = (uint8_t)family };

	if (family == 6 && is_mapped(b))
		return address_from_bytes(4, b + 12);
	memcpy(a.bytes, b, family == 4 ? 4 : 16);
	return a;
}

bool address_parse(struct span s, struct address *out)
{
	char text[ADDRESS_TEXT];
	uint8_t b[16];

	if (!span_copy(s, text, sizeof text))
		return false;
	if (inet_pton(AF_INET, text, b) == 1)
		*out = address_from_bytes(4, b);
	else if (inet_pton(AF_INET6, text, b) == 1)
		*out = address_from_bytes(6, b);
	else
		return false;
	return true;
}

void address_print(const struct address *a, char text[ADDRESS_TEXT])
{
	int family = a->family == 4 ? AF_INET : AF_INET6;

	if (!a->family || !inet_ntop(family, a->bytes, text, ADDRESS_TEXT))
		snprintf(text, ADDRESS_TEXT, "unknown");
}

bool address_same(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static unsigned width(const struct address *a)
{
	return a->family == 4 ? 32 : a->family == 6 ? 128 : 0;
}

bool address_is_loopback(const struct address *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (a->family == 4)
		return a->bytes[0] == 127;
	return a->family == 6 && memcmp(a->bytes, one, sizeof one) == 0;
}

struct address address_prefix(const struct address *a, unsigned bits)
{
	struct address cut = *a;

	for (unsigned i = 0; i < width(a) / 8; i++) {
		if (i * 8 >= bits)
			cut.bytes[i] = 0;
		else if (bits - i * 8 < 8)
			cut.bytes[i] &= (uint8_t)(0xff << (8 - (bits - i * 8)));
	}
	return cut;
}

bool address_literal_parse(struct span s, struct address *out)
{
	struct address a;
	bool tagged;

	if (!span_eat_char(&s, '[') || !s.n || s.p[s.n - 1] != ']')
		return false;
	s = span_to(s, s.n - 1);
	tagged = span_eat(&s, "IPv6:");
	/* RFC 5321 4.1.3: only IPv6 has a tag, and IPv6 must have it. */
	if (!address_parse(s, &a) || tagged != span_has(s, ':'))
		return false;
	*out = a;
	return true;
}

void address_literal_print(const struct address *a, char text[ADDRESS_TEXT + 8])
{
	char plain[ADDRESS_TEXT];

	address_print(a, plain);
	snprintf(text, ADDRESS_TEXT + 8, "[%s%s]", a->family == 6 ? "IPv6:" : "", plain);
}

void address_reverse_name(const struct address *a, char name[80])
{
	const uint8_t *b = a->bytes;
	size_t n = 0;

	if (a->family == 4) {
		snprintf(name, 80, "%u.%u.%u.%u.in-addr.arpa.", b[3], b[2], b[1], b[0]);
		return;
	}
	for (int i = 15; i >= 0; i--)
		n += (size_t)snprintf(name + n, 80 - n, "%x.%x.", b[i] & 15u, b[i] >> 4u);
	snprintf(name + n, 80 - n, "ip6.arpa.");
}

bool network_parse(struct span s, struct network *out)
{
	struct span head = s, rest = s;
	bool cut = span_cut(&rest, '/', &head);
	struct network net;
	uint64_t bits;

	if (!address_parse(cut ? head : s, &net.base))
		return false;
	bits = width(&net.base);
	if (cut && !span_u64(rest, bits, &bits))
		return false;
	net.bits = (unsigned)bits;
	if (!network_has(&net, &net.base))	/* bits behind the prefix */
		return false;
	*out = net;
	return true;
}

bool network_has(const struct network *n, const struct address *a)
{
	struct address cut = address_prefix(a, n->bits);

	return a->family == n->base.family && address_same(&cut, &n->base);
}

bool networks_have(const char *const *words, size_t count, const struct address *a)
{
	struct network n;

	for (size_t i = 0; i < count; i++) {
		if (network_parse(span_of(words[i]), &n) && network_has(&n, a))
			return true;
	}
	return false;
}

/* Cut "[host]:port", "host:port" or "host" in two; tail is what follows the host. */
static bool cut_host(struct span s, struct span *host, struct span *tail)
{
	ptrdiff_t colon = span_find(s, ':');

	if (span_eat_char(&s, '[')) {
		struct address ignored;

		if (!span_cut(&s, ']', host))
			return false;
		*tail = s;
		return address_parse(*host, &ignored);
	}
	if (colon < 0 || span_rfind(s, ':') != colon) {	/* no port, or a bare IPv6 address */
		struct address a;

		*host = s;
		*tail = span_from(s, s.n);
		return s.n && (colon < 0 || address_parse(s, &a));
	}
	*host = span_to(s, (size_t)colon);
	*tail = span_from(s, (size_t)colon);
	return true;
}

static bool is_host_char(char c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == ':';
}

bool host_port_parse(struct span s, char host[HOST_MAX + 1], unsigned *port)
{
	struct span name, tail, left;
	uint64_t n = *port;

	if (!cut_host(s, &name, &tail))
		return false;
	if (tail.n && (!span_eat_char(&tail, ':') || !span_u64(tail, 65535, &n) || n == 0))
		return false;
	if (span_is(name, "*"))
		name = span_to(name, 0);
	left = name;
	span_while(&left, is_host_char);
	if (left.n || name.n > HOST_MAX)
		return false;
	span_copy(name, host, HOST_MAX + 1);
	*port = (unsigned)n;
	return true;
}

socklen_t address_to_sockaddr(const struct address *a, unsigned port, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (a->family == 4) {
		struct sockaddr_in in = { .sin_family = AF_INET,
			.sin_port = htons((uint16_t)port) };

		memcpy(&in.sin_addr, a->bytes, 4);
		memcpy(out, &in, sizeof in);
		return sizeof in;
	}
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };

	memcpy(&in6.sin6_addr, a->bytes, 16);
	memcpy(out, &in6, sizeof in6);
	return sizeof in6;
}

bool address_from_sockaddr(const struct sockaddr_storage *sa, struct address *out, unsigned *port)
{
	if (sa->ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof in);
		*out = address_from_bytes(4, (const uint8_t *)&in.sin_addr);
		*port = ntohs(in.sin_port);
		return true;
	}
	if (sa->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof in6);
		*out = address_from_bytes(6, (const uint8_t *)&in6.sin6_addr);
		*port = ntohs(in6.sin6_port);
		return true;
	}
	return false;
}
