/*
 * NAME
 *	servant - a process of the daemons', started by a command
 * DESCRIPTION
 *	With the settings that the command has, as whom a daemon would start it, with the command as
 *	its keeper. The end of the keeper's channel, or of its work, is its end.
 */
#ifndef COMMON_ADMIN_SERVANT_H
#define COMMON_ADMIN_SERVANT_H

#include <sys/types.h>

#include "common/keeper/role.h"

struct servant {
	pid_t	pid;
	int	keeper;		/* our end of its channel */
	int	work;		/* our end of its work; -1 without */
};

enum servant_how {
	SERVANT_PLAIN	= 0,
	SERVANT_WORK	= 1 << 0,	/* it has a channel for its work */
	SERVANT_QUIET	= 1 << 1,	/* its log goes nowhere; else to our standard error */
};

/* s is then either whole, or nothing is open. */
bool servant_start(const struct conf *c, enum role_id role, unsigned how, struct servant *s,
    struct err *e);
void servant_stop(struct servant *s);

#endif
