/*
 * NAME
 *	dane - what TLSA records ask of a mail server
 * DESCRIPTION
 *	RFC 6698 has the record, RFC 7672 what SMTP makes of it. Pure: the answer of a validating
 *	resolver goes in, what must be done comes out. net/tls.h compares certificates.
 */
#ifndef COMMON_NET_DANE_H
#define COMMON_NET_DANE_H

#include "common/base/str.h"
#include "common/net/dns-name.h"
#include "common/net/resolve.h"

enum { DANE_RECORDS_MAX = 32 };		/* more are not looked at */

enum tlsa_usage { TLSA_PKIX_TA, TLSA_PKIX_EE, TLSA_DANE_TA, TLSA_DANE_EE };
enum tlsa_selector { TLSA_CERTIFICATE, TLSA_PUBLIC_KEY };
enum tlsa_matching { TLSA_EXACT, TLSA_SHA256, TLSA_SHA512 };

/* One record; the numbers may be any that a byte holds. */
struct tlsa { unsigned usage, selector, matching; struct span data; };

/* RFC 6698 2.1. False: not even that. data points into rdata. */
bool tlsa_parse(struct span rdata, struct tlsa *out);
/*
 * Can SMTP use it? RFC 7672 3.1.3: not PKIX-TA and PKIX-EE, as no two mail servers agree on whom to
 * trust; RFC 7671 4: not what we do not know, nor a digest of the wrong length.
 */
bool tlsa_usable(const struct tlsa *t);
/* Adds "3 1 1 0123abcd", RFC 6698 2.2. */
void tlsa_print(const struct tlsa *t, struct str *out);

/* "_25._tcp.mx.example.org"; false: a name too long for records of its own. RFC 7672 2.2.3 */
bool dane_name(const char *base, unsigned port, char name[DNS_NAME]);

/* What an answer about that name means. RFC 7672 2.2 */
enum dane {
	DANE_ABSENT,		/* validly none, or DNSSEC does not vouch: DANE has no say */
	DANE_USABLE,		/* the server must show a certificate that one of records matches */
	DANE_UNUSABLE,		/* it must speak TLS, and whatever it shows will do */
	DANE_FAILED,		/* it can not be known; the server must not be used: RFC 7672 2.1.2 */
};
/* records: those that are usable; memory from a. */
enum dane dane_read(const struct dns_answer *answer, struct arena *a, struct tlsa **records, size_t *count);

#endif
