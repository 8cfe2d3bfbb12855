/* posthorn sts show: a domain's record, policy and servers, now. See posthorn-sts(8). */
#include <stdio.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/admin/dns.h"
#include "common/admin/sts.h"
#include "common/admin/web.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/trust/sts-fetch.h"

enum { MEMORY_MAX = 16 << 20 };

struct look {
	const struct conf	*conf;
	const char		*domain;
	struct admin_dns	 dns;
	struct arena		*arena;
	int			 code;		/* of sysexits.h: the worst so far */
};

static void bad(struct look *l, int code, const char *what, const char *why)
{
	printf("%s: %s\n", what, why);
	l->code = l->code == EX_OK ? code : l->code;
}

static void show_record(struct look *l)
{
	const char *name = arena_printf(l->arena, "_mta-sts.%s", l->domain);
	struct dns_answer txt;
	char id[STS_ID];

	l->dns.dns.ask(l->dns.dns.arg, name, DNS_TXT, l->arena, &txt);
	if (txt.found == DNS_FAILED)
		bad(l, EX_TEMPFAIL, name, txt.why);
	else if (sts_record_find(&txt, id))
		printf("the record at %s has the id %s\n", name, id);
	else
		bad(l, EX_DATAERR, name, txt.found == DNS_YES ?
		    "no record of MTA-STS there, or more than one, or one that is wrong" :
		    "no record there: without one nobody asks for a policy");
}

static bool fetch_now(struct look *l, struct sts_policy *policy)
{
	struct fetch_job j = sts_fetch_job(l->domain, (unsigned)l->conf->mta_sts_port, l->arena);
	struct fetch_result r;
	const char **ips, *trouble;
	struct err e;

	if (!resolve_host(l->dns.resolver, j.host, l->arena, &ips, &j.count, &e)) {
		bad(l, e.kind == ERR_TEMP ? EX_TEMPFAIL : EX_DATAERR, j.host, e.text);
		return false;
	}
	j.ips = ips;
	if (!admin_web(l->conf, &j, l->arena, &r, &e)) {
		bad(l, EX_OSERR, j.host, e.text);
		return false;
	}
	if (sts_fetch_read(&r, l->arena, policy, &trouble) == TLSRPT_SUCCESS)
		return true;
	bad(l, EX_DATAERR, arena_printf(l->arena, "https://%s%s", j.host, j.path), trouble);
	return false;
}

static void show_policy(const struct sts_policy *p)
{
	struct str text = STR(STS_ENTRY_MAX);
	struct span lines, line;

	printf("the policy:\n");
	sts_policy_print(p, &text);
	lines = str_span(&text);
	while (span_cut(&lines, '\n', &line))
		printf("  " SPAN_FMT "\n", SPAN_ARG(line));
	str_free(&text);
}

/* RFC 8461 4.1 */
static void show_servers(struct look *l, const struct sts_policy *p)
{
	struct mx_host *hosts;
	struct err e;
	size_t count;

	if (resolve_mx(l->dns.resolver, l->domain, 0, l->arena, &hosts, &count, &e) != MX_HOSTS) {
		bad(l, e.kind == ERR_TEMP ? EX_TEMPFAIL : EX_DATAERR, "its servers", e.text);
		return;
	}
	printf("its servers:\n");
	for (size_t i = 0; i < count; i++) {
		const char *by = sts_policy_has(p, hosts[i].name);

		printf("  %5u %s: ", hosts[i].preference, hosts[i].name);
		if (by)
			printf("named by %s\n", by);
		else
			puts(p->mode == STS_ENFORCE ?
			    "not named, so it gets no mail" : "not named");
		l->code = !by && p->mode != STS_NONE && l->code == EX_OK ? EX_DATAERR : l->code;
	}
}

static void show_kept(struct look *l)
{
	struct str out = STR(STS_ENTRY_MAX);
	int directory = sts_open_kept(l->conf);
	struct sts_entry s;

	str_add_text(&out, "kept here: ");
	if (sts_entry_read(directory, l->domain, l->arena, &s))
		sts_print_kept(&s, &out);
	else
		str_add_text(&out, "nothing\n");
	fd_close(&directory);
	admin_print(&out);
}

struct question { char domain[DNS_NAME]; const char *server; };

static int show(const struct conf *c, void *arg)
{
	const struct question *q = arg;
	struct look l = { .conf = c, .domain = q->domain, .code = EX_OK,
		.arena = arena_new(MEMORY_MAX, NULL, NULL) };
	struct sts_policy policy;
	struct err e;

	if (!admin_dns_open(c, q->server, &l.dns, &e)) {
		arena_free(l.arena);
		return admin_fail(&e);
	}
	show_record(&l);
	if (fetch_now(&l, &policy)) {
		show_policy(&policy);
		show_servers(&l, &policy);
	}
	admin_dns_close(&l.dns);
	show_kept(&l);
	arena_free(l.arena);
	return l.code;
}

int sts_show(int argc, char **argv)
{
	struct question q = { .server = NULL };
	const struct admin_option options[] = { { "--resolver", &q.server }, { 0 } };

	if (!admin_take(&argc, argv, options) || argc != 2 ||
	    !sts_domain(span_of(argv[1]), q.domain))
		return admin_usage("sts show DOMAIN [--resolver ADDRESS@PORT]");
	return admin_with_conf(show, &q);
}
