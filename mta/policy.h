/*
 * NAME
 *	policy - what TLS with one server of a destination has to be, and who says so
 * DESCRIPTION
 *	One place decides, before a server is spoken to: the job's way (the administrator), the
 *	message (RFC 8689), and where these leave it open what the destination publishes: DANE
 *	(RFC 7672) before MTA-STS (RFC 8461 2). link.h obeys. posthorn-tls(7) tells it to people.
 */
#ifndef MTA_POLICY_H
#define MTA_POLICY_H

#include "common/net/resolve.h"
#include "common/trust/sts.h"
#include "common/trust/tlsrpt.h"
#include "mta/carry.h"

enum policy_source {
	POLICY_NOBODY,		/* TLS where it is offered, as the setting says */
	POLICY_TLSA,		/* the server's TLSA records */
	POLICY_STS,		/* the destination's MTA-STS policy */
	POLICY_SETTING,		/* the administrator, in place of those */
	POLICY_MESSAGE,		/* the sender likewise */
};
enum policy_tls { POLICY_CLEAR, POLICY_MAY, POLICY_MUST };

/* One server of a destination, as the DNS has it. */
struct server { const struct mx_host *mx; struct host_addresses at; unsigned port; bool lmtp; };

struct tls_policy {
	enum policy_source	 source;
	enum policy_tls		 tls;
	struct tls_want		 want;		/* the proof, and whether it must be */
	const char *domain; /* whose policy it is: the destination, or where the TLSA records are */
	const struct sts_policy	*sts;		/* the destination's, or NULL */
	bool assured; /* we know for sure that it is a server of the destination */
	/* What is wrong whatever the server says, and a sentence; TLSRPT_SUCCESS: nothing, and "". */
	enum tlsrpt_result	 result;
	const char		*why;
};

/*
 * Memory from a. False: this server must not be used for this message; e says why, and out has
 * source, domain, result and why for a report.
 */
bool policy_find(struct carrier *c, const struct job *j, const struct server *s, struct arena *a,
    struct tls_policy *out, struct err *e);
/* For the log: "tlsa", "sts", "setting", "message", "nobody". */
const char *policy_source_name(enum policy_source source);

#endif
