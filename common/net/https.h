/*
 * NAME
 *	https - one request to a web server (libcurl)
 * DESCRIPTION
 *	Only https with TLS 1.2 or later and a certificate that is good for the host's name; only to
 *	the addresses that the caller found; no redirects (RFC 8461 3.3), no proxy, no cookies, no
 *	credentials, nothing from the environment. The answer has a ceiling and a deadline.
 */
#ifndef COMMON_NET_HTTPS_H
#define COMMON_NET_HTTPS_H

#include "common/base/err.h"
#include "common/base/str.h"

/* Whose fault is it that there is no answer? RFC 8460 4.3.2.2 tells these apart. */
enum https_why { HTTPS_ANSWERED, HTTPS_UNREACHABLE, HTTPS_UNTRUSTED };

struct https_request {
	const char		*host;		/* a clean name */
	unsigned		 port;
	const char		*path;		/* "/x?y" */
	const char *const	*ips;		/* at least one */
	size_t			 ip_count;
	const char		*agent;		/* who we are */
	struct span		 authorities;	/* PEM; empty: the system's */
	const char		*type;		/* of body; NULL: it is a GET */
	struct span		 body;
	unsigned		 timeout_s;
};

struct https_answer {
	unsigned	status;		/* 200 */
	char type[80]; /* "text/plain", without parameters, in lower case, printable */
};

/* Once in a process, before it is jailed. */
bool https_prepare(struct err *e);
/* The body is appended, and has no room left over when it is too long, which is a failure: see body->over. */
enum https_why https_ask(const struct https_request *r, struct https_answer *answer,
    struct str *body, struct err *e);

#endif
