/*
 * NAME
 *	hints - what mta remembers: known networks, the greylist, who waits; MTA-STS policies
 * DESCRIPTION
 *	One process (mta-hints) keeps it, in files of its own; others ask over a channel from
 *	role_connect("hints"). All of it may be lost: then clients are unknown once more, and policies are
 *	fetched anew. A network is an IPv4 /24 or an IPv6 /64, because senders retry from neighbours.
 *
 *	Packets: verb, fields -> '+' fields
 *	'K' ip				-> known (0 or 1)
 *	'G' ip, sender, recipient	-> an enum gate_grey, seconds left
 *	'T' ip				->			it brought mail that we took
 *	'D' row				->			for DMARC reports (rows.h)
 *	'H'				-> 1 or 0		may we have it wait? One place for each channel
 *	'L'				->			it waits no longer
 *	'P' domain			-> text		of the MTA-STS entry (policies.h), "" for none
 *	'U' domain, text		->			the entry is like this now
 *	'R' row				->			for TLS reports (trust/tlsrpt.h)
 */
#ifndef MTA_HINTS_H
#define MTA_HINTS_H

#include "common/base/str.h"
#include "common/net/address.h"
#include "common/trust/gate.h"

enum { HINT_KEY = 1200 };

/* --- the session's side. False: nothing can be known now. --- */

bool hints_known(int hints, const char *ip, bool *known, struct err *e);
bool hints_greylist(int hints, const char *ip, const char *sender, const char *recipient,
    enum gate_grey *grey, unsigned *left_s, struct err *e);
bool hints_took(int hints, const char *ip, struct err *e);
bool hints_row(int hints, const char *row, struct err *e);
bool hints_hold(int hints, bool *may, struct err *e);
bool hints_let_go(int hints, struct err *e);

/* --- the sender's side --- */

struct arena;
bool hints_policy(int hints, const char *domain, struct arena *a, struct span *text, struct err *e);
bool hints_set_policy(int hints, const char *domain, struct span text, struct err *e);
bool hints_tls_row(int hints, const char *row, struct err *e);

/* --- pure: keys, records and what follows from them --- */

struct hint { int64_t first, last; uint64_t count; };	/* wall clock, seconds; how often */
struct hint_rules { int64_t delay_s, window_s, known_s; };

/* "k 192.0.2.0", "g 192.0.2.0 sender recipient", all in lower case; false: no address. */
bool hint_key_known(struct span ip, struct str *key);
bool hint_key_grey(struct span ip, struct span sender, struct span recipient, struct str *key);
bool hint_parse(struct span text, struct hint *h);
void hint_print(const struct hint *h, struct str *out);
bool hint_is_over(struct span key, const struct hint *h, const struct hint_rules *rules, int64_t now);
/* It comes again, or for the first time (h all zero): h becomes what is to be remembered. */
enum gate_grey hint_greylist(struct hint *h, const struct hint_rules *rules, int64_t now, unsigned *left_s);

#endif
