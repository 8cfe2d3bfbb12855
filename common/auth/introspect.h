/*
 * NAME
 *	introspect - ask a token's issuer what it is (RFC 7662)
 * DESCRIPTION
 *	One POST over one connection, which is closed. https verifies the certificate; http is for the
 *	same machine only. No redirects, no cookies, no proxy: the URL is the admin's.
 */
#ifndef COMMON_AUTH_INTROSPECT_H
#define COMMON_AUTH_INTROSPECT_H

#include "common/base/err.h"
#include "common/base/str.h"
#include "common/net/tls.h"

enum { INTROSPECT_REPLY_MAX = 65536 };

struct introspect_url { bool tls; char host[256], port[8], path[512]; };

/* https://HOST[:PORT]/PATH, or http:// with 127.0.0.1, [::1] or localhost. Pure. */
bool introspect_url_parse(struct span url, struct introspect_url *out);
/* All that the server said, as code and body; chunks are joined. False: it is no HTTP. Pure. */
bool introspect_reply_parse(struct span all, unsigned *code, struct str *body);

/* client and secret for HTTP Basic; "" for none. Not 200, and no answer, are TEMP. May block until then. */
bool introspect(const struct introspect_url *url, struct tls_client *trust, const char *client,
    const char *secret, struct span token, ms_t until, struct str *json, struct err *e);

#endif
