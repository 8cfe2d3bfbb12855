/*
 * NAME
 *	pam - is this the password of an account of this machine
 * DESCRIPTION
 *	Blocks as long as PAM's modules like, so only a process that may be killed calls it.
 *	Names that are not plain never get to a module. The account must be in order too (not
 *	expired, not locked). The delay after a wrong password is left to the caller.
 */
#ifndef COMMON_AUTH_PAM_H
#define COMMON_AUTH_PAM_H

#include "common/base/err.h"

/* False: PERM it is not, TEMP it cannot be told now. */
bool pam_check(const char *service, const char *user, const char *password, const char *peer_ip,
    struct err *e);

#endif
