/*
 * NAME
 *	report - tell a sender what became of a message (RFC 3461, 3462, 3464, 6522)
 * DESCRIPTION
 *	Writes a whole multipart/report message as LF text into a sink: a sentence that a
 *	person understands, the facts for programs, and the original or its header.
 *	The message goes out with the null sender; RFC 3464 2, RFC 3834.
 *
 *	Addresses that are not ASCII: to a sender whose own is not, the parts are of RFC 6533's types, in
 *	UTF-8. Every other sender's server may know nothing of SMTPUTF8, so that fields are ASCII then:
 *	addresses as utf-8-addr-xtext, and an SMTPUTF8 original in base64 (RFC 6533 3 and 4.5).
 */
#ifndef COMMON_MAIL_REPORT_H
#define COMMON_MAIL_REPORT_H

#include <time.h>

#include "common/base/span.h"
#include "common/base/str.h"

enum report_kind { REPORT_FAILED, REPORT_DELAYED, REPORT_DELIVERED, REPORT_RELAYED, REPORT_EXPANDED };

struct report_rcpt {
	enum report_kind	 kind;		/* its Action */
	const char		*original;	/* ORCPT "rfc822;x@y" still in xtext, or "" */
	const char		*address;
	const char		*status;	/* "5.1.1"; "": as the kind is */
	const char *diagnostic; /* "550 5.1.1 no such user": what the remote said, or our reason */
	bool			 from_remote;	/* diagnostic is an SMTP reply */
	const char		*remote;	/* host name that said it, or "" */
	time_t			 last_try;	/* 0 none */
};

struct report {
	enum report_kind kind; /* the worst of its recipients: makes Subject and sentence */
	const char		*our_name;	/* reporting MTA and MAILER-DAEMON's domain */
	const char		*to;		/* the original's envelope sender */
	const char		*id;		/* the original's queue id */
	const char		*message_id;	/* of this report, with < > (msgid.h) */
	const char		*envid;		/* original ENVID still in xtext, or "" */
	const char
	    *from_mta; /* what the server called itself that brought the original; "" no server */
	time_t			 arrived, now;
	int			 zone;
	time_t			 give_up;	/* REPORT_DELAYED: until when we try; 0 unknown */
	const struct report_rcpt *rcpts;
	size_t			 rcpt_count;
	struct span original; /* text of the original from its first byte, in LF */
	bool			 full;		/* return all of it, else its header */
	bool			 smtputf8;	/* the original needs it: RFC 6531 */
	bool unsent; /* the original has no sender: to is somebody who looks after it */
	uint64_t		 dice;		/* for the boundary */
};

/* ORCPT and ENVID come in xtext (RFC 3461 4): "+2B" is "+". What is broken stays as it is. */
void report_xtext(struct span x, struct str *out);
void report_write(const struct report *r, struct sink to);
/* Pure: does it begin with a reply code, as what servers say does? Not a host of ours to speak of, like 163.com. */
bool report_is_reply(const char *diagnostic);

#endif
