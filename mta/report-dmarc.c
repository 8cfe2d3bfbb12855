/* DMARC aggregate reports: what came in a domain's name. RFC 9990. See report.h. */
#include "mta/report.h"

#include "common/mail/maillog.h"
#include "common/os/log.h"
#include "common/smtp/path.h"
#include "common/trust/dmarc-report.h"
#include "common/trust/dmarc.h"

enum {
	OWN_MAX =
	    50, /* reports in one go to an organization about itself: nobody has asked for them */
	WANTED_MAX = 500, /* to one that said it wants them */
};

/* --- to whom: a destination outside of the domain's organization must have said that it wants such reports --- */

static bool find_record(struct reporter *r, const char *name, struct dmarc_record *out)
{
	struct str text = STR(REPORT_TEXT_MAX);
	struct dns_answer answer;
	bool found = false;

	r->dns.ask(r->dns.arg, name, DNS_TXT, r->arena, &answer);
	for (size_t i = 0; answer.found == DNS_YES && i < answer.count && !found; i++) {
		str_reset(&text);
		found = trust_dns_text(answer.records[i], &text) &&
		    dmarc_is_record(str_span(&text)) &&
		    dmarc_record_parse(arena_copy(r->arena, str_span(&text)), out, NULL);
	}
	str_free(&text);
	return found;
}

/* "v=DMARC1" at DOMAIN._report._dmarc.HOST: yes, we want reports about it. A policy is not needed there. */
static bool wants_ours(struct reporter *r, const char *domain, const char *host)
{
	const char *name = arena_printf(r->arena, "%s._report._dmarc.%s", domain, host);
	struct str text = STR(REPORT_TEXT_MAX);
	struct dns_answer answer;
	bool wants = false;

	r->dns.ask(r->dns.arg, name, DNS_TXT, r->arena, &answer);
	for (size_t i = 0; answer.found == DNS_YES && i < answer.count; i++) {
		str_reset(&text);
		wants = wants || (trust_dns_text(answer.records[i], &text) &&
		    dmarc_is_record(str_span(&text)));
	}
	str_free(&text);
	return wants;
}

static bool may_hear(struct reporter *r, const char *domain, struct span address)
{
	const char *organization;
	char host[DNS_NAME];
	struct span rest = span_from(address, (size_t)(span_rfind(address, '@') + 1));

	if (!dns_name_clean(rest, host) || !*host)
		return false;
	organization = dmarc_organization(host, &r->dns, r->arena);
	if (strcmp(dmarc_organization(domain, &r->dns, r->arena), organization) == 0)
		return report_has_room(r, "DMARC", organization, OWN_MAX);
	if (wants_ours(r, domain, host))
		return report_has_room(r, "DMARC", organization, WANTED_MAX);
	log_info("no DMARC report about %s to " SPAN_FMT ": %s does not say that it wants any",
	    domain, SPAN_ARG(address), host);
	return false;
}

static void find_recipients(struct reporter *r, struct domain_report *j,
    const struct dmarc_record *record)
{
	struct span list = record->rua, address;

	while (j->count < REPORT_RUA_MAX && dmarc_eat_mailto(&list, &address)) {
		if (path_is_address(address, false) && may_hear(r, j->domain, address))
			report_add_recipient(r, j, address);
	}
}

/* --- the message --- */

static void put_text(const struct reporter *r, const struct domain_report *j, struct span gz,
    struct str *out)
{
	const char *boundary = arena_printf(r->arena, "=_dmarc.%s", j->id);

	report_put_fields(r, j, "DMARC reports", out);
	str_addf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\n\n", boundary);
	str_addf(out, "--%s\nContent-Type: text/plain; charset=us-ascii\n\n"
	    "This is a DMARC aggregate report about mail that came to %s\n"
	    "on %s (UTC) in the name of %s.\n\n", boundary, r->self.conf.host_name, j->day,
	    j->domain);
	report_put_attachment("application/gzip", arena_printf(r->arena, "%s!%s!%lld!%lld.xml.gz",
	    r->self.conf.host_name, j->domain, (long long)j->begin,
	    (long long)j->begin + DAY_S - 1), gz, boundary, out);
}

static void put_rows(struct reporter *r, const struct span *lines, size_t count, struct str *xml)
{
	struct dmarc_row row;
	size_t same;

	for (size_t i = 0; i < count; i += same) {
		same = 1;
		while (i + same < count && span_same(lines[i], lines[i + same]))
			same++;
		if (dmarc_row_parse(lines[i], r->arena, &row))
			dmarc_report_row(&row, same, xml);
	}
}

static bool send_report(struct reporter *r, const struct domain_report *j,
    const struct dmarc_record *record, const struct span *lines, size_t count, struct err *e)
{
	struct str xml = STR(REPORT_TEXT_MAX), gz = STR(REPORT_TEXT_MAX),
	    text = STR(REPORT_TEXT_MAX);
	bool ok;

	dmarc_report_begin(&(struct dmarc_report){ .organization = r->self.conf.host_name,
	    .email = report_address(r), .id = arena_printf(r->arena, "%s.%s@%s", j->day, j->domain,
	    r->self.conf.host_name), .begin = j->begin, .end = j->begin + DAY_S - 1,
	    .policy_domain = j->domain, .record = record }, &xml);
	put_rows(r, lines, count, &xml);
	dmarc_report_end(&xml);
	ok = !xml.over && report_compress(str_span(&xml), &gz);
	if (ok)
		put_text(r, j, str_span(&gz), &text);
	ok = ok ? report_put(r, j, &text, e) : err_perm(e, "5.3.4", "it is too large");
	str_free(&xml);
	str_free(&gz);
	str_free(&text);
	return ok;
}

bool report_dmarc(struct reporter *r, struct domain_report *j, const struct span *lines,
    size_t count)
{
	struct dmarc_record record;
	struct err e;

	if (!find_record(r, arena_printf(r->arena, "_dmarc.%s", j->domain), &record))
		return !r->alone;
	find_recipients(r, j, &record);
	if (r->alone || !j->count)
		return !r->alone;
	if (send_report(r, j, &record, lines, count, &e)) {
		maillog_reported(j->id, j->domain, j->day, count);
		return true;
	}
	log_error("DMARC report about %s: %s", j->domain, e.text);
	return e.kind != ERR_TEMP;
}
