/*
 * NAME
 *	entry - let a client in: SASL with our keeper as the judge
 * SYNOPSIS
 *	entry_open(&x, &role, &wire, &who);	again when TLS is up
 *	sasl_begin(&s, entry_judge(&x), &x.offer, mechanism)
 * DESCRIPTION
 *	What the three daemons with logins share. A client has ROLE_LOGINS_MAX tries, those that
 *	it gives up half way among them; then all are wrong, and the keeper is not asked. When the judge says yes, who is filled, and the keeper
 *	remembers it too. The front hears that the client is known. Each verdict is a line in
 *	the log.
 */
#ifndef COMMON_KEEPER_ENTRY_H
#define COMMON_KEEPER_ENTRY_H

#include "common/auth/sasl.h"
#include "common/io/wire.h"
#include "common/keeper/role.h"

struct entry {
	struct role_self	*role;
	struct wire		*wire;
	struct role_user	*who;
	struct sasl_offer	 offer;		/* on this connection, as it is now */
	unsigned		 tries;
};

void entry_open(struct entry *x, struct role_self *role, struct wire *wire, struct role_user *who);
struct sasl_judge entry_judge(struct entry *x);		/* x must stay where it is */

#endif
