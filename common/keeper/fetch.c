/*
 * NAME
 *	posthorn-fetch - ask a web server, for one who may not
 * DESCRIPTION
 *	The one process with an HTTP client in it (libcurl): it fetches MTA-STS policies and brings TLS
 *	reports to where a domain wants them. Jobs come over fd 5 (net/fetch.h), one after the other; the
 *	end of that channel is the end of the process. It sees no files but certificates of
 *	authorities, so that what a web server makes of it finds nothing.
 *
 *	Whoever gets mail from us chooses where we ask. So it goes to no address that loops back or of
 *	a private network, which may be on our side of a firewall (mta fetch-private allows it).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>

#include "common/keeper/role.h"
#include "common/net/address.h"
#include "common/net/fetch.h"
#include "common/net/https.h"
#include "common/os/file.h"
#include "common/os/log.h"

enum { MEMORY_MAX = 1 << 20, REPORT_MAX = 16 << 20, AUTHORITIES_MAX = 16 << 20 };

struct fetcher {
	struct role_self	 self;
	struct str		 authorities;	/* PEM; empty: the system's */
	struct str		 body;		/* of the answer */
	struct str		 report;	/* to be posted */
	struct arena		*arena;		/* of one job */
	struct packet		 packet;
};

/* RFC 6890: nobody's in particular, or another network in disguise (6to4, NAT64, Teredo). */
static const char *const private_networks[] = {
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3", "::/96",
	"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2002::/16", "fc00::/7",
	"fe80::/10", "fec0::/10", "ff00::/8",
};

static bool may_go(const struct fetcher *f, const char *ip)
{
	struct address a;

	return address_parse(span_of(ip), &a) && (f->self.conf.mta_fetch_private ||
	    !networks_have(private_networks, sizeof private_networks / sizeof *private_networks,
	    &a));
}

/* Only those where it may go are left. */
static bool choose(const struct fetcher *f, struct fetch_job *j, struct fetch_result *r)
{
	const char **ips = arena_array(f->arena, FETCH_IPS, sizeof *ips);
	size_t count = 0;

	for (size_t i = 0; i < j->count; i++) {
		if (may_go(f, j->ips[i]))
			ips[count++] = j->ips[i];
	}
	if (!count)
		r->trouble = arena_printf(f->arena,
		    "%s has only addresses that loop back or of a private network", j->host);
	j->ips = ips;
	j->count = count;
	return count;
}

static void ask(struct fetcher *f, const struct fetch_job *j, struct fetch_result *r)
{
	const char *agent = arena_printf(f->arena, "Posthorn (%s)", f->self.conf.host_name);
	const struct https_request request = { .host = j->host, .port = j->port, .path = j->path,
		.ips = j->ips, .ip_count = j->count, .agent = agent,
		.authorities = str_span(&f->authorities), .type = *j->type ? j->type : NULL,
		.body = str_span(&f->report), .timeout_s = FETCH_S };
	struct https_answer answer;
	struct err e = { 0 };

	switch (https_ask(&request, &answer, &f->body, &e)) {
	case HTTPS_ANSWERED:	r->why = FETCH_ANSWERED; break;
	case HTTPS_UNREACHABLE:	r->why = FETCH_UNREACHABLE; break;
	case HTTPS_UNTRUSTED:	r->why = FETCH_UNTRUSTED; break;
	}
	r->trouble = arena_text(f->arena, span_of(e.text));
	if (r->why != FETCH_ANSWERED)
		return;
	r->status = answer.status;
	r->type = arena_text(f->arena, span_of(answer.type));
	r->body = str_span(&f->body);
}

static void work(struct fetcher *f)
{
	struct fetch_result r = { .why = FETCH_UNREACHABLE, .trouble = "", .type = "",
		.body = SPAN("") };
	struct fetch_job j;
	struct err e = { 0 };
	bool ok = fetch_take(&f->packet, f->arena, &j);

	packet_drop_fds(&f->packet);
	if (!ok) {
		log_error("a job that is none");
		exit(EX_PROTOCOL);
	}
	str_reset(&f->body);
	str_reset(&f->report);
	if (*j.type && !file_read_all(j.body, &f->report, &e))
		r.trouble = arena_text(f->arena, span_of(e.text));
	else if (choose(f, &j, &r))
		ask(f, &j, &r);
	fd_close(&j.body);
	fetch_answer(&f->packet, &r);
	if (!packet_send(f->self.work, &f->packet, &e))
		exit(EX_TEMPFAIL);
	arena_reset(f->arena);
}

static bool read_authorities(struct fetcher *f, struct err *e)
{
	const char *path = f->self.conf.mta_authorities;
	int fd = *path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	bool ok = !*path || (fd >= 0 ? file_read_all(fd, &f->authorities, e) :
	    err_sys(e, "cannot open it"));

	fd_close(&fd);
	return ok || err_while(e, "authorities in %s", path);
}

int main(int argc, char **argv)
{
	static struct fetcher f = { .authorities = STR(AUTHORITIES_MAX),
		.body = STR(FETCH_BODY_MAX), .report = STR(REPORT_MAX) };
	struct err e;

	role_begin(&f.self, ROLE_FETCH, argc, argv);
	if (!https_prepare(&e) || !read_authorities(&f, &e)) {
		log_error("cannot start: %s", e.text);
		return EX_TEMPFAIL;
	}
	f.arena = arena_new(MEMORY_MAX, NULL, NULL);
	role_jail(&f.self);
	while (packet_recv(f.self.work, &f.packet, MS_NEVER) == PACKET_OK)
		work(&f);
	return EXIT_SUCCESS;
}
