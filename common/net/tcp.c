/* Connections to other servers. See tcp.h. */
#include "common/net/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/un.h>

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
static bool begin(int sock, const struct address *to, unsigned port, const char *source, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t n = address_to_sockaddr(to, port, &sa);
	int one = 1;

	if (!use_source(sock, source, e))
		return false;
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return connect(sock, (struct sockaddr *)&sa, n) == 0 || errno == EINPROGRESS ||
	    err_temp(e, "4.4.1", "%s", strerror(errno));
}

bool tcp_begin(const char *ip, unsigned port, const char *source, int *fd, struct err *e)
{
	struct address to;
	int sock;

	if (!address_parse(span_of(ip), &to))
		return err_temp(e, "4.4.1", "%s is no address", ip);
	sock = socket(to.family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return err_sys(e, "cannot make a socket");
	if (!begin(sock, &to, port, source, e)) {
		fd_close(&sock);
		return false;
	}
	*fd = sock;
	return true;
}

bool tcp_end(int fd, struct err *e)
{
	socklen_t n = sizeof(int);
	int trouble = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &trouble, &n) < 0 || trouble)
		return err_temp(e, "4.4.1", "%s", strerror(trouble ? trouble : errno));
	return true;
}

static bool connect_to(const char *ip, unsigned port, const char *source, ms_t until, int *sock, struct err *e)
{
	if (!tcp_begin(ip, port, source, sock, e))
		return false;
	if (!fd_wait_write(*sock, until))
		return err_temp(e, "4.4.1", "no answer in time");
	return tcp_end(*sock, e);
}

bool tcp_connect(const char *ip, unsigned port, const char *source, ms_t until, int *fd, struct err *e)
{
	int sock = -1;

	if (!connect_to(ip, port, source, until, &sock, e)) {
		fd_close(&sock);
		return err_while(e, "cannot connect to %s port %u", ip, port);
	}
	*fd = sock;
	return true;
}

bool tcp_local(const char *path, int *fd, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int sock;

	if (!span_copy(span_of(path), sa.sun_path, sizeof sa.sun_path))
		return err_temp(e, "4.3.5", "%s is no path of a socket", path);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return err_sys(e, "cannot make a socket");
	if (connect(sock, (struct sockaddr *)&sa, sizeof sa) < 0) {
		err_temp(e, "4.4.1", "cannot connect to %s: %s", path, strerror(errno));
		fd_close(&sock);
		return false;
	}
	*fd = sock;
	return true;
}
