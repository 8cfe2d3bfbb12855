/* A process of the daemons', started by a command. See servant.h. */
#include "common/admin/servant.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/os/fd.h"
#include "common/os/spawn.h"

/* As root it becomes who it is in a daemon. */
static bool whom(enum role_id role, char ids[32], struct err *e)
{
	const struct passwd *who = geteuid() == 0 ? getpwnam(roles[role].user) : NULL;

	if (geteuid() == 0 && !who)
		return err_perm(e, "5.3.5", "there is no user %s, see posthorn-keeper(7)",
		    roles[role].user);
	snprintf(ids, 32, "-");
	if (who)
		snprintf(ids, 32, "%u:%u", who->pw_uid, who->pw_gid);
	return true;
}

static bool start(const struct conf *c, enum role_id role, bool quiet, const int fds[3],
    struct servant *s, struct err *e)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char program[4096], name[64], ids[32];
	bool ok;

	snprintf(program, sizeof program, "%s/%s", c->program_directory, roles[role].program);
	snprintf(name, sizeof name, "posthorn/%s", roles[role].name);
	ok = whom(role, ids, e) &&
		spawn(&(struct spawn){ .program = program, .argv = { name, ids, NULL },
		    .fds = { null, null, quiet ? null : STDERR_FILENO, fds[0], fds[1], fds[2] } },
		    &s->pid, e);
	fd_close(&null);
	return ok || err_while(e, "cannot start %s", roles[role].program);
}

bool servant_start(const struct conf *c, enum role_id role, unsigned how, struct servant *s,
    struct err *e)
{
	int keeper[2] = { -1, -1 }, work[2] = { -1, -1 }, conf_fd = -1;
	bool ok;

	*s = (struct servant){ .keeper = -1, .work = -1 };
	ok = conf_to_fd(c, &conf_fd, e) && fd_pair(keeper, e) &&
	    (!(how & SERVANT_WORK) || fd_pair(work, e)) && start(c, role, how & SERVANT_QUIET,
	    (const int[]){ keeper[1], conf_fd, work[1] }, s, e);
	fd_close(&conf_fd);
	fd_close(&keeper[1]);
	fd_close(&work[1]);
	s->keeper = keeper[0];
	s->work = work[0];
	if (!ok)
		servant_stop(s);
	return ok;
}

void servant_stop(struct servant *s)
{
	fd_close(&s->work);
	fd_close(&s->keeper);		/* the end of the file tells it to go */
	if (s->pid > 0)
		waitpid(s->pid, NULL, 0);
	s->pid = 0;
}
