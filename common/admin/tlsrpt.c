/* posthorn tlsrpt: who wants reports about TLS, and what others report. See posthorn-tlsrpt(8). */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/admin/dns.h"
#include "common/admin/received.h"
#include "common/mail/date.h"
#include "common/trust/sts.h"
#include "common/trust/tlsrpt.h"
#include "common/trust/unpack.h"

enum { MEMORY_MAX = 256 << 20 };

struct show {
	struct received	 all;
	uint64_t	 reports, good, bad;
	struct str	 out;
};

static void print_detail(const struct tlsrpt_detail *d, struct str *out)
{
	const struct { const char *name, *text; } facts[] = {
		{ "from", d->source }, { "to", d->mx }, { "at", d->ip }, { "helo", d->helo },
		{ "why", d->reason }, { "see", d->more },
	};

	str_addf(out, "%10" PRIu64 "  %s", d->count, *d->result ? d->result : "failed");
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
		if (*facts[i].text)
			str_addf(out, " %s=%s", facts[i].name, facts[i].text);
	}
	str_add_char(out, '\n');
}

static void print_text(const struct tlsrpt_report *r, struct str *out)
{
	str_addf(out, "%s (%s), from ", *r->organization ? r->organization : "somebody", r->id);
	date_iso_print((time_t)r->begin, out);
	str_add_text(out, " to ");
	date_iso_print((time_t)r->end, out);
	str_add_char(out, '\n');
	for (size_t i = 0; i < r->count; i++) {
		const struct tlsrpt_sum *s = r->sums[i];

		str_addf(out, "  %s %s: %" PRIu64 " good, %" PRIu64 " failed\n", s->domain,
		    s->policy, s->good, s->bad);
		for (const struct tlsrpt_detail *d = s->details; d; d = d->next)
			print_detail(d, out);
	}
}

static void show_report(struct show *s, const struct tlsrpt_report *r)
{
	if (!received_is_new(&s->all, r->organization, r->id))
		return;
	for (size_t i = 0; i < r->count; i++) {
		s->good += r->sums[i]->good;
		s->bad += r->sums[i]->bad;
	}
	str_add_text(&s->out, admin_json() && s->reports ? ",\n" : "");
	s->reports++;
	if (admin_json())
		tlsrpt_print(r, &s->out);
	else
		print_text(r, &s->out);
}

static bool show_packed(void *arg, struct span bytes, struct err *e)
{
	struct arena *a = arena_new(MEMORY_MAX, NULL, NULL);
	struct str json = STR(TLSRPT_READ_MAX);
	struct tlsrpt_report *r;
	bool ok = unpack(bytes, &json, e) && tlsrpt_read(str_span(&json), a, &r, e);

	if (ok)
		show_report(arg, r);
	str_free(&json);
	arena_free(a);
	return ok;
}

static int report(int argc, char **argv)
{
	static const char *const subtypes[] = { "tlsrpt+gzip", "tlsrpt+json", "gzip", "x-gzip",
	    "json", NULL };
	static const char *const endings[] = { ".json", ".json.gz", ".gz", NULL };
	struct show s = { .out = STR(1 << 30), .all = { .subtypes = subtypes, .endings = endings,
		.begins = "{", .show = show_packed, .arg = &s } };

	if (argc < 2)
		return admin_usage("tlsrpt report PATH ...: Maildirs, files, or - for standard input");
	received_open(&s.all);
	str_add_text(&s.out, admin_json() ? "[" : "");
	for (int i = 1; i < argc; i++)
		received_show(&s.all, argv[i]);
	if (admin_json())
		str_add_text(&s.out, "]\n");
	else
		str_addf(&s.out, "%" PRIu64 " reports, %" PRIu64 " sessions: "
		    "%" PRIu64 " good, %" PRIu64 " failed\n", s.reports, s.good + s.bad, s.good,
		    s.bad);
	admin_print(&s.out);
	received_close(&s.all);
	return s.all.bad_files ? EX_DATAERR : EX_OK;
}

/* --- who wants them --- */

static void print_uris(const char *name, struct span rua, struct arena *a)
{
	const char *host, *path;
	struct span uri;

	printf("the record at %s asks for reports:\n", name);
	while (tlsrpt_eat_uri(&rua, &uri)) {
		const char *mail = tlsrpt_mailto(uri, a);
		unsigned port = 443;

		if (mail)
			printf("  by mail to %s\n", mail);
		else if (tlsrpt_https(uri, a, &host, &port, &path))
			printf("  by HTTPS to %s, port %u\n", host, port);
		else
			printf("  by a way that is not known\n");
	}
}

struct question { char domain[DNS_NAME]; const char *server; };

static int explain_domain(const struct conf *c, void *arg)
{
	const struct question *q = arg;
	struct arena *a = arena_new(MEMORY_MAX, NULL, NULL);
	const char *name = arena_printf(a, "_smtp._tls.%s", q->domain);
	struct str text = STR(TLSRPT_RUA_MAX);
	struct dns_answer txt;
	struct admin_dns d;
	struct span rua;
	struct err e;
	int code = EX_OK;

	if (!admin_dns_open(c, q->server, &d, &e)) {
		arena_free(a);
		return admin_fail(&e);
	}
	d.dns.ask(d.dns.arg, name, DNS_TXT, a, &txt);
	admin_dns_close(&d);
	if (txt.found == DNS_FAILED) {
		printf("%s: %s\n", name, txt.why);
		code = EX_TEMPFAIL;
	} else if (tlsrpt_record_find(&txt, &text, &rua)) {
		print_uris(name, rua, a);
	} else {
		printf("%s wants no reports: no record that can be used at %s\n", q->domain, name);
	}
	str_free(&text);
	arena_free(a);
	return code;
}

static int explain(int argc, char **argv)
{
	struct question q = { .server = NULL };
	const struct admin_option options[] = { { "--resolver", &q.server }, { 0 } };

	if (!admin_take(&argc, argv, options) || argc != 2 ||
	    !sts_domain(span_of(argv[1]), q.domain))
		return admin_usage("tlsrpt explain DOMAIN [--resolver ADDRESS@PORT]");
	return admin_with_conf(explain_domain, &q);
}

static const struct admin_verb verbs[] = {
	{ "explain", explain, "DOMAIN [--resolver ADDRESS@PORT]",
	  "where the domain wants reports about TLS with its servers" },
	{ "report", report, "PATH ...",
	  "reports that others sent: Maildirs, messages, JSON, gzip" },
	{ .name = NULL }
};

int admin_tlsrpt(int argc, char **argv)
{
	return admin_run("posthorn tlsrpt", verbs, argc, argv);
}
