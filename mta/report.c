/*
 * NAME
 *	mta-report - tell domains what came in their name, and how TLS went with their servers
 * DESCRIPTION
 *	sched has it started again and again. Of each day that is over it reads the rows that mta-hints
 *	noted, makes one report for each policy domain (DMARC: RFC 9990, TLS: RFC 8460), and puts it
 *	into the queue for those whom the domain's record names today. Then the day's file goes.
 *	Killed on the way, it begins the day anew: a report that goes out twice has the same id and file
 *	name both times. No organization gets more than so many in one go. Before all that it fetches
 *	MTA-STS policies anew that are a day old.
 * FILES
 *	QUEUE/hints/dmarc.YYYY-MM-DD	one row a message; a day of UTC
 *	QUEUE/hints/tlsrpt.YYYY-MM-DD	one row for all connections that went alike
 *	QUEUE/hints/sts/DOMAIN		policies
 */
#include "mta/report.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/mem.h"
#include "common/base/siphash.h"
#include "common/mail/date.h"
#include "common/mail/encoding.h"
#include "common/mail/trace.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/os/log.h"
#include "common/smtp/path.h"

enum {
	MEMORY_MAX	= 256 << 20,
	GZIP		= 15 + 16,	/* windowBits of zlib: the largest, with gzip's frame */
};

/* --- to whom --- */

/*
 * A resolver that was started anew is asked again. A domain whose servers do not answer is left at its
 * first question: there may be thousands of them, and each would take minutes.
 */
static void ask(void *arg, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out)
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

bool report_has_room(struct reporter *r, const char *kind, const char *organization, unsigned most)
{
	uint16_t *told = &r->told[siphash(r->secret, span_of(organization)) % REPORT_COUNTERS];

	if (*told == most)
		log_warn("no more than %u %s reports to %s in one go", most, kind, organization);
	*told += *told <= most;
	return *told <= most;
}

bool report_add_recipient(struct reporter *r, struct domain_report *j, struct span address)
{
	if (j->count == REPORT_RUA_MAX || !path_is_address(address, false))
		return false;
	j->rcpts[j->count] = (struct rcpt){ .number = (unsigned)j->count,
		.address = arena_text(r->arena, address), .notify = NOTIFY_NEVER };
	j->count++;
	return true;
}

/* --- the message --- */

bool report_compress(struct span in, struct str *out)
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

const char *report_address(const struct reporter *r)
{
	const char *postmaster = r->self.conf.postmaster;

	return strchr(postmaster, '@') ? postmaster :
	    arena_printf(r->arena, "%s@%s", postmaster, r->self.conf.host_name);
}

void report_put_fields(const struct reporter *r, const struct domain_report *j, const char *what,
    struct str *out)
{
	const char *us = r->self.conf.host_name;
	time_t now = clock_wall();

	trace_received(&(struct trace){ .helo = "", .peer_ip = "", .peer_name = "", .by = us,
	    .protocol = "local", .tls = "", .id = j->id, .recipient = "", .login = "", .when = now,
	    .zone = 0 }, out);
	str_addf(out, "From: %s of %s <%s>\nTo: ", what, us, report_address(r));
	for (size_t i = 0; i < j->count; i++)
		str_addf(out, "%s<%s>", i ? ",\n\t" : "", j->rcpts[i].address);
	str_addf(out,
	    "\nSubject: Report Domain: %s\n\tSubmitter: %s\n\tReport-ID: <%s.%s@%s>\nDate: ",
	    j->domain, us, j->day, j->domain, us);
	date_print(now, 0, out);
	str_addf(out,
	    "\nMessage-ID: <%s.%s.%s@%s>\nMIME-Version: 1.0\nAuto-Submitted: auto-generated\n",
	    j->day, j->domain, j->id, us);
}

void report_put_attachment(const char *type, const char *file, struct span bytes,
    const char *boundary, struct str *out)
{
	struct base64_encoder encoder = { 0 };

	str_addf(out, "--%s\nContent-Type: %s\nContent-Transfer-Encoding: base64\n"
	    "Content-Disposition: attachment;\n\tfilename=\"%s\"\n\n", boundary, type, file);
	base64_feed(&encoder, bytes, out);
	base64_end(&encoder, out);
	str_addf(out, "\n--%s--\n", boundary);
}

bool report_put(struct reporter *r, const struct domain_report *j, const struct str *text,
    struct err *e)
{
	struct envelope env = { .sender = report_address(r), .peer = "local", .protocol = "local",
		.rcpts = (struct rcpt *)j->rcpts, .rcpt_count = j->count,
		.tls_optional = j->tls_optional };
	struct queue_put *q = text->over ? NULL : queue_put_open(&r->own, j->id, e);

	if (!q)
		return text->over ? err_perm(e, "5.3.4", "it is too large") : false;
	queue_put_bytes(q, str_span(text));
	return queue_put_commit(q, &env, e);
}

/* --- one day --- */

static const struct kind {
	const char	*name;
	size_t		 setting;	/* of struct conf: 0 for never */
	bool		(*report)(struct reporter *r, struct domain_report *j,
			    const struct span *lines, size_t count);
} kinds[] = {
	{ "dmarc", offsetof(struct conf, gate_dmarc_reports), report_dmarc },
	{ "tlsrpt", offsetof(struct conf, mta_tls_reports), report_tls },
};

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

static bool report_day(struct reporter *r, const struct kind *kind, const char *day, int64_t begin,
    struct span text)
{
	size_t count, n;
	struct span *lines = sorted_lines(text, &count);
	bool ok = true;

	for (size_t i = 0; ok && i < count; i += n) {
		struct domain_report j = { .begin = begin };

		for (n = 1; i + n < count && span_same(first_word(lines[i]),
		    first_word(lines[i + n])); n++)
			;
		snprintf(j.day, sizeof j.day, "%s", day);
		j.domain = arena_text(r->arena, first_word(lines[i]));
		queue_new_id(j.id);
		r->late = false;
		if (*j.domain)
			ok = kind->report(r, &j, lines + i, n);
		arena_reset(r->arena);
	}
	free(lines);
	return ok;
}

static void do_file(struct reporter *r, const struct kind *kind, const char *name, const char *day,
    int64_t begin)
{
	struct str text = STR(ROWS_MAX);
	int fd = file_open_beneath(r->hints, name, O_RDONLY, 0);
	struct err e;

	if (fd < 0 || !file_read_all(fd, &text, &e))
		log_error("cannot read %s", name);
	else if (report_day(r, kind, day, begin, str_span(&text)))
		unlinkat(r->hints, name, 0);
	fd_close(&fd);
	str_free(&text);
}

static void look_at(struct reporter *r, const char *name)
{
	char day[ROWS_DAY];
	int64_t begin;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		bool wanted = *(const uint64_t *)((const char *)&r->self.conf + kinds[i].setting);

		if (wanted && rows_day(name, kinds[i].name, day, &begin) &&
		    begin + DAY_S <= clock_wall())
			do_file(r, &kinds[i], name, day, begin);
	}
}

static void do_all(struct reporter *r)
{
	int fd = openat(r->hints, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		look_at(r, entry->d_name);
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
	static struct reporter r = { .resolver = -1, .memory = -1 };
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
	if (r.self.conf.mta_sts)
		refresh_policies(&r);		/* first: it has an end, and reports to many dead domains hardly do */
	do_all(&r);
	return r.alone ? EX_TEMPFAIL : EXIT_SUCCESS;
}
