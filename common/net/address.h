/*
 * NAME
 *	address - IPv4 and IPv6 addresses, networks, and "host:port"
 * DESCRIPTION
 *	Pure: no look-ups. An IPv4-mapped IPv6 address (::ffff:192.0.2.1) is taken for the
 *	IPv4 address it carries, so that one client has one name everywhere. Zones
 *	("fe80::1%eth0") are refused: they mean nothing on another host. Whole-span
 *	parsers leave *out alone when they fail.
 */
#ifndef COMMON_NET_ADDRESS_H
#define COMMON_NET_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/span.h"

enum { ADDRESS_TEXT = 48, HOST_MAX = 255 };

struct address {
	uint8_t	family;			/* 4 or 6; 0 is no address */
	uint8_t	bytes[16];		/* network order; the first four of IPv4 */
};

struct network { struct address base; unsigned bits; };

bool address_parse(struct span s, struct address *out);
/* family 4: four bytes, 6: sixteen, in network order. */
struct address address_from_bytes(unsigned family, const uint8_t *bytes);
/* Canonical text (RFC 5952): "192.0.2.1", "2001:db8::1". No address prints as "unknown". */
void address_print(const struct address *a, char text[ADDRESS_TEXT]);
bool address_same(const struct address *a, const struct address *b);
bool address_is_loopback(const struct address *a);	/* 127/8, ::1 */
struct address address_prefix(const struct address *a, unsigned bits);	/* the rest is zero */

/* An address literal, RFC 5321 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]". */
bool address_literal_parse(struct span s, struct address *out);
void address_literal_print(const struct address *a, char text[ADDRESS_TEXT + 8]);
/* "1.2.0.192.in-addr.arpa.", "...ip6.arpa." */
void address_reverse_name(const struct address *a, char name[80]);

/* "192.0.2.0/24", "2001:db8::/32", or one address; bits below the prefix must be zero. */
bool network_parse(struct span s, struct network *out);
bool network_has(const struct network *n, const struct address *a);
/* Is a in one of these words (a setting's list)? Words that are no network match nothing. */
bool networks_have(const char *const *words, size_t count, const struct address *a);

/*
 * "host:port", "host", "[2001:db8::1]:port", "192.0.2.1:port", "*:port", ":port". Without
 * a port, port is left as the caller set it. The brackets go; host "*" becomes "".
 * Only port 1 to 65535. A bare IPv6 address without brackets is a host.
 */
bool host_port_parse(struct span s, char host[HOST_MAX + 1], unsigned *port);

/* Addresses as the kernel wants them. to_sockaddr returns the length. */
socklen_t address_to_sockaddr(const struct address *a, unsigned port, struct sockaddr_storage *out);
bool address_from_sockaddr(const struct sockaddr_storage *sa, struct address *out, unsigned *port);

#endif
