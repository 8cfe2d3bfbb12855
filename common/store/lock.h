/*
 * NAME
 *	lock - one writer at a time for dovecot-uidlist and its neighbours
 * DESCRIPTION
 *	Among ourselves a kernel lock on the directory, which dies with its owner; towards
 *	Dovecot the dot-lock FILE.lock it knows, holding "pid:host". A dot-lock is stale,
 *	and taken over, when it is older than the machine's last start or than two minutes.
 *	Ours have mode 0700, which no other program gives them: whoever finds one while
 *	holding the kernel lock knows that its owner is dead.
 *	Where the directory may not be written (EACCES, EROFS) taking fails.
 */
#ifndef COMMON_STORE_LOCK_H
#define COMMON_STORE_LOCK_H

#include "common/base/err.h"

struct store_lock {
	int		 dir;
	const char	*file;		/* "dovecot-uidlist" */
};

bool store_lock(int dir, const char *file, struct store_lock *lock, struct err *e);
void store_unlock(struct store_lock *lock);

/* Pure: may a lock file made at made_s be taken over by who holds the kernel lock? */
bool store_lock_is_stale(long long made_s, long long now_s, long long booted_s, bool ours);

#endif
