/* Connections to other servers. See tcp.h. */
#include "common/net/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "common/net/address.h"
#include "common/os/fd.h"

static bool use_source(int sock, const char *source, struct err *e)
{
	struct sockaddr_storage from;
	struct address a;
	socklen_t n;

	if (!*source)
		return true;
	if (!address_parse(span_of(source), &a))
		return err_temp(e, "4.3.5", "%s is no address to send from", source);
	n = address_to_sockaddr(&a, 0, &from);
	if (bind(sock, (struct sockaddr *)&from, n) < 0)
		return err_temp(e, "4.3.5", "cannot send from %s: %s", source, strerror(errno));
	return true;
}

/* Worker: owns nothing. */
static bool connect_to(int sock, const struct address *to, unsigned port, const char *source,
    ms_t until, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t n = address_to_sockaddr(to, port, &sa);
	int trouble = 0, one = 1;

	if (!use_source(sock, source, e))
		return false;
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(sock, (struct sockaddr *)&sa, n) == 0)
		return true;
	if (errno != EINPROGRESS)
		return err_temp(e, "4.4.1", "%s", strerror(errno));
	if (!fd_wait_write(sock, until))
		return err_temp(e, "4.4.1", "no answer in time");
	n = sizeof trouble;
	if (getsockopt(sock, SOL_SOCKET, SO_ERROR, &trouble, &n) < 0 || trouble)
		return err_temp(e, "4.4.1", "%s", strerror(trouble ? trouble : errno));
	return true;
}

bool tcp_connect(const char *ip, unsigned port, const char *source, ms_t until, int *fd, struct err *e)
{
	struct address to;
	int sock;

	if (!address_parse(span_of(ip), &to))
		return err_temp(e, "4.4.1", "%s is no address", ip);
	sock = socket(to.family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return err_sys(e, "cannot make a socket");
	if (!connect_to(sock, &to, port, source, until, e)) {
		fd_close(&sock);
		return err_while(e, "cannot connect to %s port %u", ip, port);
	}
	*fd = sock;
	return true;
}
