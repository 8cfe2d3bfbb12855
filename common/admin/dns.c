/* A resolver of our own. See dns.h. */
#include "common/admin/dns.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/packet.h"
#include "common/keeper/role.h"
#include "common/os/fd.h"
#include "common/os/spawn.h"

/* As root it becomes who it is in a daemon. */
static bool whom(char ids[32], struct err *e)
{
	const struct passwd *who = geteuid() == 0 ? getpwnam(roles[ROLE_RESOLVER].user) : NULL;

	if (geteuid() == 0 && !who)
		return err_perm(e, "5.3.5", "there is no user %s, see posthorn-keeper(7)", roles[ROLE_RESOLVER].user);
	if (who)
		snprintf(ids, 32, "%u:%u", who->pw_uid, who->pw_gid);
	return true;
}

static bool start(const struct conf *c, struct admin_dns *d, int conf_fd, int pair[2], struct err *e)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char program[4096], ids[32] = "-";
	bool ok;

	snprintf(program, sizeof program, "%s/posthorn-resolver", c->program_directory);
	ok = whom(ids, e) && spawn(&(struct spawn){ .program = program, .argv = { "posthorn/resolver", ids, NULL },
		.fds = { null, null, STDERR_FILENO, pair[1], conf_fd, -1 } }, &d->pid, e);
	fd_close(&null);
	return ok || err_while(e, "cannot start the resolver");
}

/* What a keeper does when somebody wants to ask: the resolver gets one end of a channel. */
static bool introduce(struct admin_dns *d, struct err *e)
{
	struct packet p;
	int pair[2];
	bool ok;

	if (!fd_pair(pair, e))
		return false;
	packet_begin(&p, 'c');
	packet_put_fd(&p, pair[0]);
	ok = packet_send(d->keeper, &p, e);
	fd_close(&pair[0]);
	d->resolver = pair[1];
	return ok;
}

static bool our_settings(const struct conf *c, const char *server, int *fd, struct err *e)
{
	const char *servers[] = { server };
	struct conf ours = *c;

	if (server)
		ours.dns_forward = (struct conf_list){ servers, 1 };
	return conf_to_fd(&ours, fd, e);
}

bool admin_dns_open(const struct conf *c, const char *server, struct admin_dns *d, struct err *e)
{
	int pair[2] = { -1, -1 }, conf_fd = -1;
	bool ok;

	*d = (struct admin_dns){ .resolver = -1, .keeper = -1 };
	d->dns = trust_dns_channel(&d->resolver);
	ok = our_settings(c, server, &conf_fd, e) && fd_pair(pair, e) && start(c, d, conf_fd, pair, e);
	fd_close(&conf_fd);
	fd_close(&pair[1]);
	d->keeper = pair[0];
	if (ok && introduce(d, e))
		return true;
	admin_dns_close(d);
	return false;
}

void admin_dns_close(struct admin_dns *d)
{
	fd_close(&d->resolver);
	fd_close(&d->keeper);		/* the end of the file tells it to go */
	if (d->pid > 0)
		waitpid(d->pid, NULL, 0);
	d->pid = 0;
}
