/* posthorn dmarc: what a domain wants done, and what others say came in its name. See posthorn-dmarc(8). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/admin/dns.h"
#include "common/admin/received.h"
#include "common/base/tame.h"
#include "common/mail/date.h"
#include "common/trust/dmarc-read.h"
#include "common/trust/dmarc.h"
#include "common/trust/spf.h"
#include "common/trust/unpack.h"

enum { MEMORY_MAX = 512 << 20 };

struct totals { uint64_t reports, messages, passed; };

struct show {
	struct received	 all;
	struct totals	 totals;
	struct str	 out;
};

/* --- one report --- */

static bool passes(const struct dmarc_row *r)
{
	return r->dkim_aligned || r->spf_aligned;
}

static int by_count(const void *a, const void *b)
{
	uint64_t x = ((const struct dmarc_read_row *)a)->count, y = ((const struct dmarc_read_row *)b)->count;

	return (x < y) - (x > y);
}

static void print_row(const struct dmarc_read_row *r, struct str *out)
{
	str_addf(out, "%8" PRIu64 "  %-39s %-10s dkim=%-4s spf=%-4s from %s", r->count, r->row.ip,
	    r->row.disposition, r->row.dkim_aligned ? "pass" : "fail",
	    r->row.spf_aligned ? "pass" : "fail", r->row.author);
	if (*r->row.envelope_from)
		str_addf(out, ", sender %s %s", r->row.envelope_from, trust_result_name(r->row.spf));
	for (size_t i = 0; i < r->row.dkim_count; i++)
		str_addf(out, ", signed by %s %s", r->row.dkim[i].domain,
		    trust_result_name(r->row.dkim[i].result));
	if (*r->row.reason)
		str_addf(out, " (%s)", r->row.reason);
	str_add_char(out, '\n');
}

static void print_text(const struct dmarc_read *r, struct str *out)
{
	struct str begin = STR(40);

	date_iso_print((time_t)r->begin, &begin);
	str_addf(out, "%s from %s, by %s (%s): p=%s%s%s\n", r->policy_domain, begin.p,
	    r->organization, r->id, r->policy, *r->sub ? " sp=" : "", r->sub);
	for (size_t i = 0; i < r->count; i++)
		print_row(&r->rows[i], out);
	if (r->cut)
		str_addf(out, "          more than %d rows, the others are left out\n", DMARC_READ_ROWS);
	str_free(&begin);
}

static void json_field(struct str *out, const char *before, const char *name, const char *value)
{
	str_addf(out, "%s\"%s\":", before, name);
	admin_json_text(out, span_of(value));
}

static void json_row(const struct dmarc_read_row *r, struct str *out)
{
	str_addf(out, "{\"count\":%" PRIu64 ",\"dkim\":%s,\"spf\":%s", r->count,
	    r->row.dkim_aligned ? "true" : "false", r->row.spf_aligned ? "true" : "false");
	json_field(out, ",", "source_ip", r->row.ip);
	json_field(out, ",", "disposition", r->row.disposition);
	json_field(out, ",", "reason", r->row.reason);
	json_field(out, ",", "header_from", r->row.author);
	json_field(out, ",", "envelope_from", r->row.envelope_from);
	json_field(out, ",", "spf_result", trust_result_name(r->row.spf));
	str_add_text(out, ",\"signatures\":[");
	for (size_t i = 0; i < r->row.dkim_count; i++) {
		json_field(out, i ? ",{" : "{", "domain", r->row.dkim[i].domain);
		json_field(out, ",", "selector", r->row.dkim[i].selector);
		json_field(out, ",", "result", trust_result_name(r->row.dkim[i].result));
		str_add_char(out, '}');
	}
	str_add_text(out, "]}");
}

static void print_json(const struct dmarc_read *r, struct str *out)
{
	json_field(out, "{", "domain", r->policy_domain);
	json_field(out, ",", "organization", r->organization);
	json_field(out, ",", "email", r->email);
	json_field(out, ",", "id", r->id);
	json_field(out, ",", "policy", r->policy);
	str_addf(out, ",\"begin\":%" PRIu64 ",\"end\":%" PRIu64 ",\"rows\":[", r->begin, r->end);
	for (size_t i = 0; i < r->count; i++) {
		str_add_text(out, i ? ",\n  " : "\n  ");
		json_row(&r->rows[i], out);
	}
	str_add_text(out, "]}");
}

static void show_report(struct show *s, struct dmarc_read *r)
{
	if (!received_is_new(&s->all, r->organization, r->id))
		return;
	qsort(r->rows, r->count, r->count ? sizeof *r->rows : 1, by_count);
	for (size_t i = 0; i < r->count; i++) {
		s->totals.messages += r->rows[i].count;
		s->totals.passed += passes(&r->rows[i].row) ? r->rows[i].count : 0;
	}
	if (admin_json() && s->totals.reports)
		str_add_text(&s->out, ",\n ");
	s->totals.reports++;
	(admin_json() ? print_json : print_text)(r, &s->out);
}

static bool show_packed(void *arg, struct span bytes, struct err *e)
{
	struct arena *a = arena_new(MEMORY_MAX, NULL, NULL);	/* a message may have many */
	struct str xml = STR(DMARC_READ_MAX);
	struct dmarc_read r;
	bool ok = unpack(bytes, &xml, e) && dmarc_read(str_span(&xml), a, &r, e);

	if (ok)
		show_report(arg, &r);
	str_free(&xml);
	arena_free(a);
	return ok;
}

static int report(int argc, char **argv)
{
	static const char *const subtypes[] = { "gzip", "x-gzip", "zip", "x-zip",
		"x-zip-compressed", "xml", NULL };
	static const char *const endings[] = { ".xml", ".xml.gz", ".gz", ".zip", NULL };
	struct show s = { .out = STR(1 << 30), .all = { .subtypes = subtypes, .endings = endings,
		.begins = "<", .show = show_packed, .arg = &s } };
	const struct totals *t = &s.totals;

	if (argc < 2)
		return admin_usage("dmarc report PATH ...: Maildirs, files, or - for standard input");
	received_open(&s.all);
	str_add_text(&s.out, admin_json() ? "[" : "");
	for (int i = 1; i < argc; i++)
		received_show(&s.all, argv[i]);
	if (admin_json())
		str_add_text(&s.out, "]\n");
	else
		str_addf(&s.out,
		    "%" PRIu64 " reports, %" PRIu64 " messages: %" PRIu64 " pass, %" PRIu64
		    " fail\n",
		    t->reports, t->messages, t->passed, t->messages - t->passed);
	admin_print(&s.out);
	received_close(&s.all);
	return s.all.bad_files ? EX_DATAERR : EX_OK;
}

/* --- what a domain wants --- */

struct question { char domain[DNS_NAME]; const char *server; };

/* As the record has it, which is a stranger's. */
static void print_rua(struct span rua)
{
	struct str out = STR(1 << 16);

	str_addf(&out, "reports go to " SPAN_FMT, SPAN_ARG(rua));
	str_cut(&out, tame(out.p, out.n));
	str_add_char(&out, '\n');
	admin_print(&out);
}

static void print_policy(const char *domain, const struct dmarc_verdict *v)
{
	const struct dmarc_record *r = &v->record;

	if (!*v->published_at) {
		printf("%s\n", v->why);
		return;
	}
	printf("%s belongs to %s\n", domain, v->organization);
	printf("the record at _dmarc.%s counts: p=%s%s%s%s%s\n", v->published_at,
	    dmarc_policy_name(r->policy), r->sub ? " sp=" : "", dmarc_policy_name(r->sub),
	    r->nowhere ? " np=" : "", dmarc_policy_name(r->nowhere));
	printf("mail that fails: %s%s\n", dmarc_policy_name(v->wanted), v->record.testing ?
	    ", one step milder because it only tests (t=y)" : "");
	printf("DKIM must be of %s, SPF of %s\n",
	    r->strict_dkim ? "the same domain" : "the same organization",
	    r->strict_spf ? "the same domain" : "the same organization");
	if (r->rua.n)
		print_rua(r->rua);
}

static void print_policy_json(const char *domain, const struct dmarc_verdict *v)
{
	const struct dmarc_record *r = &v->record;
	struct str out = STR(1 << 20);

	json_field(&out, "{", "domain", domain);
	json_field(&out, ",", "organization", v->organization);
	json_field(&out, ",", "published_at", v->published_at);
	json_field(&out, ",", "why", *v->published_at ? "" : v->why);
	json_field(&out, ",", "p", dmarc_policy_name(r->policy));
	json_field(&out, ",", "sp", dmarc_policy_name(r->sub));
	json_field(&out, ",", "np", dmarc_policy_name(r->nowhere));
	json_field(&out, ",", "wanted", dmarc_policy_name(v->wanted));
	str_addf(&out, ",\"testing\":%s,\"strict_dkim\":%s,\"strict_spf\":%s,\"rua\":",
	    r->testing ? "true" : "false", r->strict_dkim ? "true" : "false",
	    r->strict_spf ? "true" : "false");
	admin_json_text(&out, r->rua);
	str_add_text(&out, "}\n");
	admin_print(&out);
}

static int explain_domain(const struct conf *c, void *arg)
{
	const struct question *q = arg;
	struct dmarc_facts f = { .author = q->domain, .spf = { "", TRUST_NONE } };
	struct dmarc_verdict v;
	struct admin_dns d;
	struct arena *a;
	struct err e;

	if (!admin_dns_open(c, q->server, &d, &e))
		return admin_fail(&e);
	a = arena_new(MEMORY_MAX, NULL, NULL);
	dmarc_check(&f, &d.dns, a, &v);
	admin_dns_close(&d);
	(admin_json() ? print_policy_json : print_policy)(q->domain, &v);
	arena_free(a);
	return v.result == TRUST_TEMPERROR ? EX_TEMPFAIL : EX_OK;
}

static bool clean_name(const char *typed, char domain[DNS_NAME])
{
	struct arena *a = arena_new(1 << 16, NULL, NULL);
	bool ok = dns_name_clean(span_of(spf_ascii_name(span_of(typed), a)), domain) && *domain;

	arena_free(a);
	return ok;
}

static int explain(int argc, char **argv)
{
	struct question q = { .server = NULL };
	const struct admin_option options[] = { { "--resolver", &q.server }, { 0 } };

	if (!admin_take(&argc, argv, options) || argc != 2)
		return admin_usage("dmarc explain DOMAIN [--resolver ADDRESS@PORT]");
	if (!clean_name(argv[1], q.domain))
		return admin_usage("%s is no domain name", argv[1]);
	return admin_with_conf(explain_domain, &q);
}

static const struct admin_verb verbs[] = {
	{ "explain", explain, "DOMAIN [--resolver ADDRESS@PORT]",
	    "what the domain wants done with mail that is not from it" },
	{ "report", report, "PATH ...",
	    "aggregate reports that others sent: Maildirs, messages, XML, gzip, zip" },
	{ .name = NULL }
};

int admin_dmarc(int argc, char **argv)
{
	return admin_run("posthorn dmarc", verbs, argc, argv);
}
