/*
 * NAME
 *	notify - tell the service manager how we are: sd_notify(3)
 * DESCRIPTION
 *	Goes to the socket that $NOTIFY_SOCKET names; without one, or when it fails,
 *	nothing happens.
 */
#ifndef COMMON_KEEPER_NOTIFY_H
#define COMMON_KEEPER_NOTIFY_H

#include "common/os/clock.h"

void notify(const char *state);		/* "READY=1" */
ms_t notify_every(void);		/* how often "WATCHDOG=1" is wanted; 0: never */

#endif
