/*
 * NAME
 *	imapd - let users read their mail (IMAP4rev1, RFC 3501)
 * DESCRIPTION
 *	This file only declares the daemon. keeper.h reads the settings, binds the
 *	ports, opens the log, and runs the roles below. A login process, jailed and as nobody,
 *	talks until somebody is let in; the session then is a process of that
 *	user. Each role is a program of its own, so that what it links is what it can do
 *	(common/keeper/roles.c has their rows).
 */
#include <stddef.h>

#include "common/keeper/keeper.h"

static const struct daemon imapd = {
	.name		= "imapd",
	.always		= { ROLE_FRONT },
	.on_request	= { ROLE_AUTH },
	.serve		= ROLE_IMAP_LOGIN,
	.after_login	= ROLE_IMAP_SESSION,
	.listen		= offsetof(struct conf, imapd_listen),
	.sessions_max	= offsetof(struct conf, imapd_sessions_max),
	.alpn		= "imap",
	.refusal	= "* BYE [LIMIT] too many connections, come back later\r\n",
};

int main(int argc, char **argv)
{
	return keeper_main(&imapd, argc, argv);
}
