/*
 * NAME
 *	proxy - who a proxy in front of us says its client is
 * DESCRIPTION
 *	The PROXY protocol of HAProxy, versions 1 (text) and 2 (binary): what a connection begins
 *	with, before TLS and before any mail protocol. Pure. What the header says is as
 *	true as the one who sent it, so only known proxies are asked (front.c). Unix
 *	addresses, UNKNOWN and LOCAL name nobody: the proxy speaks for itself.
 *	Of version 2, everything behind the addresses is skipped.
 */
#ifndef COMMON_NET_PROXY_H
#define COMMON_NET_PROXY_H

#include "common/net/address.h"

enum {
	PROXY_TEXT_MAX = 107, /* version 1, with its CRLF */
	PROXY_MAX =
	    2048, /* version 2; the spec asks for 536, certificates' names may come with it */
};

struct proxy_client {
	bool		named;		/* else nobody is, and the rest is empty */
	struct address	who, here;	/* the client, and where it connected to */
	unsigned	port, here_port;
};

enum proxy_step {
	PROXY_DONE,			/* *used bytes were the header */
	PROXY_MORE,			/* in is the beginning of one */
	PROXY_NONE,			/* it is none, and will not become one */
};

/* in: the first bytes of a connection, as many as there are. */
enum proxy_step proxy_parse(struct span in, struct proxy_client *out, size_t *used);

#endif
