/*
 * NAME
 *	gate - what a session behind port 25 does for the verdict of trust/gate.h
 * DESCRIPTION
 *	It gathers facts as the conversation goes, and lets the verdict happen to the client.
 *	Questions to the DNS go out when the client connects, says HELO and MAIL; the first RCPT
 *	is where they are waited for, gate/dns-wait at most. Clients that we trust (exempt
 *	and relay networks, certificates) cost nothing: no question, no wait.
 *	Processes that cannot be asked (resolver, hints) make nobody a suspect.
 *
 *	Who checks SPF, DKIM and DMARC says what came out with gate_checked_spf() before the first
 *	recipient is judged, and gate_checked_text() before gate_text(); gate_checks_text()
 *	once in a process's life says that the latter will come.
 */
#ifndef MTA_GATE_H
#define MTA_GATE_H

#include "common/conf/gate.h"
#include "common/keeper/role.h"
#include "common/queue/intake.h"

struct gate {
	/* the process's */
	struct role_self	*self;
	struct gate_rules	 rules;
	struct gate_dns		 dns;
	int			 hints, resolver;	/* -1 when not connected */
	unsigned		 connects;	/* channels we have asked for */
	/* the client's */
	char			 id[ID_SIZE];	/* of the session, before a message has its own */
	const struct wire_peer	*peer;
	char			 ip[ADDRESS_TEXT];	/* as it was when we looked */
	char			 helo[PATH_DOMAIN_MAX + 1];
	bool			 trusted, may_relay;
	bool			 holding, waited;	/* it waits now; it has waited */
	uint32_t		 seen;		/* of the connection and HELO */
	ms_t			 asked;		/* when the last question went out */
	/* the transaction's */
	char			 domain[PATH_DOMAIN_MAX + 1];	/* the sender's; "" without one */
	uint32_t		 mail_seen;
	bool			 told;		/* the log has it */
	bool			 only_postmaster;
	bool			 junk;		/* taken without trust: for the folder of such */
	char			 spf_words[GATE_WORDS + 1];
	struct check_result { enum trust_result spf, dkim, dmarc; bool dkim_aligned; enum gate_wish wish; } checks;
};

void gate_begin(struct gate *g, struct role_self *self);
/* Is it time for another process? Sessions may ask their keeper for only so many channels. */
bool gate_is_worn(const struct gate *g);

/* --- in the order of a conversation; false: e is the answer --- */

/* How long to listen for early talkers, in ms; 0: as short as for anybody. */
int gate_client(struct gate *g, const struct wire_peer *peer);
bool gate_greet(struct gate *g, bool early, struct err *e);
void gate_tls(struct gate *g);		/* TLS is up: the client may have shown a certificate */
void gate_hello(struct gate *g, struct span name);
void gate_mail(struct gate *g, const struct smtp_mail *from, bool is_our_domain);
void gate_checked_spf(struct gate *g, enum trust_result spf, const char *words);	/* words: of the domain, or "" */
bool gate_rcpt(struct gate *g, const struct intake *in, enum gate_rcpt to, const char *address, struct err *e);
void gate_checks_text(struct gate *g);
void gate_checked_text(struct gate *g, enum trust_result dkim, bool dkim_aligned,
    enum trust_result dmarc, enum gate_wish wish);
/* Also writes what the verdict was, X-Posthorn-Gate, and takes out such fields that strangers wrote. */
bool gate_text(struct gate *g, struct intake *in, struct err *e);
void gate_took(struct gate *g);		/* the message is ours now */
void gate_note_row(struct gate *g, const char *row);	/* for DMARC reports: rows.h */
void gate_gone(struct gate *g);

#endif
