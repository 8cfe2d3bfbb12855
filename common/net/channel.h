/*
 * NAME
 *	channel - what a front knows about a client's TLS, so that an auth helper can rely on it
 * DESCRIPTION
 *	Two channel bindings (RFC 9266 tls-exporter, RFC 5929 4 tls-server-end-point) and the
 *	addresses in the client's certificate, where it showed one that we verified. The front
 *	writes them as one word, "SEAL:EXPORTER:END-POINT:NAME,NAME", which goes to the session by the
 *	wire and from there, by the keeper, to the auth helper. Front and helper share a key that
 *	their keeper made up at its start; the session does not know it. So a session that has been
 *	taken over can neither say that its client showed another certificate nor make up a
 *	binding. The seal has 64 bits: to guess at it costs a process for each try, and a session has
 *	few. Pure.
 */
#ifndef COMMON_NET_CHANNEL_H
#define COMMON_NET_CHANNEL_H

#include <stdint.h>

#include "common/base/str.h"

enum { CHANNEL_EXPORTER = 32, CHANNEL_DIGEST_MAX = 64, CHANNEL_NAMES = 330, CHANNEL_TEXT = 600 };

struct channel {
	unsigned char	exporter[CHANNEL_EXPORTER], end_point[CHANNEL_DIGEST_MAX];
	size_t		exporter_n, end_point_n;	/* 0: there is none */
	char names[CHANNEL_NAMES]; /* "ann@example.org,ann@example.net"; "" for none */
};

/* One more name; one that could be taken for something else, or has no room, is left out. */
void channel_add_name(struct channel *c, struct span name);
/* Adds at most CHANNEL_TEXT - 1 bytes without a blank. */
void channel_seal(const struct channel *c, const uint64_t key[2], struct str *out);
/* What the word says, whoever wrote it: enough to know what to offer. */
bool channel_read(struct span word, struct channel *c);
/* The same, where the seal is right. */
bool channel_open(struct span word, const uint64_t key[2], struct channel *c);

#endif
