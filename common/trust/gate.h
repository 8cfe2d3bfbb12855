/*
 * NAME
 *	gate - do we take this: facts, weights, one verdict
 * DESCRIPTION
 *	Whoever talks to a client gathers facts about it; gate_verdict() makes of them what is
 *	done. It has no clock, no network and no memory: the same facts and the same policy
 *	give the same verdict, in the server, in `posthorn gate explain` and in the tests.
 *
 *	Each fact has a weight (the table in gate.c, the setting gate/weights); those that were
 *	seen add up to the score. Some facts only take weight away: known clients, passed checks,
 *	allow lists. The score is held against the policy's four marks: tarpit, greylist,
 *	quarantine, reject.
 *
 *	A verdict is asked for at three stages, each knowing more than the one before:
 *
 *	GATE_CONNECT	before the greeting: did it speak early
 *	GATE_RCPT	for each recipient: all about the connection, HELO, sender, recipient; SPF
 *	GATE_TEXT	after the final dot: DKIM and DMARC
 *
 *	Who checks SPF fills spf before the first GATE_RCPT; who checks DKIM and DMARC
 *	fills dkim, dkim_aligned, dmarc and dmarc_wish before GATE_TEXT, and sets
 *	policy.dkim_later. Until then they are TRUST_NONE, which weighs nothing.
 *	Nothing that could not be found out (a time-out, SERVFAIL) is a fact.
 */
#ifndef COMMON_TRUST_GATE_H
#define COMMON_TRUST_GATE_H

#include "common/base/err.h"
#include "common/base/str.h"
#include "common/trust/result.h"

enum { GATE_LISTED_MAX = 32, GATE_WEIGHT_MAX = 1000, GATE_WORDS = 120 };

enum gate_fact {
	GATE_EARLY,			/* spoke before the greeting */
	GATE_REVERSE_NONE,		/* its address has no name */
	GATE_REVERSE_FALSE,		/* the name does not lead back */
	GATE_HELO_SYNTAX,		/* no host name, no address literal */
	GATE_HELO_ADDRESS,		/* an address without brackets, or not its own */
	GATE_HELO_OURS,			/* our own name or address */
	GATE_HELO_UNKNOWN,		/* that name has no address */
	GATE_SENDER_MISSING,		/* the sender's domain does not exist */
	GATE_SENDER_SILENT,		/* it has neither MX nor address */
	GATE_SENDER_NULL_MX,		/* it says that it takes no mail: RFC 7505 */
	GATE_SENDER_OURS,		/* it is ours, and nothing shows that the mail is */
	GATE_BOUNCE_MANY,		/* null sender, several recipients */
	GATE_SPF_FAIL, GATE_SPF_SOFTFAIL, GATE_SPF_PASS,
	GATE_DKIM_PASS, GATE_DMARC_PASS,
	GATE_AUTHOR_UNCLEAR,		/* From shows several domains, or may: DMARC can not tell whose it is */
	GATE_KNOWN,			/* brought mail before that we took */
	GATE_FACTS
};

const char *gate_fact_name(enum gate_fact fact);	/* "early" "reverse-none" ... */
const char *gate_fact_help(enum gate_fact fact);	/* one clause */
int gate_fact_weight(enum gate_fact fact);		/* by default */
/* "helo-ours=8", as in the setting weights. */
bool gate_weight_parse(struct span word, enum gate_fact *fact, int *weight);

enum gate_greylist { GATE_GREY_OFF, GATE_GREY_SUSPICIOUS, GATE_GREY_UNKNOWN };

/* By the settings: common/conf/gate.h fills it. A mark of 0 is out of reach. */
struct gate_policy {
	int			 weights[GATE_FACTS];
	int			 tarpit_at, greylist_at, quarantine_at, reject_at;
	unsigned		 tarpit_s;
	enum gate_greylist	 greylist;
	bool dkim_later; /* DKIM is checked at the end of data: wait for it before greylisting */
	const char		*postmaster;	/* whom to write to */
	const char		*notice;	/* words of our own in each refusal, or "" */
};

enum gate_stage { GATE_CONNECT, GATE_RCPT, GATE_TEXT };

enum gate_rcpt {
	GATE_TO_LOCAL,			/* ours, and somebody is there */
	GATE_TO_POSTMASTER,		/* is never refused for a score: RFC 5321 4.5.1 */
	GATE_TO_RELAY,			/* somebody else's, whom we carry mail for */
	GATE_TO_FULL,			/* ours, over quota; the directory does not tell yet */
	GATE_TO_UNKNOWN,		/* ours, or of a domain that we relay for and whose recipients we know: nobody is there */
	GATE_TO_ELSEWHERE,
};

enum gate_grey { GATE_GREY_UNASKED, GATE_GREY_WAIT, GATE_GREY_PASSED };
enum gate_wish { GATE_WISH_NONE, GATE_WISH_QUARANTINE, GATE_WISH_REJECT };

struct gate_listed {
	const char	*zone;
	int		 weight;	/* below 0: an allow list */
	bool		 of_sender;	/* the sender's domain is listed, not the address */
	char		 why[GATE_WORDS];	/* the list's own words (TXT), or "" */
};

struct facts {
	enum gate_stage		 stage;
	bool trusted; /* one of ours by network or certificate: only the recipient counts */
	bool			 may_relay;
	uint32_t seen; /* 1 << enum gate_fact; the checks' own bits are not set by callers */
	enum gate_rcpt		 rcpt;		/* at GATE_TEXT: postmaster when all are */
	struct gate_listed	 listed[GATE_LISTED_MAX];
	size_t			 listed_count;
	enum trust_result	 spf;
	enum trust_result	 dkim;		/* the best of its signatures */
	bool dkim_aligned; /* one that passed is of the sender's organization */
	enum trust_result	 dmarc;
	enum gate_wish dmarc_wish; /* what the domain wants done with mail that fails */
	enum gate_grey		 grey;		/* what the greylist says, once asked */
	unsigned		 grey_left_s;	/* GATE_GREY_WAIT: come back after this */
	/* for the words; never NULL */
	const char		*ip, *helo, *sender_domain, *recipient, *id;
	const char		*spf_words;	/* what the domain wants a client to hear that SPF fails, or "": RFC 7208 6.2 */
};

enum gate_action {
	GATE_ACCEPT,
	GATE_ASK_GREYLIST,		/* ask it, fill grey, and come again */
	GATE_DEFER,			/* 4xx */
	GATE_QUARANTINE,		/* take it, without trust: the setting gate/quarantine */
	GATE_REJECT,			/* 5xx */
};

struct gate_reason {
	const char *name, *detail;
	int weight;
}; /* detail: a list's zone, DMARC's wish, or "" */

struct gate_verdict {
	enum gate_action	 action;
	unsigned		 wait_s;	/* tarpit: answer only after this */
	int			 score;
	struct gate_reason
	    reasons[GATE_FACTS + GATE_LISTED_MAX + 1]; /* DMARC's wish is one, of no weight */
	size_t			 reason_count;
	struct err		 e;		/* DEFER, REJECT: status and words for the client */
};

const char *gate_action_name(enum gate_action action);	/* "accept" "defer" ... */
/* Points into facts and policy. */
void gate_verdict(const struct facts *f, const struct gate_policy *p, struct gate_verdict *v);
/* "helo-unknown=2 listed:zen.example=8 known=-3", for the log. */
void gate_reasons_print(const struct gate_verdict *v, struct str *out);
/* " accept score=1 (helo-unknown=2, spf-pass=-1)", the value of X-Posthorn-Gate, folded. */
void gate_header_print(const struct gate_verdict *v, struct str *out);

/* What is there to say about a HELO name without asking anybody: bits of enum gate_fact. */
struct gate_self { const char *name, *ip; };
uint32_t gate_helo(struct span helo, const char *peer_ip, struct gate_self self, bool *is_name);

#endif
