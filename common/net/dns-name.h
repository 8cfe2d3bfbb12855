/*
 * NAME
 *	dns-name - domain names as DNS carries them, and records that hold some
 * DESCRIPTION
 *	Pure. Only host names in text: labels of letters, digits, "-" and "_", 63 bytes each,
 *	253 in all; a dot at the end is understood and not printed. Rdata is as libunbound
 *	gives it: names whole, without compression pointers.
 */
#ifndef COMMON_NET_DNS_NAME_H
#define COMMON_NET_DNS_NAME_H

#include "common/base/span.h"

enum { DNS_NAME = 256, DNS_WIRE = 255 };

/* "Mx.Example.org." into "mx.example.org"; the root is "". False: not a name that DNS can carry. */
bool dns_name_clean(struct span text, char name[DNS_NAME]);
/*
 * The same for a name to ask for: its labels may hold any visible ASCII but the backslash, as
 * the macros of SPF make them ("ann@example.org._spf.example.net", RFC 7208 7).
 */
bool dns_name_clean_ask(struct span text, char name[DNS_NAME]);
/* Clean name to wire form; n bytes of at most DNS_WIRE. */
bool dns_name_to_wire(const char *name, char wire[DNS_WIRE], size_t *n);
/* Eat one wire name from the front of rdata; "" is the root. */
bool dns_name_eat(struct span *rdata, char name[DNS_NAME]);
/* The rdata of an MX record: RFC 1035 3.3.9. Nothing may be left over. */
bool dns_mx_parse(struct span rdata, unsigned *preference, char name[DNS_NAME]);

#endif
