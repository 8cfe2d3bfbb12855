/* TLS reports: how it went with a domain's servers. RFC 8460. See report.h. */
#include "mta/report.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/mail/maillog.h"
#include "common/net/fetch.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/os/log.h"
#include "common/trust/tlsrpt.h"

enum {
	MOST		= 500,		/* reports in one go to one place */
	WEB_MS		= 600000,	/* in one go: web servers that do not answer must not hold up the mails */
	ROW_MEMORY	= 1 << 18,
	HTTPS_PORT	= 443,
};

#define GZ	"application/tlsrpt+gzip"

/* --- the document --- */

/* Rows are as many as connections that failed, each in another way; only the sums are kept. */
static uint64_t add_rows(const struct span *lines, size_t count, struct tlsrpt_report *sums)
{
	struct arena *a = arena_new(ROW_MEMORY, NULL, NULL);
	struct tlsrpt_row row;
	uint64_t sessions = 0;

	for (size_t i = 0; i < count; i++) {
		if (tlsrpt_row_parse(lines[i], a, &row)) {
			tlsrpt_add(sums, &row);
			sessions += row.count;
		}
		arena_reset(a);
	}
	arena_free(a);
	return sessions;
}

/* gzip of it. False: no row makes sense, or too large. */
static bool make_document(struct reporter *r, const struct domain_report *j,
    const struct span *lines, size_t count, uint64_t *sessions, struct str *gz)
{
	struct tlsrpt_report *sums = tlsrpt_new(r->arena);
	struct str json = STR(REPORT_TEXT_MAX);
	bool ok;

	sums->organization = r->self.conf.host_name;
	sums->contact = report_address(r);
	sums->id = arena_printf(r->arena, "%s.%s@%s", j->day, j->domain, r->self.conf.host_name);
	sums->begin = j->begin;
	sums->end = j->begin + DAY_S - 1;
	*sessions = add_rows(lines, count, sums);
	ok = *sessions && tlsrpt_print(sums, &json) && report_compress(str_span(&json), gz);
	str_free(&json);
	return ok;
}

/* --- by mail: RFC 8460 5.3 --- */

static void add_recipient(struct reporter *r, struct domain_report *j, const char *address)
{
	struct span host = span_from(span_of(address),
	    (size_t)(span_rfind(span_of(address), '@') + 1));

	if (report_has_room(r, "TLS", arena_text(r->arena, host), MOST))
		report_add_recipient(r, j, span_of(address));
}

/* The name that 5.1 asks for; our id, in which the dots are ours, makes it the only one. */
static const char *file_name(const struct reporter *r, const struct domain_report *j)
{
	char *id = arena_text(r->arena, span_of(j->id));
	char *to = id;

	for (const char *from = id; *from; from++) {
		if (is_alnum(*from))
			*to++ = *from;
	}
	*to = '\0';
	return arena_printf(r->arena, "%s!%s!%lld!%lld!%s.json.gz", r->self.conf.host_name,
	    j->domain, (long long)j->begin, (long long)j->begin + DAY_S - 1, id);
}

static bool send_mail(struct reporter *r, struct domain_report *j, struct span gz, struct err *e)
{
	const char *boundary = arena_printf(r->arena, "=_tlsrpt.%s", j->id),
	    *us = r->self.conf.host_name;
	struct str text = STR(REPORT_TEXT_MAX);
	bool ok;

	j->tls_optional =
	    true; /* where TLS fails, the report of that must arrive all the same: RFC 8460 5.3 */
	report_put_fields(r, j, "TLS reports", &text);
	str_addf(&text, "TLS-Report-Domain: %s\nTLS-Report-Submitter: %s\nTLS-Required: No\n"
	    "Content-Type: multipart/report; report-type=\"tlsrpt\";\n\tboundary=\"%s\"\n\n",
	    j->domain, us, boundary);
	str_addf(&text, "--%s\nContent-Type: text/plain; charset=us-ascii\n\n"
	    "This is a report about TLS between %s\n"
	    "and the servers of %s, on %s (UTC).\n\n", boundary, us, j->domain, j->day);
	report_put_attachment(GZ, file_name(r, j), gz, boundary, &text);
	ok = report_put(r, j, &text, e);
	str_free(&text);
	return ok;
}

/* --- to a web server: RFC 8460 5.4 --- */

static int as_file(struct span bytes, struct err *e)
{
	int fd = memfd_create("report", MFD_CLOEXEC);

	if (fd < 0) {
		err_sys(e, "cannot hold it in memory");
		return -1;
	}
	if (!file_write(fd, bytes, e) || lseek(fd, 0, SEEK_SET) < 0)
		fd_close(&fd);
	return fd;
}

static bool post(struct reporter *r, struct fetch_job *f, struct fetch_result *got, struct err *e)
{
	const char **ips;
	int channel = -1;
	bool ok;

	if (!resolve_host(r->resolver, f->host, r->arena, &ips, &f->count, e))
		return false;
	f->ips = ips;
	ok = role_fetch(&r->self, &channel, e) && fetch(channel, f, r->arena, got, e);
	fd_close(&channel);
	if (!ok)
		return false;
	if (got->why != FETCH_ANSWERED)
		return err_temp(e, "4.4.2", "%s", got->trouble);
	return got->status / 100 == 2 || err_temp(e, "4.4.2", "the web server answers %u",
	    got->status);
}

/* Once: a report that does not get there is no loss, and waiting for it would hold up the others. */
static void send_web(struct reporter *r, const struct domain_report *j, struct fetch_job *f,
    struct span gz)
{
	struct fetch_result got;
	struct err e = { 0 };
	ms_t begin = clock_ms();

	if (r->web > WEB_MS || !report_has_room(r, "TLS", f->host, MOST))
		return;
	f->type = GZ;
	f->body = as_file(gz, &e);
	if (f->body >= 0 && post(r, f, &got, &e))
		log_info("reported domain=%s day=%s url=https://%s:%u%s", j->domain, j->day,
		    f->host, f->port, f->path);
	else
		log_warn("TLS report about %s to %s: %s", j->domain, f->host, e.text);
	fd_close(&f->body);
	r->web += clock_ms() - begin;
	if (r->web > WEB_MS)
		log_warn("web servers take too long: no more TLS reports to them in one go");
}

/* --- one domain --- */

static void serve_uris(struct reporter *r, struct domain_report *j, struct span rua, struct span gz)
{
	struct span uri;

	for (int i = 0; i < REPORT_RUA_MAX && tlsrpt_eat_uri(&rua, &uri); i++) {
		struct fetch_job f = { .port = HTTPS_PORT };
		const char *address = tlsrpt_mailto(uri, r->arena);

		if (address)
			add_recipient(r, j, address);
		else if (tlsrpt_https(uri, r->arena, &f.host, &f.port, &f.path))
			send_web(r, j, &f, gz);
	}
}

static bool send_report(struct reporter *r, struct domain_report *j, struct span rua,
    const struct span *lines, size_t count)
{
	struct str gz = STR(REPORT_TEXT_MAX);
	uint64_t sessions;
	struct err e;
	bool ok = true;

	if (make_document(r, j, lines, count, &sessions, &gz)) {
		serve_uris(r, j, rua, str_span(&gz));
		ok = !j->count || send_mail(r, j, str_span(&gz), &e);
		if (ok && j->count)
			maillog_reported(j->id, j->domain, j->day, sessions);
	}
	if (!ok)
		log_error("TLS report about %s: %s", j->domain, e.text);
	str_free(&gz);
	return ok || e.kind != ERR_TEMP;
}

bool report_tls(struct reporter *r, struct domain_report *j, const struct span *lines, size_t count)
{
	struct str text = STR(TLSRPT_RUA_MAX);
	struct dns_answer txt;
	struct span rua;
	bool ok = true;

	r->dns.ask(r->dns.arg, arena_printf(r->arena, "_smtp._tls.%s", j->domain), DNS_TXT,
	    r->arena, &txt);
	if (tlsrpt_record_find(&txt, &text, &rua))
		ok = send_report(r, j, rua, lines, count);
	str_free(&text);
	return ok && !r->alone;
}
