/*
 * NAME
 *	mta-report - tell domains what came in their name (DMARC aggregate reports)
 * DESCRIPTION
 *	sched has it started once a day. Of each day that is over it reads the rows that mta-hints
 *	noted, makes one report for each policy domain (RFC 9990), and puts it into the queue for
 *	those whom the domain's record names today. A destination outside of the domain's
 *	organization must have said that it wants such reports (RFC 9990, external destinations).
 *	No organization gets more than so many in one go. Then the day's file goes. Killed on the way, it begins the day anew: a report that goes out
 *	twice has the same id and file name both times.
 * FILES
 *	QUEUE/hints/dmarc.YYYY-MM-DD	one row a message; a day of UTC
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/mem.h"
#include "common/base/siphash.h"
#include "common/keeper/role.h"
#include "common/mail/date.h"
#include "common/mail/encoding.h"
#include "common/mail/maillog.h"
#include "common/mail/trace.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/os/log.h"
#include "common/queue/queue.h"
#include "common/smtp/path.h"
#include "common/trust/dmarc-report.h"
#include "common/trust/dmarc.h"
#include "mta/rows.h"

enum {
	XML_MAX		= 64 << 20,
	MEMORY_MAX	= 256 << 20,
	OWN_MAX		= 50,		/* reports in one go to an organization about itself: nobody has asked for them */
	WANTED_MAX	= 500,		/* to one that said it wants them */
	COUNTERS	= 4096,
	RUA_MAX		= 5,		/* addresses that one record may name; RFC 9989 asks for two at least */
	DAY_S		= 86400,
	GZIP		= 15 + 16,	/* windowBits of zlib: the largest, with gzip's frame */
};

struct reporter {
	struct role_self	 self;
	struct station		 own;
	int			 hints;		/* directory */
	int			 resolver;
	struct trust_dns	 dns;
	struct arena		*arena;		/* of one domain */
	bool			 late;		/* one question about this domain had no answer: no more of them */
	bool			 alone;		/* the resolver is gone, and did not come back */
	uint64_t		 secret[2];	/* of the hash that says which counter is whose */
	uint16_t		 told[COUNTERS];	/* reports to an organization; some share one counter */
};

/* One report on its way. */
struct job {
	const char		*domain;
	int64_t			 begin;
	char			 day[ROWS_DAY];
	const char		*id;
	struct dmarc_record	 record;
	struct rcpt		 rcpts[RUA_MAX];
	size_t			 count;
};

/* --- to whom --- */

/*
 * A resolver that was started anew is asked again. A domain whose servers do not answer is left at its
 * first question: there may be thousands of them, and each would take minutes.
 */
static void ask(void *arg, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out)
{
	struct reporter *r = arg;
	struct err e;

	*out = (struct dns_answer){ .found = DNS_FAILED, .why = "it took too long" };
	for (int try = 0; try < 2 && !r->late; try++) {
		if (try)
			fd_close(&r->resolver);
		if ((r->resolver >= 0 || role_connect(&r->self, "resolver", &r->resolver, &e)) &&
		    resolve(r->resolver, name, type, a, out, &e)) {
			r->late = out->found == DNS_FAILED;
			return;
		}
	}
	if (r->late)
		return;
	log_error("reports have to wait: %s", e.text);
	r->late = r->alone = true;
}

/*
 * Who makes up domains, each with a record of its own and mail in its name, could have us send a report
 * for each to whoever takes his mail. So an organization gets only so many.
 */
static bool has_room(struct reporter *r, const char *organization, unsigned most)
{
	uint16_t *told = &r->told[siphash(r->secret, span_of(organization)) % COUNTERS];

	if (*told == most)
		log_warn("no more than %u DMARC reports to %s in one go", most, organization);
	*told += *told <= most;
	return *told <= most;
}

static bool find_record(struct reporter *r, const char *name, struct dmarc_record *out)
{
	struct str text = STR(XML_MAX);
	struct dns_answer answer;
	bool found = false;

	r->dns.ask(r->dns.arg, name, DNS_TXT, r->arena, &answer);
	for (size_t i = 0; answer.found == DNS_YES && i < answer.count && !found; i++) {
		str_reset(&text);
		found = trust_dns_text(answer.records[i], &text) && dmarc_is_record(str_span(&text)) &&
		    dmarc_record_parse(arena_copy(r->arena, str_span(&text)), out, NULL);
	}
	str_free(&text);
	return found;
}

/* "v=DMARC1" at DOMAIN._report._dmarc.HOST: yes, we want reports about it. A policy is not needed there. */
static bool wants_ours(struct reporter *r, const char *domain, const char *host)
{
	const char *name = arena_printf(r->arena, "%s._report._dmarc.%s", domain, host);
	struct str text = STR(XML_MAX);
	struct dns_answer answer;
	bool wants = false;

	r->dns.ask(r->dns.arg, name, DNS_TXT, r->arena, &answer);
	for (size_t i = 0; answer.found == DNS_YES && i < answer.count; i++) {
		str_reset(&text);
		wants = wants || (trust_dns_text(answer.records[i], &text) && dmarc_is_record(str_span(&text)));
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
		return has_room(r, organization, OWN_MAX);
	if (wants_ours(r, domain, host))
		return has_room(r, organization, WANTED_MAX);
	log_info("no DMARC report about %s to " SPAN_FMT ": %s does not say that it wants any", domain,
	    SPAN_ARG(address), host);
	return false;
}

static void find_recipients(struct reporter *r, struct job *j)
{
	struct span list = j->record.rua, address;

	while (j->count < RUA_MAX && dmarc_eat_mailto(&list, &address)) {
		if (!path_is_address(address, false) || !may_hear(r, j->domain, address))
			continue;
		j->rcpts[j->count] = (struct rcpt){ .number = (unsigned)j->count, .address = arena_text(r->arena, address),
			.notify = NOTIFY_NEVER };
		j->count++;
	}
}

/* --- the message --- */

static bool compress_text(struct span in, struct str *out)
{
	z_stream z = { .next_in = (unsigned char *)in.p, .avail_in = (unsigned)in.n };
	size_t room;
	int code;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	room = deflateBound(&z, in.n);
	z.next_out = (unsigned char *)str_room(out, room);
	z.avail_out = (unsigned)room;
	code = z.next_out ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	if (code == Z_STREAM_END)
		str_grew(out, z.total_out);
	deflateEnd(&z);
	return code == Z_STREAM_END;
}

static const char *report_address(const struct reporter *r)
{
	const char *postmaster = r->self.conf.postmaster;

	return strchr(postmaster, '@') ? postmaster :
	    arena_printf(r->arena, "%s@%s", postmaster, r->self.conf.host_name);
}

static void put_header(const struct reporter *r, const struct job *j, const char *boundary, struct str *out)
{
	const char *us = r->self.conf.host_name, *from = report_address(r);
	time_t now = clock_wall();

	trace_received(&(struct trace){ .helo = "", .peer_ip = "", .peer_name = "", .by = us, .protocol = "local",
	    .tls = "", .id = j->id, .recipient = "", .login = "", .when = now, .zone = 0 }, out);
	str_addf(out, "From: DMARC reports of %s <%s>\nTo: ", us, from);
	for (size_t i = 0; i < j->count; i++)
		str_addf(out, "%s<%s>", i ? ",\n\t" : "", j->rcpts[i].address);
	str_addf(out, "\nSubject: Report Domain: %s\n\tSubmitter: %s\n\tReport-ID: <%s.%s@%s>\nDate: ", j->domain, us,
	    j->day, j->domain, us);
	date_print(now, 0, out);
	str_addf(out, "\nMessage-ID: <%s.%s.%s@%s>\nMIME-Version: 1.0\nAuto-Submitted: auto-generated\n"
	    "Content-Type: multipart/mixed; boundary=\"%s\"\n\n", j->day, j->domain, j->id, us, boundary);
}

static void put_parts(const struct reporter *r, const struct job *j, struct span gz, const char *boundary, struct str *out)
{
	struct base64_encoder encoder = { 0 };

	str_addf(out, "--%s\nContent-Type: text/plain; charset=us-ascii\n\n"
	    "This is a DMARC aggregate report about mail that came to %s\n"
	    "on %s (UTC) in the name of %s.\n\n", boundary, r->self.conf.host_name, j->day, j->domain);
	str_addf(out, "--%s\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n"
	    "Content-Disposition: attachment;\n\tfilename=\"%s!%s!%lld!%lld.xml.gz\"\n\n", boundary, r->self.conf.host_name,
	    j->domain, (long long)j->begin, (long long)j->begin + DAY_S - 1);
	base64_feed(&encoder, gz, out);
	base64_end(&encoder, out);
	str_addf(out, "\n--%s--\n", boundary);
}

static bool put_message(struct reporter *r, struct job *j, struct span gz, struct err *e)
{
	const char *boundary = arena_printf(r->arena, "=_dmarc.%s", j->id);
	struct envelope env = { .sender = report_address(r), .peer = "local", .protocol = "local", .rcpts = j->rcpts,
		.rcpt_count = j->count };
	struct queue_put *q = queue_put_open(&r->own, j->id, e);
	struct str text = STR(XML_MAX);
	bool ok;

	if (!q)
		return false;
	put_header(r, j, boundary, &text);
	put_parts(r, j, gz, boundary, &text);
	queue_put_bytes(q, str_span(&text));
	ok = !text.over ? queue_put_commit(q, &env, e) : (queue_put_drop(q), err_perm(e, "5.3.4", "it is too large"));
	str_free(&text);
	return ok;
}

/* --- one domain --- */

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

static bool send_report(struct reporter *r, struct job *j, const struct span *lines, size_t count, struct err *e)
{
	struct str xml = STR(XML_MAX), gz = STR(XML_MAX);
	bool ok;

	dmarc_report_begin(&(struct dmarc_report){ .organization = r->self.conf.host_name, .email = report_address(r),
	    .id = arena_printf(r->arena, "%s.%s@%s", j->day, j->domain, r->self.conf.host_name), .begin = j->begin,
	    .end = j->begin + DAY_S - 1, .policy_domain = j->domain, .record = &j->record }, &xml);
	put_rows(r, lines, count, &xml);
	dmarc_report_end(&xml);
	ok = !xml.over && compress_text(str_span(&xml), &gz) ? put_message(r, j, str_span(&gz), e) :
	    err_perm(e, "5.3.4", "it is too large");
	str_free(&xml);
	str_free(&gz);
	return ok;
}

/* False: it must be tried again (a full disk, no resolver). A report that can not be made is no reason. */
static bool report_domain(struct reporter *r, struct job *j, const struct span *lines, size_t count)
{
	char id[ID_SIZE];
	struct err e;

	r->late = false;
	if (!find_record(r, arena_printf(r->arena, "_dmarc.%s", j->domain), &j->record))
		return !r->alone;
	find_recipients(r, j);
	if (r->alone || !j->count)
		return !r->alone;
	queue_new_id(id);
	j->id = id;
	if (send_report(r, j, lines, count, &e)) {
		maillog_reported(id, j->domain, j->day, count);
		return true;
	}
	log_error("DMARC report about %s: %s", j->domain, e.text);
	return e.kind != ERR_TEMP;
}

/* --- one day --- */

static struct span first_word(struct span line)
{
	return span_word(&line);
}

static int by_bytes(const void *a, const void *b)
{
	return span_order(*(const struct span *)a, *(const struct span *)b);
}

static struct span *sorted_lines(struct span text, size_t *count)
{
	struct span *lines = NULL, line;

	*count = 0;
	while (span_cut(&text, '\n', &line)) {
		if ((*count & (*count - 1)) == 0)
			lines = mem_more(lines, *count ? 2 * *count : 1, sizeof *lines);
		lines[(*count)++] = line;
	}
	if (*count)
		qsort(lines, *count, sizeof *lines, by_bytes);
	return lines;
}

static bool report_day(struct reporter *r, const char *day, int64_t begin, struct span text)
{
	size_t count, n;
	struct span *lines = sorted_lines(text, &count);
	bool ok = true;

	for (size_t i = 0; ok && i < count; i += n) {
		struct job j = { .begin = begin };

		for (n = 1; i + n < count && span_same(first_word(lines[i]), first_word(lines[i + n])); n++)
			;
		snprintf(j.day, sizeof j.day, "%s", day);
		j.domain = arena_text(r->arena, first_word(lines[i]));
		if (*j.domain)
			ok = report_domain(r, &j, lines + i, n);
		arena_reset(r->arena);
	}
	free(lines);
	return ok;
}

static void do_file(struct reporter *r, const char *name, const char *day, int64_t begin)
{
	struct str text = STR(ROWS_MAX);
	int fd = file_open_beneath(r->hints, name, O_RDONLY, 0);
	struct err e;

	if (fd < 0 || !file_read_all(fd, &text, &e))
		log_error("cannot read %s", name);
	else if (report_day(r, day, begin, str_span(&text)))
		unlinkat(r->hints, name, 0);
	fd_close(&fd);
	str_free(&text);
}

static void do_all(struct reporter *r)
{
	int fd = openat(r->hints, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	char day[ROWS_DAY];
	int64_t begin;

	while (d && (entry = readdir(d))) {
		if (rows_day(entry->d_name, "dmarc", day, &begin) && begin + DAY_S <= clock_wall())
			do_file(r, entry->d_name, day, begin);
	}
	if (d)
		closedir(d);
	else
		fd_close(&fd);
}

/* --- the start --- */

static bool open_all(struct reporter *r, struct err *e)
{
	int queue = queue_open(r->self.conf.queue_directory, e);
	bool ok = queue >= 0 && station_open(queue, "in/own", &r->own, e);

	r->hints = ok ? openat(queue, "hints", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	fd_close(&queue);
	return ok && (r->hints >= 0 || err_sys(e, "cannot open hints/"));
}

int main(int argc, char **argv)
{
	static struct reporter r = { .resolver = -1 };
	struct err e;

	role_begin(&r.self, ROLE_REPORT, argc, argv);
	if (getrandom(r.secret, sizeof r.secret, 0) != sizeof r.secret)
		return EX_TEMPFAIL;
	if (!open_all(&r, &e)) {
		log_error("cannot report: %s", e.text);
		return EX_TEMPFAIL;
	}
	r.arena = arena_new(MEMORY_MAX, NULL, NULL);
	r.dns = (struct trust_dns){ ask, &r };
	role_jail(&r.self);
	do_all(&r);
	return r.alone ? EX_TEMPFAIL : EXIT_SUCCESS;
}
