/*
 * NAME
 *	login - tell a relay who we are
 * DESCRIPTION
 *	RFC 4954, with the entry of relay-secrets that the way names. Only to a server that the way names
 *	too (via), and that showed who it is by its certificate (the way's proof), or is on this machine by
 *	its address. That it does not let us in is our administrator's trouble, and no message's: always
 *	TEMP.
 */
#ifndef MTA_LOGIN_H
#define MTA_LOGIN_H

#include "mta/carry.h"

bool login_to(struct carrier *c, const struct job *j, struct err *e);

#endif
