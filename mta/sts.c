/* A destination's MTA-STS policy. See sts.h. */
#include "mta/sts.h"

#include "common/os/fd.h"
#include "common/os/log.h"
#include "common/trust/sts-fetch.h"
#include "mta/hints.h"

/* --- the channels; one whose other end was started anew is opened anew --- */

static bool connected(struct sts_asker *s, const char *service, int *fd, struct err *e)
{
	return *fd >= 0 || role_connect(s->self, service, fd, e);
}

static void record_of(struct sts_asker *s, const char *domain, struct arena *a, char id[STS_ID])
{
	const char *name = arena_printf(a, "_mta-sts.%s", domain);
	struct dns_answer txt;
	struct err e;

	*id = '\0';
	for (int try = 0; try < 2; try++) {
		if (connected(s, "resolver", s->resolver, &e) &&
		    resolve(*s->resolver, name, DNS_TXT, a, &txt, &e)) {
			sts_record_find(&txt, id);
			return;
		}
		fd_close(s->resolver);
	}
	log_error("%s: %s", name, e.text);
}

static void recall(struct sts_asker *s, const char *domain, struct arena *a, struct sts_entry *out)
{
	struct span text;
	struct err e;

	*out = (struct sts_entry){ .trouble = "" };
	for (int try = 0; try < 2; try++) {
		if (connected(s, "hints", s->hints, &e) &&
		    hints_policy(*s->hints, domain, a, &text, &e)) {
			if (!sts_entry_parse(text, a, out))
				*out = (struct sts_entry){ .trouble = "" };
			return;
		}
		fd_close(s->hints);
	}
	log_error("policy of %s: %s", domain, e.text);
}

static void remember(struct sts_asker *s, const char *domain, const struct sts_entry *entry)
{
	struct str text = STR(STS_ENTRY_MAX);
	struct err e;

	sts_entry_print(entry, &text);
	if (!connected(s, "hints", s->hints, &e) ||
	    !hints_set_policy(*s->hints, domain, str_span(&text), &e))
		log_error("policy of %s is not kept: %s", domain, e.text);
	str_free(&text);
}

/* --- the fetch: RFC 8461 3.3 --- */

/* False: we could not even try, which is our fault and not theirs. */
static bool ask_web(struct sts_asker *s, const struct fetch_job *j, struct arena *a,
    struct fetch_result *r)
{
	struct err e;
	int fd;
	bool ok;

	if (!role_fetch(s->self, &fd, &e)) {
		log_error("cannot fetch the policy at %s: %s", j->host, e.text);
		return false;
	}
	ok = fetch(fd, j, a, r, &e);
	if (!ok)
		log_error("cannot fetch the policy at %s: %s", j->host, e.text);
	fd_close(&fd);
	return ok;
}

/* False: nothing is known of it, not even that it fails. */
static bool fetch_policy(struct sts_asker *s, const char *domain, struct arena *a,
    struct sts_policy *policy, struct sts_found *out)
{
	struct fetch_job j = sts_fetch_job(domain, (unsigned)s->self->conf.mta_sts_port, a);
	struct fetch_result r;
	const char **ips;
	struct err e;

	*out = (struct sts_found){ .failed = TLSRPT_STS_FETCH };
	if (!connected(s, "resolver", s->resolver, &e))
		return false;
	if (!resolve_host(*s->resolver, j.host, a, &ips, &j.count, &e)) {
		out->trouble = arena_text(a, span_of(e.text));
		return true;
	}
	j.ips = ips;
	if (!ask_web(s, &j, a, &r))
		return false;
	out->failed = sts_fetch_read(&r, a, policy, &out->trouble);
	return true;
}

static void fetch_and_learn(struct sts_asker *s, const char *domain, const char *id,
    struct sts_entry *entry, struct arena *a, struct sts_found *out)
{
	struct sts_policy policy;
	bool good;

	if (!fetch_policy(s, domain, a, &policy, out)) {
		out->failed = TLSRPT_SUCCESS;
		return;
	}
	good = out->failed == TLSRPT_SUCCESS;
	sts_learn(entry, id, good ? &policy : NULL, out->trouble, clock_wall());
	remember(s, domain, entry);
	if (good)
		log_info("policy domain=%s id=%s mode=%s max_age=%u", domain, entry->id,
		    sts_mode_name(policy.mode), (unsigned)policy.max_age);
	else
		log_warn("policy domain=%s why=\"%s\"%s", domain, out->trouble,
		    sts_entry_counts(entry, clock_wall()) ? " (the old one stays)" : "");
}

void sts_find(struct sts_asker *s, const char *domain, struct arena *a, struct sts_found *out)
{
	struct sts_entry entry;
	char id[STS_ID];

	*out = (struct sts_found){ .trouble = "" };
	record_of(s, domain, a, id);
	recall(s, domain, a, &entry);
	if (sts_next(&entry, id, clock_wall()) == STS_FETCH) {
		entry.used = clock_wall();
		fetch_and_learn(s, domain, id, &entry, a, out);
	}
	out->counts = sts_entry_counts(&entry, clock_wall());
	out->policy = entry.policy;
}

void sts_refresh(struct sts_asker *s, const char *domain, struct sts_entry *entry, struct arena *a)
{
	struct sts_found found;
	char id[STS_ID];

	record_of(s, domain, a, id);
	fetch_and_learn(s, domain, id, entry, a, &found);
}
