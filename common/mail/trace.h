/*
 * NAME
 *	trace - the lines that tell where a message has been (RFC 5321 4.4)
 * DESCRIPTION
 *	Makes Received, Return-Path and Delivered-To as LF text, folded; looks for loops.
 *	Strangers' words (HELO) are cut and made harmless.
 */
#ifndef COMMON_MAIL_TRACE_H
#define COMMON_MAIL_TRACE_H

#include <time.h>

#include "common/base/span.h"
#include "common/base/str.h"

struct trace {
	const char	*helo;		/* what the client called itself; "" none */
	const char	*peer_ip;	/* "192.0.2.1", "2001:db8::1"; "" = local */
	const char	*peer_name;	/* verified reverse name, or "" */
	const char	*by;		/* our name */
	const char	*protocol;	/* trace_protocol() */
	const char	*tls;		/* "TLSv1.3 TLS_AES_256_GCM_SHA384 256", or "" */
	const char	*id;		/* our queue id */
	const char *recipient; /* the only one (RFC 5321 7.6: not when there are more), or "" */
	const char *login; /* who submitted, for "by uid" or "authenticated"; "" none */
	int		 priority;	/* MT-PRIORITY, RFC 6710; 0 is not said */
	bool		 hide_client;	/* leave out helo and peer: submission by setting */
	time_t		 when;
	int		 zone;
};

/* The registered words: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, UTF8SMTPSA, LMTP, ... (RFC 3848, 6531). */
const char *trace_protocol(bool lmtp, bool ehlo, bool tls, bool auth, bool smtputf8);
void trace_received(const struct trace *t, struct str *out);
void trace_return_path(struct span sender, struct str *out);
void trace_delivered_to(struct span address, struct str *out);

/* text: a message, or at least its header. */
unsigned trace_hops(struct span text);
bool trace_was_delivered_to(struct span text, struct span address);

#endif
