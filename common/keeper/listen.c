/* The keeper's ports. See keeper.h and state.h. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/keeper/state.h"
#include "common/os/file.h"
#include "common/os/log.h"

/* A flood must not make the kernel drop a good client's first packet: it would come again a second later. */
enum { BACKLOG = 4096, PORTS_MAX = 65536, ACTIVATED_FIRST = 3 };

static void drop_word(struct span *s, const char *word, bool *found)
{
	*found = span_ends(*s, word);
	if (*found)
		s->n -= strlen(word);
}

bool listen_parse(struct span word, struct listener *l, struct err *e)
{
	struct listener got = { .fd = -1 };
	struct span name, host = word;
	ptrdiff_t colon;
	uint64_t port;

	if (!span_cut(&host, '=', &name) || !name.n || !span_copy(name, got.name, sizeof got.name))
		return err_perm(e, "5.3.5", "a listener is NAME=ADDRESS:PORT, not \"" SPAN_FMT "\"",
		    SPAN_ARG(word));
	drop_word(&host, ":proxy", &got.proxied);
	drop_word(&host, ":tls", &got.tls);
	colon = span_rfind(host, ':');
	if (colon < 1 || !span_u64(span_from(host, (size_t)colon + 1), 65535, &port))
		return err_perm(e, "5.3.5", "listener \"" SPAN_FMT "\" has no port", SPAN_ARG(word));
	got.port = (unsigned)port;
	host = span_to(host, (size_t)colon);
	if (span_starts(host, "[") && span_ends(host, "]"))
		host = span_to(span_from(host, 1), host.n - 2);
	if (!span_copy(host, got.address, sizeof got.address))
		return err_perm(e, "5.3.5", "listener \"" SPAN_FMT "\" has no address", SPAN_ARG(word));
	*l = got;
	return true;
}

/* --- sockets that systemd(1) has bound for us: sd_listen_fds(3) --- */

static int number_in_environment(const char *name)
{
	const char *text = getenv(name);
	uint64_t n = 0;

	return text && span_u64(span_of(text), INT32_MAX, &n) ? (int)n : 0;
}

/* The next one with that name from *at on; -1 when there is none (any more). */
static int activated(const char *name, int *at)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int count = number_in_environment("LISTEN_PID") == getpid() ?
	    number_in_environment("LISTEN_FDS") :
	    0;
	struct span rest = names ? span_of(names) : SPAN(""), one;

	for (int i = 0; i < count; i++) {
		if (!span_cut(&rest, ':', &one))
			one = span_take(&rest, rest.n);
		if (i >= *at && span_is(one, name)) {
			*at = i + 1;
			return ACTIVATED_FIRST + i;
		}
	}
	return -1;
}

/* --- sockets of our own --- */

static bool set(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

static bool bind_and_listen(int fd, const struct sockaddr_storage *sa, socklen_t n)
{
	if (!set(fd, SOL_SOCKET, SO_REUSEADDR) || !set(fd, IPPROTO_TCP, TCP_NODELAY))
		return false;
	if (sa->ss_family == AF_INET6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY))
		return false;
	return bind(fd, (const struct sockaddr *)sa, n) == 0 && listen(fd, BACKLOG) == 0;
}

static bool why_not(const struct listener *l, int *code, struct err *e)
{
	*code = errno == EACCES ? EX_NOPERM : EX_UNAVAILABLE;
	if (errno == EADDRINUSE)
		return err_perm(e, "5.3.5", "%s: port %u of %s is in use by another program",
		    l->name, l->port, l->address);
	if (errno == EACCES)
		return err_perm(e, "5.3.5", "%s: port %u of %s needs root or CAP_NET_BIND_SERVICE",
		    l->name, l->port, l->address);
	return err_sys(e, "%s: cannot listen on port %u of %s", l->name, l->port, l->address);
}

/* Which port it is in the end, and where. */
static void look_at(struct listener *l)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;
	struct address a;

	if (getsockname(l->fd, (struct sockaddr *)&sa, &n) == 0 &&
	    address_from_sockaddr(&sa, &a, &l->port))
		address_print(&a, l->address);
}

static bool add(struct keeper *k, const struct listener *l, struct err *e)
{
	struct listener *mine = &k->listeners[k->listener_count];

	if (k->listener_count == LISTENERS_MAX)
		return err_perm(e, "5.3.5", "more than %d listeners", LISTENERS_MAX);
	*mine = *l;
	fcntl(mine->fd, F_SETFD, FD_CLOEXEC);
	fcntl(mine->fd, F_SETFL, fcntl(mine->fd, F_GETFL) | O_NONBLOCK);
	look_at(mine);
	k->listener_count++;
	log_info("listening name=%s address=%s port=%u%s%s", mine->name, mine->address, mine->port,
	    mine->tls ? " tls" : "", mine->proxied ? " proxy" : "");
	return true;
}

static bool open_one(struct keeper *k, struct listener *l, int *code, struct err *e)
{
	struct sockaddr_storage sa;
	struct address a;
	socklen_t n;

	*code = EX_CONFIG;
	if (!address_parse(span_of(l->address), &a))
		return err_perm(e, "5.3.5", "%s: \"%s\" is no address to listen on", l->name, l->address);
	n = address_to_sockaddr(&a, l->port, &sa);
	l->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0 || !bind_and_listen(l->fd, &sa, n)) {
		why_not(l, code, e);
		fd_close(&l->fd);
		return false;
	}
	return add(k, l, e);
}

/* "*" is IPv4 and, where the machine has it, IPv6. */
static bool open_all_addresses(struct keeper *k, struct listener l, int *code, struct err *e)
{
	struct listener six = l;
	int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has_six = probe >= 0;

	fd_close(&probe);
	snprintf(l.address, sizeof l.address, "0.0.0.0");
	snprintf(six.address, sizeof six.address, "::");
	return open_one(k, &l, code, e) && (!has_six || open_one(k, &six, code, e));
}

static bool open_word(struct keeper *k, struct span word, int *code, struct err *e)
{
	struct listener l;
	int at = 0, given = 0;

	*code = EX_CONFIG;
	if (!listen_parse(word, &l, e))
		return false;
	if (l.tls && k->certificate < 0) {
		log_warn("not listening for %s: TLS needs a certificate (tls/certificate in %s)",
		    l.name, k->file);
		return true;
	}
	while ((l.fd = activated(l.name, &at)) >= 0) {
		given++;
		if (!add(k, &l, e))
			return false;
	}
	if (given)
		return true;
	if (strcmp(l.address, "*") == 0)
		return open_all_addresses(k, l, code, e);
	return open_one(k, &l, code, e);
}

bool listen_all(struct keeper *k, int *code, struct err *e)
{
	const struct conf_list *list = (const void *)((const char *)&k->conf + k->daemon->listen);

	for (size_t i = 0; i < list->count; i++) {
		if (!open_word(k, span_of(list->words[i]), code, e))
			return false;
	}
	*code = EX_CONFIG;
	return k->listener_count || err_perm(e, "5.3.5", "nothing to listen on: %s/listen in %s says no port",
	    k->daemon->name, k->file);
}

bool listen_write_ports(const struct keeper *k, struct err *e)
{
	struct str text = STR(PORTS_MAX);
	char name[64];
	int run = open(k->conf.run_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	for (size_t i = 0; i < k->listener_count; i++)
		str_addf(&text, "%s %s %u\n", k->listeners[i].name, k->listeners[i].address,
		    k->listeners[i].port);
	snprintf(name, sizeof name, "%s.ports", k->daemon->name);
	ok = run >= 0 && file_replace(run, name, str_span(&text), 0644, e);
	if (run < 0)
		err_sys(e, "cannot open %s", k->conf.run_directory);
	fd_close(&run);
	str_free(&text);
	return ok;
}
