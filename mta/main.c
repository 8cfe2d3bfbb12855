/*
 * NAME
 *	mta - take mail from other servers and carry ours to them
 * DESCRIPTION
 *	This file only declares the daemon. keeper.h reads the settings, binds the
 *	ports, opens the log, and runs the roles below. Each role is a program of its own,
 *	so that what it links is what it can do (common/keeper/roles.c has their rows),
 *	and each is jailed before it reads its first byte from anybody.
 */
#include <stddef.h>

#include "common/keeper/keeper.h"

static const struct daemon mta = {
	.name		= "mta",
	.always		= { ROLE_CLERK, ROLE_RESOLVER, ROLE_HINTS, ROLE_SCHED, ROLE_FRONT },
	.on_request	= { ROLE_SEND, ROLE_REPORT, ROLE_CHECK, ROLE_SIGN, ROLE_FETCH },
	.serve		= ROLE_INBOUND,
	.listen		= offsetof(struct conf, mta_listen),
	.sessions_max	= offsetof(struct conf, mta_sessions_max),
	.alpn		= "smtp esmtp",
	.refusal	= "421 4.7.0 too many connections, come back later\r\n",
};

int main(int argc, char **argv)
{
	return keeper_main(&mta, argc, argv);
}
