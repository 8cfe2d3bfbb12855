/* posthorn sts record: what to publish for a domain of one's own. See posthorn-sts(8). */
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

#include "common/admin/admin.h"
#include "common/admin/sts.h"
#include "common/os/clock.h"

enum { DAY_S = 86400, WEEK_S = 7 * DAY_S };

struct wish {
	bool			 only_policy;
	char			 domain[DNS_NAME];
	struct sts_policy	 policy;
	struct arena		*arena;
};

static bool take_mode(const char *word, struct sts_policy *p)
{
	for (enum sts_mode m = STS_NONE; m <= STS_ENFORCE; m++) {
		if (strcmp(word, sts_mode_name(m)) == 0) {
			p->mode = m;
			return true;
		}
	}
	return false;
}

static bool take_mx(const char *word, struct wish *w)
{
	struct span name = span_of(word);
	bool wild = span_eat(&name, "*.");
	char clean[DNS_NAME];

	if (w->policy.count == STS_MX_MAX || !dns_name_clean(name, clean) || !strchr(clean, '.'))
		return false;
	w->policy.mx[w->policy.count++] = arena_printf(w->arena, "%s%s", wild ? "*." : "", clean);
	return true;
}

static bool take_words(int argc, char **argv, struct wish *w)
{
	int i = 1;

	for (; i < argc && *argv[i] == '-'; i++) {
		if (strcmp(argv[i], "--policy") == 0)
			w->only_policy = true;
		else if (strcmp(argv[i], "--mode") != 0 || i + 1 == argc ||
		    !take_mode(argv[++i], &w->policy))
			return false;
	}
	if (i == argc || !sts_domain(span_of(argv[i++]), w->domain))
		return false;
	for (; i < argc; i++) {
		if (!take_mx(argv[i], w))
			return false;
	}
	return true;
}

/* As long as others may keep it: short while it is tried, so that a mistake is soon forgotten. */
static void complete(struct wish *w, const struct conf *c)
{
	w->policy.max_age = w->policy.mode == STS_ENFORCE ? WEEK_S : DAY_S;
	if (!w->policy.count)
		take_mx(c->host_name, w);
}

static void print_instructions(const struct wish *w, struct span policy)
{
	char id[STS_ID];
	time_t now = clock_wall();
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(id, sizeof id, "%Y%m%dT%H%M%SZ", &tm);
	printf("; 1. A web server with a certificate for mta-sts.%s has this, as text/plain, at\n"
	    ";    https://mta-sts.%s/.well-known/mta-sts.txt\n\n" SPAN_FMT "\n", w->domain,
	    w->domain, SPAN_ARG(policy));
	printf("; 2. Each server above has a certificate for its own name, from an authority that all know,\n"
	    ";    and offers STARTTLS.\n\n");
	printf("; 3. Then, in the zone of %s, an address for mta-sts.%s, and these; with a new id\n"
	    ";    whenever the policy changes:\n\n", w->domain, w->domain);
	printf("_mta-sts.%s. IN TXT \"v=STSv1; id=%s;\"\n", w->domain, id);
	printf("_smtp._tls.%s. IN TXT \"v=TLSRPTv1; rua=mailto:postmaster@%s\"\n", w->domain,
	    w->domain);
	if (w->policy.mode == STS_TESTING)
		printf("\n; 4. When reports (posthorn tlsrpt report) show no failure for some days: --mode enforce.\n");
}

static int print_wish(const struct wish *w)
{
	struct str policy = STR(STS_ENTRY_MAX);

	sts_policy_print(&w->policy, &policy);
	if (w->only_policy)
		admin_print(&policy);
	else
		print_instructions(w, str_span(&policy));
	str_free(&policy);
	return EX_OK;
}

int sts_record(int argc, char **argv)
{
	struct wish w = { .policy = { .mode = STS_TESTING },
		.arena = arena_new(1 << 20, NULL, NULL) };
	struct conf c;
	int code;

	if (!take_words(argc, argv, &w)) {
		code = admin_usage("sts record [--policy] [--mode testing|enforce|none] DOMAIN [MX ...]");
	} else if (!admin_conf(&c)) {
		code = EX_CONFIG;
	} else {
		complete(&w, &c);
		code = print_wish(&w);
		conf_free(&c);
	}
	arena_free(w.arena);
	return code;
}
