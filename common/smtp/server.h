/*
 * NAME
 *	server - one SMTP client, from greeting to goodbye
 * DESCRIPTION
 *	The protocol stands here once: verbs, order, parameters, DATA and BDAT, STARTTLS,
 *	limits, deadlines (RFC 5321). What is allowed stands in the hooks: msa and mta
 *	differ only in them. A hook that fails fills e; the reply is made from it.
 *	Nothing spoken before STARTTLS counts after it. Where we hang up first, a 421
 *	stands before the end (RFC 5321 3.8).
 *	Pipelining: EHLO, AUTH, DATA and XCLIENT end a group (RFC 2920 3.1, RFC 4954 4); words
 *	behind them were said without waiting for what decides their meaning, so they
 *	are not listened to. Behind EHLO, and after HELO, this is forgiven where early_talkers is.
 *	What a hook is given lives in s->command, until the reply is sent; what it wants to
 *	keep it copies into s->mail, which lives as long as the transaction.
 */
#ifndef COMMON_SMTP_SERVER_H
#define COMMON_SMTP_SERVER_H

#include "common/base/arena.h"
#include "common/io/line.h"
#include "common/io/out.h"
#include "common/smtp/body.h"
#include "common/smtp/extension.h"
#include "common/smtp/param.h"
#include "common/smtp/path.h"
#include "common/smtp/reply.h"

/* Every ceiling a stranger can push against here. */
enum {
	SMTP_LINE_MAX	= 4096,		/* RFC 5321 4.5.3.1.4 says 512; parameters and UTF-8 need more */
	SMTP_AUTH_MAX	= 12288,	/* RFC 4954 4: one line of a SASL exchange */
	SMTP_ERRORS_SOFT = 5,		/* from here on each mistake costs a second */
	SMTP_JUNK_MAX	= 100,		/* NOOP, RSET, VRFY, HELP ... between two messages */
	SMTP_AUTHS_MAX	= 5,		/* failed logins in one session */
	SMTP_EARLY_MS	= 10,		/* how long we listen for somebody who speaks before our banner */
	SMTP_MEMORY	= 4 << 20,	/* of one transaction: 1000 recipients with long ORCPTs fit */
};

/* Where a dialogue stands. One bit each, so a verb can name all the states it suits. */
enum smtp_state {
	SMTP_FRESH	= 1 << 0,	/* connected, no EHLO yet */
	SMTP_READY	= 1 << 1,	/* greeted, no transaction */
	SMTP_SENDER	= 1 << 2,	/* MAIL accepted */
	SMTP_RCPTS	= 1 << 3,	/* at least one RCPT accepted */
	SMTP_CHUNKS	= 1 << 4,	/* in the middle of BDAT */
	SMTP_DONE	= 1 << 5,	/* QUIT said, or we gave up */
	SMTP_ANY	= (1 << 5) - 1,
};

struct smtp_mail {			/* MAIL FROM */
	struct path		path;	/* points into the command line */
	const char		*address;	/* canonical; "" = null path */
	struct mail_params	params;
	time_t			release, by;	/* HOLDFOR and BY as points in time; 0 = none */
};

struct smtp_rcpt {			/* RCPT TO */
	struct path		path;
	const char		*address;	/* canonical; "postmaster" may lack a domain */
	struct rcpt_params	params;
};

#define SMTP_XCLIENT_WORDS "NAME ADDR PORT PROTO HELO DESTADDR DESTPORT"

/* What a proxy tells about its client: XCLIENT. NULL and 0: it said nothing of that. */
struct smtp_proxied {
	const char *ip,
	    *local_ip; /* as address_print() has it; "unknown" when the proxy does not know */
	unsigned	port, local_port;
};

enum smtp_auth { SMTP_AUTH_FAILED, SMTP_AUTH_MORE, SMTP_AUTH_DONE };

struct smtp;

/* greet, go_on, hello and refused may be NULL; so may start_tls, auth and proxied where they are not offered. */
struct smtp_hooks {
	bool	(*greet)(struct smtp *s, struct err *e);	/* false: 554 (or 421) instead of 220, and goodbye */
	bool	(*go_on)(struct smtp *s, struct err *e);	/* before each command; false: 421, and goodbye */
	bool	(*hello)(struct smtp *s, struct span name, bool extended, struct err *e);
	bool (*start_tls)(struct smtp *s,
	    struct err *e); /* flushes the 220 (wire_hold); true: the stream is private now */
	/*
	 * One step of AUTH. said: base64 as it came, NULL when there is no initial response;
	 * first: a new exchange begins. MORE: challenge (base64) goes out as 334. FAILED: e says why.
	 */
	enum smtp_auth (*auth)(struct smtp *s, struct span mechanism, const struct span *said,
	    bool first, struct str *challenge, struct err *e);
	bool (*proxied)(struct smtp *s, const struct smtp_proxied *client,
	    struct err *e); /* greet comes next */
	bool	(*mail)(struct smtp *s, const struct smtp_mail *from, struct err *e);
	bool	(*rcpt)(struct smtp *s, const struct smtp_rcpt *to, struct err *e);
	bool	(*data)(struct smtp *s, struct err *e);		/* open what the text goes into */
	void	(*text)(struct smtp *s, struct span lf_text);	/* a piece of it; trouble waits for commit */
	bool (*commit)(struct smtp *s, struct str *said, struct err *e); /* said: "queued as ID" */
	void	(*reset)(struct smtp *s);	/* the transaction is over, committed or not; may come twice */
	void	(*refused)(struct smtp *s, struct span line, const struct reply *r);	/* 4xx and 5xx, for the log */
};

struct smtp_terms {
	const char	*host_name;		/* who we are: 220, EHLO, 221 */
	unsigned offer; /* enum smtp_ext; AUTH and STARTTLS come and go by state */
	const char	*auth_words;		/* "PLAIN LOGIN" */
	bool		 auth_needed;		/* msa: 530 5.7.0 before login */
	bool		 auth_without_tls;
	bool
	    early_talkers; /* true: input before our banner is forgiven, and not waited for (msa) */
	bool		 batch;			/* nor is what did not wait for a reply: a pipe, and no network */
	int		 early_ms;		/* how long we listen for it; 0: SMTP_EARLY_MS */
	bool		 early_judged;		/* the hook greet decides about it, by s->early */
	uint64_t	 size_max, rcpts_max;
	uint64_t	 mails_max;		/* transactions of one connection, 0 = any number */
	uint64_t	 hold_max;		/* longest hold in seconds: FUTURERELEASE */
	int		 priority_max;		/* MT-PRIORITY above it is lowered to it */
	uint64_t	 rate_min;		/* DATA, bytes a second */
	int command_timeout_s, greet_timeout_s; /* greet: until login, or the first MAIL
							   where none is needed, in all; 0 = none */
	unsigned	 errors_max;
	int		 error_delay_ms;	/* 1000, in tests 0 */
};

struct smtp {
	const struct smtp_hooks	*hooks;
	const struct smtp_terms	*terms;
	void			*self;		/* the hooks' own */
	struct line		*in;
	struct out		*out;
	struct arena		*command, *mail;
	/* connection */
	bool			 early;		/* spoke before the greeting */
	bool			 tls, known;	/* encrypted; logged in */
	bool			 extended;	/* EHLO, not HELO */
	char			 hello[PATH_DOMAIN_MAX + 1];
	unsigned		 errors, junk, auths;
	uint64_t		 mails;		/* MAIL accepted */
	bool			 expelled;	/* a 421 is still to be said */
	ms_t			 greet_until;
	/* transaction */
	enum smtp_state		 state;
	unsigned		 rcpts;
	struct body		 body;
	bool			 body_open;	/* hooks->data was called */
	bool over; /* to be forgotten once the reply is made and logged */
	bool			 smtputf8;
	struct reply
	    instead; /* a hook that fails may say the reply itself; code 0: it comes from e */
};

/* Serve one client over stream until it or we have said goodbye. The stream stays the caller's. */
void smtp_serve(struct stream *stream, const struct smtp_hooks *hooks,
    const struct smtp_terms *terms, bool tls, void *self);
/* Run one command line: one reply, no reading or writing but for AUTH, DATA, BDAT and STARTTLS. */
struct reply smtp_command(struct smtp *s, struct span line);
unsigned smtp_offered(const struct smtp *s);	/* enum smtp_ext, here and now */

#endif
