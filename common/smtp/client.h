/*
 * NAME
 *	client - carry messages to another SMTP server
 * SYNOPSIS
 *	smtp_client_open(&c, stream, "mx.example.org", NULL);
 *	ok = smtp_client_greet(&c, &e) && smtp_client_hello(&c, &e);
 *	if (c.ext & EXT_STARTTLS && smtp_client_start_tls(&c, &e)) {
 *		... handshake by net/tls, which gives a new stream ...
 *		smtp_client_switch(&c, tls_stream);	all said before is forgotten
 *		ok = smtp_client_hello(&c, &e);
 *	}
 *	while (there is mail for this host)
 *		reusable = smtp_client_send(&c, &parcel, &e);
 *	smtp_client_quit(&c);				when reusable
 *	smtp_client_close(&c);				always; the stream stays the caller's
 * DESCRIPTION
 *	A straight line with a deadline for each phase (RFC 5321 4.5.3.2). After
 *	smtp_client_send() every recipient has its result, whatever happened: a broken
 *	conversation is TEMP for all that have none yet. Text is stored with LF and goes
 *	out with CRLF and stuffed dots.
 *	MAIL, RCPT and DATA go out together when the server offers PIPELINING; with CHUNKING a small
 *	text goes with them (RFC 3030), which saves a round trip. Where BDAT is not understood after all,
 *	the same text goes by DATA, and from then on all do.
 *	What goes in one transaction is up to the server: RCPTMAX, RCPTDOMAINMAX (RFC 9422) or "452 too
 *	many recipients" (RFC 5321 4.5.3.1.10). Who is over goes in the next one, at once.
 *	With lmtp set before hello it is LMTP (RFC 2033): LHLO, and an answer for each recipient.
 *	Once the end of a text has been said, the message is with the other server, or nobody knows. Until
 *	then it can be left there: where is_wanted() says no, the connection is broken off instead.
 *	A text with 8-bit bytes goes as it is to servers without 8BITMIME: a body is never
 *	changed, and those servers are 8-bit clean in practice.
 * DIAGNOSTICS
 *	TEMP 4.4.2 the connection broke or a deadline passed; TEMP 4.5.0 nonsense
 *	instead of a reply; else the server's own answer. 5.6.7 the message needs
 *	SMTPUTF8, 5.3.4 it is larger than the server's SIZE, 5.7.30 it needs REQUIRETLS,
 *	5.3.3 it is to be returned when late, and the server has no DELIVERBY (all before
 *	anything is sent).
 */
#ifndef COMMON_SMTP_CLIENT_H
#define COMMON_SMTP_CLIENT_H

#include "common/io/line.h"
#include "common/io/out.h"
#include "common/smtp/extension.h"
#include "common/smtp/param.h"
#include "common/smtp/reply.h"

/* Seconds of patience in each phase. RFC 5321 4.5.3.2 */
struct smtp_patience { int greeting, hello, mail, rcpt, data, block, end, quit; };
extern const struct smtp_patience smtp_patience;	/* 300 300 300 300 120 180 600 10 */

struct smtp_client {
	struct stream			*stream;
	struct line			*in;
	struct out			*out;
	const char			*hello_name;
	const struct smtp_patience	*patience;
	unsigned			 ext;		/* enum smtp_ext, from the last EHLO */
	uint64_t			 size_max;	/* SIZE's number, 0 = none said */
	char				 auth_words[128];	/* AUTH's words, or "" */
	size_t rcpt_max, mail_max, domain_max; /* of LIMITS: RFC 9422; 0 = not said */
	size_t				 mails;		/* transactions since it began */
	bool				 lmtp;		/* set it after open */
	bool				 no_bdat;	/* set it, or found out */
	bool (*is_wanted)(void *arg);	/* set it, or NULL: asked before the end of a message's text */
	void				*wanted_arg;
	char				 challenge[REPLY_LINE_MAX];	/* of the last 334 */
	struct answer			 last;		/* the last answer read */
	bool				 broken;	/* no use to say anything more */
};

struct parcel_rcpt {
	const char		*address;
	struct rcpt_params	 params;	/* sent only where DSN is offered */
	/* result */
	enum err_kind		 kind;		/* NONE: the server has taken it */
	unsigned		 code;		/* its reply code, 0 when we have none */
	char			 status[12];
	char			 answer[350];	/* its words, or ours */
	bool left; /* not asked about: the server takes no more over this connection */
	/* private */
	bool			 settled, taken;
};

struct parcel {
	const char		*sender;	/* "" = null */
	struct mail_params params; /* size: the wire's bytes; body8bit, smtputf8, ret, envid */
	struct span		 top;		/* header lines to send in front of it, in LF */
	int text; /* descriptor of the text, read from offset 0 with pread */
	struct parcel_rcpt	*rcpts;
	size_t			 count;
};

void smtp_client_open(struct smtp_client *c, struct stream *s, const char *hello_name, const struct smtp_patience *p);
void smtp_client_close(struct smtp_client *c);
bool smtp_client_greet(struct smtp_client *c, struct err *e);
bool smtp_client_hello(struct smtp_client *c, struct err *e);	/* EHLO, HELO where that is not understood */
/* Says STARTTLS. True: shake hands now. PERM: it refuses, the conversation may go on in the clear. */
bool smtp_client_start_tls(struct smtp_client *c, struct err *e);
void smtp_client_switch(struct smtp_client *c, struct stream *s);
/* May another message go over it? MAILMAX of RFC 9422. */
bool smtp_client_used_up(const struct smtp_client *c);

/* One exchange of RFC 4954: what we say first (p NULL: nothing), then an answer to each challenge; all decoded. */
struct smtp_auth {
	const char	*mechanism;
	struct span	 initial;
	bool (*answer)(void *arg, struct span challenge, struct str *words, struct err *e);
	void		*arg;
};
/* False: e is its answer, PERM 5.7.8 for a wrong password, or answer()'s. Neither is ever logged here. */
bool smtp_client_auth(struct smtp_client *c, const struct smtp_auth *how, struct err *e);
/* One message. True: the conversation may go on with the next. False: close; e says why. */
bool smtp_client_send(struct smtp_client *c, struct parcel *p, struct err *e);
/* MAIL, RCPT and RSET: would it have that recipient? PERM and TEMP are its answer. No message is sent. */
bool smtp_client_try(struct smtp_client *c, const char *sender, const char *rcpt, struct err *e);
bool smtp_client_reset(struct smtp_client *c, struct err *e);	/* RSET: is it still there? */
void smtp_client_quit(struct smtp_client *c);			/* does not care about the answer */

#endif
