/* What came of TLS with a server. See tlsrpt.h. */
#include "mta/tlsrpt.h"

#include "common/os/log.h"

void tlsrpt_note(struct carrier *c, const struct tls_attempt *t)
{
	(void)c;
	/* Without a policy that is how things are on the internet. */
	if (t->result && (t->policy->source == POLICY_TLSA || t->policy->source == POLICY_STS))
		log_info("%s tls-policy policy=%s domain=%s host=%s ip=%s result=%s why=\"%s\"", t->job->id,
		    policy_source_name(t->policy->source), t->policy->domain, t->mx, t->ip, tlsrpt_result_name(t->result), t->why);
}
