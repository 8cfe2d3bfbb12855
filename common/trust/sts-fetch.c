/* A web server's answer about a policy. See sts-fetch.h. */
#include "common/trust/sts-fetch.h"

struct fetch_job sts_fetch_job(const char *domain, unsigned port, struct arena *a)
{
	return (struct fetch_job){ .host = arena_printf(a, "mta-sts.%s", domain), .port = port,
		.path = "/.well-known/mta-sts.txt", .type = "", .body = -1 };
}

enum tlsrpt_result sts_fetch_read(const struct fetch_result *r, struct arena *a,
    struct sts_policy *out, const char **trouble)
{
	struct err e;

	*trouble = r->trouble;
	if (r->why != FETCH_ANSWERED)
		return r->why == FETCH_UNTRUSTED ? TLSRPT_STS_WEBPKI : TLSRPT_STS_FETCH;
	if (r->status != 200) {
		*trouble = arena_printf(a, "the web server answers %u", r->status);
		return TLSRPT_STS_FETCH;
	}
	if (strcmp(r->type, "text/plain") != 0) {
		*trouble = arena_printf(a, "it comes as \"%s\", not as text/plain", r->type);
		return TLSRPT_STS_FETCH;
	}
	*trouble = "";
	if (sts_policy_parse(r->body, a, out, &e))
		return TLSRPT_SUCCESS;
	*trouble = arena_text(a, span_of(e.text));
	return TLSRPT_STS_INVALID;
}
