/*
 * NAME
 *	pop3d - let users read their mail (POP3, RFC 1939)
 * DESCRIPTION
 *	This file only declares the daemon. keeper.h reads the settings, binds the
 *	ports, opens the log, and runs the roles below. A login process, jailed and as nobody,
 *	talks until somebody is let in; the session then is a process of that
 *	user. Each role is a program of its own, so that what it links is what it can do
 *	(common/keeper/roles.c has their rows).
 */
#include <stddef.h>

#include "common/keeper/keeper.h"

static const struct daemon pop3d = {
	.name		= "pop3d",
	.always		= { ROLE_FRONT },
	.on_request	= { ROLE_AUTH },
	.serve		= ROLE_POP3_LOGIN,
	.after_login	= ROLE_POP3_SESSION,
	.listen		= offsetof(struct conf, pop3d_listen),
	.sessions_max	= offsetof(struct conf, pop3d_sessions_max),
	.alpn		= "pop3",
	.refusal	= "-ERR [SYS/TEMP] too many connections, come back later\r\n",
};

int main(int argc, char **argv)
{
	return keeper_main(&pop3d, argc, argv);
}
