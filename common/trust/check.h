/*
 * NAME
 *	check - ask the check process whether a message is from whom it says
 * SYNOPSIS
 *	ok = check_spf(channel, &who, a, &spf, &e);		once the sender is known
 *	ok = check_text(channel, &who, text, a, &verdict, &e);	once the text is whole
 * DESCRIPTION
 *	Over a channel from role_connect("check"). The process behind it reads what strangers
 *	wrote and has the crypto library, but no file and no network; its channel serves one
 *	client at a time, straight through. After some messages it ends, and says so with its
 *	last answer: then the channel is to be closed.
 *	Packets: 'S' us ip helo sender -> 'A' last spf; 'M' us ip helo sender + text -> 'A' last spf verdict.
 * DIAGNOSTICS
 *	False: the process died over it, or took too long. TEMP 4.7.0; the channel is of no use any
 *	more. The message is not to blame for what we could not find out: every result is TEMPERROR then.
 */
#ifndef COMMON_TRUST_CHECK_H
#define COMMON_TRUST_CHECK_H

#include "common/io/packet.h"
#include "common/trust/dmarc-record.h"
#include "common/base/arena.h"
#include "common/trust/result.h"

enum { CHECK_PATIENCE_S = 60 };		/* the process gives up before that */

struct check_who {
	const char	*us;		/* our host name */
	const char	*ip, *helo;
	const char	*sender;	/* canonical; "" = null */
};

/* Texts are never NULL. */
struct check_spf {
	enum trust_result	 result;
	const char		*why, *explanation;
	bool			 last;		/* close the channel now */
};

struct check_verdict {
	struct check_spf	 spf;
	enum trust_result	 dkim;		/* the best of the signatures */
	bool			 dkim_aligned;	/* one that passed is of the author's organization, and he of the sender's */
	enum trust_result	 dmarc;
	bool proven; /* the author is: DMARC passed, or would with a policy */
	enum dmarc_policy wanted; /* what the author's domain wants done with mail that fails */
	enum dmarc_policy	 policy;	/* the same, milder where it only tests that */
	enum trust_result	 arc;		/* NONE without a chain */
	const char
	    *sealer; /* when the chain is whole: who sealed last, and saw dmarc=pass; else "" */
	const char		*author;	/* its name, "" when there is none */
	const char		*dmarc_why;
	const char		*results;	/* the value of Authentication-Results */
	const char		*received_spf;	/* the value of Received-SPF */
	const char
	    *row; /* for the domain's report (dmarc-report.h), without disposition; "": none */
	const char *summary; /* for the log: "spf=pass dkim=pass:a.test dmarc=pass" */
};

bool check_spf(int channel, const struct check_who *who, struct arena *a, struct check_spf *out,
    struct err *e);
/* text: a descriptor to read from its start; stays the caller's. */
bool check_text(int channel, const struct check_who *who, int text, struct arena *a,
    struct check_verdict *out, struct err *e);

/* --- the other end --- */

/* False: no such question. *text is -1 for 'S', the taker's for 'M'. */
bool check_take(struct packet *p, struct arena *a, struct check_who *who, int *text);
void check_put_spf(struct packet *p, const struct check_spf *spf);
void check_put_verdict(struct packet *p, const struct check_verdict *v);

#endif
